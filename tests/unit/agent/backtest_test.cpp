#include "agent/backtest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "agent/backtest_sweep.hpp"
#include "agent/commands/policy_text.hpp"
#include "tests/unit/agent/history/sample_push.hpp"

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using domain::push_status;
using history::past_push;
using history::test::at;
using history::test::make_id;
using policy::org_count;
using testing::ElementsAre;
using testing::HasSubstr;

/// A wave whose jobs start and end a second apart: the first `failed` of `orgs` fail.
struct wave {
  unsigned number = 1;
  duration scheduled = 0s;
  unsigned orgs = 100;
  unsigned failed = 0;
  unsigned first_org = 0;  ///< 0: orgs of its own
  unsigned version = 2;
};

past_push push_of(const wave& given) {
  past_push made;
  auto& row = made.header.request;
  row = history::test::sample_request();
  row.id = make_id<domain::request_id>("0DV", given.number);
  row.version = make_id<domain::version_id>("04t", given.version);
  row.scheduled_start = at(given.scheduled);
  row.start = row.scheduled_start;
  row.end = at(given.scheduled + std::chrono::seconds(given.orgs + 60));
  for (unsigned i = 0; i < given.orgs; ++i) {
    auto& job = made.jobs.emplace_back();
    const unsigned number = given.number * 10'000 + i;
    const unsigned org = given.first_org == 0 ? number : given.first_org + i;
    const bool fails = i < given.failed;
    job.row = history::test::sample_job(number, fails ? push_status::failed : push_status::succeeded);
    job.row.request = row.id;
    job.row.org = make_id<domain::org_key>("00D", org);
    job.row.start = at(given.scheduled + std::chrono::seconds(i));
    job.row.end = *job.row.start + 30s;
    job.row.modified = job.row.end;
    if (fails) {
      job.errors.push_back({.row = history::test::sample_error(number), .signature_hash = {}});
      job.errors.back().row.job = job.row.id;
    }
  }
  made.header.jobs = made.jobs.size();
  made.header.is_complete = true;
  made.header.written_at = at(given.scheduled + 24h);
  return made;
}

policy::policy_specification budget(double above, policy::rule_action action = policy::rule_action::abort) {
  policy::policy_specification made{.name = "production"};
  made.rules.push_back({.name = "budget",
                        .test = policy::failure_budget_rule{.above = above, .of = {}, .min_failed = 1},
                        .action = action});
  return made;
}

backtest_rule only_rule(const backtest_report& report) {
  return report.rollouts.at(0).rules.at(0);
}

/// Every moment that is told has its reason, and of a rule about a rate its bound.
void expect_reasons(const backtest_report& report) {
  for (const auto& rollout : report.rollouts) {
    for (const auto& rule : rollout.rules) {
      for (const auto& moment : {rule.warned, rule.breached, rule.fired}) {
        if (!moment)
          continue;
        EXPECT_FALSE(moment->reason.empty()) << rollout.id.text() << " " << rule.rule;
        EXPECT_EQ(moment->numbers.lower_bound.has_value(), rule.rule == "rate");
      }
    }
  }
}

// 200 orgs are scheduled, of which 10 may fail: the eleventh to end is the one.
TEST(Backtest, AnAbortBetweenTwoWavesSparesTheSecond) {
  const std::vector pushes{push_of({.number = 1, .failed = 15}), push_of({.number = 2, .scheduled = 1h})};
  const auto report = backtest(pushes, {budget(0.05)});
  const auto rule = only_rule(report);
  ASSERT_TRUE(rule.fired && rule.abort);
  EXPECT_EQ(rule.fired->at, at(40s));
  EXPECT_EQ(rule.fired->elapsed, 40s);
  EXPECT_EQ(rule.fired->reason, "failed 11 of 200 scheduled so far = 5.5% > limit 5.0%; 10 may fail");
  EXPECT_EQ(rule.abort->cancelable, 1U);
  EXPECT_EQ(rule.abort->spared, 100U);
  // Those that started in the 30 seconds before, and at that instant.
  EXPECT_EQ(rule.abort->in_flight, 30U);
  EXPECT_EQ(rule.abort->still_to_start, 59U);
  EXPECT_EQ(rule.abort->failed_before, 11U);
  EXPECT_EQ(rule.abort->failed_after, 4U);
  EXPECT_EQ(rule.abort->failed_without, 15U);
  EXPECT_EQ(report.rollouts[0].aborted_by, 0U);
  EXPECT_EQ(report.totals.aborts, 1U);
  EXPECT_EQ(report.totals.spared, 100U);
}

