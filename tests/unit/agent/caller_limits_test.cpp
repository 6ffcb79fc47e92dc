#include "agent/caller_limits.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fake_time.hpp"

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// How many requests pass before one must wait.
template <class Ask>
int burst_of(Ask ask) {
  int passed = 0;
  while (ask() == duration::zero())
    ++passed;
  return passed;
}

TEST(CallerLimits, LetAnActorAskThirtyTimesAtOnceAndThenEveryTwoSeconds) {
  fake_time time;
  caller_limits limits(time);
  EXPECT_EQ(burst_of([&] { return limits.try_actor("alice"); }), 30);
  EXPECT_EQ(limits.try_actor("alice"), 2s);
  time.advance(1999ms);
  EXPECT_EQ(limits.try_actor("alice"), 1ms);
  time.advance(1ms);
  EXPECT_EQ(limits.try_actor("alice"), 0s);
  EXPECT_EQ(limits.try_actor("alice"), 2s);
}

TEST(CallerLimits, LetAllWhomNobodyKnowsAskTenTimesTogetherAndThenEverySecond) {
  fake_time time;
  caller_limits limits(time);
  EXPECT_EQ(burst_of([&] { return limits.try_unknown(); }), 10);
  EXPECT_EQ(limits.try_unknown(), 1s);
  time.advance(1s);
  EXPECT_EQ(burst_of([&] { return limits.try_unknown(); }), 1);
}

TEST(CallerLimits, HoldUpNobodyForWhatOthersDo) {
  fake_time time;
  caller_limits limits(time);
  burst_of([&] { return limits.try_unknown(); });
  EXPECT_EQ(burst_of([&] { return limits.try_actor("alice"); }), 30);
  EXPECT_EQ(burst_of([&] { return limits.try_actor("bob"); }), 30);
}

TEST(CallerLimits, RememberAThousandActorsAtMost) {
  fake_time time;
  caller_limits limits(time);
  burst_of([&] { return limits.try_actor("busy"); });
  for (std::size_t i = 1; i < caller_limits::actors_max; ++i)
    EXPECT_EQ(limits.try_actor(fmt::format("actor-{}", i)), 0s);
  EXPECT_EQ(limits.actors(), caller_limits::actors_max);
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(limits.try_actor(fmt::format("more-{}", i)), 0s);
  EXPECT_EQ(limits.actors(), caller_limits::actors_max);
  EXPECT_GT(limits.try_actor("busy"), 0s) << "who asks most is forgotten last";

  time.advance(1h);
  EXPECT_EQ(limits.try_actor("another"), 0s);
  EXPECT_EQ(limits.actors(), 1U) << "whose bucket is full again needs none";
}

TEST(CallerLimits, SayInWholeSecondsWhenToComeBack) {
  struct expectation {
    duration wait;
    std::string_view seconds;
  };
  for (const auto& [wait, seconds] :
       {expectation{1ms, "1"}, expectation{1s, "1"}, expectation{1001ms, "2"}, expectation{2s, "2"}}) {
    const http_reply reply = actor_must_wait("alice", wait);
    EXPECT_EQ(reply.status, 429);
    EXPECT_EQ(reply.headers.find("Retry-After"), seconds);
    EXPECT_THAT(reply.body, HasSubstr(R"("code":"too_many_requests")"));
    EXPECT_THAT(reply.body, HasSubstr(fmt::format("by alice: nothing was done; ask again in {} s", seconds)));
  }
  EXPECT_THAT(unknown_must_wait(1s).body, HasSubstr("without a token that is known"));
}

}  // namespace
}  // namespace pushguard::agent
