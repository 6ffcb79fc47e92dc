#include "base/backoff.hpp"

#include <gtest/gtest.h>

namespace pushguard {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesItsCeilingUpToTheLongest) {
  random_engine random(1);
  backoff waits({.first = 1s, .longest = 60s});
  for (const duration expected : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    EXPECT_EQ(waits.ceiling(), expected);
    static_cast<void>(waits.next(random));
  }
  EXPECT_EQ(waits.failures(), 8U);
  waits.reset();
  EXPECT_EQ(waits.ceiling(), 1s);
  EXPECT_EQ(waits.failures(), 0U);
}

TEST(Backoff, SpreadsItsWaitsOverTheWholeRange) {
  random_engine random(2);
  duration least = duration::max();
  duration most{};
  duration sum{};
  constexpr int rounds = 10'000;
  for (int i = 0; i < rounds; ++i) {
    backoff waits({.first = 1s, .longest = 60s});
    const duration wait = waits.next(random);
    EXPECT_GE(wait, 0ms);
    EXPECT_LE(wait, 1s);
    least = std::min(least, wait);
    most = std::max(most, wait);
    sum += wait;
  }
  EXPECT_LT(least, 10ms);
  EXPECT_GT(most, 990ms);
  EXPECT_NEAR(static_cast<double>(sum.count()) / rounds, 500.0, 15.0);  // five standard errors
}

TEST(Backoff, StaysInBoundsAfterManyFailures) {
  random_engine random(3);
  backoff waits({.first = 250ms, .longest = 24h});
  for (int i = 0; i < 200; ++i) {
    const duration ceiling = waits.ceiling();
    EXPECT_LE(ceiling, 24h);
    EXPECT_GE(ceiling, 250ms);
    const duration wait = waits.next(random);
    EXPECT_GE(wait, 0ms);
    EXPECT_LE(wait, ceiling);
  }
  EXPECT_EQ(waits.ceiling(), 24h);
}

TEST(Backoff, AnswersTheSameForTheSameSeed) {
  random_engine one(7);
  random_engine two(7);
  backoff a;
  backoff b;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(a.next(one), b.next(two));
  }
}

}  // namespace
}  // namespace pushguard
