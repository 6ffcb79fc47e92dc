#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/policy/abort_plan.hpp"
#include "agent/policy/judgement.hpp"
#include "agent/store/records.hpp"
#include "agent/tracker/tracker.hpp"

/// From a breach to the record that is stored before anything is done, and back to what the judge must
/// remember. Pure.
namespace pushguard::agent {

/// Who decided, by which version under which configuration.
struct decision_origin {
  std::string hub;
  std::string actor = "pushguard";
  std::string configuration_hash;
  std::string agent_version;
};

/// The record of a decision about `rollout`. In dry run it has its outcome at once: what would have been
/// cancelled, nothing to wait for.
[[nodiscard]] store::decision_record make_decision(std::int64_t id, const decision_origin& origin,
                                                   const policy::judgement& judged,
                                                   const policy::abort_plan& plan,
                                                   const tracker::tracker& tracked,
                                                   tracker::rollout_index rollout);

/// The policy and the rule under which an operator's abort of a whole rollout is recorded. An abort of one
/// request has the request's 15-character id as its rule.
inline constexpr std::string_view manual_policy = "manual";
inline constexpr std::string_view manual_rollout_rule = "rollout";

/// What an operator's abort does: as much as Salesforce lets, so running requests are tried too.
[[nodiscard]] policy::policy_specification manual_specification();

/// What an operator's abort of a rollout, or of one request of it, is recorded as.
[[nodiscard]] store::decision_key manual_key(store::rollout_key rollout, std::int64_t epoch,
                                             const std::optional<domain::request_id>& request);

/// The record of an operator's abort; `origin.actor` is the operator.
[[nodiscard]] store::decision_record make_manual_decision(std::int64_t id, const decision_origin& origin,
                                                          store::decision_key key, std::string reason,
                                                          wall_time now, const policy::abort_plan& plan,
                                                          const tracker::tracker& tracked,
                                                          tracker::rollout_index rollout);

/// Whether the decision stops the rollout: requests that join it are cancelled too, until it is resumed. In
/// dry run nothing is, and an operator's abort of one request is about that request.
[[nodiscard]] bool is_in_force(const store::decision_key& key);

/// An entry of the plan for one request; nothing where it had ended already.
[[nodiscard]] std::optional<store::plan_entry> make_plan_entry(const policy::planned_request& planned,
                                                               wall_time now);

/// Whether something is to be asked, or was, that no status has answered yet.
[[nodiscard]] bool is_unsettled(const store::plan_entry& entry);
/// Whether carrying it out has not come to its end: it is open, or requests that joined later were added to
/// its plan and the end that accounts for them is not stored. Never in dry run.
[[nodiscard]] bool is_unfinished(const store::decision_record& decision);

/// How carrying it out ended; nothing while something that counts is not settled.
[[nodiscard]] std::optional<policy::containment_outcome> outcome_of(const store::decision_record& decision);

[[nodiscard]] policy::firing_key firing_of(const store::decision_key& key);
[[nodiscard]] store::rollout_key stored_rollout(const std::string& hub, const domain::rollout_id& rollout);
[[nodiscard]] domain::rollout_id rollout_of(const store::rollout_key& key);
[[nodiscard]] store::request_outcome stored_outcome(policy::cancel_outcome outcome);
[[nodiscard]] store::containment_outcome stored_outcome(policy::containment_outcome outcome);
[[nodiscard]] policy::containment_outcome judged_outcome(store::containment_outcome outcome);

}  // namespace pushguard::agent
