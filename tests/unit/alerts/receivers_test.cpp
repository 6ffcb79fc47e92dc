#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "alerts/pace.hpp"
#include "alerts/pagerduty.hpp"
#include "alerts/slack.hpp"
#include "alerts/webhook.hpp"
#include "base/base64.hpp"
#include "tests/unit/alerts/receiver_world.hpp"

namespace pushguard::alerts {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using kind = notification_kind;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

const wall_time start = parse_time("2026-01-02T03:04:05.678Z").value();
constexpr const char* routing_key = "0123456789abcdef0123456789abcdef";
const pagerduty_labels labels{.source = "hub", .component = "package_name", .group = "rollout"};
constexpr const char* slack_path = "/services/T000/B000/slack-s3cret";

outbox_row make_row(kind why = kind::fired) {
  outbox_row row;
  row.id = 1767323045678000;
  row.receiver = "someone";
  row.kind = why;
  row.created_at = start;
  alert& out = row.content;
  out.id = "breach:devhub:1";
  out.name = "PushguardRuleBreached";
  out.severity = alert_severity::critical;
  out.labels = {{"hub", "devhub"}, {"rollout", "04t000000000001/1"}, {"package_name", "Acme"}};
  out.summary = "17 of 100 failed";
  out.description = "Look.\nThen act.";
  out.annotations = {{"failed", "17"}};
  out.links = {{.name = "setup_page", .url = "https://example.com/a?b=1&c=2"}};
  out.generator_url = "https://agent.example.com/";
  out.starts_at = start;
  out.updated_at = start + 1min;
  if (why == kind::resolved) {
    out.state = alert_state::resolved;
    out.resolved_at = start + 5min;
  }
  return row;
}

/// Texts that try to be something else.
outbox_row make_hostile_row() {
  outbox_row row = make_row();
  row.content.summary = "<!channel> *bold* <https://evil.example.com|click> & \"quoted\" \xff\x01";
  row.content.labels["package_name"] = "<!here> \"; drop";
  row.content.description = std::string(8000, '<') + "\xf0\x9f";
  row.content.links.push_back({.name = "<evil>", .url = "https://example.com/x|y>"});
  row.content.links.push_back({.name = "none", .url = "javascript:alert(1)"});
  return row;
}

/// As large as the limits of an alert allow, each text in characters whose escapes are long.
outbox_row make_largest_row() {
  outbox_row row = make_row();
  row.content.summary = std::string(alert_summary_size_max, '\x01');
  row.content.description = std::string(alert_description_size_max, '\x01');
  for (int i = 0; i < 40; ++i) {
    const std::string name = "name_" + std::to_string(i);
    row.content.labels[name] = std::string(alert_value_size_max, '\x01');
    row.content.annotations["note_" + name] = std::string(alert_value_size_max, '\x01');
    row.content.links.push_back({name, "https://example.com/" + std::string(2000, 'a')});
  }
  row.content = make_bounded(std::move(row.content));
  return row;
}

json::object parsed(const std::string& body) {
  return json::parse(body).as_object();
}

// ---- PagerDuty ----

TEST(PagerdutyBody, TriggersWithEverythingThatIsNeededToAct) {
  const json::object event = parsed(pagerduty_body(make_row(), secret(routing_key), labels));
  EXPECT_EQ(event.at("routing_key"), routing_key);
  EXPECT_EQ(event.at("event_action"), "trigger");
  EXPECT_EQ(event.at("dedup_key"), "breach:devhub:1");
  EXPECT_EQ(event.at("client_url"), "https://agent.example.com/");
  const json::object& payload = event.at("payload").as_object();
  EXPECT_EQ(payload.at("summary"), "17 of 100 failed");
  EXPECT_EQ(payload.at("severity"), "critical");
  EXPECT_EQ(payload.at("source"), "pushguard devhub");
  EXPECT_EQ(payload.at("timestamp"), "2026-01-02T03:05:05.678Z");
  EXPECT_EQ(payload.at("component"), "Acme");
  EXPECT_EQ(payload.at("group"), "04t000000000001/1");
  EXPECT_EQ(payload.at("class"), "PushguardRuleBreached");
  EXPECT_EQ(payload.at("custom_details").at("failed"), "17");
  EXPECT_EQ(payload.at("custom_details").at("description"), "Look.\nThen act.");
  EXPECT_EQ(event.at("links").at(0).at("href"), "https://example.com/a?b=1&c=2");
}

TEST(PagerdutyBody, ResolvesWithTheSameKey) {
  const json::object event = parsed(pagerduty_body(make_row(kind::resolved), secret(routing_key), labels));
  EXPECT_EQ(event.at("event_action"), "resolve");
  EXPECT_EQ(event.at("dedup_key"), "breach:devhub:1");
}

TEST(PagerdutyBody, FitsItsLimitAndKeepsTheSummary) {
  const std::string body = pagerduty_body(make_largest_row(), secret(routing_key), labels);
  EXPECT_LE(body.size(), pagerduty_body_size_max);
  const json::object event = parsed(body);
  EXPECT_EQ(event.at("payload").at("summary").as_string().size(), alert_summary_size_max);
  EXPECT_THAT(json::serialize(event.at("payload").at("custom_details")), HasSubstr("too large"));
}

TEST(PagerdutyBody, IsValidWhateverBytesTheTextsHold) {
  const json::object event = parsed(pagerduty_body(make_hostile_row(), secret(routing_key), labels));
  EXPECT_THAT(std::string(event.at("payload").at("summary").as_string()), HasSubstr("<!channel>"));
  EXPECT_EQ(event.at("links").as_array().size(), 2U) << "what is no URL is no link";
}

TEST(PagerdutyBody, AcknowledgesWithTheSameKey) {
  outbox_row row = make_row(kind::acknowledged);
  row.content.acknowledged = acknowledgement{.by = "mary", .reason = "", .at = start};
  const json::object event = parsed(pagerduty_body(row, secret(routing_key), labels));
  EXPECT_EQ(event.at("event_action"), "acknowledge");
  EXPECT_EQ(event.at("dedup_key"), "breach:devhub:1");
}

outbox_row make_change(kind why = kind::fired) {
  outbox_row row = make_row(why);
  row.content.kind = alert_kind::change;
  row.content.severity = alert_severity::info;
  return row;
}

TEST(PagerdutyBody, OfAChangeHasNothingThatWouldMakeAnIncident) {
  for (const kind why : {kind::fired, kind::updated, kind::resolved}) {
    const json::object event = parsed(pagerduty_body(make_change(why), secret(routing_key), labels));
    EXPECT_EQ(event.at("routing_key"), routing_key);
    EXPECT_FALSE(event.contains("event_action"));
    EXPECT_FALSE(event.contains("dedup_key"));
    EXPECT_FALSE(event.at("payload").as_object().contains("severity"));
    EXPECT_EQ(event.at("payload").at("summary"), "17 of 100 failed");
    EXPECT_EQ(event.at("payload").at("source"), "pushguard devhub");
    EXPECT_EQ(event.at("links").as_array().size(), 1U);
  }
}

TEST(SlackBody, SaysWhoAcknowledgedAndTellsAChangeWithoutAlarm) {
  outbox_row row = make_row(kind::acknowledged);
  row.content.acknowledged = acknowledgement{.by = "mary <!here>", .reason = "on it", .at = start};
  const std::string seen = slack_body(row);
  EXPECT_THAT(seen, HasSubstr("Acknowledged: PushguardRuleBreached"));
  EXPECT_THAT(seen, HasSubstr("acknowledged by mary <!here>: on it")) << "plain text, not markup";
  const std::string begun = slack_body(make_change());
  EXPECT_THAT(begun, HasSubstr("Begun: PushguardRuleBreached"));
  EXPECT_THAT(begun, Not(HasSubstr("Info")));
  EXPECT_THAT(slack_body(make_change(kind::updated)), HasSubstr("Changed: "));
  EXPECT_THAT(slack_body(make_change(kind::resolved)), HasSubstr("Ended: "));
}

TEST(SlackBody, TellsSeveralInShortWithinSlacksLimits) {
  std::vector<outbox_row> rows{make_row(), make_row(kind::resolved)};
  rows[1].content.name = "PushguardHubBlind";
  const json::object message = parsed(slack_body(rows));
  EXPECT_THAT(json::serialize(message.at("blocks")),
              AllOf(HasSubstr("2 alerts that belong together"), HasSubstr("Critical: PushguardRuleBreached"),
                    HasSubstr("Resolved: PushguardHubBlind"), HasSubstr("setup page")));
  const std::vector<outbox_row> largest(receiver::gathered_max, make_largest_row());
  const json::object full = parsed(slack_body(largest));
  EXPECT_LE(full.at("blocks").as_array().size(), 50U);
  EXPECT_LE(full.at("text").as_string().size(), 4000U);
}

TEST(WebhookBody, NamesTheTypeOfEachTurn) {
  const auto type = [](const outbox_row& row) {
    return std::string(parsed(webhook_body(row)).at("type").as_string());
  };
  EXPECT_EQ(type(make_row(kind::fired)), "alert.fired");
  EXPECT_EQ(type(make_row(kind::acknowledged)), "alert.acknowledged");
  EXPECT_EQ(type(make_row(kind::resolved)), "alert.resolved");
  EXPECT_EQ(type(make_change(kind::fired)), "change.begun");
  EXPECT_EQ(type(make_change(kind::updated)), "change.updated");
  EXPECT_EQ(type(make_change(kind::resolved)), "change.ended");
  outbox_row row = make_row(kind::acknowledged);
  EXPECT_TRUE(parsed(webhook_body(row)).at("data").at("acknowledged_by").is_null());
  row.content.acknowledged = acknowledgement{.by = "mary", .reason = "", .at = start};
  EXPECT_EQ(parsed(webhook_body(row)).at("data").at("acknowledged_by"), "mary");
}

class Receiving : public testing::Test {
 protected:
  std::unique_ptr<receiver> make_pagerduty() {
    return make_pagerduty_receiver({.name = "oncall",
                                    .base = {.origin = world.peer(), .target = "/"},
                                    .routing_key = secret(routing_key),
                                    .labels = labels,
                                    .post = {}},
                                   world.net(), world.time());
  }
  std::unique_ptr<receiver> make_slack() {
    return make_slack_receiver(
        {.name = "chat", .webhook_url = secret(world.peer().text() + slack_path), .post = {}}, world.net(),
        world.time());
  }
  std::unique_ptr<receiver> make_webhook(std::vector<secret> keys = {secret(std::string(24, 'k'))}) {
    return make_webhook_receiver({.name = "bus",
                                  .target = secret(world.peer().text() + "/hook?token=hook-s3cret"),
                                  .secrets = std::move(keys)},
                                 world.net(), world.time());
  }
  std::vector<std::unique_ptr<receiver>> make_all() {
    std::vector<std::unique_ptr<receiver>> all;
    all.push_back(make_pagerduty());
    all.push_back(make_slack());
    all.push_back(make_webhook());
    return all;
  }

