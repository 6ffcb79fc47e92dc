#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "base/time.hpp"

namespace pushguard {

/// Where time comes from. One per program; handed in, never global.
class time_source {
 public:
  virtual ~time_source() = default;

  [[nodiscard]] virtual wall_time wall_now() const = 0;
  [[nodiscard]] virtual steady_time steady_now() const = 0;
  [[nodiscard]] instant now() const { return {wall_now(), steady_now()}; }

  /// Completes at or after `when`, at once if it has passed. Runs on the awaiting coroutine's executor.
  /// When cancelled it throws boost::system::system_error(operation_aborted), as Asio's own waits do.
  /// The source must outlive the wait.
  [[nodiscard]] virtual boost::asio::awaitable<void> sleep_until(steady_time when) = 0;

  [[nodiscard]] boost::asio::awaitable<void> sleep_for(duration length) {
    return sleep_until(steady_now() + length);
  }
};

/// The machine's clocks and Asio's timers. Thread-safe.
[[nodiscard]] std::unique_ptr<time_source> make_system_time();

}  // namespace pushguard
