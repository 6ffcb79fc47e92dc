#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "tests/integration/agent/operated_rollout.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using test::alice;
using test::make_lifelike_rollout;
using test::simulated_agent;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* rule_path = "/api/v1/rules/production/failure-rate";

using Control = test::operated_rollout;

class ControlOfAGoodRollout : public Control {
 protected:
  ControlOfAGoodRollout() : Control(0.0) {}
};

TEST_F(Control, ABreachUnderAHoldDoesNothingAndSaysSoUntilTheHoldExpires) {
  world.start();
  run_until_armed();
  const auto held = ask(path("hold"), R"({"reason": "we know", "for": "10m"})");
  EXPECT_THAT(message(held), HasSubstr("is held until"));
  const wall_time until = world.time().wall_now() + 10min;
  ASSERT_TRUE(world.run_until([&] { return only_rule().follows == "held"; }, 10min));
  world.run_for(5s);
  EXPECT_EQ(only_rule().verdict, "breached");
  EXPECT_TRUE(has_alert("PushguardBreachHeld"));
  EXPECT_THAT(world.get("/metrics"),
              HasSubstr(fmt::format("pushguard_hold_expiry_timestamp_seconds{{hub=\"devhub\","
                                    "rollout=\"{}\",policy=\"\",rule=\"\"}}",
                                    only_rollout().id)));
  EXPECT_THAT(world.get("/api/v1/holds"), AllOf(HasSubstr("\"alice\""), HasSubstr("we know")));
  EXPECT_THAT(world.get("/api/v1/rollouts"), HasSubstr("\"holds\":[{"));
  EXPECT_THAT(world.decisions(), IsEmpty());

  ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
  EXPECT_GE(world.decisions().front().decided_at, until - 1s);
  EXPECT_LE(world.decisions().front().decided_at, until + 10s);
  run_until_ended();
  EXPECT_TRUE(has_alert("PushguardBreachHeld", true));
  EXPECT_THAT(world.log().lines_of("hold_expired"), testing::SizeIs(1));
  EXPECT_THAT(world.model().holds(), IsEmpty());
  EXPECT_THAT(world.get("/metrics"), Not(HasSubstr("pushguard_hold_expiry_timestamp_seconds{")));
}

TEST_F(Control, AHoldSurvivesARestartAndItsReleaseLetsTheBreachActAtOnce) {
  world.start();
  run_until_armed();
  ask(std::string(rule_path) + "/hold", R"({"reason": "we know", "for": "1d"})");
  world.stop();
  world.start();
  ASSERT_TRUE(
      world.run_until([&] { return !world.model().rules().empty() && only_rule().follows == "held"; }, 1h));
  world.run_for(1min);
  EXPECT_THAT(world.decisions(), IsEmpty());
  ASSERT_EQ(world.model().holds().size(), 1U);
  EXPECT_EQ(world.model().holds().front().rule, "failure-rate");

  const wall_time released = world.time().wall_now();
  ask(std::string(rule_path) + "/release", "");
  ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }, 1min));
  EXPECT_LE(world.decisions().front().decided_at, released + 1s);
  EXPECT_THAT(world.model().holds(), IsEmpty());
  EXPECT_THAT(message(ask(std::string(rule_path) + "/release", "", 409)),
              HasSubstr("production/failure-rate is not held"));
}

TEST_F(ControlOfAGoodRollout, ANewHoldOfTheSameTargetReplacesTheEarlierOne) {
  world.start();
  run_until_seen();
  ask(path("hold"), R"({"reason": "one", "for": "1h"})");
  const auto second = ask(path("hold"), R"({"reason": "two", "for": "2h"})");
  EXPECT_THAT(message(second), HasSubstr("in place of the hold of alice"));
  ASSERT_EQ(world.model().holds().size(), 1U);
  EXPECT_EQ(world.model().holds().front().reason, "two");
  world.run_for(90min);
  EXPECT_EQ(world.model().holds().size(), 1U) << "the first one's end is not the second one's";
  world.run_for(31min);
  EXPECT_THAT(world.model().holds(), IsEmpty());
  world.stop();
  world.start();
  world.run_for(10s);
  EXPECT_THAT(world.model().holds(), IsEmpty());
}

TEST_F(ControlOfAGoodRollout, AHoldThatExpiredWhileNobodyLookedIsGoneAfterTheRestart) {
  world.start();
  run_until_seen();
  ask(path("hold"), R"({"reason": "one", "for": "5m"})");
  world.stop();
  world.run_for(10min);
  world.start();
  world.run_for(10s);
  EXPECT_THAT(world.model().holds(), IsEmpty());
  EXPECT_THAT(world.log().lines_of("hold_expired"), testing::SizeIs(1));
}

