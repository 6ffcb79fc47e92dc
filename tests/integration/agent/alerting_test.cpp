#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <set>

#include "base/url.hpp"
#include "tests/support/simulated_agent.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using test::simulated_agent;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* routing_key = "0123456789abcdef0123456789abcdef";
constexpr const char* hook_path = "/hook";
constexpr const char* alice = "alice-token-0123456789";

std::string text_of(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

/// What a webhook was told.
struct told {
  std::string id;
  std::string type;
  std::string name;
  std::string summary;
};

/// Beside Alertmanager a pager and a webhook at the same address, all told of everything, and alice's token.
class Alerting : public testing::Test {
 protected:
  Alerting() {
    world.use_tokens(fmt::format("alice:{}\n", alice));
    world.use_file(with_receivers("    - { receivers: [oncall, bus, prometheus] }\n"));
  }

  /// The file with `routes` in place of its own.
  std::string with_receivers(const std::string& routes) {
    world.use_file("");
    std::string file = world.file();
    const std::string receivers = "  receivers:\n";
    file.insert(file.find(receivers) + receivers.size(),
                fmt::format(R"(    - name: oncall
      pagerduty: {{ routing_key: {}, url: "{}" }}
    - name: bus
      webhook: {{ url: "{}{}", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw }}
)",
                            routing_key, world.receivers_address(), world.receivers_address(), hook_path));
    const std::string old = "    - { receivers: [prometheus] }\n";
    return file.replace(file.find(old), old.size(), routes);
  }

  std::vector<told> hooks(std::string_view name = "") {
    std::vector<told> out;
    for (const http_request& each : world.posted()) {
      if (each.target != hook_path)
        continue;
      const json::object message = json::parse(each.body).as_object();
      const json::object& data = message.at("data").as_object();
      if (name.empty() || text_of(data, "name") == name)
        out.push_back({std::string(each.headers.find("webhook-id").value()), text_of(message, "type"),
                       text_of(data, "name"), text_of(data, "summary")});
    }
    return out;
  }
  static std::vector<std::string> types(const std::vector<told>& all) {
    std::vector<std::string> out;
    for (const told& each : all)
      out.push_back(each.type);
    return out;
  }
  std::vector<std::string> hook_types(std::string_view name) { return types(hooks(name)); }

  std::vector<json::object> posted_to(std::string_view target) {
    std::vector<json::object> out;
    for (const http_request& each : world.posted()) {
      if (each.target == target)
        out.push_back(json::parse(each.body).as_object());
    }
    return out;
  }

  json::object known() { return json::parse(world.get("/api/v1/alerts")).as_object(); }
  /// Of the one alert with this name; empty where there is none.
  json::object alert(std::string_view name) {
    for (const json::value& each : known().at("alerts").as_array()) {
      if (each.at("name").as_string() == name)
        return each.as_object();
    }
    return {};
  }
  /// Without a request, so that a wait may look at it.
  bool fires(std::string_view name) {
    return std::ranges::any_of(world.model().alerting()->alerts, [&](const agent::alert_view& each) {
      return each.record.content.name == name && each.record.content.state == alerts::alert_state::firing;
    });
  }

  http_response ask(std::string_view name, std::string_view action, std::string body = "") {
    return world.post(fmt::format("/api/v1/alerts/{}/{}", text_of(alert(name), "fingerprint"), action),
                      std::move(body), alice);
  }

  void run_until_contained() {
    ASSERT_TRUE(world.run_until([&] {
      const auto made = world.decisions();
      return !made.empty() && !made.front().outcome.empty();
    }));
    world.run_for(5s);
  }

  simulated_agent world{test::make_lifelike_rollout(0.25)};
};

TEST_F(Alerting, AnAbortLastsUntilSomebodyAcknowledgesIt) {
  world.start();
  run_until_contained();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(24h);
  ASSERT_TRUE(fires("PushguardContainment")) << "nothing ends it by itself";
  EXPECT_THAT(text_of(alert("PushguardContainment"), "summary"), HasSubstr("abort confirmed"));
  const auto stranger =
      world.post(fmt::format("/api/v1/alerts/{}/ack", text_of(alert("PushguardContainment"), "fingerprint")),
                 "", "wrong-token-0123456789");
  EXPECT_EQ(stranger.status, 401);

  const auto done = ask("PushguardContainment", "ack", R"({"reason": "seen"})");
  EXPECT_EQ(done.status, 200) << done.body;
  world.run_for(5s);
  const json::object ended = alert("PushguardContainment");
  EXPECT_EQ(text_of(ended, "state"), "resolved");
  EXPECT_EQ(ended.at("acknowledged").at("by"), "alice");
  EXPECT_EQ(hook_types("PushguardContainment").back(), "alert.resolved");
  EXPECT_EQ(posted_to("/v2/enqueue").back().at("event_action"), "resolve");
  EXPECT_THAT(world.get("/api/v1/audit"), AllOf(HasSubstr("\"acknowledged\""), HasSubstr("\"alice\"")));
  EXPECT_EQ(ask("PushguardContainment", "ack").status, 409) << "it has ended";
  EXPECT_EQ(world.post("/api/v1/alerts/nonsense/ack", "", alice).status, 404);
  EXPECT_EQ(world.post(fmt::format("/api/v1/alerts/{}/ack", percent_encode(text_of(ended, "id"))), "", alice)
                .status,
            409)
      << "by its id, which has a slash in it";
}

