#include "agent/policy/judge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/agent/policy/courtroom.hpp"

namespace pushguard::policy {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A rollout of one running and one waiting request, read completely and found healthy.
courtroom watched(std::vector<policy_specification> policies = {rate_policy()}, judge_memory memory = {}) {
  courtroom court(std::move(policies), std::move(memory));
  court.rows({request_row(1), request_row(2, push_status::pending)});
  court.jobs(1, 100, 1, push_status::pending, 0s);
  court.reconcile();
  (void)court.evaluate();
  return court;
}

/// 17 of 100 fail, and why is known.
void fail_badly(courtroom& court) {
  court.jobs(1, 17, 1, push_status::failed);
  court.errors(1, 17);
  court.jobs(18, 100, 1, push_status::succeeded);
}

const judgement& only(const evaluation& from) {
  EXPECT_THAT(from.judgements, SizeIs(1));
  return from.judgements.at(0);
}

TEST(Judge, SaysNothingBeforeTheFirstCompleteRead) {
  courtroom court({rate_policy()});
  court.rows({request_row(1)});
  fail_badly(court);
  const auto made = court.evaluate();
  EXPECT_EQ(only(made).value, verdict::insufficient_data);
  EXPECT_EQ(only(made).armed, arming::waiting);
  EXPECT_EQ(
      only(made).reason,
      "the first read of the hub is not complete; so far: failed 17 of 100 started = 17.0%; lower bound "
      "6.6% > limit 5.0% (99% confidence)");
  EXPECT_THAT(made.needs_errors, IsEmpty());
}

TEST(Judge, ArmsWhenTheFirstCompleteReadFindsNoBreach) {
  courtroom court({rate_policy()});
  court.rows({request_row(1)});
  court.jobs(1, 30, 1, push_status::succeeded);
  EXPECT_THAT(court.evaluate().armings, IsEmpty());
  court.reconcile();
  const auto made = court.evaluate();
  EXPECT_EQ(only(made).value, verdict::ok);
  EXPECT_EQ(only(made).armed, arming::armed);
  EXPECT_THAT(made.armings, ElementsAre(known_arming{first_rollout(), policy_mode::enforce, "production",
                                                     "failure-rate", arming::armed}));
  EXPECT_THAT(court.evaluate().armings, IsEmpty());
}

TEST(Judge, AbortsWhenAnArmedRuleIsBreached) {
  auto court = watched();
  fail_badly(court);
  const auto made = only(court.evaluate());
  EXPECT_EQ(made.value, verdict::breached);
  EXPECT_EQ(made.before, verdict::insufficient_data);
  EXPECT_EQ(made.follows, consequence::abort);
  EXPECT_EQ(made.reason, "failed 17 of 100 started = 17.0%; lower bound 6.6% > limit 5.0% (99% confidence)");
  EXPECT_EQ(made.key, (judgement_key{first_rollout(), {}, "production", "failure-rate", ""}));
  EXPECT_EQ(made.numbers.failed, 17U);
  EXPECT_EQ(made.numbers.started, 100U);
  EXPECT_EQ(made.severity, rule_severity::critical);
  EXPECT_EQ(made.at, at(1min));
}

TEST(Judge, AbortsOnceOnly) {
  auto court = watched();
  fail_badly(court);
  EXPECT_EQ(only(court.evaluate()).follows, consequence::abort);
  court.jobs(101, 110, 1, push_status::failed);
  court.errors(101, 110);
  const auto again = only(court.evaluate());
  EXPECT_EQ(again.value, verdict::breached);
  EXPECT_EQ(again.follows, consequence::nothing);
  EXPECT_THAT(court.evaluate().judgements, IsEmpty());
}

TEST(Judge, DoesNotFireAgainAfterARestart) {
  judge_memory memory;
  {
    auto court = watched();
    fail_badly(court);
    (void)court.evaluate();
    memory = court.judge.memory();
  }
  EXPECT_THAT(memory.fired, ElementsAre(firing_key{first_rollout(), 1, policy_mode::enforce, "production",
                                                   "failure-rate"}));
  courtroom court({rate_policy()}, memory);
  court.rows({request_row(1)});
  fail_badly(court);
  court.reconcile();
  const auto made = only(court.evaluate());
  EXPECT_EQ(made.value, verdict::breached);
  EXPECT_EQ(made.armed, arming::armed);
  EXPECT_EQ(made.follows, consequence::nothing);
}

TEST(Judge, StaysArmedAcrossARestart) {
  const auto memory = watched().judge.memory();
  courtroom court({rate_policy()}, memory);
  court.rows({request_row(1)});
  fail_badly(court);
  EXPECT_EQ(only(court.evaluate()).follows, consequence::nothing);  // not before the hub is read again
  court.reconcile();
  EXPECT_EQ(only(court.evaluate()).follows, consequence::abort);
}

TEST(Judge, AnswersAgainWhatCouldNotBeRecorded) {
  auto court = watched();
  fail_badly(court);
  const auto made = only(court.evaluate());
  court.judge.withdraw(made.firing());
  EXPECT_EQ(only(court.evaluate()).follows, consequence::abort);
  court.judge.withdraw({first_rollout(), 9, policy_mode::enforce, "production", "failure-rate"});
  EXPECT_EQ(only(court.evaluate(freshness::blind)).follows, consequence::nothing);
}

TEST(Judge, OnlyAlertsOnARolloutThatWasBreachedWhenFirstSeen) {
  courtroom court({rate_policy()});
  court.rows({request_row(1)});
  fail_badly(court);
  court.reconcile();
  const auto made = court.evaluate();
  EXPECT_EQ(only(made).armed, arming::breached_before_arming);
  EXPECT_EQ(only(made).follows, consequence::breached_before_arming);
  ASSERT_THAT(made.armings, SizeIs(1));
  EXPECT_EQ(made.armings[0].state, arming::breached_before_arming);
  court.reconcile();
  EXPECT_THAT(court.evaluate().armings, IsEmpty());
  court.judge.arm(first_rollout());
  const auto armed = court.evaluate();
  EXPECT_EQ(only(armed).follows, consequence::abort);
  ASSERT_THAT(armed.armings, SizeIs(1));
  EXPECT_EQ(armed.armings[0].state, arming::armed);
}

TEST(Judge, DoesNotArmWhileABreachIsUnconfirmed) {
  courtroom court({rate_policy()});
  court.rows({request_row(1)});
  court.jobs(1, 17, 1, push_status::failed);
  court.jobs(18, 100, 1, push_status::succeeded);
  court.reconcile();
  const auto made = court.evaluate();
  EXPECT_EQ(only(made).armed, arming::waiting);
  EXPECT_THAT(made.needs_errors, SizeIs(17));
  court.errors(1, 17);
  EXPECT_EQ(only(court.evaluate()).armed, arming::breached_before_arming);
}

TEST(Judge, WouldAbortInDryRun) {
  auto court = watched({rate_policy(policy_mode::dry_run)});
  fail_badly(court);
  const auto made = only(court.evaluate());
  EXPECT_EQ(made.follows, consequence::would_abort);
  EXPECT_EQ(made.mode, policy_mode::dry_run);
}

TEST(Judge, ArmsAnewWhenAPolicyIsEnforced) {
  auto court = watched({rate_policy(policy_mode::dry_run)});
  fail_badly(court);
  (void)court.evaluate();
  judge successor({rate_policy(policy_mode::enforce)}, court.judge.memory());
  successor.apply_all(court.hub);
  const auto made = successor.evaluate(court.hub, at(2min), freshness::fresh);
  EXPECT_EQ(only(made).follows, consequence::breached_before_arming);
}

TEST(Judge, KeepsItsArmingsAtAReload) {
  auto court = watched();
  judge successor({rate_policy()}, court.judge.memory());
  successor.apply_all(court.hub);
  EXPECT_EQ(only(successor.evaluate(court.hub, at(2min), freshness::fresh)).armed, arming::armed);
  court.judge = std::move(successor);
  fail_badly(court);
  EXPECT_EQ(only(court.evaluate()).follows, consequence::abort);
}

TEST(Judge, AlertsWithoutArmingWhereTheRuleSaysAlert) {
  auto policy = rate_policy();
  policy.rules[0].action = rule_action::alert;
  courtroom court({policy});
  court.rows({request_row(1)});
  fail_badly(court);
  court.reconcile();
  EXPECT_EQ(only(court.evaluate()).follows, consequence::alert);
}

TEST(Judge, AlertsOnAWarning) {
  auto policy = rate_policy();
  std::get<failure_rate_rule>(policy.rules[0].test).warn_at = 0.03;
  auto court = watched({policy});
  court.jobs(1, 12, 1, push_status::failed);
  court.errors(1, 12);
  court.jobs(13, 100, 1, push_status::succeeded);
  const auto made = only(court.evaluate());
  EXPECT_EQ(made.value, verdict::warning);
  EXPECT_EQ(made.follows, consequence::alert);
}

// ---- blindness ----

TEST(Judge, IsBlindOnOldDataAndJudgesAnewAfterwards) {
  auto court = watched();
  fail_badly(court);
  const auto blind = only(court.evaluate(freshness::blind));
  EXPECT_EQ(blind.value, verdict::blind);
  EXPECT_EQ(blind.follows, consequence::nothing);
  EXPECT_EQ(
      blind.reason,
      "the last complete read of the hub is too old; by then: failed 17 of 100 started = 17.0%; lower bound "
      "6.6% > limit 5.0% (99% confidence)");
  EXPECT_THAT(court.evaluate(freshness::blind).judgements, IsEmpty());
  const auto fresh = only(court.evaluate());
  EXPECT_EQ(fresh.before, verdict::blind);
  EXPECT_EQ(fresh.follows, consequence::abort);
}

TEST(Judge, DoesNotArmWhileBlind) {
  courtroom court({rate_policy()});
  court.rows({request_row(1)});
  court.jobs(1, 30, 1, push_status::succeeded);
  court.reconcile();
  EXPECT_THAT(court.evaluate(freshness::blind).armings, IsEmpty());
  EXPECT_THAT(court.evaluate().armings, SizeIs(1));
}

// ---- confirmation ----

TEST(Judge, AsksForTheErrorsABreachRestsOn) {
  auto court = watched();
  court.jobs(18, 100, 1, push_status::succeeded);
  (void)court.evaluate();
  court.jobs(1, 17, 1, push_status::failed);
  court.errors(1, 14);
  const auto waiting = court.evaluate();
  EXPECT_EQ(only(waiting).value, verdict::ok);  // 14 settled failures are none
  EXPECT_EQ(
      only(waiting).reason,
      "failed 17 of 100 started = 17.0%; lower bound 6.6% > limit 5.0% (99% confidence); 3 of the failures "
      "are being confirmed");
  EXPECT_THAT(waiting.needs_errors, ElementsAre(job_id(15), job_id(16), job_id(17)));
  EXPECT_THAT(court.evaluate().needs_errors, SizeIs(3));  // as long as they are wanted
  court.errors(15, 15);
  const auto confirmed = court.evaluate();  // 15 of 100 stand by themselves
  EXPECT_EQ(only(confirmed).follows, consequence::abort);
  EXPECT_THAT(confirmed.needs_errors, IsEmpty());
}

TEST(Judge, DropsABreachWhoseErrorsAreExcluded) {
  auto court = watched();
  court.jobs(1, 17, 1, push_status::failed);
  court.jobs(18, 100, 1, push_status::succeeded);
  (void)court.evaluate();
  court.errors(1, 17, domain::error_type::ineligible_upgrade);
  const auto made = court.evaluate();
  EXPECT_EQ(only(made).value, verdict::ok);
  EXPECT_EQ(only(made).numbers.excluded, 17U);
  EXPECT_EQ(only(made).numbers.started, 83U);
  EXPECT_THAT(made.needs_errors, IsEmpty());
}

TEST(Judge, ConfirmsWhatOnlyTheStreamHasSaid) {
  auto policy = rate_policy();
  policy.exclude_errors = {.types = {}, .titles = {}};
  auto court = watched({policy});
  court.jobs(18, 100, 1, push_status::succeeded);
  for (unsigned n = 1; n <= 17; ++n)
    court.event(n, push_status::failed);
  const auto waiting = court.evaluate();
  EXPECT_NE(only(waiting).value, verdict::breached);
  EXPECT_THAT(waiting.needs_errors, SizeIs(17));
  court.jobs(1, 17, 1, push_status::failed);
  EXPECT_EQ(only(court.evaluate()).follows, consequence::abort);
}

TEST(Judge, IsBlindWhenItCannotConfirm) {
  auto court = watched();
  court.jobs(1, 17, 1, push_status::failed);
  court.jobs(18, 100, 1, push_status::succeeded);
  const auto wanted = court.evaluate().needs_errors;
  court.judge.cannot_confirm(court.hub, wanted);
  const auto blind = court.evaluate();
  EXPECT_EQ(only(blind).value, verdict::blind);
  EXPECT_EQ(
      only(blind).reason,
      "failed 17 of 100 started = 17.0%; lower bound 6.6% > limit 5.0% (99% confidence); 17 of the failures "
      "could not be confirmed");
  EXPECT_THAT(blind.needs_errors, SizeIs(17));
  court.errors(1, 17);
  EXPECT_EQ(only(court.evaluate()).follows, consequence::abort);
}

TEST(Judge, AsksForABoundedNumberOfJobs) {
  auto court = watched();
  court.jobs(1, 1'000, 1, push_status::failed);
  EXPECT_THAT(court.evaluate().needs_errors, SizeIs(confirmed_jobs_max));
}

// ---- scopes, segments, matches ----

TEST(Judge, CountsRequestsApartInRequestScope) {
  auto policy = rate_policy();
  policy.scope = counting_scope::request;
  auto court = watched({policy});
  court.jobs(1, 100, 1, push_status::succeeded);
  court.jobs(201, 220, 2, push_status::failed);
  court.errors(201, 220);
  const auto made = court.evaluate();
  ASSERT_THAT(made.judgements, SizeIs(2));
  EXPECT_EQ(made.judgements[0].key.request, request_id(1));
  EXPECT_EQ(made.judgements[0].value, verdict::ok);
  EXPECT_EQ(made.judgements[1].key.request, request_id(2));
  EXPECT_EQ(made.judgements[1].follows, consequence::abort);
}

TEST(Judge, CountsVersionsTogetherInPackageScope) {
  auto policy = rate_policy();
  policy.scope = counting_scope::package;
  auto court = watched({policy});
  auto other_version = request_row(3);
  other_version.version = version_id(2);
  court.rows({other_version});
  court.reconcile();
  (void)court.evaluate();
  court.jobs(1, 10, 1, push_status::failed);
  court.jobs(201, 210, 3, push_status::failed);
  court.errors(1, 10);
  court.errors(201, 210);
  const auto made = only(court.evaluate());
  EXPECT_EQ(made.numbers.failed, 20U);
  EXPECT_EQ(made.key.rollout.version, version_id(2));  // the newest
  EXPECT_EQ(made.follows, consequence::abort);
}

TEST(Judge, LooksOnlyAtMatchingPackagesAndOrgs) {
  auto elsewhere = rate_policy();
  elsewhere.name = "elsewhere";
  elsewhere.match.packages = {package_id(2)};
  auto sandboxes = rate_policy();
  sandboxes.name = "sandboxes";
  sandboxes.match.org_types = {domain::org_type::sandbox};
  auto court = watched({elsewhere, sandboxes, rate_policy()});
  fail_badly(court);
  const auto made = court.evaluate();
  EXPECT_EQ(only(made).key.policy, "production");
  for (unsigned n = 1; n <= 100; ++n)
    court.rows({subscriber_row(n, "CS1", domain::org_type::sandbox)});
  const auto moved = court.evaluate();
  EXPECT_EQ(only(moved).key.policy, "sandboxes");
  EXPECT_EQ(only(moved).follows, consequence::abort);
}

TEST(Judge, TestsEachSegmentByItself) {
  auto policy = rate_policy();
  std::get<failure_rate_rule>(policy.rules[0].test).by = segmentation::sf_instance;
  auto court = watched({policy});
  for (unsigned n = 1; n <= 40; ++n)
    court.rows({subscriber_row(n, "CS1")});
  court.jobs(1, 20, 1, push_status::failed);
  court.errors(1, 20);
  court.jobs(21, 100, 1, push_status::succeeded);
  const auto made = court.evaluate();
  ASSERT_THAT(made.judgements, SizeIs(2));
  const auto& instance = made.judgements[made.judgements[0].key.segment == "CS1" ? 0 : 1];
  const auto& others = made.judgements[made.judgements[0].key.segment == "CS1" ? 1 : 0];
  EXPECT_EQ(instance.numbers.started, 40U);
  EXPECT_EQ(instance.follows, consequence::abort);
  EXPECT_EQ(others.key.segment, "unknown");
  EXPECT_EQ(others.value, verdict::ok);
  EXPECT_EQ(court.judge.current().size(), 2U);
}

TEST(Judge, JudgesOnlyWhatChanged) {
  auto court = watched();
  auto other_version = request_row(3);
  other_version.version = version_id(2);
  court.rows({other_version});
  (void)court.evaluate();
  court.event(1, push_status::in_progress);
  EXPECT_EQ(only(court.evaluate()).key.rollout, first_rollout());
  EXPECT_THAT(court.evaluate().judgements, IsEmpty());
}

// ---- epochs ----

TEST(Judge, DoesNothingUnderAHoldAndActsWhenItEnds) {
  const auto open_rollout = [] {
    courtroom court({rate_policy()});
    court.rows({request_row(1)});
    court.reconcile();
    (void)court.evaluate();
    return court;
  };
  struct hold_case {
    const char* what;
    policy::known_hold hold;
    policy::consequence follows;
  };
  const auto until = at(1h);
  const std::vector<hold_case> cases{
      {"the rollout", {.rollout = first_rollout(), .until = until}, policy::consequence::held},
      {"the rule",
       {.policy = "production", .rule = "failure-rate", .until = until},
       policy::consequence::held},
      {"another rollout",
       {.rollout = domain::rollout_id{version_id(1), 2}, .until = until},
       policy::consequence::abort},
      {"another rule",
       {.policy = "production", .rule = "budget", .until = until},
       policy::consequence::abort},
      {"expired", {.rollout = first_rollout(), .until = at(1min)}, policy::consequence::abort},
  };
  for (const auto& [what, hold, follows] : cases) {
    auto court = open_rollout();
    court.judge.set_holds({hold});
    court.jobs(1, 30, 1, push_status::failed);
    court.errors(1, 30);
    const auto held = court.evaluate(policy::freshness::fresh, at(1min));
    ASSERT_EQ(held.judgements.size(), 1U) << what;
    EXPECT_EQ(held.judgements.front().value, policy::verdict::breached) << what;
    EXPECT_EQ(held.judgements.front().follows, follows) << what;
    if (follows != policy::consequence::held)
      continue;
    EXPECT_TRUE(court.evaluate(policy::freshness::fresh, until - 1ms).judgements.empty()) << what;
    const auto acted = court.evaluate(policy::freshness::fresh, until);
    ASSERT_EQ(acted.judgements.size(), 1U) << what;
    EXPECT_EQ(acted.judgements.front().follows, policy::consequence::abort) << what;
  }
}

TEST(Judge, ActsAtOnceWhenAHoldIsReleased) {
  courtroom court({rate_policy()});
  court.rows({request_row(1)});
  court.reconcile();
  (void)court.evaluate();
  court.judge.set_holds({{.rollout = first_rollout(), .until = at(24h)}});
  court.jobs(1, 30, 1, push_status::failed);
  court.errors(1, 30);
  ASSERT_EQ(court.evaluate().judgements.at(0).follows, policy::consequence::held);
  court.judge.set_holds({});
  EXPECT_EQ(court.evaluate().judgements.at(0).follows, policy::consequence::abort);
}

TEST(Judge, CountsOnlyJobsOfTheNewEpochAfterResume) {
  auto court = watched();
  fail_badly(court);
  EXPECT_EQ(only(court.evaluate()).follows, consequence::abort);
  court.judge.resume(court.hub, first_rollout(), at(1h));
  EXPECT_EQ(court.judge.epoch(first_rollout()), 2U);
  const auto fresh = only(court.evaluate());
  EXPECT_EQ(fresh.numbers.failed, 0U);
  EXPECT_EQ(fresh.epoch, 2U);
  EXPECT_EQ(fresh.armed, arming::armed);
  court.jobs(201, 230, 2, push_status::failed, 2h);
  court.errors(201, 230);
  const auto again = only(court.evaluate());
  EXPECT_EQ(again.numbers.failed, 30U);
  EXPECT_EQ(again.follows, consequence::abort);
  EXPECT_EQ(again.firing().epoch, 2U);
}

TEST(Judge, KeepsTheEpochAtAReload) {
  auto court = watched();
  fail_badly(court);
  (void)court.evaluate();
  court.judge.resume(court.hub, first_rollout(), at(1h));
  judge successor({rate_policy()}, court.judge.memory());
  successor.apply_all(court.hub);
  EXPECT_EQ(only(successor.evaluate(court.hub, at(2h), freshness::fresh)).numbers.failed, 0U);
  EXPECT_EQ(successor.epoch(first_rollout()), 2U);
}

// Whatever is not told of a verdict, it is the same; and where it changes, all is told.
TEST(Judge, DecidesTheSameWithoutDetail) {
  auto policy = rate_policy();
  std::get<failure_rate_rule>(policy.rules[0].test).warn_at = 0.02;
  policy.rules.push_back(
      {.name = "budget", .test = failure_budget_rule{.above = 0.1}, .action = rule_action::abort});
  policy.rules.push_back({.name = "streak", .test = consecutive_failures_rule{.at_least = 5}});
  policy.rules.push_back({.name = "count", .test = failure_count_rule{.above = 12}});
  courtroom full({policy});
  courtroom brief({policy}, {}, detail::verdicts);
  std::size_t changed = 0;
  std::size_t brief_reasons = 0;
  const auto compare = [&](unsigned step) {
    const auto now = at(std::chrono::minutes(step));
    auto complete = full.evaluate(freshness::fresh, now);
    const auto made = brief.evaluate(freshness::fresh, now);
    for (const auto& told : complete.judgements) {
      const auto found = std::ranges::find(made.judgements, told.key, &judgement::key);
      ASSERT_NE(found, made.judgements.end()) << told.reason;
      EXPECT_EQ(std::tie(found->value, found->before, found->armed, found->follows, found->at),
                std::tie(told.value, told.before, told.armed, told.follows, told.at));
      EXPECT_EQ(found->numbers.failed, told.numbers.failed);
      EXPECT_EQ(found->numbers.observed, told.numbers.observed);
      if (told.value != told.before || told.follows == consequence::abort) {
        ++changed;
        EXPECT_EQ(found->reason, told.reason);
        EXPECT_EQ(found->numbers, told.numbers);
      } else if (!found->reason.empty()) {
        ++brief_reasons;  // its consequence changed
      }
    }
    EXPECT_EQ(made.needs_errors, complete.needs_errors);
    EXPECT_EQ(made.armings, complete.armings);
  };
  for (auto* court : {&full, &brief}) {
    court->rows({request_row(1)});
    court->jobs(1, 200, 1, push_status::pending, 0s);
    court->reconcile();
  }
  compare(0);
  for (unsigned n = 1; n <= 200; ++n) {
    for (auto* court : {&full, &brief}) {
      const bool fails = n % 9 == 0 || (n > 120 && n < 135);
      court->jobs(n, n, 1, fails ? push_status::failed : push_status::succeeded);
      if (fails && n % 2 == 0)
        court->errors(n - 1, n);
    }
    compare(n);
  }
  EXPECT_GE(changed, 4U);
  EXPECT_LE(brief_reasons, 8U);
}

TEST(Judge, FindsPoliciesByName) {
  const judge made({rate_policy()});
  ASSERT_NE(made.find_policy("production"), nullptr);
  EXPECT_EQ(made.find_policy("production")->rules.size(), 1U);
  EXPECT_EQ(made.find_policy("other"), nullptr);
  EXPECT_EQ(made.policies().size(), 1U);
}

}  // namespace
}  // namespace pushguard::policy
