#include "simulator/delivery_quota.hpp"

#include <gtest/gtest.h>

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

TEST(DeliveryQuota, HoldsInAny24Hours) {
  delivery_quota quota(100);
  const steady_time start{};
  quota.count(60, start);
  quota.count(10, start + 30s);
  quota.count(30, start + 12h);
  EXPECT_EQ(quota.left(start + 12h), 0U);
  EXPECT_EQ(quota.left(start + 24h - 1ms), 0U);
  EXPECT_EQ(quota.left(start + 24h), 70U) << "deliveries of one minute are forgotten together";
  EXPECT_EQ(quota.left(start + 36h), 100U);
  EXPECT_EQ(quota.total(), 100U);
}

TEST(DeliveryQuota, MayBeOverdrawnButNotGoBelowZero) {
  delivery_quota quota(5);
  quota.count(9, {});
  EXPECT_EQ(quota.left({}), 0U);
}

TEST(DeliveryQuota, OnlyCountsWithoutAMaximum) {
  delivery_quota quota(std::nullopt);
  quota.count(1'000'000, {});
  EXPECT_GT(quota.left({}), 1'000'000'000U);
  EXPECT_EQ(quota.total(), 1'000'000U);
}

}  // namespace
}  // namespace pushguard::simulator
