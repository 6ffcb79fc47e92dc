#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <exception>
#include <list>
#include <memory>

namespace pushguard {

/// Coroutines that belong to one parent: nothing is detached. For one executor without concurrency.
/// The parent must `co_await join()` before the group is destroyed; where it awaited anything before spawn(),
/// it looks first whether it was cancelled meanwhile: `co_await` would then throw and leave the tasks behind.
/// A task that throws ends the group: the others are cancelled, and join() rethrows the first
/// exception. operation_aborted, the way a cancelled task unwinds, counts as an ordinary end.
class task_group {
 public:
  explicit task_group(boost::asio::any_io_executor executor);
  ~task_group();
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  /// Starts `task`. After cancel() a new task is cancelled at its first wait.
  void spawn(boost::asio::awaitable<void> task);

  /// Asks every task to end (terminal cancellation). Idempotent.
  void cancel();

  /// Waits until every task has ended. When the waiter is cancelled, the tasks are, and it waits on; it then
  /// returns with further cancellation disabled, so that what follows can say goodbye. A caller that has
  /// something else to do asks was_cancelled() first.
  [[nodiscard]] boost::asio::awaitable<void> join();

  [[nodiscard]] std::size_t size() const noexcept;

  /// The group was asked to end, by cancel(), by the waiter's cancellation or by a task that threw.
  [[nodiscard]] bool was_cancelled() const noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

/// True for the exception with which a cancelled coroutine unwinds.
[[nodiscard]] bool is_cancellation(const std::exception_ptr& error) noexcept;

}  // namespace pushguard
