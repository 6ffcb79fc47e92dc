#include "agent/call_budget.hpp"

#include <gtest/gtest.h>

#include <array>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;

const steady_time start = steady_time(100h);

call_budget budget_of(double share, std::uint64_t limit, std::uint64_t used = 0) {
  call_budget made(share);
  made.tell({.used = used, .limit = limit});
  return made;
}

TEST(CallBudget, SetsNoPaceWhereNothingIsKnown) {
  call_budget budget(0.2);
  budget.spend(1'000'000, start);
  EXPECT_EQ(budget.shortest_interval(4, start), 0ms);
  EXPECT_EQ(budget.allowed(), 0U);
  EXPECT_FALSE(budget.is_known());
  EXPECT_FALSE(budget.is_low(start));
  EXPECT_EQ(budget_of(0.2, 100'000).shortest_interval(0, start), 0ms);
}

TEST(CallBudget, MakesWhatIsLeftLastForSixHours) {
  // 20% of 15 000 calls are 3 000, of which 2 400 are paced: two calls every 18 s at first.
  call_budget budget = budget_of(0.2, 15'000);
  EXPECT_EQ(budget.allowed(), 3000U);
  EXPECT_EQ(budget.shortest_interval(2, start), 18s);
  EXPECT_EQ(budget.shortest_interval(4, start), 36s);
  budget.spend(1200, start);
  EXPECT_EQ(budget.shortest_interval(2, start), 36s);
  EXPECT_EQ(budget_of(0.2, 100'000).shortest_interval(3, start), 4050ms) << "an Enterprise Edition hub";
}

TEST(CallBudget, GoesOnSlowlyAtTheEdge) {
  call_budget budget = budget_of(0.2, 15'000);
  budget.spend(2400, start);
  // 600 calls in a day: two every 288 s.
  EXPECT_EQ(budget.shortest_interval(2, start), 288s);
  budget.spend(100'000, start);
  EXPECT_EQ(budget.shortest_interval(2, start), 288s) << "never slower than that";
}

TEST(CallBudget, ForgetsCallsAfterADay) {
  call_budget budget = budget_of(0.2, 15'000);
  budget.spend(2400, start);
  EXPECT_EQ(budget.spent(start + 23h + 59min), 2400U);
  EXPECT_EQ(budget.spent(start + 24h + 15min), 0U);
  EXPECT_EQ(budget.shortest_interval(2, start + 25h), 18s);
}

TEST(CallBudget, LeavesToOthersWhatTheyNeed) {
  EXPECT_EQ(budget_of(0.2, 15'000, 14'000).shortest_interval(2, start), 50'824ms)
      << "850 calls are left, and 150 in reserve";
  EXPECT_EQ(budget_of(0.2, 15'000, 14'850).shortest_interval(2, start), 288s);
  EXPECT_EQ(budget_of(0.2, 15'000, 20'000).shortest_interval(2, start), 288s);
}

TEST(CallBudget, TakesARefusalForTheEdge) {
  call_budget budget = budget_of(0.2, 15'000);
  budget.refused(start);
  EXPECT_TRUE(budget.is_low(start + 14min));
  EXPECT_EQ(budget.shortest_interval(2, start + 14min), 288s);
  EXPECT_FALSE(budget.is_low(start + 15min));
}

TEST(CallBudget, IsLowInItsLastTenth) {
  call_budget budget = budget_of(0.2, 15'000);
  budget.spend(2160, start);
  EXPECT_FALSE(budget.is_low(start));
  budget.spend(1, start);
  EXPECT_TRUE(budget.is_low(start));
  EXPECT_TRUE(budget_of(0.2, 15'000, 14'611).is_low(start));
}

TEST(CallBudget, IsADayAtMost) {
  EXPECT_EQ(budget_of(0.001, 1000).shortest_interval(1'000'000, start), 24h);
}

/// Whoever keeps to the pace stays inside the budget in any 24 hours, and never waits for an hour.
TEST(CallBudget, HoldsForDaysOfReading) {
  for (const std::uint64_t limit : {15'000ULL, 100'000ULL}) {
    for (const std::uint64_t calls : {2ULL, 5ULL}) {
      call_budget budget = budget_of(0.2, limit);
      std::deque<std::pair<steady_time, std::uint64_t>> made;
      std::uint64_t in_a_day = 0;
      std::uint64_t most = 0;
      duration longest{};
      for (steady_time now = start; now < start + 72h;) {
        budget.spend(calls, now);
        made.emplace_back(now, calls);
        in_a_day += calls;
        while (made.front().first <= now - 24h) {
          in_a_day -= made.front().second;
          made.pop_front();
        }
        most = std::max(most, in_a_day);
        const duration wait = std::max<duration>(15s, budget.shortest_interval(calls, now));
        longest = std::max(longest, wait);
        now += wait;
      }
      EXPECT_LE(most, budget.allowed()) << limit << " " << calls;
      EXPECT_LE(longest, calls * 150s) << limit << " " << calls;
    }
  }
}

}  // namespace
}  // namespace pushguard::agent