  receiver_world world;
};

TEST_F(Receiving, PagerdutyIsPostedToEnqueue) {
  world.status = 202;
  const auto to = make_pagerduty();
  EXPECT_EQ(world.deliver(*to, make_row()).verdict, delivery_verdict::sent);
  ASSERT_THAT(world.seen, SizeIs(1));
  EXPECT_EQ(world.seen[0].method, "POST");
  EXPECT_EQ(world.seen[0].target, "/v2/enqueue");
  EXPECT_EQ(world.seen[0].headers.find("Content-Type"), "application/json");
  EXPECT_EQ(world.seen[0].body, pagerduty_body(make_row(), secret(routing_key), labels));
}

TEST_F(Receiving, PagerdutySaysWhatIsWrongAndNeverTheKey) {
  world.status = 400;
  world.answer =
      R"({"status":"invalid event","message":"Event object is invalid","errors":["'summary' is missing"]})";
  const auto to = make_pagerduty();
  delivery got = world.deliver(*to, make_row());
  EXPECT_EQ(got.verdict, delivery_verdict::drop);
  EXPECT_EQ(got.reason, delivery_reason::client_error);
  EXPECT_THAT(got.detail, HasSubstr("400 Bad Request: Event object is invalid; 'summary' is missing"));
  world.answer = std::string(R"({"message":"key )") + routing_key + R"( is unknown"})";
  got = world.deliver(*to, make_row());
  EXPECT_THAT(got.detail, AllOf(HasSubstr("400"), Not(HasSubstr(routing_key))));
}

TEST_F(Receiving, EveryStatusIsJudgedAndNoAnswerMakesItPostTwice) {
  for (const auto& to : make_all()) {
    world.seen.clear();
    for (int status = 200; status <= 599; ++status) {
      world.status = status;
      const delivery got = world.deliver(*to, make_row());
      delivery expected = judge_response({.status = status, .headers = {}, .body = {}}, world.peer().text(),
                                         world.time().wall_now());
      if (to->name() == "bus" && status == 410)
        expected.verdict = delivery_verdict::drop;
      EXPECT_EQ(got.verdict, expected.verdict) << to->name() << status;
      EXPECT_EQ(got.reason, expected.reason) << to->name() << status;
      EXPECT_THAT(got.detail, testing::StartsWith(expected.detail)) << to->name() << status;
    }
    EXPECT_THAT(world.seen, SizeIs(400)) << to->name();
  }
}

TEST_F(Receiving, TooManyIsTriedAgainWhenTheReceiverSays) {
  world.status = 429;
  for (const auto& to : make_all()) {
    world.headers.set("Retry-After", "17");
    EXPECT_EQ(world.deliver(*to, make_row()).retry_after, 17s) << to->name();
    world.headers.set("Retry-After", "Sat, 03 Jan 2099 03:04:05 GMT");
    EXPECT_GT(world.deliver(*to, make_row()).retry_after, 24h) << to->name();
  }
}

TEST_F(Receiving, NoAnswerIsTriedAgain) {
  for (const auto& to : make_all()) {
    world.hangs = false;
    world.status = 0;
    world.after = after_reply::reset;
    delivery got = world.deliver(*to, make_row());
    EXPECT_EQ(got.verdict, delivery_verdict::retry) << to->name();
    EXPECT_EQ(got.reason, delivery_reason::network) << to->name();
    world.hangs = true;
    const steady_time begin = world.time().steady_now();
    got = world.deliver(*to, make_row());
    EXPECT_EQ(got.reason, delivery_reason::timed_out) << to->name();
    EXPECT_LE(world.time().steady_now() - begin, 20s) << to->name();
  }
}

TEST_F(Receiving, NoFailureTellsASecret) {
  const std::vector<std::string> secrets{routing_key, "s3cret", "kkkk"};
  const auto expect_silent = [&](const delivery& got) {
    for (const std::string& each : secrets)
      EXPECT_THAT(got.detail, Not(HasSubstr(each)));
  };
  for (const auto& to : make_all()) {
    world.after = after_reply::keep_alive;
    world.hangs = false;
    for (const int status : {301, 400, 401, 404, 429, 500}) {
      world.status = status;
      world.answer = std::string("echo ") + routing_key + " " + slack_path;
      expect_silent(world.deliver(*to, make_row()));
    }
    world.status = 0;
    world.after = after_reply::reset;
    expect_silent(world.deliver(*to, make_row()));
    world.hangs = true;
    expect_silent(world.deliver(*to, make_row()));
  }
}

// ---- Slack ----

TEST_F(Receiving, SlackIsPostedBlocksAndItsWordIsKept) {
  const auto to = make_slack();
  EXPECT_EQ(world.deliver(*to, make_row()).verdict, delivery_verdict::sent);
  ASSERT_THAT(world.seen, SizeIs(1));
  EXPECT_EQ(world.seen[0].target, slack_path);
  EXPECT_EQ(world.seen[0].body, slack_body(make_row()));
  world.status = 404;
  world.answer = "no_service";
  EXPECT_THAT(world.deliver(*to, make_row()).detail, HasSubstr("404 Not Found: no_service"));
}

TEST(SlackBody, HasAHeadlineTheReasonTheFactsAndLinks) {
  const json::object message = parsed(slack_body(make_row()));
  EXPECT_EQ(message.at("text"), "🔴 Critical: PushguardRuleBreached: 17 of 100 failed");
  const json::array& blocks = message.at("blocks").as_array();
  EXPECT_EQ(blocks.at(0).at("text").at("text"), "🔴 Critical: PushguardRuleBreached");
  EXPECT_EQ(blocks.at(1).at("text").at("text"), "17 of 100 failed");
  EXPECT_EQ(blocks.at(2).at("fields").as_array().size(), 3U);
  EXPECT_EQ(blocks.at(3).at("text").at("text"), "Look.\nThen act.");
  EXPECT_EQ(blocks.at(4).at("text").at("text"), "<https://example.com/a?b=1&amp;c=2|setup page>");
}

TEST(SlackBody, SaysWhyItIsToldAgain) {
  EXPECT_THAT(slack_body(make_row(kind::updated)), HasSubstr("Critical (updated)"));
  EXPECT_THAT(slack_body(make_row(kind::repeated)), HasSubstr("Critical (still)"));
  EXPECT_THAT(slack_body(make_row(kind::resolved)),
              AllOf(HasSubstr("✅ Resolved"), Not(HasSubstr("Then act"))));
}

TEST(SlackBody, LetsNoTextMentionOrLink) {
  const json::object message = parsed(slack_body(make_hostile_row()));
  EXPECT_THAT(std::string(message.at("text").as_string()),
              AllOf(HasSubstr("&lt;!channel&gt;"), Not(HasSubstr("<"))));
  for (const json::value& block : message.at("blocks").as_array()) {
    const json::object& each = block.as_object();
    if (each.contains("text") && each.at("text").at("type") == "mrkdwn")
      EXPECT_EQ(each.at("text").at("text"), "<https://example.com/a?b=1&amp;c=2|setup page>");
  }
}

TEST(SlackBody, FitsSlacksLimits) {
  for (const outbox_row& row : {make_hostile_row(), make_largest_row()}) {
    const json::object message = parsed(slack_body(row));
    EXPECT_LE(message.at("text").as_string().size(), 4000U);
    for (const json::value& block : message.at("blocks").as_array()) {
      const json::object& each = block.as_object();
      if (each.contains("text"))
        EXPECT_LE(each.at("text").at("text").as_string().size(), each.at("type") == "header" ? 150U : 3000U);
      if (each.contains("fields")) {
        EXPECT_LE(each.at("fields").as_array().size(), 10U);
        for (const json::value& field : each.at("fields").as_array())
          EXPECT_LE(field.at("text").as_string().size(), 2000U);
      }
    }
  }
}

// ---- the generic webhook ----

TEST(WebhookSignature, IsThatOfTheSpecification) {
  // The example of the reference libraries of Standard Webhooks.
  const auto keys = parse_webhook_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(keys);
  EXPECT_EQ(webhook_signature(*keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSecrets, ReadsOneOrSeveral) {
  const std::string one = "whsec_" + encode_base64(std::string(24, 'a'));
  const std::string two = "whsec_" + encode_base64(std::string(64, 'b'));
  EXPECT_THAT(parse_webhook_secrets(one).value(), SizeIs(1));
  EXPECT_THAT(parse_webhook_secrets(one + "\n\n  " + two + "\r\n").value(), SizeIs(2));
}

TEST(WebhookSecrets, RefusesEverythingElseAndRepeatsNothing) {
  const std::string short_one = "whsec_" + encode_base64(std::string(23, 'a'));
  const std::string long_one = "whsec_" + encode_base64(std::string(65, 'a'));
  const std::string good = "whsec_" + encode_base64(std::string(24, 'a'));
  std::string many;
  for (std::size_t i = 0; i <= webhook_secrets_max; ++i)
    many += good + "\n";
  for (const std::string& wrong :
       {std::string(), std::string("\n \n"), short_one, long_one, std::string("s3cret"),
        std::string("whsec_s3cret!"), good + "\nwhsec_", many, encode_base64(std::string(24, 'a'))}) {
    const auto read = parse_webhook_secrets(wrong);
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error().text(), Not(HasSubstr("s3cret")));
  }
}

TEST_F(Receiving, AWebhookIsSignedWithEveryKeyAndKeepsItsId) {
  const std::vector<secret> keys{secret(std::string(24, 'k')), secret(std::string(32, 'o'))};
  const auto to = make_webhook(keys);
  world.status = 503;
  EXPECT_EQ(world.deliver(*to, make_row()).verdict, delivery_verdict::retry);
  world.pass(1min);
  world.status = 200;
  EXPECT_EQ(world.deliver(*to, make_row()).verdict, delivery_verdict::sent);
  ASSERT_THAT(world.seen, SizeIs(2));
  EXPECT_EQ(world.seen[0].target, "/hook?token=hook-s3cret");
  EXPECT_EQ(world.seen[0].headers.find("webhook-id"), "msg_1767323045678000");
  EXPECT_EQ(world.seen[1].headers.find("webhook-id"), "msg_1767323045678000");
  EXPECT_NE(world.seen[0].headers.find("webhook-timestamp"), world.seen[1].headers.find("webhook-timestamp"));
  for (const http_request& each : world.seen) {
    const std::string signature = webhook_signature(
        keys, "msg_1767323045678000", std::string(each.headers.find("webhook-timestamp").value()), each.body);
    EXPECT_EQ(each.headers.find("webhook-signature"), signature);
    EXPECT_THAT(signature, HasSubstr(" v1,"));
  }
}

TEST(WebhookBody, HasTheWholeAlert) {
  const json::object message = parsed(webhook_body(make_row(kind::resolved)));
  EXPECT_EQ(message.at("type"), "alert.resolved");
  EXPECT_EQ(message.at("timestamp"), "2026-01-02T03:04:05.678Z");
  const json::object& data = message.at("data").as_object();
  EXPECT_EQ(data.at("id"), "breach:devhub:1");
  EXPECT_EQ(data.at("state"), "resolved");
  EXPECT_EQ(data.at("resolved_at"), "2026-01-02T03:09:05.678Z");
  EXPECT_EQ(data.at("labels").at("hub"), "devhub");
  EXPECT_EQ(data.at("annotations").at("failed"), "17");
  EXPECT_EQ(data.at("links").at(0).at("name"), "setup_page");
  EXPECT_EQ(data.at("truncated"), false);
}

TEST(WebhookBody, FitsItsLimitAndSaysSo) {
  outbox_row row = make_row();
  row.content.description = std::string(30'000, 'd');
  const std::string body = webhook_body(row);
  EXPECT_LE(body.size(), webhook_body_size_max);
  EXPECT_GT(body.size(), webhook_body_size_max - 100) << "no more is cut than has to be";
  EXPECT_EQ(parsed(body).at("data").at("truncated"), true);
  EXPECT_LE(webhook_body(make_largest_row()).size(), webhook_body_size_max);
  EXPECT_EQ(parsed(webhook_body(make_hostile_row())).at("type"), "alert.fired");
}

// ---- pace ----

TEST(Pace, AllowsABurstAndThenOneForEachInterval) {
  pace allowed(rate_limit{.burst = 3, .interval = 1s});
  steady_time now{1h};
  std::vector<duration> waits;
  for (int i = 0; i < 6; ++i) {
    const duration wait =
        std::max<duration>(std::chrono::duration_cast<duration>(allowed.next() - now), duration::zero());
    waits.push_back(wait);
    now += wait;
    allowed.take(now);
  }
  EXPECT_THAT(waits, testing::ElementsAre(0s, 0s, 0s, 1s, 1s, 1s));
  now += 1h;
  EXPECT_LE(allowed.next(), now);
}

TEST(Pace, OfAReceiverWithoutALimitNeverWaits) {
  pace allowed(std::nullopt);
  for (int i = 0; i < 100; ++i) {
    allowed.take(steady_time{1s});
    EXPECT_LE(allowed.next(), steady_time{1s});
  }
}

}  // namespace
}  // namespace pushguard::alerts
