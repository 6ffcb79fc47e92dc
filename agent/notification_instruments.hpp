#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "alerts/outbox.hpp"
#include "alerts/watchdog.hpp"
#include "metrics/instruments.hpp"

namespace pushguard::agent {

/// Counts what becomes of notifications, for every configured receiver from zero, and tells when the watchdog
/// last got through. Written by `decide`, collected by `serve`.
class notification_instruments final : public alerts::outbox_observer, public alerts::watchdog_observer {
 public:
  explicit notification_instruments(const std::vector<std::string>& receivers) { configure(receivers); }

  /// After a reload: new receivers are there at zero. Those that are gone keep what was counted, and their
  /// queues are shown no more.
  void configure(const std::vector<std::string>& receivers);

  void on_outcome(std::string_view receiver, alerts::notification_outcome outcome,
                  alerts::delivery_reason reason) override;
  void on_queue(std::string_view receiver, std::size_t length, std::optional<wall_time> oldest) override;
  void on_watchdog_sent(wall_time at) override;

  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  struct queue {
    std::size_t length = 0;
    std::optional<wall_time> oldest;
  };

  metrics::instruments instruments_;
  std::map<std::string, metrics::counter_family<alerts::notification_outcome>, std::less<>> outcomes_;
  mutable std::mutex mutex_;  ///< guards what follows; held for a few copies only
  std::map<std::string, queue, std::less<>> queues_;
  std::optional<wall_time> watchdog_sent_at_;
};

}  // namespace pushguard::agent
