// An hour in which no receiver can be reached, with all four kinds and the real outbox.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <map>
#include <set>

#include "alerts/alert_book.hpp"
#include "alerts/outbox.hpp"
#include "tests/support/memory_outbox_store.hpp"
#include "tests/support/receiver_kinds.hpp"
#include "tests/unit/alerts/receiver_world.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int alerts_told = 50;

class Outage : public testing::Test, protected outbox_observer {
 protected:
  Outage() { tasks_.spawn(outbox_.run()); }
  ~Outage() override {
    tasks_.cancel();
    world.pass(5min);
  }

  alert make_alert(int number, std::string summary) {
    alert out;
    out.id = fmt::format("trouble:{:02}", number);
    out.name = "Trouble";
    out.severity = alert_severity::error;
    out.labels = {{"number", fmt::format("{:02}", number)}};
    out.summary = std::move(summary);
    return out;
  }
  void commit(const std::optional<notification>& made) {
    ASSERT_TRUE(made);
    auto rows = make_outbox_rows(*made, world.time().wall_now(), ids_);
    store_.commit(*made, rows);
    outbox_.notify_committed(std::move(rows));
  }
  void raise(int number, const std::string& summary) {
    commit(book_.raise(make_alert(number, summary), world.time().wall_now()));
  }
  void resolve(int number) { commit(book_.resolve(make_alert(number, "").id, world.time().wall_now())); }
  static bool is_over(int number) { return number % 2 == 1; }

  /// Bodies and headers of what was posted to `path` from `from` on.
  std::vector<http_request> posted_to(std::string_view path, std::size_t from = 0) {
    std::vector<http_request> out;
    for (std::size_t i = from; i < world.seen.size(); ++i) {
      if (world.seen[i].target == path)
        out.push_back(world.seen[i]);
    }
    return out;
  }
  /// No more than `burst` and one for each interval in any stretch of time.
  void expect_pace(std::string_view path, unsigned burst, duration interval) {
    std::vector<steady_time> times;
    for (std::size_t i = 0; i < world.seen.size(); ++i) {
      if (world.seen[i].target == path)
        times.push_back(world.seen_at[i]);
    }
    for (std::size_t first = 0; first < times.size(); ++first) {
      for (std::size_t last = first; last < times.size(); ++last) {
        const auto allowed = burst + static_cast<std::size_t>((times[last] - times[first]) / interval);
        ASSERT_LE(last - first + 1, allowed) << path << " from " << first << " to " << last;
      }
    }
  }

  void on_outcome(std::string_view, notification_outcome, delivery_reason) override {}
  void on_queue(std::string_view, std::size_t, std::optional<wall_time>) override {}

  receiver_world world;
  test::memory_outbox_store store_;
  outbox_ids ids_;
  alert_book book_{{{.severities = {}, .receivers = {"oncall", "chat", "bus", "prometheus"}}}};
  outbox outbox_{world.context().get_executor(),
                 test::make_every_kind(world.peer(), world.net(), world.time(), world.log()),
                 store_,
                 world.time(),
                 world.log(),
                 *this,
                 random_engine(3)};
  task_group tasks_{world.context().get_executor()};
};