TEST_F(ControlOfAGoodRollout, AManualAbortOfARolloutCancelsWhatHasNotStartedAndTriesTheRest) {
  world.start();
  ASSERT_TRUE(world.run_until([&] { return waves_that_were(domain::push_status::in_progress) == 1; }));
  const auto begun = ask(path("abort"), R"({"reason": "customers call"})", 202);
  EXPECT_THAT(message(begun), AllOf(HasSubstr("decision 1"), HasSubstr("3 requests to be cancelled")));
  EXPECT_EQ(begun.at("plan").as_array().size(), 4U);
  EXPECT_GT(begun.at("orgs").as_object().at("spared").to_number<int>(), 0);
  EXPECT_GT(begun.at("orgs").as_object().at("in_flight").to_number<int>(), 0);
  run_until_ended();
  const agent::decision_view decision = world.decisions().front();
  EXPECT_EQ(decision.mode, "manual");
  EXPECT_EQ(decision.policy, "manual");
  EXPECT_EQ(decision.rule, "rollout");
  EXPECT_EQ(decision.actor, "alice");
  EXPECT_EQ(decision.reason, "customers call");
  EXPECT_EQ(decision.outcome, "confirmed");
  for (const agent::plan_entry_view& entry : decision.plan)
    EXPECT_EQ(entry.outcome, entry.status_at_decision == "in_progress" ? "refused" : "canceled");
  EXPECT_TRUE(has_alert("PushguardContainment"));
  EXPECT_THAT(world.get("/metrics"),
              HasSubstr("pushguard_aborts_total{hub=\"devhub\",mode=\"manual\",outcome=\"confirmed\","
                        "policy=\"manual\"} 1"));

  const auto again = ask(path("abort"), R"({"reason": "customers still call"})", 200);
  EXPECT_THAT(message(again), HasSubstr("was aborted by alice"));
  EXPECT_EQ(world.decisions().size(), 1U);
  EXPECT_EQ(again.at("decision").as_object().at("id").to_number<int>(), 1);
  EXPECT_THAT(world.log().lines_of("operator_action"),
              Contains(AllOf(HasSubstr("alice"), HasSubstr("abort_requested"), HasSubstr("customers call"))));
}

TEST_F(ControlOfAGoodRollout, AnAbortOfOneRunningRequestIsRefusedInSalesforcesWordsAndStopsNothingElse) {
  world.start();
  ASSERT_TRUE(world.run_until([&] { return waves_that_were(domain::push_status::in_progress) == 1; }));
  domain::request_id running;
  domain::request_id waiting;
  for (const auto& [key, request] : world.model().requests())
    (request.row.status == domain::push_status::in_progress ? running : waiting) = request.row.id;
  ask(fmt::format("/api/v1/requests/{}/abort", running.text()), R"({"reason": "x"})", 202);
  run_until_ended();
  ASSERT_EQ(world.decisions().size(), 1U);
  EXPECT_EQ(world.decisions().front().rule, running.key());
  ASSERT_EQ(world.decisions().front().plan.size(), 1U);
  EXPECT_EQ(world.decisions().front().plan.front().outcome, "refused");
  EXPECT_THAT(world.decisions().front().plan.front().salesforce_message, Not(IsEmpty()));
  EXPECT_EQ(world.decisions().front().outcome, "nothing_to_cancel");
  EXPECT_EQ(world.truth().cancel_attempts.size(), 1U);
  EXPECT_FALSE(only_rollout().aborted_at.has_value());
  EXPECT_THAT(message(ask(path("resume"), "", 409)), HasSubstr("is not aborted"));

  ask(fmt::format("/api/v1/requests/{}/abort", waiting.key()), R"({"reason": "y"})", 202);
  run_until_ended();
  EXPECT_EQ(world.decisions().back().outcome, "confirmed");
  ASSERT_TRUE(world.run_until([&] {
    return std::ranges::all_of(world.model().requests(),
                               [](const auto& each) { return domain::is_terminal(each.second.row.status); });
  }));
  world.run_for(1min);
  EXPECT_EQ(waves_that_were(domain::push_status::canceled), 1U) << "nobody asked about the others";
}

