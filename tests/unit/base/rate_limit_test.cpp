#include "base/rate_limit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(TokenBucket, LetsABurstThroughAtOnceAndThenOneForEachInterval) {
  token_bucket bucket({.burst = 3, .interval = 2s});
  const steady_time now{1h};
  std::vector<duration> waits;
  for (int i = 0; i < 5; ++i)
    waits.push_back(bucket.try_take(now));
  EXPECT_THAT(waits, ElementsAre(0s, 0s, 0s, 2s, 2s));
  EXPECT_EQ(bucket.try_take(now + 1999ms), 1ms);
  EXPECT_EQ(bucket.try_take(now + 2s), 0s);
  EXPECT_EQ(bucket.try_take(now + 2s), 2s);
}

TEST(TokenBucket, IsFullAgainAfterABurstsIntervalsAndHoldsNoMore) {
  token_bucket bucket({.burst = 3, .interval = 2s});
  steady_time now{1h};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(bucket.try_take(now), 0s);
  EXPECT_EQ(bucket.full_at(), now + 6s);
  now += 24h;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(bucket.try_take(now), 0s);
  EXPECT_EQ(bucket.try_take(now), 2s);
}

TEST(TokenBucket, CountsNothingWhileItMakesWait) {
  token_bucket bucket({.burst = 1, .interval = 1s});
  const steady_time now{1h};
  EXPECT_EQ(bucket.try_take(now), 0s);
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(bucket.try_take(now + 500ms), 500ms);
  EXPECT_EQ(bucket.try_take(now + 1s), 0s);
}

TEST(TokenBucket, NeverTellsSomebodyToComeBackTooEarly) {
  token_bucket bucket({.burst = 1, .interval = 1s});
  const steady_time now{1h};
  bucket.take(now);
  const steady_time later = now + std::chrono::microseconds(100);
  const duration wait = bucket.try_take(later);
  EXPECT_EQ(wait, 1s) << "rounded up to whole milliseconds";
  EXPECT_EQ(bucket.try_take(later + wait), 0s);
}

TEST(TokenBucket, NeverLetsMoreThroughThanItsLimitWhenAskedAtAnyTimes) {
  std::mt19937 dice(7);
  for (const rate_limit limit :
       {rate_limit{.burst = 1, .interval = 1s}, rate_limit{.burst = 10, .interval = 1s},
        rate_limit{.burst = 30, .interval = 2s}}) {
    token_bucket bucket(limit);
    steady_time now{1h};
    std::vector<steady_time> passed;
    for (int i = 0; i < 5000; ++i) {
      now += duration(dice() % 700);
      if (bucket.try_take(now) == duration::zero())
        passed.push_back(now);
    }
    // Any burst + k in a row take k intervals at least.
    for (std::size_t i = limit.burst; i < passed.size(); ++i)
      ASSERT_GT(passed[i] - passed[i - limit.burst], duration::zero()) << i;
    for (std::size_t i = 0; i + limit.burst + 9 < passed.size(); ++i)
      ASSERT_GE(passed[i + limit.burst + 9] - passed[i], 10 * limit.interval) << i;
  }
}

}  // namespace
}  // namespace pushguard