TEST(Backtest, FailuresOfWavesThatWouldHaveBeenCancelledCountOnlyWithoutTheAbort) {
  const std::vector pushes{push_of({.number = 1, .failed = 15}),
                           push_of({.number = 2, .scheduled = 1h, .failed = 40})};
  const auto rule = only_rule(backtest(pushes, {budget(0.05)}));
  ASSERT_TRUE(rule.abort);
  EXPECT_EQ(rule.abort->failed_with(), 15U);
  EXPECT_EQ(rule.abort->failed_without, 55U);
  EXPECT_EQ(rule.assessment, abort_assessment::right);
}

struct boundary {
  unsigned failed;
  bool fires;
};

TEST(Backtest, FiresOnePastTheBudgetAndNotAtIt) {
  for (const auto& [failed, fires] : {boundary{10, false}, boundary{11, true}}) {
    const std::vector pushes{push_of({.failed = failed})};
    EXPECT_EQ(only_rule(backtest(pushes, {budget(0.1)})).fired.has_value(), fires) << failed;
  }
}

TEST(Backtest, AnAbortOfARolloutThatEndedBelowTheLimitIsFalse) {
  policy::policy_specification production{.name = "production"};
  production.rules.push_back({.name = "rate",
                              .test = policy::failure_rate_rule{.above = 0.05, .warn_at = 0.03},
                              .action = policy::rule_action::abort});
  const std::vector healthy{push_of({.orgs = 1'000, .failed = 20})};
  const auto report = backtest(healthy, {production});
  const auto rule = only_rule(report);
  ASSERT_TRUE(rule.fired);
  EXPECT_EQ(rule.assessment, abort_assessment::mistaken);
  EXPECT_DOUBLE_EQ(rule.final_rate.value(), 0.02);
  EXPECT_EQ(report.totals.mistaken_aborts, 1U);
  EXPECT_TRUE(rule.warned && rule.warned->at <= rule.fired->at);
  EXPECT_THAT(render_backtest(report),
              HasSubstr("a false abort: it ended with 2.0% failed, and the limit is 5.0%"));

  const std::vector bad{push_of({.orgs = 1'000, .failed = 100})};
  EXPECT_EQ(only_rule(backtest(bad, {production})).assessment, abort_assessment::right);
  EXPECT_EQ(only_rule(backtest(bad, {production}, {.are_healthy = true})).assessment,
            abort_assessment::mistaken);
}

TEST(Backtest, TellsWhatCouldNotBeCancelledOnceEveryWaveHasStarted) {
  const std::vector pushes{push_of({.number = 1}), push_of({.number = 2, .scheduled = 1h, .failed = 30})};
  const auto rule = only_rule(backtest(pushes, {budget(0.05)}));
  ASSERT_TRUE(rule.abort);
  EXPECT_EQ(rule.abort->cancelable, 0U);
  EXPECT_EQ(rule.abort->spared, 0U);
  EXPECT_EQ(rule.abort->failed_with(), 30U);
}

// Nothing tells that it was there before it began.
TEST(Backtest, AWaveWithoutAScheduleIsNotSparedByAnAbortBeforeIt) {
  std::vector pushes{push_of({.number = 1, .failed = 50}), push_of({.number = 2, .scheduled = 1h})};
  pushes[1].header.request.scheduled_start.reset();
  const auto rule = only_rule(backtest(pushes, {budget(0.05)}));
  ASSERT_TRUE(rule.abort);
  EXPECT_EQ(rule.abort->cancelable, 0U);
  EXPECT_EQ(rule.fired->numbers.scheduled, 100U);
}

// The record of a rollout that the agent aborted: in one second the failure and what was cancelled for it.
TEST(Backtest, WhatWasCancelledInTheSecondOfAFailureIsStillSpared) {
  std::vector pushes{push_of({.number = 1, .failed = 15}), push_of({.number = 2, .scheduled = 1h})};
  auto& request = pushes[1].header.request;
  request.status = push_status::canceled;
  request.start.reset();
  request.end = request.modified = at(40s);
  for (auto& job : pushes[1].jobs) {
    job.row.status = push_status::canceled;
    job.row.start.reset();
    job.row.end = job.row.modified = at(40s);
  }
  const auto rule = only_rule(backtest(pushes, {budget(0.05)}));
  ASSERT_TRUE(rule.fired && rule.abort);
  EXPECT_EQ(rule.fired->at, at(40s));
  EXPECT_EQ(rule.abort->cancelable, 1U);
  EXPECT_EQ(rule.abort->spared, 100U);

  // A second earlier it was too late for that.
  request.end = at(39s);
  for (auto& job : pushes[1].jobs)
    job.row.end = at(39s);
  const auto later = only_rule(backtest(pushes, {budget(0.05)}));
  ASSERT_TRUE(later.fired && later.abort);
  EXPECT_EQ(later.abort->spared, 0U);
}

TEST(Backtest, AWaveThatIsCancelledBeforeItsRolloutBeginsIsSeenThen) {
  std::vector pushes{push_of({.number = 1, .failed = 15}), push_of({.number = 2, .scheduled = 1h})};
  auto& request = pushes[1].header.request;
  request.status = push_status::canceled;
  request.start.reset();
  request.end = request.modified = at(-1h);
  for (auto& job : pushes[1].jobs) {
    job.row.status = push_status::canceled;
    job.row.start.reset();
    job.row.end = job.row.modified = at(-1h);
  }
  const auto report = backtest(pushes, {budget(0.05)});
  EXPECT_EQ(report.rollouts.at(0).orgs, 200U);
  const auto rule = only_rule(report);
  ASSERT_TRUE(rule.fired && rule.abort);
  EXPECT_EQ(rule.fired->numbers.failed, 11U);
  EXPECT_EQ(rule.abort->cancelable, 0U);
  EXPECT_EQ(rule.abort->failed_without, 15U);
}

TEST(Backtest, AWaveThatBeginsAsAnotherOnesJobsEndIsCountedWhole) {
  std::vector pushes{push_of({.number = 1, .failed = 3}),
                     push_of({.number = 2, .scheduled = 50s, .failed = 30})};
  for (auto& push : pushes)
    push.header.request.scheduled_start.reset();
  const auto report = backtest(pushes, {budget(0.05)});
  EXPECT_EQ(report.rollouts.at(0).orgs, 200U);
  const auto rule = only_rule(report);
  ASSERT_TRUE(rule.fired && rule.abort);
  EXPECT_EQ(rule.fired->numbers.scheduled, 200U);
  EXPECT_EQ(rule.fired->numbers.failed, 11U);
  EXPECT_EQ(rule.abort->failed_without, 33U);
}

TEST(Backtest, ARuleThatFiresLaterIsTellingOfWhatWouldNotHaveHappened) {
  auto production = budget(0.05);
  production.rules.push_back({.name = "late",
                              .test = policy::failure_budget_rule{.above = 0.2},
                              .action = policy::rule_action::abort});
  const std::vector pushes{push_of({.number = 1, .failed = 20}),
                           push_of({.number = 2, .scheduled = 1h, .failed = 50})};
  const auto rules = backtest(pushes, {production}).rollouts.at(0).rules;
  EXPECT_FALSE(rules.at(0).is_after_abort);
  EXPECT_TRUE(rules.at(1).fired && rules.at(1).is_after_abort);
}

TEST(Backtest, AnAlertIsToldAndAbortsNothing) {
  const std::vector pushes{push_of({.failed = 50})};
  const auto report = backtest(pushes, {budget(0.05, policy::rule_action::alert)});
  EXPECT_TRUE(only_rule(report).fired);
  EXPECT_FALSE(only_rule(report).abort);
  EXPECT_EQ(report.totals.aborts, 0U);
}

// What the package's rule says does not change when the next rollout begins, but what it speaks of does: at
// once where that brings new orgs, or with the first change afterwards.
TEST(Backtest, ARuleThatIsBreachedSinceAnEarlierRolloutOfItsPackageTellsWhy) {
  auto production = budget(0.05, policy::rule_action::alert);
  production.scope = policy::counting_scope::package;
  production.rules.push_back({.name = "rate", .test = policy::failure_rate_rule{.above = 0.05}});
  std::vector pushes{push_of({.number = 1, .failed = 50}),
                     push_of({.number = 2, .scheduled = 1h, .orgs = 10, .version = 3}),
                     push_of({.number = 3, .scheduled = 2h, .orgs = 0, .version = 4}),
                     push_of({.number = 4, .scheduled = 3h, .orgs = 10, .version = 4})};
  pushes[3].header.request.scheduled_start.reset();
  const auto report = backtest(pushes, {production});
  ASSERT_EQ(report.rollouts.size(), 3U);
  for (const auto& rollout : report.rollouts) {
    ASSERT_EQ(rollout.rules.size(), 2U);
    for (const auto& rule : rollout.rules)
      EXPECT_TRUE(rule.breached && rule.fired) << rollout.id.text() << " " << rule.rule;
  }
  EXPECT_EQ(report.rollouts[2].rules[0].fired->at, at(3h));
  expect_reasons(report);
}

TEST(Backtest, ExcludedErrorsDoNotCount) {
  std::vector pushes{push_of({.failed = 50})};
  for (auto& job : pushes[0].jobs) {
    for (auto& error : job.errors)
      error.row.type = domain::error_type::ineligible_upgrade;
  }
  EXPECT_FALSE(only_rule(backtest(pushes, {budget(0.05)})).breached);
}

TEST(Backtest, AJobWithoutAnEndStaysInFlight) {
  std::vector pushes{push_of({.failed = 20})};
  auto& running = pushes[0].jobs.back().row;
  running.status = push_status::in_progress;
  running.end.reset();
  pushes[0].header.is_complete = false;
  pushes[0].header.request.status = push_status::in_progress;
  pushes[0].header.request.end.reset();
  const auto rule = only_rule(backtest(pushes, {budget(0.05)}));
  ASSERT_TRUE(rule.fired);
  EXPECT_EQ(rule.abort->failed_without, 20U);
}

TEST(Backtest, RolloutsAreToldApartByVersionAndByGap) {
  const std::vector pushes{push_of({.number = 1}), push_of({.number = 2, .scheduled = 24h}),
                           push_of({.number = 3, .scheduled = 24h * 30}),
                           push_of({.number = 4, .scheduled = 2h, .version = 3})};
  const auto report = backtest(pushes, {budget(0.05)});
  std::vector<std::string> rollouts;
  for (const auto& each : report.rollouts)
    rollouts.push_back(each.id.text() + " " + std::to_string(each.requests.size()));
  EXPECT_THAT(rollouts, ElementsAre("04t000000000002/1 2", "04t000000000003/1 1", "04t000000000002/2 1"));
}

TEST(Backtest, TheOrderOfFilesAndOfEqualInstantsMakesNoDifference) {
  std::vector pushes{push_of({.number = 1, .failed = 15}), push_of({.number = 2, .failed = 3}),
                     push_of({.number = 3, .scheduled = 1h})};
  for (auto& push : pushes) {
    for (auto& job : push.jobs)
      job.row.end = job.row.modified = *push.header.request.start + 45s;
  }
  const auto expected = render_backtest(backtest(pushes, {budget(0.03)}));
  std::mt19937 random(3);
  for (int round = 0; round < 10; ++round) {
    std::ranges::shuffle(pushes, random);
    for (auto& push : pushes)
      std::ranges::shuffle(push.jobs, random);
    EXPECT_EQ(render_backtest(backtest(pushes, {budget(0.03)})), expected);
  }
  EXPECT_THAT(expected, HasSubstr("aborted"));
}

TEST(Backtest, HostileHistoriesAreReplayedToTheEnd) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const std::vector pushes{
        history::compose(history::test::sample_source(), history::test::random_rows(random))};
    auto production = budget(0.05);
    production.rules.push_back(
        {.name = "rate",
         .test = policy::failure_rate_rule{.above = 0.05, .min_started = 2, .warn_at = 0.02, .by = {}}});
    production.rules.push_back({.name = "streak", .test = policy::consecutive_failures_rule{.at_least = 2}});
    const auto report = backtest(pushes, {production});
    EXPECT_EQ(report.rollouts.size(), 1U);
    EXPECT_EQ(report.rollouts[0].orgs, pushes[0].jobs.size());
    expect_reasons(report);
  }
}

TEST(Sweep, HigherLimitsAbortLaterAndLess) {
  const std::vector pushes{push_of({.number = 1, .failed = 15}), push_of({.number = 2, .scheduled = 1h})};
  std::vector<swept_policy> variants;
  for (const auto& [text, above] : {std::pair("1%", 0.01), std::pair("7%", 0.07), std::pair("10%", 0.1)})
    variants.push_back({text, budget(above, policy::rule_action::alert)});
  const auto made = sweep_rule(pushes, "budget", budget(0.07), variants);
  EXPECT_EQ(made.rollouts, 1U);
  EXPECT_THAT(made.rows,
              ElementsAre(sweep_row{.value = "1%",
                                    .aborts = 1,
                                    .mistaken_aborts = 0,
                                    .missed = 0,
                                    .soonest = 32s,
                                    .started_by_then = 33,
                                    .spared = 100},
                          sweep_row{.value = "7%",
                                    .aborts = 1,
                                    .mistaken_aborts = 0,
                                    .missed = 0,
                                    .soonest = 44s,
                                    .started_by_then = 45,
                                    .spared = 100},
                          sweep_row{.value = "10%", .aborts = 0, .mistaken_aborts = 0, .missed = 1}));
}

}  // namespace
}  // namespace pushguard::agent
