#include "base/fake_time.hpp"

#include <gtest/gtest.h>

#include "base/condition.hpp"
#include "base/task_group.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class FakeTime : public testing::Test {
 protected:
  asio::awaitable<void> sleeper(duration length, std::string name) {
    co_await time_.sleep_for(length);
    woken_ += name;
  }

  void poll() {
    context_.restart();
    context_.poll();
  }

  fake_time time_;
  asio::io_context context_;
  task_group tasks_{context_.get_executor()};
  std::string woken_;
};

TEST_F(FakeTime, WakesSleepersInTheOrderOfTheirTimesThenOfTheirComing) {
  tasks_.spawn(sleeper(2s, "c"));
  tasks_.spawn(sleeper(1s, "a"));
  tasks_.spawn(sleeper(1s, "b"));
  tasks_.spawn(sleeper(3s, "d"));
  poll();
  EXPECT_EQ(time_.next_wake(), time_.steady_now() + 1s);
  time_.advance(999ms);
  poll();
  EXPECT_EQ(woken_, "");
  time_.advance(1ms);
  poll();
  EXPECT_EQ(woken_, "ab");
  time_.advance(10s);
  poll();
  EXPECT_EQ(woken_, "abcd");
  EXPECT_FALSE(time_.next_wake().has_value());
}

TEST_F(FakeTime, ASleepIntoThePastEndsAtOnce) {
  tasks_.spawn(sleeper(0s, "a"));
  tasks_.spawn(sleeper(-5s, "b"));
  poll();
  EXPECT_EQ(woken_, "ab");
}

TEST_F(FakeTime, NeverGoesBack) {
  time_.advance(10s);
  const steady_time now = time_.steady_now();
  time_.advance_to(now - 5s);
  EXPECT_EQ(time_.steady_now(), now);
}

TEST_F(FakeTime, MovesBothClocksTogetherUnlessTheWallClockIsSet) {
  const wall_time start = time_.wall_now();
  time_.advance(90s);
  EXPECT_EQ(time_.wall_now() - start, 90s);
  time_.shift_wall_clock(-1h);
  EXPECT_EQ(time_.wall_now() - start, 90s - 1h);
  tasks_.spawn(sleeper(1s, "a"));
  poll();
  time_.shift_wall_clock(2h);
  poll();
  EXPECT_EQ(woken_, "") << "sleeping does not depend on the wall clock";
}

TEST_F(FakeTime, ACancelledSleeperIsForgotten) {
  tasks_.spawn(sleeper(1s, "a"));
  poll();
  tasks_.cancel();
  poll();
  EXPECT_EQ(tasks_.size(), 0U);
  EXPECT_FALSE(time_.next_wake().has_value());
  EXPECT_EQ(woken_, "");
}

TEST_F(FakeTime, RunSimulatedPlaysADayAndSaysHowItEnded) {
  tasks_.spawn(sleeper(24h, "a"));
  const steady_time start = time_.steady_now();
  EXPECT_EQ(run_simulated(context_, time_, [&] { return !woken_.empty(); }), simulated_end::done);
  EXPECT_EQ(time_.steady_now() - start, 24h);
  EXPECT_EQ(run_simulated(context_, time_, [] { return false; }), simulated_end::idle);
  tasks_.spawn(sleeper(2h, "b"));
  EXPECT_EQ(run_simulated(context_, time_, [] { return false; }, 1h), simulated_end::out_of_time);
  EXPECT_EQ(time_.steady_now() - start, 25h);
  EXPECT_EQ(woken_, "a");
}

TEST_F(FakeTime, RunSimulatedForPassesTheTimeEvenWhenNobodySleeps) {
  const steady_time start = time_.steady_now();
  run_simulated_for(context_, time_, 5min);
  EXPECT_EQ(time_.steady_now() - start, 5min);
  tasks_.spawn(sleeper(5min, "a"));
  run_simulated_for(context_, time_, 5min);
  EXPECT_EQ(woken_, "a");
}

TEST_F(FakeTime, SimulateAnswersTheTasksValueOrRethrows) {
  const auto answer = [](fake_time& time) -> asio::awaitable<int> {
    co_await time.sleep_for(1h);
    co_return 42;
  };
  EXPECT_EQ(simulate(context_, time_, answer(time_)), 42);
  const auto thrower = [](fake_time& time) -> asio::awaitable<void> {
    co_await time.sleep_for(1h);
    throw std::logic_error("a bug");
  };
  EXPECT_THROW(simulate(context_, time_, thrower(time_)), std::logic_error);
}

TEST_F(FakeTime, SimulateRefusesToWaitForWhatNeverHappens) {
  condition never;
  EXPECT_THROW(simulate(context_, time_, never.wait()), std::runtime_error);
  never.notify_all();
  poll();
}

}  // namespace
}  // namespace pushguard::test
