// Rollouts as they happen, under policies as people write them: what is stopped, and what is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/policy/abort_plan.hpp"
#include "tests/unit/agent/policy/courtroom.hpp"

namespace pushguard::policy {
namespace {

using namespace test;
using domain::error_type;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

/// The first example of docs/policies.md, but for the list of orgs.
policy_specification careful_policy() {
  policy_specification made{.name = "production", .mode = policy_mode::enforce};
  const auto add = [&made](std::string name, rule_test test, rule_action action) {
    made.rules.push_back({.name = std::move(name), .test = std::move(test), .action = action});
  };
  add("failure-rate", failure_rate_rule{.above = 0.05, .warn_at = 0.03}, rule_action::abort);
  add("budget", failure_budget_rule{.above = 0.1, .of = 2'000, .min_failed = 3}, rule_action::abort);
  add("test-failures",
      errors_rule{.types = {error_type::apex_test_failure}, .min_orgs = 3, .min_ratio = 0.02},
      rule_action::abort);
  add("same-error", same_error_rule{.min_orgs = 10, .share = 0.5, .min_ratio = 0.02}, rule_action::abort);
  add("stuck-jobs", job_running_rule{.longer_than = 2h, .min_orgs = 5}, rule_action::alert);
  add("stalled", stalled_rule{.no_progress_for = 4h}, rule_action::alert);
  return made;
}

/// Two waves: the first is about to start, the second is to come.
courtroom two_waves(std::vector<policy_specification> policies, unsigned first, unsigned second) {
  courtroom court(std::move(policies));
  court.rows({request_row(1, push_status::pending), request_row(2, push_status::pending)});
  court.jobs(1, first, 1, push_status::pending);
  court.jobs(first + 1, first + second, 2, push_status::pending);
  court.reconcile();
  (void)court.evaluate();
  court.rows({request_row(1, push_status::in_progress)}, at(1s));
  court.jobs(1, first, 1, push_status::in_progress, 2s);
  return court;
}

std::vector<judgement> that_follow(const evaluation& found, consequence follows) {
  std::vector<judgement> out;
  std::ranges::copy_if(found.judgements, std::back_inserter(out),
                       [&](const judgement& made) { return made.follows == follows; });
  return out;
}

abort_plan plan_for(const courtroom& court, const judgement& made) {
  return make_abort_plan(court.hub, court.hub.find(made.key.rollout).value(),
                         *court.judge.find_policy(made.key.policy));
}

auto cancels(unsigned request) {
  return AllOf(Field(&planned_request::id, request_id(request)),
               Field(&planned_request::step, plan_step::cancel));
}
auto leaves(unsigned request) {
  return AllOf(Field(&planned_request::id, request_id(request)),
               Field(&planned_request::step, plan_step::leave));
}

TEST(WorkedRollout, ThreeDifferentFailuresInAFirstWaveOfFiftyStopNothing) {
  auto court = two_waves({careful_policy()}, 50, 500);
  court.jobs(1, 3, 1, push_status::failed, 1min);
  court.errors(1, 1, error_type::apex_test_failure);
  court.errors(2, 2, error_type::deploy_error);
  court.errors(3, 3, error_type::feature_missing);
  court.jobs(4, 50, 1, push_status::succeeded, 2min);
  EXPECT_THAT(that_follow(court.evaluate(freshness::fresh, at(10min)), consequence::abort), IsEmpty());
  for (const auto& made : court.judge.current())
    EXPECT_EQ(made.value, verdict::ok) << made.key.rule << ": " << made.reason;
}

TEST(WorkedRollout, SixOrgsStuckForThreeHoursInAWaveOfFiftyRaiseJobRunningAndStopNothing) {
  auto court = two_waves({careful_policy()}, 50, 500);
  court.jobs(1, 44, 1, push_status::succeeded, 10min);
  (void)court.evaluate(freshness::fresh, at(1h));
  const auto found = court.evaluate(freshness::fresh, at(3h));
  ASSERT_EQ(that_follow(found, consequence::alert).size(), 1U);
  EXPECT_EQ(that_follow(found, consequence::alert).front().key.rule, "stuck-jobs");
  EXPECT_THAT(that_follow(found, consequence::abort), IsEmpty());
}

TEST(WorkedRollout, EightOrgsThatAllFailStopTheNextWave) {
  auto policy = rate_policy();
  policy.scope = counting_scope::request;
  auto court = two_waves({policy}, 8, 500);
  court.jobs(1, 8, 1, push_status::failed, 1min);
  court.errors(1, 8);
  const auto found = court.evaluate(freshness::fresh, at(2min));
  const auto aborts = that_follow(found, consequence::abort);
  ASSERT_EQ(aborts.size(), 1U);
  const auto plan = plan_for(court, aborts.front());
  EXPECT_THAT(plan.requests, ElementsAre(cancels(2), leaves(1)));
  EXPECT_EQ(plan.spared.size(), 500U);
}

TEST(WorkedRollout, BenignErrorsStopNothing) {
  auto court = two_waves({careful_policy()}, 500, 500);
  court.jobs(1, 20, 1, push_status::failed, 1min);
  for (unsigned n = 1; n <= 20; ++n) {
    const std::vector<domain::job_id> read{job_id(n)};
    const std::vector<domain::error_row> rows{
        n % 2 == 0 ? error_row(n, error_type::ineligible_upgrade)
                   : error_row(n, error_type::unclassified_error, "Package Uninstalled", "gone")};
    court.judge.apply(court.hub, court.hub.apply_errors(read, rows));
  }
  court.jobs(21, 500, 1, push_status::succeeded, 2min);
  EXPECT_THAT(that_follow(court.evaluate(freshness::fresh, at(10min)), consequence::abort), IsEmpty());
  for (const auto& made : court.judge.current()) {
    EXPECT_EQ(made.value, verdict::ok) << made.key.rule << ": " << made.reason;
    EXPECT_EQ(made.numbers.excluded, 20U) << made.key.rule;
  }
}

TEST(WorkedRollout, ThirtyFailuresInTwoHundredSandboxesStopTheSandboxesOnly) {
  auto sandboxes = rate_policy();
  sandboxes.name = "sandboxes";
  sandboxes.match.org_types = {domain::org_type::sandbox};
  sandboxes.contain = containment::matching;
  auto production = rate_policy();
  production.match.org_types = {domain::org_type::production};
  courtroom court({sandboxes, production});
  // Wave 1 and 2 are sandboxes, wave 3 production.
  for (unsigned wave = 1; wave <= 3; ++wave)
    court.rows({request_row(wave, push_status::pending)});
  court.jobs(1, 200, 1, push_status::pending);
  court.jobs(201, 400, 2, push_status::pending);
  court.jobs(401, 900, 3, push_status::pending);
  for (unsigned n = 1; n <= 400; ++n)
    court.rows({subscriber_row(n, "CS1", domain::org_type::sandbox)});
  court.reconcile();
  (void)court.evaluate();
  court.rows({request_row(1, push_status::in_progress)}, at(1s));
  court.jobs(1, 200, 1, push_status::in_progress, 2s);
  court.jobs(1, 30, 1, push_status::failed, 1min);
  court.errors(1, 30);
  const auto aborts = that_follow(court.evaluate(freshness::fresh, at(2min)), consequence::abort);
  ASSERT_EQ(aborts.size(), 1U);
  EXPECT_EQ(aborts.front().key.policy, "sandboxes");
  const auto plan = plan_for(court, aborts.front());
  EXPECT_THAT(plan.requests, ElementsAre(cancels(2), leaves(1)));
  EXPECT_EQ(plan.spared.size(), 200U);
  EXPECT_EQ(plan.in_flight.size(), 170U);
}

TEST(WorkedRollout, ABreachBetweenTwoWavesStillActs) {
  auto court = two_waves({careful_policy()}, 100, 500);
  court.jobs(1, 100, 1, push_status::succeeded, 1min);
  court.rows({request_row(1, push_status::succeeded)}, at(2min));
  EXPECT_THAT(that_follow(court.evaluate(freshness::fresh, at(1h)), consequence::abort), IsEmpty());
  // What a later reading finds: the wave is over, the next one has not begun.
  courtroom late({careful_policy()});
  late.rows({request_row(1, push_status::pending), request_row(2, push_status::pending)});
  late.jobs(1, 100, 1, push_status::pending);
  late.jobs(101, 600, 2, push_status::pending);
  late.reconcile();
  (void)late.evaluate();
  auto over = request_row(1, push_status::failed);
  over.modified = at(2min);
  late.rows({over}, at(2min));
  late.jobs(1, 40, 1, push_status::failed, 1min);
  late.jobs(41, 100, 1, push_status::succeeded, 1min);
  late.errors(1, 40);
  const auto aborts = that_follow(late.evaluate(freshness::fresh, at(1h)), consequence::abort);
  ASSERT_FALSE(aborts.empty());
  EXPECT_THAT(plan_for(late, aborts.front()).requests.front(), cancels(2));
}

}  // namespace
}  // namespace pushguard::policy