TEST_F(ControlOfAGoodRollout, AnEndedRequestCannotBeAborted) {
  world.start();
  ASSERT_TRUE(world.run_until([&] { return waves_that_were(domain::push_status::succeeded) == 1; }));
  for (const auto& [key, request] : world.model().requests()) {
    if (request.row.status == domain::push_status::succeeded)
      EXPECT_THAT(message(ask(fmt::format("/api/v1/requests/{}/abort", request.row.id.text()),
                              R"({"reason": "x"})", 409)),
                  HasSubstr("has ended (succeeded)"));
  }
  EXPECT_THAT(world.decisions(), IsEmpty());
}

/// A wave that is scheduled late, after the first ones were aborted.
simulator::scenario with_late_waves(double failure_rate) {
  simulator::scenario plan = make_lifelike_rollout(failure_rate);
  for (const duration created : {1h, 2h}) {
    simulator::wave_plan late = plan.waves.back();
    late.created = created;
    late.start = created + 20min;
    plan.waves.push_back(late);
  }
  return plan;
}

class ControlOfLateWaves : public Control {
 protected:
  ControlOfLateWaves() : Control(with_late_waves(0.25)) {}
  int post(std::string_view action, const std::string& body) {
    const http_response reply = world.post(path(action), body, alice);
    last_body = reply.body;
    return reply.status;
  }
  bool have_ended(std::size_t count) {
    const auto decisions = world.decisions();
    return decisions.size() == count &&
           std::ranges::all_of(decisions, [](const auto& each) { return !each.outcome.empty(); });
  }
  std::string last_body;
};

TEST_F(ControlOfLateWaves, AResumedRolloutGoesOnCountsOnlyNewJobsAndCanBeAbortedAgain) {
  world.start();
  ASSERT_TRUE(world.run_until([&] { return have_ended(1); }));
  world.run_for(2min);  // what is in flight ends
  ASSERT_EQ(post("resume", R"({"reason": "fixed"})"), 200) << last_body;
  EXPECT_THAT(last_body, HasSubstr("\"epoch\":2"));
  EXPECT_EQ(post("resume", ""), 409) << last_body;
  world.run_for(10s);
  EXPECT_EQ(only_rollout().epoch, 2);
  const agent::rule_view rule = only_rule();
  EXPECT_EQ(rule.verdict, "insufficient_data");
  EXPECT_EQ(rule.failed, 0U);
  EXPECT_TRUE(std::ranges::any_of(world.alerts(), [](const auto& alert) {
    return alert.name == "PushguardContainment" && alert.is_resolved;
  }));
  const wall_time since = *only_rollout().resumed_at;

  world.stop();
  world.start();
  ASSERT_TRUE(world.run_until([&] { return have_ended(2); }, 3h)) << "the late wave ran, and went bad";
  const agent::decision_view second = world.decisions().back();
  EXPECT_EQ(second.epoch, 2);
  EXPECT_EQ(second.mode, "enforce");
  EXPECT_LT(second.started, 100U) << "orgs of the first waves are not counted";
  EXPECT_GT(second.decided_at, since + 10min);
  EXPECT_EQ(only_rollout().resumed_at, since) << "the restart kept it";
}

TEST_F(ControlOfLateWaves, ARolloutOfAnEarlierLifeIsToldOnlyWhenItWasReadAgainAndCanBeHeldBefore) {
  world.start();
  ASSERT_TRUE(world.run_until([&] { return have_ended(1); }));
  const std::string hold = path("hold");
  const std::size_t spared = only_rollout().spared_orgs;
  ASSERT_GT(spared, 0U);
  world.stop();
  world.set_outage(true);
  world.start();
  world.run_for(10min);
  EXPECT_TRUE(world.model().rollouts().empty()) << "nothing is known that would be true now";
  EXPECT_EQ(world.decisions().size(), 1U);
  ask(hold, R"({"reason": "not now", "for": "1h"})");
  world.set_outage(false);
  ASSERT_TRUE(world.run_until([&] { return !world.model().rollouts().empty(); }));
  world.run_for(10s);
  EXPECT_TRUE(only_rollout().aborted_at.has_value());
  EXPECT_EQ(only_rollout().spared_orgs, spared);
  EXPECT_EQ(only_rollout().requests.size(), world.model().requests().size());
}

TEST_F(ControlOfLateWaves, WithoutAResumeTheyAreCancelledAndUnderAHoldTheyAreNotUntilItEnds) {
  world.start();
  ASSERT_TRUE(world.run_until([&] { return have_ended(1); }));
  ASSERT_EQ(post("hold", R"({"reason": "let me look", "for": "70m"})"), 200) << last_body;
  const std::size_t attempts = world.truth().cancel_attempts.size();
  world.run_for(45min);
  EXPECT_EQ(world.truth().cancel_attempts.size(), attempts);
  ASSERT_EQ(post("release", ""), 200);
  ASSERT_TRUE(world.run_until([&] { return world.truth().cancel_attempts.size() > attempts; }, 2h));
}

