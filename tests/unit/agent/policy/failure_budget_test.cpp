#include "agent/policy/failure_budget.hpp"

#include <gtest/gtest.h>

namespace pushguard::policy {
namespace {

TEST(FailureBudget, AllowsTheShareRoundedDown) {
  EXPECT_EQ(failures_allowed(0.1, 2000), 200U);
  EXPECT_EQ(failures_allowed(0.1, 29), 2U);
  EXPECT_EQ(failures_allowed(0.05, 19), 0U);
  EXPECT_EQ(failures_allowed(0.1, 0), 0U);
  // 0.29 * 100 and 0.07 * 100 lie on different sides of the integer in doubles.
  EXPECT_EQ(failures_allowed(0.29, 100), 29U);
  EXPECT_EQ(failures_allowed(0.07, 100), 7U);
}

TEST(FailureBudget, IsExceededByOneFailureMoreThanAllowed) {
  const failure_budget_rule rule{.above = 0.1, .of = 2000, .min_failed = 3};
  EXPECT_FALSE(is_budget_exceeded(rule, 200, 50));
  EXPECT_TRUE(is_budget_exceeded(rule, 201, 50));
}

TEST(FailureBudget, CountsOfTheScheduledWhereNoTotalIsNamed) {
  const failure_budget_rule rule{.above = 0.1, .of = std::nullopt, .min_failed = 1};
  EXPECT_FALSE(is_budget_exceeded(rule, 5, 50));
  EXPECT_TRUE(is_budget_exceeded(rule, 6, 50));
}

TEST(FailureBudget, IsNeverExceededBelowItsLeastNumberOfFailures) {
  const failure_budget_rule rule{.above = 0.1, .of = 10, .min_failed = 3};
  EXPECT_FALSE(is_budget_exceeded(rule, 2, 10));
  EXPECT_TRUE(is_budget_exceeded(rule, 3, 10));
}

TEST(FailureBudget, IsNeverLeftByMoreFailures) {
  const failure_budget_rule rule{.above = 0.03, .of = std::nullopt, .min_failed = 2};
  for (org_count scheduled = 1; scheduled <= 300; ++scheduled) {
    bool is_exceeded = false;
    for (org_count failed = 0; failed <= scheduled; ++failed) {
      const bool now = is_budget_exceeded(rule, failed, scheduled);
      EXPECT_TRUE(now || !is_exceeded) << failed << " of " << scheduled;
      is_exceeded = now;
    }
  }
}

}  // namespace
}  // namespace pushguard::policy
