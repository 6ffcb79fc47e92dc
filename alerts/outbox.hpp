#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/delivery.hpp"
#include "alerts/outbox_store.hpp"
#include "alerts/receiver.hpp"
#include "alerts/receiver_status.hpp"
#include "base/backoff.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"

namespace pushguard::alerts {

/// The values of the metrics' `outcome` label. A closed set, as delivery_reason.
enum class notification_outcome { sent, retried, dropped, superseded };
inline constexpr notification_outcome notification_outcomes[] = {
    notification_outcome::sent, notification_outcome::retried, notification_outcome::dropped,
    notification_outcome::superseded};

[[nodiscard]] std::string_view to_string(notification_outcome outcome) noexcept;

/// Hears what becomes of notifications, for the metrics. Called on the outbox's executor.
class outbox_observer {
 public:
  virtual ~outbox_observer() = default;

  /// One attempt ended (re-sends count), or a row was superseded (reason ok).
  virtual void on_outcome(std::string_view receiver, notification_outcome outcome,
                          delivery_reason reason) = 0;
  /// How many notifications wait for `receiver`, in memory and in the store, and when the oldest was made.
  /// Also called once for each receiver when the outbox is made.
  virtual void on_queue(std::string_view receiver, std::size_t length, std::optional<wall_time> oldest) = 0;

  /// A row has ended: it was delivered, dropped, or a newer one stands for it. Before the store knows it.
  virtual void on_end(const outbox_row& /*row*/, const outbox_done& /*how*/) {}
};

struct outbox_options {
  backoff_limits retry{std::chrono::seconds(1), std::chrono::minutes(1)};
  /// After auth_error and client_error: only a human can help, and a reload tries at once.
  backoff_limits slow_retry{std::chrono::minutes(1), std::chrono::minutes(5)};
  duration retry_after_max = std::chrono::hours(1);     ///< so that no answer silences a receiver for good
  duration delivery_timeout = std::chrono::minutes(1);  ///< for one attempt; receivers have shorter ones
  duration store_timeout = std::chrono::seconds(10);    ///< for one reading or settling
  duration drain = std::chrono::seconds(2);  ///< for the last settling when the outbox is cancelled
  std::size_t rows_in_memory_max = 500;      ///< per receiver; further rows wait in the store
};

/// Delivers notifications, each at least once, whatever fails meanwhile.
///
/// Each receiver has a lane of its own, so that one that is down delays no other. In a lane the
/// notifications of one alert are delivered in the order they were made; others pass an alert that is
/// being retried. After a failure the whole lane waits: exponential backoff with full jitter, and at
/// least Retry-After. What is delivered or dropped is settled in the store afterwards, so a crash in
/// between sends it again, with the same ids; an attempt under way at cancellation is abandoned and made
/// again after the restart.
///
/// A receiver with a resend_policy is also told of each alert again at its interval, from the alerts'
/// records after a restart, and without rows: these re-sends are lost and made anew freely.
///
/// For one executor without concurrency. The references must outlive it.
class outbox {
 public:
  outbox(boost::asio::any_io_executor executor, std::vector<std::unique_ptr<receiver>> receivers,
         outbox_store& store, time_source& time, logger& log, outbox_observer& observer, random_engine random,
         outbox_options options = {});
  ~outbox();
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;

  /// Hands over rows that the store now holds, or could not take: better told than safe. Rows of unknown
  /// receivers stay in the store.
  void notify_committed(std::vector<outbox_row> rows);

  /// After a reload: lets go of the receivers named in `removed`, whose notifications stay in the store, and
  /// takes on `added`. One that changed is in both. An attempt under way to a removed one is abandoned.
  void configure(const std::vector<std::string>& removed, std::vector<std::unique_ptr<receiver>> added);

  /// Reads what the store holds and delivers until cancelled; then settles what is known, within
  /// `drain`, and returns. Call it once.
  [[nodiscard]] boost::asio::awaitable<void> run();

  /// In the receivers' order.
  [[nodiscard]] std::vector<receiver_status> status() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace pushguard::alerts
