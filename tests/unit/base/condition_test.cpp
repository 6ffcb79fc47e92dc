#include "base/condition.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "base/task_group.hpp"

namespace pushguard {
namespace {

namespace asio = boost::asio;

class Condition : public testing::Test {
 protected:
  asio::awaitable<void> waiter() {
    co_await changed_.wait();
    ++woken_;
  }

  void poll() {
    context_.restart();
    context_.poll();
  }

  asio::io_context context_;
  condition changed_;
  task_group tasks_{context_.get_executor()};
  int woken_ = 0;
};

TEST_F(Condition, WakesEveryoneWhoWaitsAndNobodyElse) {
  changed_.notify_all();
  tasks_.spawn(waiter());
  tasks_.spawn(waiter());
  poll();
  EXPECT_EQ(woken_, 0) << "a notification from before the wait does not count";
  changed_.notify_all();
  poll();
  EXPECT_EQ(woken_, 2);
  tasks_.spawn(waiter());
  poll();
  EXPECT_EQ(woken_, 2);
  tasks_.cancel();
  poll();
}

TEST_F(Condition, ACancelledWaiterUnwindsAndLeaves) {
  tasks_.spawn(waiter());
  poll();
  tasks_.cancel();
  poll();
  EXPECT_EQ(tasks_.size(), 0U);
  EXPECT_EQ(woken_, 0);
  changed_.notify_all();
  poll();
  EXPECT_EQ(woken_, 0);
}

}  // namespace
}  // namespace pushguard
