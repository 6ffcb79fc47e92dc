#include "agent/hub_instruments.hpp"

namespace pushguard::agent {
namespace {

using cometd::handshake_reason;
using store::decision_mode;

constexpr std::array all_handshake_reasons{handshake_reason::start,
                                           handshake_reason::failed_handshake,
                                           handshake_reason::unknown_client,
                                           handshake_reason::credentials,
                                           handshake_reason::server_disconnect,
                                           handshake_reason::lost_poll,
                                           handshake_reason::advice,
                                           handshake_reason::cookies,
                                           handshake_reason::overload,
                                           handshake_reason::backlog,
                                           handshake_reason::stalled};
static_assert(all_handshake_reasons.size() == cometd::handshake_reason_count);

using cometd::problem_kind;
constexpr std::array all_problem_kinds{problem_kind::body,   problem_kind::message,     problem_kind::text,
                                       problem_kind::cookie, problem_kind::checkpoints, problem_kind::login};
static_assert(all_problem_kinds.size() == cometd::problem_kind_count);

constexpr std::array all_modes{decision_mode::enforce, decision_mode::dry_run, decision_mode::manual};

// From one fast query to a hub with a hundred thousand orgs.
constexpr std::array reconcile_bounds{0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0};
// From an org that is refused at once to one that needs hours.
constexpr std::array job_bounds{5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0};

}  // namespace

std::string_view to_string(event_outcome outcome) noexcept {
  switch (outcome) {
    case event_outcome::applied:
      return "applied";
    case event_outcome::duplicate:
      return "duplicate";
    case event_outcome::stale:
      return "stale";
    case event_outcome::unrecognized:
      return "unrecognized";
  }
  return "unrecognized";
}

std::string_view to_string(job_result result) noexcept {
  return result == job_result::success ? "success" : "failure";
}

hub_instruments::hub_instruments(const std::string& hub, const std::vector<std::string>& channels,
                                 const std::vector<std::string>& policies)
    : instruments_({{"hub", hub}}),
      calls_(instruments_.counters("pushguard_salesforce_requests_total",
                                   "Calls to Salesforce's APIs by their outcome.", {},
                                   metrics::enum_label{"operation", salesforce::all_api_operations},
                                   metrics::enum_label{"outcome", salesforce::all_api_outcomes})),
      calls_limit_(instruments_.gauge("pushguard_salesforce_api_calls_limit",
                                      "API calls that Salesforce allows the org in 24 hours.")),
      calls_used_(instruments_.gauge("pushguard_salesforce_api_calls_used",
                                     "API calls of the org in the last 24 hours, by all its clients.")),
      reconcile_duration_(instruments_.histogram("pushguard_hub_reconcile_duration_seconds",
                                                 "How long complete reads of the hub took.",
                                                 reconcile_bounds)),
      handshakes_(instruments_.counters("pushguard_stream_handshakes_total",
                                        "CometD handshakes begun, by reason.", {},
                                        metrics::enum_label{"reason", all_handshake_reasons})),
      problems_(instruments_.counters("pushguard_stream_problems_total",
                                      "Troubles of the stream that it lived through, by kind.", {},
                                      metrics::enum_label{"kind", all_problem_kinds})),
      job_duration_(instruments_.histograms("pushguard_job_duration_seconds",
                                            "How long push jobs took from start to end, as Salesforce tells.",
                                            job_bounds, {}, metrics::enum_label{"result", all_job_results})) {
  configure(channels, policies);
}

void hub_instruments::configure(const std::vector<std::string>& channels,
                                const std::vector<std::string>& policies) {
  for (const std::string& channel : channels) {
    channels_.emplace(
        channel,
        channel_counters{
            instruments_.counters("pushguard_stream_events_total", "Stream events by what became of them.",
                                  {{"channel", channel}}, metrics::enum_label{"outcome", all_event_outcomes}),
            instruments_.counter("pushguard_stream_gaps_total",
                                 "Stretches of a channel that may hold events nobody will see.",
                                 {{"channel", channel}})});
  }
  std::vector<std::string> names = policies;
  names.emplace_back("manual");
  for (const std::string& policy : names) {
    aborts_.emplace(policy,
                    instruments_.counters("pushguard_aborts_total", "Aborts that ended, by mode and outcome.",
                                          {{"policy", policy}}, metrics::enum_label{"mode", all_modes},
                                          metrics::enum_label{"outcome", policy::all_containment_outcomes}));
  }
}

void hub_instruments::call_ended(salesforce::api_operation operation, salesforce::api_outcome outcome) {
  calls_.at(operation, outcome).increment();
}

void hub_instruments::usage_told(salesforce::api_usage usage) {
  calls_limit_.set(static_cast<double>(usage.limit));
  calls_used_.set(static_cast<double>(usage.used));
}

void hub_instruments::event_seen(std::string_view channel, event_outcome outcome) {
  if (const auto found = channels_.find(channel); found != channels_.end()) {
    found->second.events.at(outcome).increment();
  }
}

void hub_instruments::gap_found(std::string_view channel) {
  if (auto found = channels_.find(channel); found != channels_.end()) {
    found->second.gaps.increment();
  }
}

void hub_instruments::abort_ended(const std::string& policy, store::decision_mode mode,
                                  policy::containment_outcome outcome) {
  if (const auto found = aborts_.find(policy); found != aborts_.end()) {
    found->second.at(mode, outcome).increment();
  }
}

}  // namespace pushguard::agent
