#pragma once

#include <span>

#include "agent/configuration/configuration.hpp"
#include "agent/salesforce/rest.hpp"
#include "agent/store/records.hpp"
#include "agent/store/store.hpp"

/// Entries of the audit trail, from what they tell of. What their details hold is in docs/operations.md.
/// Pure.
namespace pushguard::agent {

/// A decision as it was made: the rule, its numbers, what failed and where, and the plan.
[[nodiscard]] store::audit_entry audit_decided(const store::decision_record& decision);

/// Requests joined the decision's plan.
[[nodiscard]] store::audit_entry audit_extended(const store::decision_record& decision,
                                                std::span<const store::plan_entry> joined, wall_time at);

/// One request was asked to be cancelled: what Salesforce answered, or why no answer came. `at` is when the
/// answer came or was given up.
[[nodiscard]] store::audit_entry audit_called(const store::decision_record& decision,
                                              const domain::request_id& request,
                                              const salesforce::api_result<salesforce::cancel_answer>& answer,
                                              wall_time at);

/// What became of one request; `settled` has its outcome.
[[nodiscard]] store::audit_entry audit_settled(const store::decision_record& decision,
                                               const store::plan_entry& settled);

/// How carrying out ended; the decision has its outcome.
[[nodiscard]] store::audit_entry audit_ended(const store::decision_record& decision);

/// What happened after the decision of a dry run; the decision has its `since`.
[[nodiscard]] store::audit_entry audit_followed(const store::decision_record& decision);

/// The store refused the decision; `handling` says what followed.
[[nodiscard]] store::audit_entry audit_not_recorded(const store::decision_record& decision,
                                                    const failure& why,
                                                    configuration::store_failure_handling handling,
                                                    wall_time at);

/// The agent began its work on the store, whose trail was checked as `found`.
[[nodiscard]] store::audit_entry audit_agent_started(std::string_view version, std::string_view commit,
                                                     const store::audit_state& found, wall_time at);

/// A configuration came into force, by the agent's start or by `actor`.
[[nodiscard]] store::audit_entry audit_configuration_loaded(const configuration::configuration& loaded,
                                                            std::string_view actor, wall_time at);

}  // namespace pushguard::agent
