#include "agent/pace.hpp"

#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;

TEST(ShortestInterval, KeepsADaysReadsWithinTheBudget) {
  // 20% of 100 000 calls are 20 000 a day: four calls every 17.28 s.
  EXPECT_EQ(shortest_interval(4, 0.2, 100'000), 17'280ms);
  EXPECT_EQ(shortest_interval(4, 1.0, 100'000), 3'456ms);
  EXPECT_EQ(shortest_interval(1, 0.2, 15'000), 28'800ms) << "a Developer Edition hub";
}

TEST(ShortestInterval, SetsNoBoundsWhereNothingIsKnown) {
  EXPECT_EQ(shortest_interval(4, 0.2, 0), 0ms);
  EXPECT_EQ(shortest_interval(0, 0.2, 100'000), 0ms);
}

TEST(ShortestInterval, IsADayAtMost) {
  EXPECT_EQ(shortest_interval(1'000'000, 0.001, 1), 24h);
}

}  // namespace
}  // namespace pushguard::agent
