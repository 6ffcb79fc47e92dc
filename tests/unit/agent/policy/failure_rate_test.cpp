#include "agent/policy/failure_rate.hpp"

#include <gtest/gtest.h>

namespace pushguard::policy {
namespace {

constexpr double limit = 0.05;
constexpr double alpha = 0.01;
constexpr prior golden_prior{1.0, 9.0};

TEST(FailureRate, HasAPriorAroundTwiceTheLimit) {
  EXPECT_DOUBLE_EQ(prior_for(0.05).a, 1.0);
  EXPECT_DOUBLE_EQ(prior_for(0.05).b, 9.0);
  EXPECT_DOUBLE_EQ(prior_for(0.02).b, 24.0);
  EXPECT_DOUBLE_EQ(prior_for(0.25).b, 1.0);
  EXPECT_DOUBLE_EQ(prior_for(0.6).b, 1.0);
}

// Golden numbers of an independent implementation.
TEST(FailureRate, AgreesWithTheGoldenEvidenceAndBounds) {
  EXPECT_NEAR(log_evidence(12, 100, golden_prior, limit), 2.4041, 5e-5);
  EXPECT_NEAR(failure_rate_lower_bound(12, 100, golden_prior, alpha), 0.03794, 5e-6);
  EXPECT_FALSE(is_rate_above(12, 100, golden_prior, alpha, limit));
  EXPECT_NEAR(log_evidence(17, 100, golden_prior, limit), 7.9283, 5e-5);
  EXPECT_NEAR(failure_rate_lower_bound(17, 100, golden_prior, alpha), 0.06608, 5e-6);
  EXPECT_TRUE(is_rate_above(17, 100, golden_prior, alpha, limit));
}

TEST(FailureRate, AgreesWithTheGoldenSmallestFailureCounts) {
  struct row {
    org_count started;
    org_count failed;
  };
  failing_counts counts(limit, alpha, golden_prior);
  for (const auto& [started, failed] :
       {row{4, 4}, row{10, 5}, row{20, 6}, row{50, 10}, row{100, 15}, row{200, 23}, row{500, 45},
        row{1'000, 78}, row{5'000, 313}, row{10'000, 590}, row{100'000, 5'299}}) {
    EXPECT_EQ(counts.failed_min(started), failed) << started;
    EXPECT_TRUE(counts.is_breach(failed, started)) << started;
    EXPECT_FALSE(counts.is_breach(failed - 1, started)) << started;
  }
}

TEST(FailureRate, NeedsSomeOrgsBeforeAnythingIsABreach) {
  failing_counts counts(limit, alpha, golden_prior);
  EXPECT_FALSE(counts.is_breach(0, 0));
  for (org_count n = 1; n <= 3; ++n) {
    EXPECT_FALSE(counts.is_breach(n, n)) << n;
    EXPECT_FALSE(counts.failed_min(n).has_value()) << n;
  }
}

TEST(FailureRate, BoundIsZeroWithoutFailuresAndBelowTheObservedRateAlways) {
  EXPECT_EQ(failure_rate_lower_bound(0, 0, golden_prior, alpha), 0.0);
  EXPECT_EQ(failure_rate_lower_bound(0, 1'000, golden_prior, alpha), 0.0);
  for (org_count started = 1; started <= 200; ++started) {
    for (org_count failed = 1; failed <= started; ++failed) {
      const double bound = failure_rate_lower_bound(failed, started, golden_prior, alpha);
      ASSERT_GT(bound, 0.0);
      ASSERT_LT(bound, static_cast<double>(failed) / static_cast<double>(started));
    }
  }
}

class FailureRateLimits : public testing::TestWithParam<double> {};

TEST_P(FailureRateLimits, TableEvidenceAndBoundDecideAlike) {
  const double x = GetParam();
  const auto beta = prior_for(x);
  failing_counts counts(x, alpha, beta);
  for (org_count started = 1; started <= 250; ++started) {
    for (org_count failed = 0; failed <= started; ++failed) {
      const bool is_above = is_rate_above(failed, started, beta, alpha, x);
      ASSERT_EQ(counts.is_breach(failed, started), is_above) << failed << " of " << started;
      ASSERT_EQ(failure_rate_lower_bound(failed, started, beta, alpha) > x, is_above)
          << failed << " of " << started;
    }
  }
}

TEST_P(FailureRateLimits, MoreFailuresNeverUnbreachAndRaiseTheBound) {
  const double x = GetParam();
  const auto beta = prior_for(x);
  for (org_count started = 1; started <= 120; ++started) {
    double bound = 0.0;
    bool is_above = false;
    for (org_count failed = 1; failed <= started; ++failed) {
      const double next = failure_rate_lower_bound(failed, started, beta, alpha);
      ASSERT_GT(next, bound);
      const bool now = is_rate_above(failed, started, beta, alpha, x);
      ASSERT_TRUE(now || !is_above);
      bound = next;
      is_above = now;
    }
  }
}

TEST_P(FailureRateLimits, SuccessesNeverBreach) {
  const double x = GetParam();
  failing_counts counts(x, alpha, prior_for(x));
  for (org_count failed = 1; failed <= 200; ++failed)
    ASSERT_GE(counts.started_max(failed), counts.started_max(failed - 1));
}

INSTANTIATE_TEST_SUITE_P(Limits, FailureRateLimits,
                         testing::Values(0.001, 0.01, 0.02, 0.05, 0.1, 0.25, 0.3, 0.5));

TEST(FailureRate, TinyLimitsDoNotOverflowTheTable) {
  failing_counts counts(1e-7, alpha, prior_for(1e-7));
  EXPECT_GT(counts.started_max(100'000), 50'000'000U);
}

TEST(FailureRate, SegmentsShareAlphaHoweverManyThereAre) {
  double sum = 0.0;
  for (std::uint32_t i = 1; i <= 100'000; ++i)
    sum += segment_alpha(alpha, i);
  EXPECT_LT(sum, alpha);
  EXPECT_NEAR(sum, alpha, 1e-6);
  EXPECT_GT(segment_alpha(alpha, 1), segment_alpha(alpha, 2));
}

}  // namespace
}  // namespace pushguard::policy
