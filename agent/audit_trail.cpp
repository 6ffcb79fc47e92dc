#include "agent/audit_trail.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "agent/decision_making.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;

constexpr std::string_view own_actor = "pushguard";

/// Salesforce's text may hold anything; JSON wants valid UTF-8.
json::string text(std::string_view raw) {
  return json::string(to_valid_utf8(raw));
}

json::value ratio(const std::optional<double>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::array to_json(std::span<const store::plan_entry> plan) {
  json::array entries;
  for (const store::plan_entry& entry : plan) {
    entries.push_back(json::object{{"request_id", entry.request.text()},
                                   {"status_at_decision", domain::to_string(entry.status_at_decision)},
                                   {"action", store::to_string(entry.action)}});
  }
  return entries;
}

json::array to_json(const std::vector<store::error_signature>& signatures) {
  json::array all;
  for (const store::error_signature& signature : signatures) {
    json::array orgs;
    for (const domain::org_key& org : signature.sample_orgs)
      orgs.emplace_back(org.text());
    all.push_back(json::object{
        {"signature", text(signature.text)}, {"orgs", signature.orgs}, {"sample_org_keys", std::move(orgs)}});
  }
  return all;
}

json::object details_of(const store::decision_record& decision) {
  return {{"mode", store::to_string(decision.key.mode)},
          {"epoch", decision.key.epoch},
          {"policy", text(decision.key.policy)},
          {"rule", text(decision.key.rule)},
          {"reason", text(decision.reason)},
          {"failed", decision.failed},
          {"started", decision.started},
          {"excluded", decision.excluded},
          {"in_flight", decision.in_flight},
          {"still_to_start", decision.still_to_start},
          {"observed_ratio", ratio(decision.observed_ratio)},
          {"lower_bound_ratio", ratio(decision.lower_bound_ratio)},
          {"threshold_ratio", ratio(decision.threshold_ratio)},
          {"error_signatures", to_json(decision.signatures)},
          {"plan", to_json(decision.plan)},
          {"configuration_hash", decision.configuration_hash},
          {"version", decision.agent_version}};
}

store::audit_entry make_entry(store::audit_kind kind, const store::decision_record& decision, wall_time at,
                              const json::object& details) {
  return {.at = at,
          .kind = kind,
          .hub = decision.key.rollout.hub,
          .rollout = rollout_of(decision.key.rollout).text(),
          .decision = decision.id,
          .actor = decision.actor,
          .details = json::serialize(details)};
}

store::audit_entry make_entry(store::audit_kind kind, std::string_view actor, wall_time at,
                              const json::object& details) {
  return {.at = at,
          .kind = kind,
          .hub = {},
          .rollout = {},
          .decision = std::nullopt,
          .actor = std::string(actor),
          .details = json::serialize(details)};
}

}  // namespace

store::audit_entry audit_decided(const store::decision_record& decision) {
  return make_entry(store::audit_kind::decided, decision, decision.decided_at, details_of(decision));
}

store::audit_entry audit_extended(const store::decision_record& decision,
                                  std::span<const store::plan_entry> joined, wall_time at) {
  return make_entry(store::audit_kind::extended, decision, at, {{"plan", to_json(joined)}});
}

store::audit_entry audit_called(const store::decision_record& decision, const domain::request_id& request,
                                const salesforce::api_result<salesforce::cancel_answer>& answer,
                                wall_time at) {
  json::object details{{"request_id", request.text()}, {"call", "PATCH"}};
  if (answer) {
    details.emplace("http_status", answer->http_status);
    details.emplace("accepted", answer->is_accepted());
    details.emplace("salesforce_code", text(answer->error_code));
    details.emplace("salesforce_message", text(answer->message));
  } else {
    const salesforce::api_failure& failed = answer.error();
    details.emplace("http_status",
                    failed.http_status == 0 ? json::value(nullptr) : json::value(failed.http_status));
    details.emplace("accepted", false);
    details.emplace("salesforce_code", text(failed.error_code));
    details.emplace("salesforce_message", text(failed.message));
    details.emplace("failure", text(failed.cause.text()));
  }
  return make_entry(store::audit_kind::called, decision, at, details);
}

store::audit_entry audit_settled(const store::decision_record& decision, const store::plan_entry& settled) {
  return make_entry(
      store::audit_kind::settled, decision, settled.updated_at,
      {{"request_id", settled.request.text()},
       {"outcome", store::to_string(settled.outcome.value_or(store::request_outcome::unconfirmed))},
       {"salesforce_code", text(settled.salesforce_code)},
       {"salesforce_message", text(settled.salesforce_message)}});
}

store::audit_entry audit_ended(const store::decision_record& decision) {
  const store::containment_outcome outcome = decision.outcome.value_or(store::containment_outcome::failed);
  return make_entry(store::audit_kind::ended, decision, decision.ended_at.value_or(decision.decided_at),
                    {{"outcome", store::to_string(outcome)}, {"spared_orgs", decision.spared_orgs}});
}

store::audit_entry audit_not_recorded(const store::decision_record& decision, const failure& why,
                                      configuration::store_failure_handling handling, wall_time at) {
  json::object details = details_of(decision);
  details.emplace("failure", text(why.text()));
  details.emplace("acted", handling == configuration::store_failure_handling::act);
  store::audit_entry made = make_entry(store::audit_kind::not_recorded, decision, at, details);
  if (handling == configuration::store_failure_handling::refuse)
    made.decision.reset();  // there will be none of that number
  return made;
}

store::audit_entry audit_agent_started(std::string_view version, std::string_view commit,
                                       const store::audit_state& found, wall_time at) {
  return make_entry(
      store::audit_kind::agent_started, own_actor, at,
      {{"version", version},
       {"commit", commit},
       {"trail_problem", found.problem.empty() ? json::value(nullptr) : json::value(text(found.problem))}});
}

store::audit_entry audit_configuration_loaded(const configuration::configuration& loaded,
                                              std::string_view actor, wall_time at) {
  json::array policies;
  for (const policy::policy_specification& policy : loaded.policies) {
    policies.push_back(
        json::object{{"policy", text(policy.name)},
                     {"mode", policy.mode == policy::policy_mode::enforce ? "enforce" : "dry_run"}});
  }
  return make_entry(store::audit_kind::configuration_loaded, actor, at,
                    {{"configuration_hash", loaded.hash}, {"policies", std::move(policies)}});
}

}  // namespace pushguard::agent