TEST_F(Alerting, AResumptionEndsTheAlertOfAnAbort) {
  world.start();
  run_until_contained();
  const std::string id = world.model().rollouts().begin()->second.id;
  ASSERT_EQ(world.post(fmt::format("/api/v1/rollouts/devhub/{}/resume", id), "", alice).status, 200);
  world.run_for(5s);
  EXPECT_FALSE(fires("PushguardContainment"));
}

TEST_F(Alerting, IsMutedForAWhileAndOverARestart) {
  world.start();
  ASSERT_TRUE(world.run_until_armed());
  world.set_outage(true);
  ASSERT_TRUE(world.run_until([&] { return fires("PushguardHubBlind"); }));
  world.run_for(5s);
  const std::size_t before = hooks("PushguardHubBlind").size();
  EXPECT_EQ(ask("PushguardHubBlind", "mute", R"({"reason": "known"})").status, 400) << "for how long?";
  const auto done = ask("PushguardHubBlind", "mute", R"({"reason": "known", "for": "10h"})");
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(alert("PushguardHubBlind").at("muted").at("by"), "alice");
  world.run_for(5h);
  world.stop();
  world.start();
  world.run_for(4h + 50min);
  EXPECT_EQ(hooks("PushguardHubBlind").size(), before) << "the repeat interval is 4 h";
  world.run_for(15min);
  EXPECT_EQ(hooks("PushguardHubBlind").size(), before + 1) << "now it is told again";
  world.set_outage(false);
  ASSERT_TRUE(world.run_until([&] { return !fires("PushguardHubBlind"); }));
  world.run_for(5s);
  EXPECT_EQ(hook_types("PushguardHubBlind").back(), "alert.resolved");
}

TEST_F(Alerting, KeepsWhatAReceiverRefusesForGoodAndTellsTheOthers) {
  world.answer_posts("/v2/enqueue", 400);
  world.start();
  run_until_contained();
  world.run_for(2min);
  const json::object now = known();
  ASSERT_FALSE(now.at("dead_letters").as_array().empty());
  const json::object& letter = now.at("dead_letters").at(0).as_object();
  EXPECT_EQ(letter.at("receiver"), "oncall");
  EXPECT_EQ(letter.at("reason"), "client_error");
  EXPECT_THAT(text_of(letter, "detail"), HasSubstr("400"));
  EXPECT_TRUE(fires("PushguardNotificationsDropped"));
  EXPECT_THAT(hook_types("PushguardNotificationsDropped"), Contains("alert.fired"));
  for (const json::object& event : posted_to("/v2/enqueue"))
    EXPECT_THAT(text_of(event, "dedup_key"), Not(HasSubstr("notifications-dropped"))) << "not told of itself";
  const std::size_t letters = now.at("dead_letters").as_array().size();

  world.answer_posts("/v2/enqueue", 202);
  world.stop();
  world.start();
  world.run_for(1min);
  EXPECT_THAT(known().at("dead_letters").as_array(), SizeIs(testing::Ge(letters)));
  EXPECT_EQ(ask("PushguardNotificationsDropped", "ack").status, 200);
  world.run_for(1h);
  EXPECT_FALSE(fires("PushguardNotificationsDropped"));
}

