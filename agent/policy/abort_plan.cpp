#include "agent/policy/abort_plan.hpp"

#include <algorithm>
#include <set>

#include "agent/policy/standing.hpp"

namespace pushguard::policy {
namespace {

using domain::push_status;

plan_step step_for(push_status status, in_progress_handling running) {
  switch (status) {
    case push_status::created:
    case push_status::pending:
      return plan_step::cancel;
    case push_status::in_progress:
    case push_status::unrecognized:
      return running == in_progress_handling::try_cancel ? plan_step::try_cancel : plan_step::leave;
    case push_status::succeeded:
    case push_status::failed:
    case push_status::canceled:
      return plan_step::too_late;
  }
  return plan_step::leave;
}

/// Whole rollouts, however they ended; of a package's other rollouts only what has not ended.
std::vector<tracker::request_index> concerned(const tracker::tracker& tracker, tracker::rollout_index rollout,
                                              const policy_specification& policy) {
  auto requests = tracker.at(rollout).requests;
  if (policy.contain == containment::matching) {
    std::erase_if(requests, [&](tracker::request_index request) {
      return !holds_matching_org(tracker, request, policy.match);
    });
  }
  if (policy.contain == containment::package) {
    for (const auto& other : tracker.rollouts()) {
      if (other.package != tracker.at(rollout).package || other.id == tracker.at(rollout).id)
        continue;
      std::ranges::copy_if(other.requests, std::back_inserter(requests), [&](tracker::request_index request) {
        return !is_terminal(tracker.at(request).row.status);
      });
    }
  }
  return requests;
}

bool is_queued(push_status status) {
  return !is_started(status) && status != push_status::canceled;
}

/// Orgs by what the plan means for them. An org in several requests counts where it fares worst.
struct affected_orgs {
  std::set<tracker::org_index> in_flight;
  std::set<tracker::org_index> to_start;
  std::set<tracker::org_index> spared;

  void add(const tracker::tracker& tracker, const tracker::request_record& request, plan_step step) {
    const bool ends = step == plan_step::cancel || request.row.status == push_status::canceled;
    for (const auto index : request.jobs) {
      const auto& job = tracker.at(index);
      if (job.status == push_status::in_progress)
        in_flight.insert(job.org);
      else if (is_queued(job.status) && !ends && step != plan_step::too_late)
        to_start.insert(job.org);
      else if (is_queued(job.status) && step == plan_step::cancel)
        spared.insert(job.org);
    }
  }
};

std::vector<domain::org_key> keys_of(const tracker::tracker& tracker,
                                     const std::set<tracker::org_index>& orgs) {
  std::vector<domain::org_key> keys;
  keys.reserve(orgs.size());
  for (const auto org : orgs)
    keys.push_back(tracker.at(org).key);
  return keys;
}

abort_plan plan_for(const tracker::tracker& tracker, std::vector<tracker::request_index> requests,
                    in_progress_handling in_progress) {
  abort_plan plan;
  affected_orgs orgs;
  const auto position = [&](tracker::request_index index) {
    const auto& request = tracker.at(index);
    return std::tuple(step_for(tracker.present_status(index), in_progress), request.begins(), request.row.id);
  };
  std::ranges::sort(requests, [&](auto a, auto b) { return position(a) < position(b); });
  for (const auto index : requests) {
    const auto& request = tracker.at(index);
    const auto status = tracker.present_status(index);
    const auto step = step_for(status, in_progress);
    plan.requests.push_back({request.row.id, status, step});
    orgs.add(tracker, request, step);
  }
  std::erase_if(orgs.to_start, [&](auto org) { return orgs.in_flight.contains(org); });
  std::erase_if(orgs.spared,
                [&](auto org) { return orgs.in_flight.contains(org) || orgs.to_start.contains(org); });
  plan.spared = keys_of(tracker, orgs.spared);
  plan.in_flight = keys_of(tracker, orgs.in_flight);
  plan.still_to_start = static_cast<org_count>(orgs.to_start.size());
  return plan;
}

}  // namespace

std::string_view to_string(plan_step step) noexcept {
  switch (step) {
    case plan_step::cancel:
      return "cancel";
    case plan_step::try_cancel:
      return "try_cancel";
    case plan_step::leave:
      return "leave";
    case plan_step::too_late:
      return "too_late";
  }
  return "leave";
}

std::string_view to_string(containment_outcome outcome) noexcept {
  switch (outcome) {
    case containment_outcome::confirmed:
      return "confirmed";
    case containment_outcome::partial:
      return "partial";
    case containment_outcome::refused:
      return "refused";
    case containment_outcome::nothing_to_cancel:
      return "nothing_to_cancel";
    case containment_outcome::failed:
      return "failed";
  }
  return "failed";
}

bool abort_plan::has_calls() const noexcept {
  return std::ranges::any_of(requests, [](const planned_request& request) {
    return request.step == plan_step::cancel || request.step == plan_step::try_cancel;
  });
}

abort_plan make_abort_plan(const tracker::tracker& tracker, tracker::rollout_index rollout,
                           const policy_specification& policy) {
  return plan_for(tracker, concerned(tracker, rollout, policy), policy.in_progress);
}

abort_plan make_request_plan(const tracker::tracker& tracker, tracker::request_index request,
                             in_progress_handling in_progress) {
  return plan_for(tracker, {request}, in_progress);
}

std::optional<containment_outcome> classify(std::span<const cancel_result> results,
                                            effort executor) noexcept {
  std::size_t wanted = 0;
  std::size_t canceled = 0;
  std::size_t unconfirmed = 0;
  for (const auto& result : results) {
    if (!is_cancelable(result.status_at_decision))
      continue;
    ++wanted;
    canceled += result.outcome == cancel_outcome::canceled ? 1U : 0U;
    unconfirmed += result.outcome == cancel_outcome::unconfirmed ? 1U : 0U;
  }
  if (wanted == 0)
    return containment_outcome::nothing_to_cancel;
  if (unconfirmed != 0)
    return executor == effort::given_up ? std::optional(containment_outcome::failed) : std::nullopt;
  if (canceled == wanted)
    return containment_outcome::confirmed;
  return canceled == 0 ? containment_outcome::refused : containment_outcome::partial;
}

}  // namespace pushguard::policy
