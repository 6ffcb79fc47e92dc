#include "agent/policy/reason.hpp"

#include <gtest/gtest.h>

namespace pushguard::policy {
namespace {

TEST(Reason, SaysWhatWasObserved) {
  EXPECT_EQ(observed_text(17, 100), "failed 17 of 100 started = 17.0%");
  EXPECT_EQ(observed_text(0, 3), "failed 0 of 3 started = 0.0%");
  EXPECT_EQ(observed_text(0, 0), "no org has started");
}

TEST(Reason, SaysOnWhichSideOfTheLimitTheBoundIs) {
  EXPECT_EQ(bound_text(0.06608, "limit", 0.05, 0.01), "lower bound 6.6% > limit 5.0% (99% confidence)");
  EXPECT_EQ(bound_text(0.03794, "limit", 0.05, 0.01), "lower bound 3.8% <= limit 5.0% (99% confidence)");
  EXPECT_EQ(bound_text(0.05, "limit", 0.05, 0.01), "lower bound 5.0% <= limit 5.0% (99% confidence)");
}

TEST(Reason, AddsDigitsUntilDifferentNumbersReadDifferently) {
  EXPECT_EQ(bound_text(0.0502, "limit", 0.05, 0.01), "lower bound 5.02% > limit 5.00% (99% confidence)");
  EXPECT_EQ(percentages_of(0.0500001, 0.05).first, "5.00001%");
  EXPECT_EQ(percentages_of(0.05 + 1e-12, 0.05).first, "5.000000%");
}

TEST(Reason, GivesConfidenceTheDigitsItNeeds) {
  EXPECT_EQ(confidence_text(0.01), "99%");
  EXPECT_EQ(confidence_text(0.05), "95%");
  EXPECT_EQ(confidence_text(0.1), "90%");
  EXPECT_EQ(confidence_text(0.001), "99.9%");
  EXPECT_EQ(confidence_text(0.00607927), "99.39%");
  EXPECT_EQ(confidence_text(0.0000608), "99.9939%");
  EXPECT_EQ(confidence_text(1.0 - 0.99), "99%");
}

}  // namespace
}  // namespace pushguard::policy
