#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>

#include "base/time_source.hpp"

namespace pushguard {

/// Time that moves only when told to: a day's rollout runs in milliseconds, and always the same way.
/// For one io_context on one thread. Sleepers due at the same instant wake in the order they came.
class fake_time final : public time_source {
 public:
  explicit fake_time(wall_time start = wall_time{std::chrono::hours{24 * 365 * 55}}) : start_(start) {}

  [[nodiscard]] wall_time wall_now() const override;
  [[nodiscard]] steady_time steady_now() const override { return now_; }
  [[nodiscard]] boost::asio::awaitable<void> sleep_until(steady_time when) override;

  /// Moves both clocks to `when` (not back) and wakes everyone due by then.
  void advance_to(steady_time when);
  void advance(duration length) { advance_to(now_ + length); }
  /// Moves only the wall clock, forward or back: a clock that was set, or a leap of NTP.
  void shift_wall_clock(duration by) { start_ += by; }

  /// The earliest instant anyone sleeps until; nothing when nobody sleeps.
  [[nodiscard]] std::optional<steady_time> next_wake() const;

 private:
  // Equal keys keep the order in which they came.
  using sleeper_map = std::multimap<steady_time, boost::asio::steady_timer*>;

  wall_time start_;
  steady_time now_{};
  sleeper_map sleepers_;
};

}  // namespace pushguard
