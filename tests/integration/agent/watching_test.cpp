#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/integration/agent/operated_rollout.hpp"

/// Alerts about what is about to go wrong: each comes when it must, once, and goes.
namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::simulated_agent;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What was told under a name, in order; what is told again and again counts once.
std::vector<std::string> told(const simulated_agent& world, std::string_view name) {
  std::vector<std::string> texts;
  for (const test::told_alert& alert : world.alerts()) {
    const std::string text = (alert.is_resolved ? "resolved: " : "") + alert.summary;
    if (alert.name == name && (texts.empty() || texts.back() != text))
      texts.push_back(text);
  }
  return texts;
}

void expect_fired_and_resolved(const simulated_agent& world, std::string_view name,
                               const std::string& words) {
  EXPECT_THAT(told(world, name),
              ElementsAre(HasSubstr(words), AllOf(HasSubstr("resolved: "), HasSubstr(words))))
      << name;
}

TEST(Watching, IsSilentInAHealthyRollout) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    simulated_agent world(test::make_lifelike_rollout(0.01, seed));
    world.start();
    ASSERT_TRUE(world.run_to_the_end());
    world.run_for(10min);
    for (const char* name : {"PushguardStreamDown", "PushguardHoldExpiring", "PushguardExcludedErrors",
                             "PushguardWaveStartsEarly"})
      EXPECT_THAT(told(world, name), IsEmpty()) << name << " with seed " << seed;
  }
}

TEST(Watching, TellsOfAChannelThatStaysAwayUntilItIsLive) {
  simulator::scenario plan = test::make_lifelike_rollout(0.0);
  plan.stream.faults = {
      {.kind = simulator::fault_kind::http_status, .on = simulator::request_kind::handshake, .times = 25}};
  simulated_agent world(std::move(plan));
  world.start();
  world.run_for(4min + 50s);
  EXPECT_THAT(told(world, "PushguardStreamDown"), IsEmpty());
  world.run_for(30s);
  EXPECT_THAT(told(world, "PushguardStreamDown"),
              ElementsAre(AllOf(HasSubstr("of hub devhub has not been live since"), HasSubstr("503"))));
  world.stop();
  world.start();
  ASSERT_TRUE(world.run_until([&] { return told(world, "PushguardStreamDown").size() > 1; }, 3h));
  expect_fired_and_resolved(world, "PushguardStreamDown", "503");
}

class WatchedHold : public test::operated_rollout {};

TEST_F(WatchedHold, IsToldBeforeItEndsAlsoAfterARestart) {
  world.start();
  run_until_armed();
  ask(path("hold"), R"({"reason": "we know", "for": "2h"})");
  world.run_for(1h);
  world.stop();
  world.start();
  world.run_for(29min);
  EXPECT_THAT(told(world, "PushguardHoldExpiring"), IsEmpty());
  world.run_for(2min);
  ASSERT_THAT(told(world, "PushguardHoldExpiring"),
              ElementsAre(AllOf(HasSubstr("what is breached under it acts then"),
                                HasSubstr("Breached now: production/failure-rate for 04t"))));
  world.stop();
  world.start();
  world.run_for(31min);
  expect_fired_and_resolved(world, "PushguardHoldExpiring", "The hold of devhub 04t");
}

TEST_F(WatchedHold, IsToldHalfWayWhereItIsShortAndNoMoreWhenItIsMadeLongerOrReleased) {
  world.start();
  run_until_armed();
  const std::string rule = "/api/v1/rules/production/failure-rate";
  ask(rule + "/hold", R"({"reason": "one", "for": "20m"})");
  world.run_for(9min + 50s);
  EXPECT_FALSE(has_alert("PushguardHoldExpiring"));
  world.run_for(20s);
  EXPECT_TRUE(has_alert("PushguardHoldExpiring"));
  ask(rule + "/hold", R"({"reason": "two", "for": "40m"})");
  world.run_for(5s);
  EXPECT_TRUE(has_alert("PushguardHoldExpiring", true));
  const std::size_t before = world.alerts().size();
  world.run_for(20min);
  ask(rule + "/release", R"({"reason": "enough"})");
  world.run_for(5s);
  bool is_resolved = false;
  bool is_told_again = false;
  for (std::size_t i = before; i < world.alerts().size(); ++i) {
    const auto& alert = world.alerts()[i];
    if (alert.name != "PushguardHoldExpiring")
      continue;
    is_told_again = is_told_again || !alert.is_resolved;
    is_resolved = alert.is_resolved;
  }
  EXPECT_TRUE(is_told_again);
  EXPECT_TRUE(is_resolved);
}

TEST(Watching, TellsOfExcludedOrgsBeyondTheirUsualUntilTheRolloutIsOver) {
  simulator::scenario plan = test::make_lifelike_rollout(0.0);
  plan.failures.ineligible_rate = 0.3;
  simulated_agent world(std::move(plan));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(10min);
  expect_fired_and_resolved(world, "PushguardExcludedErrors", "> usual 5.0% (99% confidence)");
  bool has_titles = false;
  for (const auto& alert : world.alerts())
    has_titles = has_titles ||
                 (alert.name == "PushguardExcludedErrors" && alert.description.contains("IneligibleUpgrade"));
  EXPECT_TRUE(has_titles);
}

TEST(Watching, TellsOfAWaveThatStartsBeforeTheOneAheadIsDone) {
  simulator::scenario plan;
  plan.waves = {{.created = 0s, .start = 5min, .orgs = 60}, {.created = 0s, .start = 20min, .orgs = 10}};
  plan.failures.rate = 0;
  plan.push.concurrency = 2;
  plan.orgs.case_twins = 0;
  simulated_agent world(std::move(plan));
  world.start();
  world.run_for(12min);
  EXPECT_THAT(told(world, "PushguardWaveStartsEarly"), IsEmpty());
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(2min);
  expect_fired_and_resolved(world, "PushguardWaveStartsEarly", "before the earlier ones are done");
}

}  // namespace
}  // namespace pushguard
