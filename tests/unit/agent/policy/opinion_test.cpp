#include "agent/policy/opinion.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace pushguard::policy {
namespace {

org_counts counts_of(org_count failed, org_count started, org_count scheduled = 1'000) {
  return {.failed = failed, .succeeded = started - failed, .present = scheduled, .scheduled = scheduled};
}

opinion judge_once(rule_test test, const org_counts& counts, std::uint32_t ordinal = 1) {
  const rule_specification rule{.name = "rule", .test = std::move(test)};
  return rule_judge(rule).judge({.counts = counts}, ordinal);
}

constexpr failure_rate_rule rate{
    .above = 0.05, .confidence = 0.99, .min_started = 20, .warn_at = 0.03, .by = {}};

TEST(FailureRateRule, IsBreachedWithBothNumbersInTheReason) {
  const auto found = judge_once(rate, counts_of(17, 100));
  EXPECT_EQ(found.value, verdict::breached);
  EXPECT_EQ(found.breach, settlement::settled);
  EXPECT_EQ(found.reason, "failed 17 of 100 started = 17.0%; lower bound 6.6% > limit 5.0% (99% confidence)");
  EXPECT_DOUBLE_EQ(found.numbers.observed.value(), 0.17);
  EXPECT_NEAR(found.numbers.lower_bound.value(), 0.06608, 5e-6);
  EXPECT_DOUBLE_EQ(found.numbers.threshold.value(), 0.05);
}

TEST(FailureRateRule, WarnsByTheSameBound) {
  const auto found = judge_once(rate, counts_of(12, 100));
  EXPECT_EQ(found.value, verdict::warning);
  EXPECT_EQ(found.reason,
            "failed 12 of 100 started = 12.0%; lower bound 3.8% > warning limit 3.0% (99% confidence)");
}

TEST(FailureRateRule, DoesNotWarnWithoutAWarningLimit) {
  auto rule = rate;
  rule.warn_at.reset();
  const auto found = judge_once(rule, counts_of(12, 100));
  EXPECT_EQ(found.value, verdict::ok);
  EXPECT_EQ(found.reason,
            "failed 12 of 100 started = 12.0%; lower bound 3.8% <= limit 5.0% (99% confidence)");
}

TEST(FailureRateRule, StaysInsufficientBelowMinStarted) {
  const auto found = judge_once(rate, counts_of(19, 19));
  EXPECT_EQ(found.value, verdict::insufficient_data);
  EXPECT_EQ(found.reason, "failed 19 of 19 started = 100.0%; 20 must have started");
  EXPECT_EQ(judge_once(rate, counts_of(20, 20)).value, verdict::breached);
}

TEST(FailureRateRule, CapsMinStartedAtTheOrgsInScope) {
  EXPECT_EQ(judge_once(rate, counts_of(8, 8, 9)).value, verdict::insufficient_data);
  EXPECT_EQ(judge_once(rate, counts_of(8, 8, 8)).value, verdict::breached);
  auto with_excluded = counts_of(8, 8, 10);
  with_excluded.excluded = 2;
  EXPECT_EQ(judge_once(rate, with_excluded).value, verdict::breached);
}

TEST(FailureRateRule, SaysSoWhenNothingHasStarted) {
  const auto found = judge_once(rate, {});
  EXPECT_EQ(found.value, verdict::insufficient_data);
  EXPECT_EQ(found.reason, "no org has started; 1 must have started");
  EXPECT_EQ(found.numbers.observed, 0.0);
}

TEST(FailureRateRule, TurnsAtTheSmallestFailingCount) {
  for (const auto& [started, failed] : {std::pair{20U, 6U}, {50U, 10U}, {100U, 15U}, {1'000U, 78U}}) {
    EXPECT_EQ(judge_once(rate, counts_of(failed, started)).value, verdict::breached) << started;
    EXPECT_NE(judge_once(rate, counts_of(failed - 1, started)).value, verdict::breached) << started;
  }
}

TEST(FailureRateRule, RestsOnUnsettledFailuresOnlyWhereItWouldNotStandWithoutThem) {
  auto counts = counts_of(17, 100);
  counts.unsettled = 2;  // 15 of 100 are a breach
  EXPECT_EQ(judge_once(rate, counts).breach, settlement::settled);
  counts.unsettled = 3;
  EXPECT_EQ(judge_once(rate, counts).breach, settlement::unsettled);
  EXPECT_EQ(judge_once(rate, counts).value, verdict::breached);
}

TEST(FailureRateRule, TestsLaterSegmentsMoreStrictly) {
  auto rule = rate;
  rule.by = segmentation::sf_instance;
  EXPECT_EQ(judge_once(rule, counts_of(17, 100), 1).value, verdict::breached);
  EXPECT_NE(judge_once(rule, counts_of(17, 100), 30).value, verdict::breached);
  EXPECT_EQ(judge_once(rule, counts_of(17, 100), 1).reason,
            "failed 17 of 100 started = 17.0%; lower bound 6.3% > limit 5.0% (99.39% confidence)");
}

constexpr failure_budget_rule budget{.above = 0.1, .of = 2'000, .min_failed = 3};

TEST(FailureBudgetRule, IsBreachedAboveItsShare) {
  EXPECT_EQ(judge_once(budget, counts_of(200, 300)).value, verdict::ok);
  EXPECT_EQ(judge_once(budget, counts_of(200, 300)).reason,
            "failed 200 of 2000 orgs = 10.0% <= limit 10.0%; 200 may fail");
  const auto found = judge_once(budget, counts_of(201, 300));
  EXPECT_EQ(found.value, verdict::breached);
  EXPECT_EQ(found.reason, "failed 201 of 2000 orgs = 10.1% > limit 10.0%; 200 may fail");
  EXPECT_FALSE(found.numbers.lower_bound.has_value());
}

TEST(FailureBudgetRule, CountsOfTheScheduledAndSaysSo) {
  const auto found =
      judge_once(failure_budget_rule{.above = 0.1, .of = {}, .min_failed = 1}, counts_of(21, 50, 200));
  EXPECT_EQ(found.value, verdict::breached);
  EXPECT_EQ(found.reason, "failed 21 of 200 scheduled so far = 10.5% > limit 10.0%; 20 may fail");
  EXPECT_DOUBLE_EQ(found.numbers.observed.value(), 0.105);
}

TEST(FailureBudgetRule, SaysThatTooFewFailed) {
  const auto found =
      judge_once(failure_budget_rule{.above = 0.1, .of = {}, .min_failed = 3}, counts_of(2, 5, 5));
  EXPECT_EQ(found.value, verdict::ok);
  EXPECT_EQ(found.reason, "failed 2 of 5 scheduled so far = 40.0%; fewer than 3 failed");
}

TEST(FailureBudgetRule, HasNoDataBeforeTheFirstOrgStarts) {
  const auto found = judge_once(budget, counts_of(0, 0));
  EXPECT_EQ(found.value, verdict::insufficient_data);
  EXPECT_EQ(found.reason, "no org has started");
}

TEST(FailureBudgetRule, RestsOnUnsettledFailuresOnlyWhereItWouldNotStandWithoutThem) {
  auto counts = counts_of(203, 300);
  counts.unsettled = 2;
  EXPECT_EQ(judge_once(budget, counts).breach, settlement::settled);
  counts.unsettled = 3;
  EXPECT_EQ(judge_once(budget, counts).breach, settlement::unsettled);
}

// An org that had started fails, or another starts and fails; it is one that the rule names, or another.
TEST(Opinion, MoreFailuresNeverUndoABreach) {
  constexpr org_count most = 80;
  const std::vector<rule_test> tests{
      rate, failure_budget_rule{.above = 0.05, .min_failed = 3}, failure_count_rule{.above = 6},
      errors_rule{.types = {domain::error_type::apex_test_failure}, .min_orgs = 3, .min_ratio = 0.05},
      orgs_rule{.keys = std::vector<domain::org_key>(most), .max_failed = 2}};
  for (const auto& test : tests) {
    const rule_specification rule{.name = "rule", .test = test};
    rule_judge judge(rule);
    const auto is_breach = [&](org_count failed, org_count started) {
      const auto counts = counts_of(failed, started, most);
      return judge.judge({.counts = counts, .named = failed, .possible = failed}).value == verdict::breached;
    };
    bool was_ever_breached = false;
    for (org_count started = 1; started < most; ++started) {
      for (org_count failed = 0; failed < started; ++failed) {
        was_ever_breached = was_ever_breached || is_breach(failed, started);
        EXPECT_LE(is_breach(failed, started), is_breach(failed + 1, started)) << test.index();
        EXPECT_LE(is_breach(failed, started), is_breach(failed + 1, started + 1)) << test.index();
      }
    }
    EXPECT_TRUE(was_ever_breached) << test.index();
  }
}

}  // namespace
}  // namespace pushguard::policy
