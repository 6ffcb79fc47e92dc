#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>

#include "alerts/receiver.hpp"
#include "base/condition.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"

namespace pushguard::alerts {

/// How many intervals a watchdog's alert is still believed where the receiver lets alerts end by themselves:
/// two in a row may be lost, and the third may be late.
inline constexpr int watchdog_ends_after_intervals = 4;

/// Hears of each time that the watchdog got through, for the metrics. Called on the watchdog's executor.
class watchdog_observer {
 public:
  virtual ~watchdog_observer() = default;

  virtual void on_watchdog_sent(wall_time at) = 0;
};

struct watchdog_options {
  duration delivery_timeout = std::chrono::minutes(1);  ///< for one attempt; receivers have shorter ones
  duration retry_after_max = std::chrono::hours(1);     ///< so that no answer silences it for good
};

/// Whom a watchdog tells, and how often.
struct watchdog_duty {
  std::unique_ptr<receiver> to;  ///< its own: the outbox knows nothing of it
  duration interval = std::chrono::minutes(1);
};

/// A dead man's switch: tells a receiver again and again that an alert fires, which somebody else is to miss
/// when it stays away. Without a store and without an outbox, so that it stands for no more than it proves:
/// this process turns, and its way to the receiver is open. What failed is not made up for: the next time is
/// an interval later, or when the receiver's Retry-After has passed. When it ends nothing is said, for that
/// is its message.
///
/// For one executor without concurrency. The references must outlive it.
class watchdog {
 public:
  /// `content` is what is told; `starts_at` and `updated_at` are set by it.
  watchdog(alert content, time_source& time, logger& log, watchdog_observer& observer,
           watchdog_options options = {});

  /// From now on tells according to `duty`, at once and then at its interval; nothing: nobody. An attempt
  /// that is under way ends first.
  void configure(std::optional<watchdog_duty> duty);

  /// Tells until cancelled. Call it once.
  [[nodiscard]] boost::asio::awaitable<void> run();

 private:
  void take_over();
  [[nodiscard]] boost::asio::awaitable<void> tell();
  void note(const delivery& outcome);
  [[nodiscard]] boost::asio::awaitable<void> wait_until_due();
  [[nodiscard]] boost::asio::awaitable<result<>> changed();

  alert content_;
  time_source& time_;
  logger& log_;
  watchdog_observer& observer_;
  watchdog_options options_;
  outbox_ids ids_;

  std::optional<watchdog_duty> duty_;
  std::optional<watchdog_duty> next_duty_;
  bool is_changed_ = false;  ///< next_duty_ is to be taken over
  condition change_;

  steady_time due_{};
  bool was_told_ = false;  ///< the receiver has heard of it
  unsigned failures_ = 0;  ///< in a row
};

}  // namespace pushguard::alerts