TEST_F(ControlOfLateWaves, AManualAbortIsInForceForRequestsThatJoin) {
  world.use_policies(
      "\n  - { name: none, rules: [{ name: r, failure_budget: { above: 99% }, action: alert }] }\n");
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.model().rollouts().empty(); }));
  ASSERT_EQ(post("abort", R"({"reason": "stop"})"), 202) << last_body;
  ASSERT_TRUE(world.run_until([&] { return world.model().requests().size() == 6 && have_ended(1); }, 3h));
  world.run_for(2min);
  for (const auto& [key, request] : world.model().requests())
    EXPECT_EQ(request.row.status, domain::push_status::canceled);
}

/// The outcome of the first late wave, which the abort's plan did not have at first; "" where it has none.
std::string outcome_of_late_wave(const simulated_agent& world) {
  const std::vector<agent::decision_view> decisions = world.decisions();
  return decisions.empty() || decisions.front().plan.size() < 5 ? "" : decisions.front().plan[4].outcome;
}

TEST_F(ControlOfLateWaves, AnExtensionThatARestartInterruptsIsTakenUpAgain) {
  for (const char* step : {"abort_extended", "abort_call_answered", "abort_request_settled"}) {
    simulated_agent world(with_late_waves(0.25));
    world.start();
    ASSERT_TRUE(world.run_until(
        [&] { return !world.decisions().empty() && !world.decisions().front().outcome.empty(); }));
    const std::size_t before = world.log().lines_of(step).size();
    ASSERT_TRUE(world.run_until([&] { return world.log().lines_of(step).size() > before; }, 2h)) << step;
    world.stop();
    world.start();
    ASSERT_TRUE(world.run_until([&] { return world.log().lines_of("abort_ended").size() == 2; }, 10min))
        << "interrupted at " << step;
    world.run_for(10s);  // the jobs follow their request
    EXPECT_EQ(outcome_of_late_wave(world), "canceled");
    EXPECT_EQ(world.decisions().front().outcome, "confirmed");
    EXPECT_EQ(world.decisions().front().spared_orgs, world.truth().spared_orgs.size());
    EXPECT_THAT(world.log().lines_of("abort_resumed"), testing::SizeIs(1));
    world.stop();
    world.start();
    world.run_for(1min);
    EXPECT_THAT(world.log().lines_of("abort_resumed"), testing::SizeIs(1)) << "it had ended";
  }
}

TEST_F(ControlOfLateWaves, AWaveThatWaitsForTheEndOfAHoldIsNotForgottenByARestart) {
  world.start();
  ASSERT_TRUE(world.run_until([&] { return have_ended(1); }));
  ASSERT_EQ(post("hold", R"({"reason": "let me look", "for": "2h"})"), 200) << last_body;
  ASSERT_TRUE(world.run_until([&] { return world.model().requests().size() == 5; }, 2h));
  world.run_for(1min);
  world.stop();
  world.start();
  ASSERT_TRUE(world.run_until([&] { return world.model().requests().size() == 5; }, 1min));
  world.run_for(1min);
  EXPECT_EQ(outcome_of_late_wave(world), "");
  ASSERT_EQ(post("release", ""), 200) << last_body;
  EXPECT_TRUE(world.run_until([&] { return outcome_of_late_wave(world) == "canceled"; }, 1min));
}

TEST_F(Control, ARolloutThatWasBreachedBeforeArmingIsAbortedOnceItIsArmed) {
  start_when_breached();
  EXPECT_THAT(world.decisions(), IsEmpty());
  const auto armed = ask(path("arm"), R"({"reason": "it may act"})");
  EXPECT_EQ(armed.at("armed").as_array().size(), 1U);
  run_until_ended();
  EXPECT_EQ(world.decisions().front().mode, "enforce");
  EXPECT_TRUE(has_alert("PushguardBreachedBeforeArming", true));
  EXPECT_THAT(message(ask(path("arm"), "")), HasSubstr("was armed already"));
}

TEST_F(Control, WhileTheStoreRefusesNothingIsDone) {
  world.start();
  run_until_armed();
  world.set_disk_full(true);
  EXPECT_THAT(message(ask(path("abort"), R"({"reason": "x"})", 503)), HasSubstr("nothing was done"));
  EXPECT_THAT(message(ask(path("hold"), R"({"reason": "x", "for": "1h"})", 503)),
              HasSubstr("nothing was done"));
  world.run_for(1min);
  EXPECT_THAT(world.decisions(), IsEmpty());
  EXPECT_THAT(world.truth().cancel_attempts, IsEmpty());
  EXPECT_THAT(world.model().holds(), IsEmpty());
  EXPECT_FALSE(has_alert("PushguardContainment"));
  world.set_disk_full(false);
  ask(path("hold"), R"({"reason": "x", "for": "1h"})");
}

