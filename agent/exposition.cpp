#include "agent/exposition.hpp"

#include <algorithm>
#include <set>

#include "agent/policy/judgement.hpp"
#include "agent/rollout_state.hpp"
#include "metrics/families.hpp"

namespace pushguard::agent {
namespace {

using metrics::family_builder;
using metrics::gauge;
using families = std::vector<prometheus::MetricFamily>;

void add_hubs(const read_model& model, families& out) {
  family_builder up = gauge("pushguard_hub_up", "The last read of the hub was complete.");
  family_builder reconciled = gauge("pushguard_hub_last_reconcile_timestamp_seconds",
                                    "When the last complete read of the hub ended.");
  family_builder live =
      gauge("pushguard_stream_channel_live", "The channel is subscribed in the present CometD session.");
  family_builder polled =
      gauge("pushguard_stream_last_poll_timestamp_seconds", "When the last CometD poll of the hub ended.");
  family_builder budget = gauge("pushguard_salesforce_api_budget_calls",
                                "API calls that this agent may make in 24 hours; there once it is known.");
  family_builder budget_used = gauge("pushguard_salesforce_api_budget_calls_used",
                                     "API calls that this agent made in the last 24 hours.");
  for (const auto& [name, hub] : model.hubs()) {
    up.add({{"hub", name}}, hub.is_up ? 1 : 0);
    reconciled.add({{"hub", name}}, hub.last_reconcile ? to_unix_seconds(*hub.last_reconcile) : 0);
    if (hub.calls_allowed > 0)
      budget.add({{"hub", name}}, static_cast<double>(hub.calls_allowed));
    budget_used.add({{"hub", name}}, static_cast<double>(hub.calls_made));
    if (hub.channels.empty())
      continue;
    polled.add({{"hub", name}}, hub.last_poll ? to_unix_seconds(*hub.last_poll) : 0);
    for (const channel_view& channel : hub.channels) {
      live.add({{"hub", name}, {"channel", channel.channel}}, channel.is_live ? 1 : 0);
    }
  }
  for (family_builder* family : {&up, &reconciled, &live, &polled, &budget, &budget_used})
    out.push_back(std::move(*family).build());
}

using rollout_set = std::set<std::pair<std::string, std::string>>;  // by hub and id, as the model's

/// When the last request of a rollout ended; nothing while one has not.
std::optional<wall_time> end_of(const rollout_view& rollout, const read_model& model) {
  std::optional<wall_time> end;
  for (const domain::request_id& id : rollout.requests) {
    const auto request = model.requests().find({rollout.hub, id});
    if (request == model.requests().end() || request->second.is_stale)
      continue;
    if (!request->second.ended)
      return std::nullopt;
    end = std::max(end, request->second.ended);
  }
  return end;
}

/// The rollouts that ended longer ago than series are kept.
rollout_set find_forgotten(const read_model& model, rollout_retention keep, wall_time now) {
  rollout_set forgotten;
  for (const auto& [key, rollout] : model.rollouts()) {
    const bool is_aborted = state_of(rollout, model) == rollout_state::aborted;
    const duration kept = is_aborted ? std::max(keep.after_end, keep.after_abort) : keep.after_end;
    if (const auto end = end_of(rollout, model); end && now - *end >= kept)
      forgotten.insert(key);
  }
  return forgotten;
}

void add_requests(const read_model& model, const rollout_set& forgotten, families& out) {
  family_builder info = gauge("pushguard_request_info", "What a push request pushes.");
  family_builder status =
      gauge("pushguard_request_status", "The status of a push request: 1 for the one it has.");
  family_builder jobs = gauge("pushguard_request_jobs", "Push jobs of a request by status.");
  family_builder failed =
      gauge("pushguard_request_failed_jobs", "Failed push jobs of a request by the type of their error.");
  family_builder scheduled =
      gauge("pushguard_request_scheduled_start_timestamp_seconds", "When a push request is to start.");
  family_builder started = gauge("pushguard_request_start_timestamp_seconds", "When a push request started.");
  family_builder ended = gauge("pushguard_request_end_timestamp_seconds", "When a push request ended.");
  family_builder progress = gauge("pushguard_request_last_progress_timestamp_seconds",
                                  "When a push job of the request was last seen to change its status.");
  const auto add_instant = [](family_builder& family, const request_view& request,
                              std::optional<wall_time> instant) {
    if (instant)
      family.add({{"hub", request.hub}, {"request_id", request.row.id.text()}}, to_unix_seconds(*instant));
  };
  for (const auto& [key, request] : model.requests()) {
    if (forgotten.contains({request.hub, request.rollout}))
      continue;
    const std::string_view id = request.row.id.text();
    info.add({{"hub", request.hub},
              {"request_id", id},
              {"rollout", request.rollout},
              {"package_id", request.row.package.text()},
              {"package_name", request.row.package_name},
              {"package_version", request.row.version_number},
              {"version_id", request.row.version.text()}},
             1);
    status.add_states({{"hub", request.hub}, {"request_id", id}}, "status", domain::all_push_statuses,
                      request.row.status);
    for (const domain::push_status state : domain::all_push_statuses) {
      jobs.add({{"hub", request.hub}, {"request_id", id}, {"status", domain::to_string(state)}},
               static_cast<double>(count_of(request.jobs, state)));
    }
    const error_counts& failures = model.failed_by_type(key);
    for (const domain::error_type type : domain::all_error_types) {
      failed.add({{"hub", request.hub}, {"request_id", id}, {"error_type", domain::to_string(type)}},
                 static_cast<double>(failures[static_cast<std::size_t>(type)]));
    }
    add_instant(scheduled, request, request.row.scheduled_start);
    add_instant(started, request, request.row.start);
    add_instant(ended, request, request.row.end);
    add_instant(progress, request, request.last_progress);
  }
  for (family_builder* family : {&info, &status, &jobs, &failed, &scheduled, &started, &ended, &progress}) {
    out.push_back(std::move(*family).build());
  }
}

/// The rules of an open rollout are looked at all together, and told of only where they changed.
wall_time last_look(const read_model& model, const rule_view& rule) {
  const auto hub = model.hubs().find(rule.key.hub);
  const auto rollout = model.rollouts().find({rule.key.hub, rule.key.rollout});
  const bool is_open = rollout != model.rollouts().end() && rollout->second.is_open;
  if (!is_open || hub == model.hubs().end() || !hub->second.last_evaluation)
    return rule.evaluated;
  return std::max(rule.evaluated, *hub->second.last_evaluation);
}

void add_rules(const read_model& model, const rollout_set& forgotten, families& out) {
  family_builder state = gauge("pushguard_rule_state", "The verdict of a rule: 1 for the one it has.");
  family_builder observed =
      gauge("pushguard_rule_observed_ratio",
            "The share that the rule speaks of, as observed; rules about time have none.");
  family_builder bound =
      gauge("pushguard_rule_lower_bound_ratio",
            "The lower confidence bound that must exceed the threshold; rules without statistics have none.");
  family_builder threshold = gauge("pushguard_rule_threshold_ratio",
                                   "The limit of the rule's share; rules that count orgs have none.");
  family_builder failed = gauge("pushguard_rule_failed_orgs",
                                "Orgs that the rule counts: as failed, or as running for too long.");
  family_builder started = gauge("pushguard_rule_started_orgs", "Orgs that count as started.");
  family_builder excluded =
      gauge("pushguard_rule_excluded_orgs", "Orgs whose failure says nothing about the version.");
  family_builder armed = gauge("pushguard_rule_armed", "The rule may act.");
  family_builder evaluated =
      gauge("pushguard_rule_last_evaluation_timestamp_seconds", "When the rule was last looked at.");
  for (const auto& named : model.rules()) {
    const rule_key& key = named.first;
    const rule_view& rule = named.second;
    if (forgotten.contains({key.hub, key.rollout}))
      continue;
    const auto add = [&key](family_builder& family, double value) {
      family.add({{"hub", key.hub},
                  {"rollout", key.rollout},
                  {"request_id", key.request},
                  {"policy", key.policy},
                  {"rule", key.rule},
                  {"segment", key.segment}},
                 value);
    };
    for (const policy::verdict verdict : policy::all_verdicts) {
      state.add({{"hub", key.hub},
                 {"rollout", key.rollout},
                 {"request_id", key.request},
                 {"policy", key.policy},
                 {"rule", key.rule},
                 {"segment", key.segment},
                 {"state", policy::to_string(verdict)}},
                rule.verdict == policy::to_string(verdict) ? 1 : 0);
    }
    const auto add_known = [&add](family_builder& family, std::optional<double> value) {
      if (value)
        add(family, *value);
    };
    add_known(observed, rule.observed_ratio);
    add_known(bound, rule.lower_bound_ratio);
    add_known(threshold, rule.threshold_ratio);
    add(failed, static_cast<double>(rule.failed));
    add(started, static_cast<double>(rule.started));
    add(excluded, static_cast<double>(rule.excluded));
    add(armed, rule.is_armed ? 1 : 0);
    add(evaluated, to_unix_seconds(last_look(model, rule)));
  }
  for (family_builder* family :
       {&state, &observed, &bound, &threshold, &failed, &started, &excluded, &armed, &evaluated}) {
    out.push_back(std::move(*family).build());
  }
}

void add_rollouts(const read_model& model, const rollout_set& forgotten, families& out) {
  family_builder info = gauge("pushguard_rollout_info", "What a rollout pushes.");
  family_builder state =
      gauge("pushguard_rollout_state", "Where a rollout stands: 1 for the state it is in.");
  family_builder jobs = gauge("pushguard_rollout_jobs", "Push jobs of all requests of a rollout by status.");
  family_builder spared = gauge("pushguard_rollout_spared_orgs", "Orgs that aborts kept from the upgrade.");
  family_builder aborted =
      gauge("pushguard_rollout_abort_timestamp_seconds", "When the rollout was last aborted.");
  for (const auto& [key, rollout] : model.rollouts()) {
    if (forgotten.contains(key))
      continue;
    info.add({{"hub", rollout.hub},
              {"rollout", rollout.id},
              {"package_name", rollout.package_name},
              {"package_version", rollout.version_number}},
             1);
    state.add_states({{"hub", rollout.hub}, {"rollout", rollout.id}}, "state", all_rollout_states,
                     state_of(rollout, model));
    for (const domain::push_status status : domain::all_push_statuses) {
      jobs.add({{"hub", rollout.hub}, {"rollout", rollout.id}, {"status", domain::to_string(status)}},
               static_cast<double>(count_of(rollout.jobs, status)));
    }
    spared.add({{"hub", rollout.hub}, {"rollout", rollout.id}}, static_cast<double>(rollout.spared_orgs));
    if (rollout.aborted_at) {
      aborted.add({{"hub", rollout.hub}, {"rollout", rollout.id}}, to_unix_seconds(*rollout.aborted_at));
    }
  }
  family_builder held = gauge("pushguard_hold_expiry_timestamp_seconds",
                              "When a hold ends; labels are empty where it is wider.");
  for (const hold_view& hold : model.holds()) {
    held.add({{"hub", hold.hub}, {"rollout", hold.rollout}, {"policy", hold.policy}, {"rule", hold.rule}},
             to_unix_seconds(hold.until));
  }
  for (family_builder* family : {&info, &state, &jobs, &spared, &aborted, &held})
    out.push_back(std::move(*family).build());
}

void add_alerts(const read_model& model, families& out) {
  family_builder firing = gauge("pushguard_alerts_firing", "Alerts of this agent that fire, by severity.");
  for (const alerts::alert_severity severity : alerts::alert_severities) {
    const auto counts = [&](const alert_view& each) {
      const alerts::alert& alert = each.record.content;
      return alert.kind == alerts::alert_kind::trouble && alert.state == alerts::alert_state::firing &&
             alert.severity == severity;
    };
    firing.add({{"severity", to_string(severity)}},
               static_cast<double>(std::ranges::count_if(model.alerting()->alerts, counts)));
  }
  out.push_back(std::move(firing).build());
}

}  // namespace

families make_model_families(const read_model& model, rollout_retention keep, wall_time now) {
  const rollout_set forgotten = find_forgotten(model, keep, now);
  families out;
  add_hubs(model, out);
  add_requests(model, forgotten, out);
  add_rules(model, forgotten, out);
  add_rollouts(model, forgotten, out);
  add_alerts(model, out);
  return out;
}

}  // namespace pushguard::agent
