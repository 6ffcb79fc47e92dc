#pragma once

#include <boost/asio/awaitable.hpp>
#include <list>

namespace pushguard {

/// Where coroutines wait until something they look at has changed. For one executor without
/// concurrency: look, find nothing to do, wait, look again.
class condition {
 public:
  condition() = default;
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;

  /// Completes after the next notify_all(). When cancelled it throws operation_aborted.
  /// The condition must outlive the wait.
  [[nodiscard]] boost::asio::awaitable<void> wait();

  void notify_all() noexcept;

 private:
  struct waiter;
  std::list<waiter*> waiters_;
};

}  // namespace pushguard
