#include "base/task_group.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "base/deadline.hpp"
#include "base/fake_time.hpp"

namespace pushguard {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class TaskGroup : public testing::Test {
 protected:
  asio::awaitable<void> sleeper(duration length, int& ended, int& cancelled) {
    try {
      co_await time_.sleep_for(length);
      ++ended;
    } catch (const boost::system::system_error&) {
      ++cancelled;
      throw;
    }
  }

  asio::io_context context_;
  fake_time time_;
  int ended_ = 0;
  int cancelled_ = 0;
};

TEST_F(TaskGroup, JoinWaitsForEveryTask) {
  task_group group(context_.get_executor());
  group.spawn(sleeper(1s, ended_, cancelled_));
  group.spawn(sleeper(5s, ended_, cancelled_));
  bool joined = false;
  asio::co_spawn(
      context_,
      [&]() -> asio::awaitable<void> {
        co_await group.join();
        joined = true;
      },
      asio::detached);
  context_.poll();
  time_.advance(1s);
  context_.poll();
  EXPECT_EQ(ended_, 1);
  EXPECT_FALSE(joined);
  time_.advance(4s);
  context_.poll();
  EXPECT_EQ(ended_, 2);
  EXPECT_TRUE(joined);
}

TEST_F(TaskGroup, CancellingTheWaiterCancelsTheTasksAndStillWaitsForThem) {
  task_group group(context_.get_executor());
  group.spawn(sleeper(1h, ended_, cancelled_));
  group.spawn(sleeper(1h, ended_, cancelled_));
  asio::cancellation_signal stop;
  std::size_t left = 99;
  asio::co_spawn(
      context_,
      [&]() -> asio::awaitable<void> {
        co_await group.join();
        left = group.size();
      },
      asio::bind_cancellation_slot(stop.slot(), asio::detached));
  context_.poll();
  stop.emit(asio::cancellation_type::terminal);
  context_.poll();
  EXPECT_EQ(cancelled_, 2);
  EXPECT_EQ(left, 0U);
}

TEST_F(TaskGroup, AnExceptionEndsTheOthersAndReachesTheParent) {
  task_group group(context_.get_executor());
  group.spawn(sleeper(1h, ended_, cancelled_));
  group.spawn([](fake_time& time) -> asio::awaitable<void> {
    co_await time.sleep_for(1s);
    throw std::runtime_error("a bug");
  }(time_));
  std::exception_ptr error;
  asio::co_spawn(context_, group.join(), [&](const std::exception_ptr& e) { error = e; });
  context_.poll();
  time_.advance(1s);
  context_.poll();
  EXPECT_EQ(cancelled_, 1);
  ASSERT_TRUE(error);
  EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
}

TEST_F(TaskGroup, ATaskSpawnedAfterCancelEndsAtItsFirstWait) {
  task_group group(context_.get_executor());
  group.cancel();
  group.spawn(sleeper(1h, ended_, cancelled_));
  context_.poll();
  EXPECT_EQ(cancelled_, 1);
  EXPECT_EQ(group.size(), 0U);
}

using Deadline = TaskGroup;

asio::awaitable<result<int>> answer_after(fake_time& time, duration length) {
  co_await time.sleep_for(length);
  co_return 42;
}

TEST_F(Deadline, AnswersTheResultThatCameInTime) {
  result<int> got = fail(errc::invalid, "not yet");
  asio::co_spawn(
      context_,
      [&]() -> asio::awaitable<void> {
        got = co_await with_deadline(time_, time_.steady_now() + 10s, "asking", answer_after(time_, 9s));
      },
      asio::detached);
  context_.poll();
  time_.advance(9s);
  context_.poll();
  EXPECT_EQ(got.value(), 42);
  EXPECT_FALSE(time_.next_wake().has_value()) << "the deadline's timer was left behind";
}

TEST_F(Deadline, EndsTheOperationAndSaysWhatTimedOut) {
  result<int> got = 0;
  asio::co_spawn(
      context_,
      [&]() -> asio::awaitable<void> {
        got = co_await with_deadline(time_, time_.steady_now() + 10s, "asking example.com",
                                     answer_after(time_, 11s));
      },
      asio::detached);
  context_.poll();
  time_.advance(10s);
  context_.poll();
  ASSERT_FALSE(got.has_value());
  EXPECT_TRUE(got.error().is(errc::timed_out));
  EXPECT_EQ(got.error().text(), "asking example.com: timed out");
  EXPECT_FALSE(time_.next_wake().has_value()) << "the operation went on";
}

TEST_F(Deadline, CancellationOfTheCallerIsNotATimeout) {
  asio::cancellation_signal stop;
  std::exception_ptr error;
  asio::co_spawn(
      context_,
      [&]() -> asio::awaitable<void> {
        co_await with_deadline(time_, time_.steady_now() + 10s, "asking", answer_after(time_, 5s));
      },
      asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr& e) { error = e; }));
  context_.poll();
  stop.emit(asio::cancellation_type::terminal);
  context_.poll();
  EXPECT_TRUE(is_cancellation(error));
  EXPECT_FALSE(time_.next_wake().has_value());
}

}  // namespace
}  // namespace pushguard