TEST_F(Alerting, SaysWhichReceiverTakesNothingAndWhenItDoesAgain) {
  world.answer_posts("/v2/enqueue", 403);
  world.start();
  run_until_contained();
  ASSERT_TRUE(world.run_until([&] { return fires("PushguardReceiverFailing"); }, 10min));
  EXPECT_EQ(alert("PushguardReceiverFailing").at("labels").at("receiver"), "oncall");
  EXPECT_EQ(alert("PushguardReceiverFailing").at("annotations").at("reason"), "auth_error");
  world.run_for(5s);
  EXPECT_THAT(hook_types("PushguardReceiverFailing"), testing::ElementsAre("alert.fired"));
  world.answer_posts("/v2/enqueue", 202);
  ASSERT_TRUE(world.run_until([&] { return !fires("PushguardReceiverFailing"); }, 1h));
  world.run_for(5s);
  EXPECT_THAT(hook_types("PushguardReceiverFailing"), testing::ElementsAre("alert.fired", "alert.resolved"));
  EXPECT_THAT(known().at("dead_letters").as_array(), IsEmpty()) << "nothing was lost";
}

TEST_F(Alerting, ReachesPeopleWhileTheStoreTakesNothing) {
  world.start();
  ASSERT_TRUE(world.run_until_armed());
  world.set_disk_full(true);
  ASSERT_TRUE(world.run_until([&] { return !hooks("PushguardAbortNotRecorded").empty(); }));
  world.run_for(10s);
  EXPECT_THAT(hooks("PushguardStoreFailing"), SizeIs(testing::Ge(1U)));
  EXPECT_THAT(hooks("PushguardContainment"), IsEmpty()) << "nothing is aborted, so nobody is told that it is";
  EXPECT_THAT(hooks("PushguardAbortNotRecorded").front().summary,
              AllOf(HasSubstr("NOT aborting"), HasSubstr("failed ")));
  EXPECT_TRUE(world.truth().cancel_attempts.empty());
  EXPECT_EQ(ask("PushguardAbortNotRecorded", "ack").status, 503) << "that cannot be recorded either";
  EXPECT_TRUE(alert("PushguardAbortNotRecorded").at("acknowledged").is_null());
  for (const std::string& line : world.log().lines_of("alert_raised"))
    EXPECT_THAT(line, Not(HasSubstr("PushguardContainment"))) << "the log tells of no abort that is none";

  world.set_disk_full(false);
  run_until_contained();
  world.run_for(10min);
  EXPECT_THAT(hook_types("PushguardAbortNotRecorded"), testing::ElementsAre("alert.fired", "alert.resolved"));
  EXPECT_EQ(hook_types("PushguardStoreFailing").back(), "alert.resolved");
  EXPECT_THAT(hook_types("PushguardContainment"), testing::ElementsAre("alert.fired", "alert.updated"));

  world.stop();
  world.start();
  world.run_for(10min);
  std::set<std::string> ids;
  for (const told& each : hooks())
    ids.insert(each.id);
  EXPECT_EQ(ids.size(), hooks().size()) << "what was told from memory is not told again from the store";
}

TEST_F(Alerting, TellsThePagerOfTheRolloutsStoryAsChangeEventsOnceEach) {
  world.use_file(
      with_receivers("    - { severity: [critical], receivers: [oncall] }\n"
                     "    - { receivers: [bus, prometheus] }\n"));
  world.start();
  ASSERT_TRUE(world.run_until_armed());
  world.run_for(1min);
  world.stop();
  world.start();
  run_until_contained();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(5min);
  std::vector<std::string> summaries;
  for (const json::object& event : posted_to("/v2/change/enqueue")) {
    EXPECT_EQ(event.at("routing_key"), routing_key);
    EXPECT_FALSE(event.contains("event_action"));
    EXPECT_FALSE(event.contains("dedup_key"));
    summaries.emplace_back(event.at("payload").at("summary").as_string());
  }
  EXPECT_THAT(summaries, testing::ElementsAre(HasSubstr("has begun"), HasSubstr("is aborted: production/"),
                                              HasSubstr("has ended: ")));
  EXPECT_THAT(hook_types("PushguardRollout"),
              testing::ElementsAre("change.begun", "change.updated", "change.ended"));
  for (const test::told_alert& each : world.alerts())
    EXPECT_NE(each.name, "PushguardRollout") << "Alertmanager knows nothing but trouble";
}

TEST_F(Alerting, GoesByPolicyAndPackage) {
  world.use_file(
      with_receivers("    - { policy: [production], package: [\"Acme Billing\"], receivers: [oncall] }\n"
                     "    - { policy: [manual], receivers: [bus] }\n"
                     "    - { receivers: [prometheus] }\n"));
  world.start();
  run_until_contained();
  EXPECT_THAT(posted_to("/v2/enqueue"), Not(IsEmpty()));
  EXPECT_THAT(hooks("PushguardContainment"), IsEmpty());
  EXPECT_THAT(text_of(alert("PushguardContainment").at("labels").as_object(), "package_name"),
              testing::StrEq("Acme Billing"));
}

}  // namespace
}  // namespace pushguard
