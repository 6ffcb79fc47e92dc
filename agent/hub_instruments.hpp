#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "agent/policy/abort_plan.hpp"
#include "agent/salesforce/api.hpp"
#include "agent/store/records.hpp"
#include "agent/tracker/changes.hpp"
#include "cometd/client.hpp"
#include "metrics/instruments.hpp"

namespace pushguard::agent {

/// What became of a stream event: the label of pushguard_stream_events_total.
enum class event_outcome : unsigned char { applied, duplicate, stale, unrecognized };
inline constexpr std::array all_event_outcomes{event_outcome::applied, event_outcome::duplicate,
                                               event_outcome::stale, event_outcome::unrecognized};
[[nodiscard]] std::string_view to_string(event_outcome outcome) noexcept;

/// How a job ended: the label of pushguard_job_duration_seconds.
enum class job_result : unsigned char { success, failure };
inline constexpr std::array all_job_results{job_result::success, job_result::failure};
[[nodiscard]] std::string_view to_string(job_result result) noexcept;

/// The instruments of one hub, all of them there at zero from the beginning. Written by one thread, collected
/// from any.
class hub_instruments final : public salesforce::api_observer {
 public:
  /// `policies` are the names of the configured ones; manual aborts count under the policy `manual`.
  hub_instruments(const std::string& hub, const std::vector<std::string>& channels,
                  const std::vector<std::string>& policies);

  /// After a reload: what is new is there at zero; what is gone keeps its series until the hub is gone too.
  void configure(const std::vector<std::string>& channels, const std::vector<std::string>& policies);

  void call_ended(salesforce::api_operation operation, salesforce::api_outcome outcome) override;
  void usage_told(salesforce::api_usage usage) override;

  void reconcile_ended(duration took) { reconcile_duration_.observe(took); }
  void event_seen(std::string_view channel, event_outcome outcome);
  void gap_found(std::string_view channel);
  void handshake_begun(cometd::handshake_reason reason) { handshakes_.at(reason).increment(); }
  void problem_found(cometd::problem_kind kind) { problems_.at(kind).increment(); }
  void job_ended(job_result result, duration took) { job_duration_.at(result).observe(took); }
  void abort_ended(const std::string& policy, store::decision_mode mode, policy::containment_outcome outcome);

  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const { return instruments_.collect(); }

 private:
  struct channel_counters {
    metrics::counter_family<event_outcome> events;
    metrics::counter_handle gaps;
  };
  using abort_counters = metrics::counter_family<store::decision_mode, policy::containment_outcome>;

  metrics::instruments instruments_;
  metrics::counter_family<salesforce::api_operation, salesforce::api_outcome> calls_;
  metrics::gauge_handle calls_limit_;
  metrics::gauge_handle calls_used_;
  metrics::histogram_handle reconcile_duration_;
  metrics::counter_family<cometd::handshake_reason> handshakes_;
  metrics::counter_family<cometd::problem_kind> problems_;
  metrics::histogram_family<job_result> job_duration_;
  std::map<std::string, channel_counters, std::less<>> channels_;
  std::map<std::string, abort_counters, std::less<>> aborts_;
};

}  // namespace pushguard::agent
