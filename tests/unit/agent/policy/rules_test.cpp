// Each kind of rule on a hub, as the agent feeds it: what it counts, when it breaches, and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/policy/courtroom.hpp"

namespace pushguard::policy {
namespace {

using namespace test;
using testing::HasSubstr;

policy_specification policy_of(rule_test test, rule_action action = rule_action::abort) {
  policy_specification made{.name = "production", .mode = policy_mode::enforce};
  made.rules.push_back(
      {.name = "rule",
       .test = std::move(test),
       .action = action,
       .severity = action == rule_action::abort ? rule_severity::critical : rule_severity::warning});
  return made;
}

/// A rollout that is armed: nothing has started when it is first read.
courtroom armed(rule_test test, unsigned orgs = 60) {
  courtroom court({policy_of(std::move(test))});
  court.rows({request_row(1)});
  court.jobs(1, orgs, 1, push_status::pending);
  court.reconcile();
  (void)court.evaluate();
  return court;
}

/// The newest judgement of the only rule, after another evaluation.
judgement now(courtroom& court, wall_time when = at(1min)) {
  (void)court.evaluate(freshness::fresh, when);
  return court.judge.current().at(0);
}

void read_errors(courtroom& court, unsigned job, std::initializer_list<domain::error_row> rows) {
  const std::vector<domain::job_id> read{job_id(job)};
  court.judge.apply(court.hub, court.hub.apply_errors(read, std::vector(rows)));
}

// ---- failure_count ----

TEST(FailureCountRule, BreachesWithTheFirstFailureTooMany) {
  auto court = armed(failure_count_rule{.above = 2});
  court.jobs(1, 10, 1, push_status::succeeded);
  court.jobs(11, 12, 1, push_status::failed);
  court.errors(11, 12);
  EXPECT_EQ(now(court).value, verdict::ok);
  EXPECT_EQ(now(court).reason, "failed 2 of 12 started = 16.7%; 2 <= limit 2");
  court.jobs(13, 13, 1, push_status::failed);
  court.errors(13, 13);
  const auto breached = now(court);
  EXPECT_EQ(breached.value, verdict::breached);
  EXPECT_EQ(breached.follows, consequence::abort);
  EXPECT_EQ(breached.reason, "failed 3 of 13 started = 23.1%; 3 > limit 2");
}

TEST(FailureCountRule, WaitsForTheErrorsThatCouldUnmakeTheBreach) {
  auto court = armed(failure_count_rule{.above = 0});
  court.jobs(1, 1, 1, push_status::failed);
  const auto found = court.evaluate();
  EXPECT_EQ(found.needs_errors, std::vector{job_id(1)});
  EXPECT_EQ(court.judge.current().at(0).value, verdict::insufficient_data);
  court.errors(1, 1, domain::error_type::ineligible_upgrade);
  EXPECT_EQ(now(court).value, verdict::insufficient_data) << "excluded: nothing has started";
}

// ---- errors ----

TEST(ErrorsRule, CountsOrgsByTheTypesOfTheirErrors) {
  auto court =
      armed(errors_rule{.types = {domain::error_type::apex_test_failure}, .min_orgs = 2, .min_ratio = 0.05});
  court.jobs(1, 40, 1, push_status::in_progress);
  court.jobs(1, 3, 1, push_status::failed, 2s);
  court.errors(1, 1, domain::error_type::deploy_error);
  court.errors(2, 3, domain::error_type::apex_test_failure);
  const auto breached = now(court);
  EXPECT_EQ(breached.value, verdict::breached);
  EXPECT_EQ(breached.numbers.failed, 2U);
  EXPECT_EQ(breached.reason,
            "2 of 40 started failed with ApexTestFailure; 2 >= 2 orgs and 5.0% of started >= 5.0%");
}

TEST(ErrorsRule, AsksForErrorsOnlyWhereTheyCouldDecide) {
  auto court = armed(errors_rule{.types = {domain::error_type::apex_test_failure}, .min_orgs = 3});
  court.jobs(1, 40, 1, push_status::in_progress);
  court.jobs(1, 2, 1, push_status::failed, 2s);
  EXPECT_TRUE(court.evaluate().needs_errors.empty()) << "two cannot be three";
  court.jobs(3, 3, 1, push_status::failed, 2s);
  EXPECT_EQ(court.evaluate().needs_errors.size(), 3U);
  EXPECT_EQ(now(court).value, verdict::ok) << "as before, until the errors say more";
  court.errors(1, 2, domain::error_type::apex_test_failure);
  EXPECT_EQ(court.evaluate().needs_errors, std::vector{job_id(3)});
  court.errors(3, 3, domain::error_type::deploy_error);
  EXPECT_TRUE(court.evaluate().needs_errors.empty());
  EXPECT_EQ(now(court).reason, "2 of 40 started failed with ApexTestFailure; 2 < 3 orgs");
}

TEST(ErrorsRule, IsBlindWhereTheErrorsThatDecideCannotBeRead) {
  auto court = armed(errors_rule{.types = {domain::error_type::apex_test_failure}});
  court.jobs(1, 1, 1, push_status::failed);
  const auto asked = court.evaluate().needs_errors;
  ASSERT_EQ(asked.size(), 1U);
  court.judge.cannot_confirm(court.hub, asked);
  EXPECT_EQ(now(court).value, verdict::blind);
  court.errors(1, 1, domain::error_type::deploy_error);
  EXPECT_EQ(now(court).value, verdict::ok);
}

TEST(ErrorsRule, CountsAnOrgOnceAndNeitherWarningsNorExcludedErrors) {
  auto court =
      armed(errors_rule{.types = {domain::error_type::apex_test_failure, domain::error_type::unknown}});
  court.jobs(1, 4, 1, push_status::failed);
  auto warning = error_row(1, domain::error_type::apex_test_failure);
  warning.severity = domain::error_severity::warning;
  read_errors(court, 1, {warning, error_row(1, domain::error_type::deploy_error)});
  read_errors(court, 2,
              {error_row(2, domain::error_type::apex_test_failure, "Package Uninstalled"),
               error_row(2, domain::error_type::deploy_error)});
  read_errors(court, 3,
              {error_row(3, domain::error_type::apex_test_failure),
               error_row(3, domain::error_type::apex_test_failure, "Another")});
  read_errors(court, 4, {});
  EXPECT_EQ(now(court).numbers.failed, 2U) << "org 3 once, org 4 as Unknown";
}

// ---- same_error ----

TEST(SameErrorRule, FindsTheErrorThatDominates) {
  auto court = armed(same_error_rule{.min_orgs = 3, .share = 0.5, .min_ratio = 0.05});
  court.jobs(1, 60, 1, push_status::in_progress);
  court.jobs(1, 6, 1, push_status::failed, 2s);
  for (unsigned n = 1; n <= 6; ++n) {
    read_errors(court, n,
                {error_row(n, domain::error_type::deploy_error, "Deployment Failure",
                           n <= 3 ? "line " + std::to_string(n) + ": no such field"
                                  : std::string(n, 'x') + " is missing")});
  }
  const auto breached = now(court);
  EXPECT_EQ(breached.value, verdict::breached);
  EXPECT_EQ(breached.numbers.failed, 3U);
  EXPECT_THAT(
      breached.reason,
      testing::StartsWith("the most frequent error is that of 3 of 6 failed; 3 >= 3 orgs, 50.0% of "
                          "failed >= 50.0% and 5.0% of started >= 5.0%: DeployError: Deployment Failure"));
  court.jobs(7, 7, 1, push_status::failed, 2s);
  read_errors(court, 7, {error_row(7, domain::error_type::apex_test_failure)});
  EXPECT_THAT(now(court).reason, HasSubstr("42.9% of failed < 50.0%"));
}

TEST(SameErrorRule, NamesTheSameOfTwoAsFrequentErrorsInWhateverOrderTheyCome) {
  std::set<std::string> reasons;
  for (const bool is_reversed : {false, true}) {
    auto court = armed(same_error_rule{.min_orgs = 2, .share = 0.1});
    court.jobs(1, 4, 1, push_status::failed);
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned n = is_reversed ? 4 - i : 1 + i;
      read_errors(court, n, {error_row(n, domain::error_type::deploy_error, n <= 2 ? "First" : "Second")});
    }
    reasons.insert(now(court).reason);
  }
  EXPECT_EQ(reasons.size(), 1U);
}

// ---- orgs ----

TEST(OrgsRule, CountsTheListedOrgsOnly) {
  auto court = armed(orgs_rule{.keys = {org_key(5), org_key(7)}});
  court.jobs(1, 4, 1, push_status::failed);
  court.errors(1, 4);
  EXPECT_EQ(now(court).reason, "failed 0 of 2 listed orgs; 0 <= limit 0");
  court.jobs(7, 7, 1, push_status::failed);
  court.errors(7, 7);
  const auto breached = now(court);
  EXPECT_EQ(breached.follows, consequence::abort);
  EXPECT_EQ(breached.reason, "failed 1 of 2 listed orgs; 1 > limit 0");
}

TEST(OrgsRule, AsksForTheListedOrgsErrorsOnly) {
  auto court = armed(orgs_rule{.keys = {org_key(5)}});
  court.jobs(4, 5, 1, push_status::failed);
  EXPECT_EQ(court.evaluate().needs_errors, std::vector{job_id(5)});
  court.errors(5, 5, domain::error_type::ineligible_upgrade);
  EXPECT_EQ(now(court).numbers.failed, 0U);
}

// ---- consecutive_failures ----

TEST(ConsecutiveFailuresRule, CountsInTheOrderOfTheEndsNotOfTheNews) {
  auto court = armed(consecutive_failures_rule{.at_least = 3});
  court.jobs(1, 1, 1, push_status::failed, 10s);
  court.jobs(2, 2, 1, push_status::failed, 30s);
  court.jobs(3, 3, 1, push_status::succeeded, 20s);
  court.jobs(4, 4, 1, push_status::failed, 40s);
  court.errors(1, 4);
  EXPECT_EQ(now(court).value, verdict::ok);
  EXPECT_EQ(now(court).reason, "the newest 2 failed in a row < limit 3");
  court.jobs(5, 5, 1, push_status::failed, 25s);  // heard of late, between the success and org 2
  court.errors(5, 5);
  EXPECT_EQ(now(court).value, verdict::breached);
  EXPECT_EQ(now(court).reason, "3 orgs failed in a row >= limit 3");
}

TEST(ConsecutiveFailuresRule, RemembersARunThatASuccessEnded) {
  auto court = armed(consecutive_failures_rule{.at_least = 3});
  court.jobs(1, 3, 1, push_status::failed, 10s);
  court.jobs(4, 4, 1, push_status::succeeded, 20s);
  court.errors(1, 3);
  EXPECT_EQ(now(court).value, verdict::breached) << "it may have come and gone between two looks";
}

TEST(ConsecutiveFailuresRule, PassesOverExcludedOrgs) {
  auto court = armed(consecutive_failures_rule{.at_least = 3});
  court.jobs(1, 2, 1, push_status::failed, 10s);
  court.jobs(3, 3, 1, push_status::failed, 20s);
  court.jobs(4, 4, 1, push_status::failed, 30s);
  court.errors(1, 2);
  court.errors(3, 3, domain::error_type::ineligible_upgrade);
  EXPECT_EQ(court.evaluate().needs_errors, std::vector{job_id(4)});
  court.errors(4, 4);
  EXPECT_EQ(now(court).value, verdict::breached) << "orgs 1, 2 and 4";
}

// ---- stalled ----

TEST(StalledRule, BreachesByTheClockAlone) {
  auto court = armed(stalled_rule{.no_progress_for = 30min});
  court.jobs(1, 5, 1, push_status::in_progress, 10s);
  court.jobs(1, 1, 1, push_status::succeeded, 20s);
  EXPECT_EQ(now(court, at(20s + 30min - 1ms)).value, verdict::ok);
  const auto stalled = now(court, at(20s + 30min));
  EXPECT_EQ(stalled.value, verdict::breached);
  EXPECT_EQ(stalled.follows, consequence::abort);
  EXPECT_EQ(stalled.reason, "4 in progress, and none started or ended since " + format_time(at(20s)) +
                                ": not for the limit of 30m");
}

TEST(StalledRule, IsOverWithTheNextProgressAndAWhile) {
  auto court = armed(stalled_rule{.no_progress_for = 30min});
  court.jobs(1, 5, 1, push_status::in_progress, 10s);
  ASSERT_EQ(now(court, at(1h)).value, verdict::breached);
  court.jobs(2, 2, 1, push_status::succeeded, 1h);
  EXPECT_EQ(now(court, at(1h)).value, verdict::breached);
  EXPECT_EQ(now(court, at(1h + recovery_after - 1ms)).value, verdict::breached);
  EXPECT_EQ(now(court, at(1h + recovery_after)).value, verdict::ok);
}

TEST(StalledRule, ExpectsNothingWhereNothingRunsAndNothingOfAbandonedJobs) {
  auto court = armed(stalled_rule{.no_progress_for = 30min});
  EXPECT_EQ(now(court, at(10h)).value, verdict::ok) << "all are queued";
  court.jobs(1, 1, 1, push_status::in_progress, 10s);
  EXPECT_EQ(now(court, at(10h)).value, verdict::breached);
  EXPECT_EQ(now(court, at(10s + 24h)).value, verdict::breached);
  (void)now(court, at(10s + 24h + 1ms));
  EXPECT_EQ(now(court, at(10s + 24h + 1ms + recovery_after)).value, verdict::ok);
}

// ---- job_running ----

TEST(JobRunningRule, CountsOrgsThatRunForLongerThanTheLimit) {
  auto court = armed(job_running_rule{.longer_than = 2h, .min_orgs = 2});
  court.jobs(1, 1, 1, push_status::in_progress, 10s);
  court.jobs(2, 3, 1, push_status::in_progress, 20s);
  EXPECT_EQ(now(court, at(2h + 20s)).value, verdict::ok);
  const auto stuck = now(court, at(2h + 20s + 1ms));
  EXPECT_EQ(stuck.value, verdict::breached);
  EXPECT_EQ(stuck.numbers.failed, 3U);
  EXPECT_EQ(stuck.reason, "3 of 3 in progress run for longer than 2h; 3 >= 2 orgs; the first since " +
                              format_time(at(10s)));
}

TEST(JobRunningRule, SixOrgsStuckForThreeHoursInAWaveOfFiftyAreTold) {
  courtroom court({policy_of(job_running_rule{.longer_than = 2h, .min_orgs = 5}, rule_action::alert)});
  court.rows({request_row(1)});
  court.jobs(1, 50, 1, push_status::in_progress, 10s);
  court.reconcile();
  court.jobs(1, 44, 1, push_status::succeeded, 10min);
  EXPECT_EQ(now(court, at(1h)).value, verdict::ok);
  const auto told = now(court, at(3h));
  EXPECT_EQ(told.value, verdict::breached);
  EXPECT_EQ(told.follows, consequence::alert);
  EXPECT_EQ(told.numbers.failed, 6U);
}

// ---- late_start ----

TEST(LateStartRule, BreachesWhenARequestIsLateByTheClockAlone) {
  courtroom court({policy_of(late_start_rule{.by = 4h}, rule_action::alert)});
  court.rows({request_row(1, push_status::pending), request_row(2, push_status::pending)});
  court.jobs(1, 1, 1, push_status::pending);
  court.jobs(2, 2, 2, push_status::pending);
  court.reconcile();
  EXPECT_EQ(now(court, at(5h - 1ms)).value, verdict::ok);
  const auto late = now(court, at(5h));
  EXPECT_EQ(late.value, verdict::breached);
  EXPECT_EQ(late.reason, std::string(request_id(1).text()) + " was to start at " + format_time(at(1h)) +
                             " and is late by 4h or more");
  EXPECT_THAT(now(court, at(6h)).reason, HasSubstr("; 2 requests are"));
}

TEST(LateStartRule, IsOverWhenTheFirstJobLeavesTheQueue) {
  courtroom court({policy_of(late_start_rule{.by = 4h}, rule_action::alert)});
  court.rows({request_row(1, push_status::pending)});
  court.jobs(1, 1, 1, push_status::pending);
  court.reconcile();
  ASSERT_EQ(now(court, at(5h)).value, verdict::breached);
  court.jobs(1, 1, 1, push_status::in_progress, 5h);
  EXPECT_EQ(now(court, at(5h)).value, verdict::breached);
  EXPECT_EQ(now(court, at(5h + recovery_after)).value, verdict::ok);
}

TEST(LateStartRule, LooksAtRequestsThatHoldAMatchingOrg) {
  auto policy = policy_of(late_start_rule{.by = 4h}, rule_action::alert);
  policy.match.org_types = {domain::org_type::sandbox};
  courtroom court({policy});
  court.rows({request_row(1, push_status::pending), request_row(2, push_status::pending)});
  court.jobs(1, 1, 1, push_status::pending);
  court.jobs(2, 2, 2, push_status::pending);
  court.rows({subscriber_row(2, "CS1", domain::org_type::sandbox)});
  court.reconcile();
  EXPECT_EQ(now(court, at(5h)).value, verdict::ok);
  EXPECT_EQ(now(court, at(6h)).value, verdict::breached);
}

// ---- the hub's clock ----

TEST(HubClock, RulesAboutTimeGoByIt) {
  for (const duration ahead : {duration(-3h), duration(3h)}) {
    auto court = armed(stalled_rule{.no_progress_for = 30min});
    court.judge.set_clock_ahead(ahead);
    court.jobs(1, 5, 1, push_status::in_progress, 10s);
    // What our clock shows when the hub's shows that.
    const auto ours = [ahead](duration hubs) { return at(hubs) - ahead; };
    EXPECT_EQ(now(court, ours(10s + 30min - 1ms)).value, verdict::ok) << ahead.count();
    EXPECT_EQ(now(court, ours(10s + 30min)).value, verdict::breached) << ahead.count();
    EXPECT_EQ(court.judge.hub_time(ours(1h)), at(1h));
  }
}

TEST(HubClock, ThatIsFoundToDifferIsJudgedByAtOnce) {
  auto court = armed(stalled_rule{.no_progress_for = 30min});
  court.jobs(1, 5, 1, push_status::in_progress, 10s);
  EXPECT_EQ(now(court, at(10min)).value, verdict::ok);
  court.judge.set_clock_ahead(1h);
  EXPECT_EQ(now(court, at(10min)).value, verdict::breached);
}

// ---- hysteresis ----

TEST(Hysteresis, KeepsABreachUntilItHasBeenBetterForAWhile) {
  courtroom court(
      {policy_of(errors_rule{.types = {domain::error_type::deploy_error}, .min_orgs = 1, .min_ratio = 0.5},
                 rule_action::alert)});
  court.rows({request_row(1)});
  court.jobs(1, 2, 1, push_status::in_progress);
  court.reconcile();
  court.jobs(1, 1, 1, push_status::failed, 1s);
  court.errors(1, 1);
  ASSERT_EQ(now(court, at(1min)).value, verdict::breached);
  court.jobs(3, 3, 1, push_status::in_progress, 2s);
  const auto lingering = now(court, at(2min));
  EXPECT_EQ(lingering.value, verdict::breached);
  EXPECT_THAT(lingering.reason,
              HasSubstr("33.3% of started < 50.0%; breached until it has been better for 5m"));
  court.jobs(2, 2, 1, push_status::failed, 3s);
  court.errors(2, 2);
  EXPECT_EQ(now(court, at(3min)).value, verdict::breached) << "worse again";
  court.jobs(4, 6, 1, push_status::in_progress, 4s);
  EXPECT_EQ(now(court, at(4min)).value, verdict::breached);
  EXPECT_EQ(now(court, at(4min + recovery_after - 1ms)).value, verdict::breached);
  EXPECT_EQ(now(court, at(4min + recovery_after)).value, verdict::ok);
}

TEST(Hysteresis, DoesNotActOnABreachThatIsOver) {
  auto court =
      armed(errors_rule{.types = {domain::error_type::deploy_error}, .min_orgs = 1, .min_ratio = 0.5});
  court.judge.set_holds({{.rollout = first_rollout(), .until = at(3min)}});
  court.jobs(1, 2, 1, push_status::in_progress);
  court.jobs(1, 1, 1, push_status::failed, 1s);
  court.errors(1, 1);
  ASSERT_EQ(now(court, at(1min)).follows, consequence::held);
  court.jobs(3, 3, 1, push_status::in_progress, 2s);
  (void)now(court, at(2min));
  const auto released = now(court, at(3min));
  EXPECT_EQ(released.value, verdict::breached);
  EXPECT_EQ(released.follows, consequence::nothing);
}

}  // namespace
}  // namespace pushguard::policy
