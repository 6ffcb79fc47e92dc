#include "simulator/api_allocation.hpp"

#include <gtest/gtest.h>

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

TEST(ApiAllocation, CallsFallOutAfterADay) {
  api_allocation calls(3, 0);
  EXPECT_TRUE(calls.take(0s));
  EXPECT_TRUE(calls.take(10h));
  EXPECT_TRUE(calls.take(10h));
  EXPECT_FALSE(calls.take(24h - 1ms));
  EXPECT_EQ(calls.used(24h - 1ms), 3U);
  EXPECT_EQ(calls.used(24h), 2U);
  EXPECT_TRUE(calls.take(24h));
  EXPECT_FALSE(calls.take(34h - 1ms));
  EXPECT_EQ(calls.used(34h), 1U);
  EXPECT_EQ(calls.used(48h), 0U);
}

TEST(ApiAllocation, OthersUseItUpByTheClock) {
  api_allocation calls(100, 10);
  EXPECT_EQ(calls.used(0s), 0U);
  EXPECT_EQ(calls.used(6min - 1ms), 0U);
  EXPECT_EQ(calls.used(6min), 1U);
  EXPECT_TRUE(calls.take(1h));
  EXPECT_EQ(calls.used(1h), 11U);
  EXPECT_EQ(calls.used(10h), 101U) << "nothing holds the others back";
  EXPECT_FALSE(calls.take(10h));
  EXPECT_EQ(calls.used(24h), 241U);
  EXPECT_EQ(calls.used(240h), 240U) << "a day of them and no more";
}

}  // namespace
}  // namespace pushguard::simulator
