#include "agent/notification_instruments.hpp"

#include <array>

#include "metrics/families.hpp"

namespace pushguard::agent {

void notification_instruments::configure(const std::vector<std::string>& receivers) {
  const auto outcomes = std::to_array(alerts::notification_outcomes);
  std::map<std::string, queue, std::less<>> queues;
  for (const std::string& receiver : receivers) {
    outcomes_.emplace(
        receiver,
        instruments_.counters("pushguard_notifications_total", "Attempts to notify, by what became of them.",
                              {{"receiver", receiver}}, metrics::enum_label{"outcome", outcomes}));
    queues.emplace(receiver, queue{});
  }
  const std::scoped_lock lock(mutex_);
  for (auto& [receiver, waiting] : queues) {
    if (const auto before = queues_.find(receiver); before != queues_.end())
      waiting = before->second;
  }
  queues_ = std::move(queues);
}

void notification_instruments::on_outcome(std::string_view receiver, alerts::notification_outcome outcome,
                                          alerts::delivery_reason) {
  if (const auto found = outcomes_.find(receiver); found != outcomes_.end()) {
    found->second.at(outcome).increment();
  }
}

void notification_instruments::on_queue(std::string_view receiver, std::size_t length,
                                        std::optional<wall_time> oldest) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = queues_.find(receiver); found != queues_.end()) {
    found->second = {length, oldest};
  }
}

void notification_instruments::on_watchdog_sent(wall_time at) {
  const std::scoped_lock lock(mutex_);
  watchdog_sent_at_ = at;
}

std::vector<prometheus::MetricFamily> notification_instruments::collect() const {
  std::vector<prometheus::MetricFamily> families = instruments_.collect();
  metrics::family_builder length =
      metrics::gauge("pushguard_notification_queue_length", "Notifications that wait for a receiver.");
  metrics::family_builder oldest =
      metrics::gauge("pushguard_notification_oldest_timestamp_seconds",
                     "When the oldest waiting notification was made; 0 without any.");
  metrics::family_builder watchdog =
      metrics::gauge("pushguard_watchdog_last_success_timestamp_seconds",
                     "When the watchdog's receiver last took its alert; 0 before, and without a watchdog.");
  const std::scoped_lock lock(mutex_);
  watchdog.add({}, watchdog_sent_at_ ? to_unix_seconds(*watchdog_sent_at_) : 0);
  for (const auto& [receiver, waiting] : queues_) {
    length.add({{"receiver", receiver}}, static_cast<double>(waiting.length));
    oldest.add({{"receiver", receiver}}, waiting.oldest ? to_unix_seconds(*waiting.oldest) : 0);
  }
  families.push_back(std::move(length).build());
  families.push_back(std::move(oldest).build());
  families.push_back(std::move(watchdog).build());
  return families;
}

}  // namespace pushguard::agent
