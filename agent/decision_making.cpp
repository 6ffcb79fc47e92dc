#include "agent/decision_making.hpp"

#include <algorithm>
#include <map>

namespace pushguard::agent {
namespace {

constexpr std::size_t signatures_max = 5;  // what fits a page; the rest is in the orgs' own errors
constexpr std::size_t sample_orgs_max = 3;

store::plan_action stored_action(policy::plan_step step) {
  switch (step) {
    case policy::plan_step::cancel:
      return store::plan_action::cancel;
    case policy::plan_step::try_cancel:
      return store::plan_action::attempt;
    case policy::plan_step::leave:
    case policy::plan_step::too_late:
      return store::plan_action::leave;
  }
  return store::plan_action::leave;
}

policy::cancel_outcome known_outcome(const store::plan_entry& entry) {
  switch (entry.outcome.value_or(store::request_outcome::unconfirmed)) {
    case store::request_outcome::canceled:
      return policy::cancel_outcome::canceled;
    case store::request_outcome::refused:
      return policy::cancel_outcome::refused;
    case store::request_outcome::finished_first:
      return policy::cancel_outcome::finished_first;
    case store::request_outcome::unconfirmed:
      return policy::cancel_outcome::unconfirmed;
  }
  return policy::cancel_outcome::unconfirmed;
}

struct org_counts {
  policy::org_count started = 0;
  policy::org_count failed = 0;
};

/// Distinct orgs that a rollout reached, and those of them whose newest job in it failed.
org_counts count_orgs(const tracker::tracker& tracked, tracker::rollout_index rollout) {
  std::map<tracker::org_index, tracker::job_index> newest;
  for (const tracker::request_index request : tracked.at(rollout).requests) {
    for (const tracker::job_index job : tracked.at(request).jobs) {
      if (!domain::is_started(tracked.at(job).status))
        continue;
      const auto [place, is_first] = newest.try_emplace(tracked.at(job).org, job);
      if (!is_first)
        place->second = std::max(place->second, job);
    }
  }
  org_counts counts;
  for (const auto& [org, job] : newest) {
    ++counts.started;
    counts.failed += tracked.at(job).status == domain::push_status::failed ? 1U : 0U;
  }
  return counts;
}

std::vector<store::error_signature> top_signatures(const tracker::tracker& tracked,
                                                   tracker::rollout_index rollout) {
  std::vector<store::error_signature> out;
  for (const tracker::signature_count& counted :
       tracked.top_errors(rollout, signatures_max, sample_orgs_max)) {
    store::error_signature signature{std::string(counted.signature), counted.orgs, {}};
    for (const tracker::org_index org : counted.sample_orgs) {
      signature.sample_orgs.push_back(tracked.at(org).key);
    }
    out.push_back(std::move(signature));
  }
  return out;
}

}  // namespace

std::optional<store::plan_entry> make_plan_entry(const policy::planned_request& planned, wall_time now) {
  if (planned.step == policy::plan_step::too_late) {
    return std::nullopt;
  }
  store::plan_entry entry;
  entry.request = planned.id;
  entry.status_at_decision = planned.status_at_decision;
  entry.action = stored_action(planned.step);
  entry.updated_at = now;
  return entry;
}

store::decision_record make_decision(std::int64_t id, const decision_origin& origin,
                                     const policy::judgement& judged, const policy::abort_plan& plan,
                                     const tracker::tracker& tracked, tracker::rollout_index rollout) {
  store::decision_record made;
  made.id = id;
  made.key = {stored_rollout(origin.hub, judged.key.rollout), judged.epoch,
              judged.mode == policy::policy_mode::enforce ? store::decision_mode::enforce
                                                          : store::decision_mode::dry_run,
              judged.key.policy, judged.key.rule};
  made.decided_at = judged.at;
  made.actor = origin.actor;
  made.reason = judged.reason;
  made.failed = judged.numbers.failed;
  made.started = judged.numbers.started;
  made.excluded = judged.numbers.excluded;
  made.in_flight = static_cast<std::int64_t>(plan.in_flight.size());
  made.still_to_start = plan.still_to_start;
  made.observed_ratio = judged.numbers.observed;
  made.lower_bound_ratio = judged.numbers.lower_bound;
  made.threshold_ratio = judged.numbers.threshold;
  made.configuration_hash = origin.configuration_hash;
  made.agent_version = origin.agent_version;
  made.signatures = top_signatures(tracked, rollout);
  for (const policy::planned_request& planned : plan.requests) {
    if (auto entry = make_plan_entry(planned, judged.at))
      made.plan.push_back(std::move(*entry));
  }
  if (made.key.mode == store::decision_mode::dry_run) {
    const bool has_cancelable = std::ranges::any_of(
        made.plan, [](const store::plan_entry& entry) { return entry.action == store::plan_action::cancel; });
    made.outcome = has_cancelable ? store::containment_outcome::confirmed
                                  : store::containment_outcome::nothing_to_cancel;
    made.ended_at = judged.at;
  }
  return made;
}

policy::policy_specification manual_specification() {
  return {.name = std::string(manual_policy),
          .contain = policy::containment::rollout,
          .mode = policy::policy_mode::enforce,
          .in_progress = policy::in_progress_handling::try_cancel};
}

store::decision_key manual_key(store::rollout_key rollout, std::int64_t epoch,
                               const std::optional<domain::request_id>& request) {
  return {.rollout = std::move(rollout),
          .epoch = epoch,
          .mode = store::decision_mode::manual,
          .policy = std::string(manual_policy),
          .rule = std::string(request ? request->key() : manual_rollout_rule)};
}

store::decision_record make_manual_decision(std::int64_t id, const decision_origin& origin,
                                            store::decision_key key, std::string reason, wall_time now,
                                            const policy::abort_plan& plan, const tracker::tracker& tracked,
                                            tracker::rollout_index rollout) {
  policy::judgement asked;
  asked.key.rollout = rollout_of(key.rollout);
  asked.epoch = static_cast<std::uint32_t>(key.epoch);
  asked.mode = policy::policy_mode::enforce;
  asked.reason = std::move(reason);
  asked.at = now;
  const org_counts counts = count_orgs(tracked, rollout);
  asked.numbers.failed = counts.failed;
  asked.numbers.started = counts.started;
  asked.numbers.observed = counts.started == 0 ? 0.0 : static_cast<double>(counts.failed) / counts.started;
  store::decision_record made = make_decision(id, origin, asked, plan, tracked, rollout);
  made.key = std::move(key);
  made.threshold_ratio.reset();
  return made;
}

bool is_in_force(const store::decision_key& key) {
  switch (key.mode) {
    case store::decision_mode::enforce:
      return true;
    case store::decision_mode::dry_run:
      return false;
    case store::decision_mode::manual:
      return key.rule == manual_rollout_rule;
  }
  return false;
}

std::optional<policy::containment_outcome> outcome_of(const store::decision_record& decision) {
  std::vector<policy::cancel_result> results;
  bool is_given_up = false;
  for (const store::plan_entry& entry : decision.plan) {
    if (entry.action != store::plan_action::cancel)
      continue;
    results.push_back({entry.status_at_decision, known_outcome(entry)});
    is_given_up |=
        entry.step == store::plan_step::settled && entry.outcome == store::request_outcome::unconfirmed;
  }
  return policy::classify(results, is_given_up ? policy::effort::given_up : policy::effort::under_way);
}

policy::firing_key firing_of(const store::decision_key& key) {
  return {
      rollout_of(key.rollout), static_cast<std::uint32_t>(key.epoch),
      key.mode == store::decision_mode::enforce ? policy::policy_mode::enforce : policy::policy_mode::dry_run,
      key.policy, key.rule};
}

store::rollout_key stored_rollout(const std::string& hub, const domain::rollout_id& rollout) {
  return {hub, rollout.version, rollout.number};
}

domain::rollout_id rollout_of(const store::rollout_key& key) {
  return {key.version, static_cast<std::uint32_t>(key.number)};
}

store::request_outcome stored_outcome(policy::cancel_outcome outcome) {
  switch (outcome) {
    case policy::cancel_outcome::canceled:
      return store::request_outcome::canceled;
    case policy::cancel_outcome::refused:
      return store::request_outcome::refused;
    case policy::cancel_outcome::finished_first:
      return store::request_outcome::finished_first;
    case policy::cancel_outcome::unconfirmed:
      return store::request_outcome::unconfirmed;
  }
  return store::request_outcome::unconfirmed;
}

store::containment_outcome stored_outcome(policy::containment_outcome outcome) {
  return *std::ranges::find(store::all_containment_outcomes, outcome, judged_outcome);
}

policy::containment_outcome judged_outcome(store::containment_outcome outcome) {
  switch (outcome) {
    case store::containment_outcome::confirmed:
      return policy::containment_outcome::confirmed;
    case store::containment_outcome::partial:
      return policy::containment_outcome::partial;
    case store::containment_outcome::refused:
      return policy::containment_outcome::refused;
    case store::containment_outcome::nothing_to_cancel:
      return policy::containment_outcome::nothing_to_cancel;
    case store::containment_outcome::failed:
      return policy::containment_outcome::failed;
  }
  return policy::containment_outcome::failed;
}

}  // namespace pushguard::agent