TEST_F(Outage, OfAnHourLosesNoAlertsEndAndNoOrder) {
  // Twenty minutes each of 503, of resets and of silence, with fifty alerts that begin, change and (every
  // other) end.
  world.status = 503;
  for (int i = 0; i < alerts_told; ++i)
    raise(i, "first words");
  world.pass(20min);
  for (int i = 0; i < alerts_told; ++i)
    raise(i, "second words");
  world.status = 0;
  world.after = after_reply::reset;
  world.pass(20min);
  for (int i = 0; i < alerts_told; ++i)
    raise(i, "last words");
  world.hangs = true;
  world.pass(15min);
  for (int i = 0; i < alerts_told; ++i) {
    if (is_over(i))
      resolve(i);
  }
  world.pass(5min);
  EXPECT_GE(store_.rows.size(), 4U * alerts_told) << "everything waits";

  const std::size_t before = world.seen.size();
  world.hangs = false;
  world.after = after_reply::keep_alive;
  world.status = 202;
  world.pass(6min);
  EXPECT_THAT(store_.rows, IsEmpty());

  // PagerDuty: one incident for each alert.
  std::map<std::string, std::vector<std::string>> incidents;
  for (const http_request& each : posted_to(test::pagerduty_path, before)) {
    const json::object event = json::parse(each.body).as_object();
    std::string step(event.at("event_action").as_string());
    if (step == "trigger")
      step += fmt::format(" {}", std::string_view(event.at("payload").at("summary").as_string()));
    incidents[std::string(event.at("dedup_key").as_string())].push_back(step);
  }
  EXPECT_THAT(incidents, SizeIs(alerts_told));
  // Slack: a message that it fired, and one of what it is now.
  std::map<std::string, std::vector<std::string>> messages;
  for (const http_request& each : posted_to(test::slack_path, before)) {
    const json::object message = json::parse(each.body).as_object();
    const std::string context(
        message.at("blocks").as_array().back().at("elements").at(0).at("text").as_string());
    messages[context.substr(context.rfind(' ') + 1)].emplace_back(message.at("text").as_string());
  }
  EXPECT_THAT(messages, SizeIs(alerts_told));
  // The webhook: the same steps, each with an id that rises, and no id for two of them.
  std::map<std::string, std::vector<std::string>> hooks;
  std::map<std::string, std::vector<std::string>> hook_ids;
  std::set<std::string> all_ids;
  for (const http_request& each : posted_to(test::webhook_path, before)) {
    const json::object body = json::parse(each.body).as_object();
    const std::string id(body.at("data").at("id").as_string());
    hooks[id].push_back(fmt::format("{} {}", std::string_view(body.at("type").as_string()),
                                    std::string_view(body.at("data").at("summary").as_string())));
    hook_ids[id].emplace_back(each.headers.find("webhook-id").value());
    all_ids.insert(hook_ids[id].back());
  }
  EXPECT_THAT(hooks, SizeIs(alerts_told));
  // Alertmanager: what it was told last of each.
  std::map<std::string, bool> has_ended;
  for (const http_request& each : posted_to(test::alertmanager_path, before)) {
    const json::object alert = json::parse(each.body).as_array().at(0).as_object();
    EXPECT_EQ(alert.at("annotations").at("summary"), "last words");
    has_ended["trouble:" + std::string(alert.at("labels").at("number").as_string())] =
        parse_time(alert.at("endsAt").as_string()).value() <= world.time().wall_now();
  }
  EXPECT_THAT(has_ended, SizeIs(alerts_told));

  std::size_t hooks_told = 0;
  for (int i = 0; i < alerts_told; ++i) {
    const std::string id = make_alert(i, "").id;
    // What changed meanwhile is worth a word while it lasts; once it is over, its end stands for it.
    std::vector<std::string> incident{"trigger first words"};
    std::vector<std::string> hook{"alert.fired first words"};
    std::vector<std::string> message{"🟠 Error: Trouble: first words"};
    incident.emplace_back(is_over(i) ? "resolve" : "trigger last words");
    hook.emplace_back(is_over(i) ? "alert.resolved last words" : "alert.updated last words");
    message.emplace_back(is_over(i) ? "✅ Resolved: Trouble: last words"
                                    : "🟠 Error (updated): Trouble: last words");
    EXPECT_THAT(incidents[id], testing::ElementsAreArray(incident)) << id;
    EXPECT_THAT(hooks[id], testing::ElementsAreArray(hook)) << id;
    EXPECT_THAT(messages[id], testing::ElementsAreArray(message)) << id;
    EXPECT_TRUE(std::ranges::is_sorted(hook_ids[id])) << id;
    EXPECT_EQ(has_ended[id], is_over(i)) << id;
    hooks_told += hook.size();
  }
  EXPECT_EQ(all_ids.size(), hooks_told);
  expect_pace(test::slack_path, 3, 1s);
  expect_pace(test::pagerduty_path, 30, 500ms);
}

// What was tried in vain has the id that it is delivered with: a receiver that took it after all knows it
// again.
TEST_F(Outage, KeepsTheIdOfANotificationOverEveryAttempt) {
  world.status = 503;
  for (int i = 0; i < 5; ++i)
    raise(i, "words");
  world.pass(1h);
  world.status = 200;
  world.pass(5min);
  std::map<std::string, std::set<std::string>> ids;
  for (const http_request& each : posted_to(test::webhook_path))
    ids[std::string(json::parse(each.body).at("data").at("id").as_string())].emplace(
        each.headers.find("webhook-id").value());
  EXPECT_THAT(ids, SizeIs(5));
  for (const auto& [alert, seen] : ids)
    EXPECT_THAT(seen, SizeIs(1)) << alert;
  EXPECT_GT(posted_to(test::webhook_path).size(), 50U);
}

}  // namespace
}  // namespace pushguard::alerts
