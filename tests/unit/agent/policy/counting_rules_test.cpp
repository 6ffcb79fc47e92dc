#include "agent/policy/counting_rules.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pushguard::policy {
namespace {

using namespace std::chrono_literals;

TEST(CountingRules, AFailureCountMustBeExceeded) {
  EXPECT_FALSE(is_count_exceeded({.above = 40}, 40));
  EXPECT_TRUE(is_count_exceeded({.above = 40}, 41));
  EXPECT_FALSE(is_count_exceeded({.above = 0}, 0));
  EXPECT_TRUE(is_count_exceeded({.above = 0}, 1));
}

TEST(CountingRules, ErrorsMustReachBothLimits) {
  struct boundary {
    org_count with_error;
    org_count started;
    bool is_breach;
  };
  const errors_rule rule{.types = {domain::error_type::apex_test_failure}, .min_orgs = 3, .min_ratio = 0.02};
  const std::vector<boundary> table{{2, 3, false},     {3, 3, true},      {3, 149, true},  {3, 150, true},
                                    {3, 151, false},   {4, 200, true},    {4, 201, false}, {0, 0, false},
                                    {29, 1'450, true}, {29, 1'451, false}};
  for (const auto& [with_error, started, is_breach] : table)
    EXPECT_EQ(is_errors_breach(rule, with_error, started), is_breach) << with_error << " of " << started;
}

TEST(CountingRules, AnErrorDominatesWhenItReachesAllLimits) {
  struct boundary {
    org_count with_error;
    org_count failed;
    org_count started;
    bool is_breach;
  };
  const same_error_rule rule{.min_orgs = 10, .share = 0.5, .min_ratio = 0.02};
  const std::vector<boundary> table{{9, 9, 9, false},     {10, 10, 10, true},   {10, 20, 500, true},
                                    {10, 21, 500, false}, {10, 20, 501, false}, {11, 22, 550, true}};
  for (const auto& [with_error, failed, started, is_breach] : table) {
    EXPECT_EQ(is_same_error_breach(rule, with_error, failed, started), is_breach)
        << with_error << " of " << failed << " failed of " << started;
  }
}

TEST(CountingRules, SharesThatHaveNoExactDoubleAreReachedExactly) {
  // 0.07 * 100 is 7.000000000000001, 0.29 * 100 is 28.999999999999996.
  EXPECT_TRUE(is_errors_breach({.types = {}, .min_orgs = 1, .min_ratio = 0.07}, 7, 100));
  EXPECT_TRUE(is_errors_breach({.types = {}, .min_orgs = 1, .min_ratio = 0.29}, 29, 100));
  EXPECT_FALSE(is_errors_breach({.types = {}, .min_orgs = 1, .min_ratio = 0.29}, 28, 100));
}

TEST(CountingRules, AStallBeginsWithTheLimit) {
  EXPECT_FALSE(is_stalled({.no_progress_for = 30min}, 30min - 1ms));
  EXPECT_TRUE(is_stalled({.no_progress_for = 30min}, 30min));
}

TEST(CountingRules, MoreFailuresNeverUndoABreach) {
  constexpr org_count most = 60;
  const failure_count_rule count{.above = 7};
  const errors_rule errors{.types = {}, .min_orgs = 3, .min_ratio = 0.1};
  for (org_count started = 0; started <= most; ++started) {
    for (org_count failed = 0; failed < started; ++failed) {
      // An org that had started fails, or one starts and fails.
      EXPECT_LE(is_count_exceeded(count, failed), is_count_exceeded(count, failed + 1));
      EXPECT_LE(is_errors_breach(errors, failed, started), is_errors_breach(errors, failed + 1, started));
      EXPECT_LE(is_errors_breach(errors, failed, started), is_errors_breach(errors, failed + 1, started + 1));
    }
  }
}

}  // namespace
}  // namespace pushguard::policy
