#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "agent/policy/specification.hpp"
#include "agent/tracker/tracker.hpp"

/// What a breach leads to, and how it ended. Salesforce lets a request be cancelled only while it is Created
/// or Pending, and never a single job.
namespace pushguard::policy {

enum class plan_step : unsigned char {
  cancel,      ///< it has not started
  try_cancel,  ///< it is running, and the policy says to ask all the same
  leave,       ///< it is running: only listed
  too_late,    ///< it has ended
};

/// The text of APIs and records: `try_cancel`.
[[nodiscard]] std::string_view to_string(plan_step step) noexcept;

struct planned_request {
  domain::request_id id;
  domain::push_status status_at_decision = domain::push_status::unrecognized;
  plan_step step = plan_step::leave;
};

struct abort_plan {
  std::vector<planned_request> requests;   ///< those to be cancelled first, each group by start
  std::vector<domain::org_key> spared;     ///< distinct orgs whose upgrade is cancelled if all goes well
  std::vector<domain::org_key> in_flight;  ///< distinct orgs whose job runs now
  org_count still_to_start = 0;  ///< distinct orgs queued in running requests, which cannot be stopped

  /// How many more orgs can fail if every cancellation succeeds.
  [[nodiscard]] org_count worst_case_to_come() const noexcept {
    return static_cast<org_count>(in_flight.size()) + still_to_start;
  }
  [[nodiscard]] bool has_calls() const noexcept;
};

/// The plan for containing `rollout` under `policy`, from what is known now. Made again for an aborted
/// rollout, it holds the requests that joined since.
[[nodiscard]] abort_plan make_abort_plan(const tracker::tracker& tracker, tracker::rollout_index rollout,
                                         const policy_specification& policy);

/// The plan for cancelling one request.
[[nodiscard]] abort_plan make_request_plan(const tracker::tracker& tracker, tracker::request_index request,
                                           in_progress_handling in_progress);

/// What became of one request that was to be cancelled.
enum class cancel_outcome : unsigned char {
  canceled,
  refused,         ///< Salesforce said no
  finished_first,  ///< it ended by itself before the call
  unconfirmed,     ///< not known yet
};

struct cancel_result {
  domain::push_status status_at_decision = domain::push_status::unrecognized;
  cancel_outcome outcome = cancel_outcome::unconfirmed;
};

enum class containment_outcome : unsigned char {
  confirmed,          ///< every request that could still be cancelled at the decision is
  partial,            ///< some are not
  refused,            ///< none is
  nothing_to_cancel,  ///< all had started
  failed,             ///< given up: Salesforce could not be asked
};

inline constexpr std::array all_containment_outcomes{
    containment_outcome::confirmed, containment_outcome::partial, containment_outcome::refused,
    containment_outcome::nothing_to_cancel, containment_outcome::failed};

[[nodiscard]] std::string_view to_string(containment_outcome outcome) noexcept;

/// Is the executor still at it?
enum class effort : unsigned char { under_way, given_up };

/// How a containment ended, measured against the statuses at the moment of the decision: requests that were
/// running then do not count. Nothing while one that counts is unconfirmed and the effort goes on.
[[nodiscard]] std::optional<containment_outcome> classify(std::span<const cancel_result> results,
                                                          effort executor) noexcept;

}  // namespace pushguard::policy