TEST_F(Control, AResumeThatCannotBeStoredChangesNothing) {
  world.start();
  run_until_armed();
  run_until_ended();
  world.set_disk_full(true);
  ask(path("resume"), "", 503);
  EXPECT_EQ(only_rollout().epoch, 1);
  world.set_disk_full(false);
  ask(path("resume"), "");
  EXPECT_EQ(only_rollout().epoch, 2);
}

TEST_F(ControlOfAGoodRollout, WhoMayNotActIsRefused) {
  world.start();
  run_until_seen();
  const std::string target = path("hold");
  const std::string body = R"({"reason": "x", "for": "1h"})";
  const auto with = [&](http_headers headers) {
    headers.set("Content-Type", "application/json");
    return world.send({.method = "POST", .target = target, .headers = std::move(headers), .body = body});
  };
  const std::string good = fmt::format("Bearer {}", alice);
  const auto none = with({});
  EXPECT_EQ(none.status, 401);
  EXPECT_THAT(std::string(none.headers.find("WWW-Authenticate").value_or("")), HasSubstr("Bearer"));
  const auto wrong = with({{"Authorization", "Bearer alices-own-token-2"}});
  EXPECT_EQ(wrong.status, 401);
  EXPECT_THAT(wrong.body, Not(HasSubstr("alices-own-token")));
  EXPECT_EQ(with({{"Authorization", fmt::format("Basic {}", alice)}}).status, 401);
  EXPECT_EQ(with({{"Authorization", good}, {"Sec-Fetch-Site", "cross-site"}}).status, 403);
  EXPECT_EQ(with({{"Authorization", good}, {"Sec-Fetch-Site", "same-site"}}).status, 403);
  EXPECT_EQ(with({{"Authorization", good}, {"Origin", "https://evil.example.com"}}).status, 403);
  EXPECT_EQ(with({{"Authorization", good}, {"Origin", "null"}}).status, 403);
  EXPECT_THAT(world.model().holds(), IsEmpty());
  EXPECT_EQ(with({{"Authorization", good}, {"Sec-Fetch-Site", "same-origin"}}).status, 200);

  const auto plain = world.send({.method = "POST",
                                 .target = target,
                                 .headers = {{"Authorization", good}, {"Content-Type", "text/plain"}},
                                 .body = body});
  EXPECT_EQ(plain.status, 415);
  EXPECT_EQ(world.post(target, std::string(16 * 1024 + 1, ' '), alice).status, 413);
  EXPECT_EQ(world.post(target, std::string(16 * 1024, ' '), alice).status, 400);
  EXPECT_EQ(world.send({.method = "GET", .target = target}).status, 405);
  for (const std::string& line : world.log().lines_of("operator_action"))
    EXPECT_THAT(line, Not(HasSubstr("alices-own-token")));
}

TEST_F(ControlOfAGoodRollout, WhatIsNotThereIsNotFound) {
  world.start();
  run_until_seen();
  const std::string version(only_rollout().version.text());
  const std::string body = R"({"reason": "x", "for": "1h"})";
  EXPECT_THAT(message(ask("/api/v1/rollouts/other/" + version + "/hold", body, 404)), HasSubstr("other"));
  ask("/api/v1/rollouts/devhub/" + version + "/9/hold", body, 404);
  ask("/api/v1/rollouts/devhub/" + version + "/hold", body, 200);
  ask("/api/v1/rollouts/devhub/0DV000000000001/hold", body, 400);
  ask("/api/v1/requests/0DV000000000009/abort", R"({"reason": "x"})", 404);
  ask("/api/v1/rules/production/nothing/hold", body, 404);
  ask("/api/v1/rules/nothing/failure-rate/hold", body, 404);
  ask("/api/v1/rules/production/failure-rate/arm", "", 404);
}

TEST(ControlWithoutTokens, IsOff) {
  simulated_agent world(make_lifelike_rollout(0.0));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.model().rollouts().empty(); }));
  const auto reply = world.post("/api/v1/rules/production/failure-rate/hold", "{}", alice);
  EXPECT_EQ(reply.status, 403);
  EXPECT_THAT(reply.body, HasSubstr("POST is off: http.api_tokens_file is not configured"));
}

}  // namespace
}  // namespace pushguard
