#include "agent/enforcement.hpp"

#include <algorithm>

#include "agent/alert_texts.hpp"
#include "agent/alerting_texts.hpp"
#include "agent/audit_trail.hpp"
#include "agent/decision_making.hpp"
#include "agent/policy/abort_plan.hpp"
#include "agent/view_making.hpp"
#include "base/fault_point.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

enforcement::enforcement(enforcement_parts parts)
    : parts_(std::move(parts)),
      name_(parts_.agent.hub.name),
      containment_parts_{
          .queries = parts_.hub.queries(),
          .rest = parts_.hub.rest(),
          .reader = parts_.reader,
          .tracked = parts_.tracked,
          .views = parts_.views,
          .store = parts_.agent.store,
          .alerts = parts_.agent.alerts,
          .audit = parts_.agent.audit,
          .instruments = parts_.agent.instruments,
          .time = parts_.agent.time,
          .hub_clock = parts_.clock,
          .log = parts_.agent.log,
          .random = parts_.agent.random,
          .on_changes = parts_.on_changes,
          .context_of = parts_.context_of,
          .severity_of = [this](const store::decision_key& key) { return decided_severity(key); }},
      memory_(name_) {}

asio::awaitable<void> enforcement::carry_on() {
  for (const store::watched_rollout& watched : memory_.watched()) {
    const domain::rollout_id rollout = rollout_of(watched.key);
    parts_.views.note_epoch(rollout, static_cast<int>(watched.epoch), watched.epoch_since);
    end_alerts_of_earlier_epochs(rollout);  // an end between two commits may have kept one
  }
  for (const store::decision_record* decision : memory_.decisions()) {
    const domain::rollout_id rollout = rollout_of(decision->key.rollout);
    parts_.views.note(*decision);
    if (is_in_force(decision->key)) {
      parts_.views.note_aborted(rollout, decision->decided_at);
    }
    auto spared = co_await parts_.agent.store.spared_orgs_of(decision->key.rollout);
    if (spared && !spared->empty()) {
      parts_.views.note_spared(rollout, std::move(*spared));
    }
    if (is_unfinished(*decision)) {
      parts_.agent.log.warning("abort_resumed", {{"decision", decision->id}, {"rollout", rollout.text()}});
      begin_carrying_out(*decision);
    }
  }
}

void enforcement::end_alerts_of_earlier_epochs(const domain::rollout_id& rollout) {
  const std::uint32_t present = parts_.judge.epoch(rollout);
  for (const store::decision_record* decision : memory_.decisions_of(rollout)) {
    if (decision->key.epoch < present)
      parts_.agent.alerts.resolve(containment_alert_id(make_decision_view(*decision)));
  }
  std::erase_if(unrecorded_, [&](const auto& refused) {
    if (refused.first.rollout != rollout || refused.first.epoch >= present)
      return false;
    parts_.agent.alerts.end(refused.second);
    return true;
  });
}

bool enforcement::is_held(const store::decision_key& key, wall_time now) const {
  const policy::judgement_key judged{.rollout = rollout_of(key.rollout),
                                     .request = {},
                                     .policy = key.policy,
                                     .rule = key.rule,
                                     .segment = {}};
  return std::ranges::any_of(parts_.agent.holds.of(name_, now),
                             [&](const policy::known_hold& hold) { return hold.covers(judged); });
}

void enforcement::tell_held(const policy::judgement& judged, const rule_view& rule) {
  const std::string id = held_breach_alert_id(rule.key);
  if (judged.follows != policy::consequence::held) {
    told_held_.erase(id);
    parts_.agent.alerts.resolve(id);
  } else if (told_held_.insert(id).second) {
    parts_.agent.alerts.raise(
        make_held_breach_alert(parts_.context_of(judged.key.rollout), rule, severity_of(judged.severity)));
  }
}

void enforcement::forget_held(const rule_key& rule) {
  const std::string id = held_breach_alert_id(rule);
  told_held_.erase(id);
  parts_.agent.alerts.resolve(id);
}

void enforcement::keep_policies_in_force() {
  for (const store::decision_record* decision : memory_.decisions()) {
    const policy::policy_specification* policy = parts_.judge.find_policy(decision->key.policy);
    if (policy != nullptr && is_in_force(decision->key))
      kept_policies_.insert_or_assign(policy->name, *policy);
  }
}

const policy::policy_specification* enforcement::policy_of(const store::decision_key& key) const {
  if (const policy::policy_specification* present = parts_.judge.find_policy(key.policy))
    return present;
  const auto kept = kept_policies_.find(key.policy);
  return kept == kept_policies_.end() ? nullptr : &kept->second;
}

void enforcement::forget_unrecorded(const policy::firing_key& firing) {
  if (const auto refused = unrecorded_.find(firing); refused != unrecorded_.end()) {
    parts_.agent.alerts.resolve(refused->second);
    unrecorded_.erase(refused);
  }
}

asio::awaitable<void> enforcement::decide(policy::judgement judged) {
  const auto rollout = parts_.tracked.find(judged.key.rollout);
  const policy::policy_specification* policy = parts_.judge.find_policy(judged.key.policy);
  if (!rollout || policy == nullptr)
    co_return;
  const policy::abort_plan plan = policy::make_abort_plan(parts_.tracked, *rollout, *policy);
  const decision_origin origin{.hub = name_,
                               .configuration_hash = parts_.agent.configuration->hash,
                               .agent_version = parts_.agent.agent_version};
  store::decision_record decision =
      make_decision(parts_.agent.numbers.take(), origin, judged, plan, parts_.tracked, *rollout);
  store::batch batch;
  batch.decisions.push_back(decision);
  audit_backlog::luggage audited = parts_.agent.audit.take();
  batch.audit = audited.entries();
  batch.audit.push_back(audit_decided(decision));
  batch.watched = memory_.take_changes();
  const std::vector<store::watched_rollout> watched = batch.watched;
  alert_center::luggage told = parts_.agent.alerts.take();
  const auto raised = parts_.agent.alerts.raise_into(
      told, make_containment_alert(parts_.context_of(judged.key.rollout), make_decision_view(decision),
                                   severity_of(judged.severity)));
  told.add_to(batch);
  fault_point("decision.before_commit");
  const auto committed = co_await parts_.agent.store.commit(std::move(batch));
  fault_point("decision.after_commit");
  if (committed && committed->is_applied()) {
    parts_.agent.alerts.announce(raised);
    parts_.agent.alerts.stored(std::move(told));
    audited.stored();
    on_recorded(std::move(decision));
    co_return;
  }
  if (!committed && on_failure(judged) == configuration::store_failure_handling::refuse)
    parts_.agent.alerts.withdraw(told, containment_alert_id(make_decision_view(decision)));
  else
    parts_.agent.alerts.announce(raised);
  parts_.agent.alerts.put_back(std::move(told));
  memory_.put_back(watched);
  if (committed) {
    parts_.agent.log.warning(
        "decision_already_recorded",
        {{"rollout", judged.key.rollout.text()}, {"policy", judged.key.policy}, {"rule", judged.key.rule}});
    co_return;
  }
  on_not_recorded(judged, committed.error(), std::move(decision));
}

void enforcement::on_recorded(store::decision_record decision) {
  const domain::rollout_id rollout = rollout_of(decision.key.rollout);
  parts_.agent.log.warning("abort_decided", {{"decision", decision.id},
                                             {"hub", name_},
                                             {"rollout", rollout.text()},
                                             {"mode", store::to_string(decision.key.mode)},
                                             {"policy", decision.key.policy},
                                             {"rule", decision.key.rule},
                                             {"failed", decision.failed},
                                             {"started", decision.started},
                                             {"in_flight", decision.in_flight},
                                             {"reason", decision.reason}});
  forget_unrecorded(firing_of(decision.key));
  last_store_failure_.clear();
  memory_.note(decision);
  parts_.views.note(decision);
  if (decision.key.mode == store::decision_mode::dry_run) {
    parts_.agent.instruments.abort_ended(decision.key.policy, decision.key.mode,
                                         judged_outcome(*decision.outcome));
    return;
  }
  if (is_in_force(decision.key)) {
    parts_.views.note_aborted(rollout, decision.decided_at);
  }
  begin_carrying_out(std::move(decision));
}

// A dry run has nothing to act on at once: it comes up again, and is told when it can be recorded.
configuration::store_failure_handling enforcement::on_failure(const policy::judgement& judged) const {
  return judged.mode == policy::policy_mode::enforce ? parts_.agent.configuration->on_store_failure
                                                     : configuration::store_failure_handling::refuse;
}

void enforcement::on_not_recorded(const policy::judgement& judged, const failure& why,
                                  store::decision_record decision) {
  if (why.text() != last_store_failure_) {
    last_store_failure_ = why.text();
    parts_.agent.log.error("decision_not_recorded", {{"hub", name_},
                                                     {"rollout", judged.key.rollout.text()},
                                                     {"policy", judged.key.policy},
                                                     {"rule", judged.key.rule},
                                                     {"error", last_store_failure_}});
  }
  const auto handling = on_failure(judged);
  const decision_view view = make_decision_view(decision);
  const auto [place, is_first] = unrecorded_.emplace(judged.firing(), not_recorded_alert_id(view));
  // Once, with the numbers of that moment: it comes up again with every look at the rollout.
  if (is_first && handling == configuration::store_failure_handling::refuse &&
      judged.mode == policy::policy_mode::enforce)
    parts_.agent.alerts.raise(make_not_recorded_alert(parts_.context_of(judged.key.rollout), view, why,
                                                      severity_of(judged.severity)));
  if (is_first)
    parts_.agent.audit.add(audit_not_recorded(decision, why, handling, parts_.agent.time.wall_now()));
  if (handling == configuration::store_failure_handling::act) {
    parts_.agent.audit.add(audit_decided(decision));
    on_recorded(std::move(decision));
    return;
  }
  // The next evaluation answers it again, if it still holds.
  parts_.judge.withdraw(judged.firing());
}

void enforcement::begin_carrying_out(store::decision_record decision) {
  memory_.begin(decision.id);  // before the coroutine's first step: latecomers must not begin it once more
  parts_.spawn(carry_out(std::move(decision)));
}

asio::awaitable<void> enforcement::carry_out(store::decision_record decision) {
  containment carrying(containment_parts_, std::move(decision));
  while (parts_.hub.rest().api_version().empty()) {
    co_await parts_.version_chosen.wait();  // after a restart
  }
  const containment_end ended = co_await carrying.run();
  if (ended == containment_end::interrupted) {
    co_return;  // a later run of the agent carries it on
  }
  memory_.note(carrying.decision());
  memory_.end(carrying.decision().id);
  parts_.mark_changed();
}

asio::awaitable<void> enforcement::remember_watched() {
  store::batch batch;
  batch.watched = memory_.take_changes();
  if (batch.watched.empty())
    co_return;
  const std::vector<store::watched_rollout> watched = batch.watched;
  fault_point("watched.before_commit");
  const auto committed = co_await parts_.agent.store.commit(std::move(batch));
  fault_point("watched.after_commit");
  if (!committed) {
    parts_.agent.log.error("watch_not_stored", {{"hub", name_}, {"error", committed.error().text()}});
    memory_.put_back(watched);
  }
}

asio::awaitable<void> enforcement::contain_latecomers() {
  const wall_time now = parts_.agent.time.wall_now();
  const policy::policy_specification by_hand = manual_specification();
  std::set<domain::rollout_id> later;
  for (const domain::rollout_id& id : std::exchange(unlooked_, {})) {
    const store::decision_record* abort = memory_.abort_of(id, parts_.judge.epoch(id));
    const auto rollout = parts_.tracked.find(id);
    if (abort == nullptr || !rollout)
      continue;
    const bool is_manual = abort->key.mode == store::decision_mode::manual;
    const policy::policy_specification* policy = is_manual ? &by_hand : policy_of(abort->key);
    if (policy == nullptr)
      continue;
    if (memory_.is_carried_out(abort->id) || is_held(abort->key, now)) {
      later.insert(id);  // after what is under way, or the hold, has ended
      continue;
    }
    store::decision_record extended = *abort;
    store::decision_update update{.id = abort->id, .plan = {}, .outcome = {}, .ended_at = {}};
    for (const policy::planned_request& planned :
         policy::make_abort_plan(parts_.tracked, *rollout, *policy).requests) {
      const bool is_known =
          std::ranges::find(abort->plan, planned.id, &store::plan_entry::request) != abort->plan.end();
      if (is_known || planned.step != policy::plan_step::cancel)
        continue;
      update.plan.push_back(*make_plan_entry(planned, now));
    }
    if (update.plan.empty())
      continue;
    extended.plan.insert(extended.plan.end(), update.plan.begin(), update.plan.end());
    store::batch batch;
    batch.audit.push_back(audit_extended(extended, update.plan, now));
    batch.decision_updates.push_back(std::move(update));
    fault_point("extension.before_commit");
    const auto committed = co_await parts_.agent.store.commit(std::move(batch));
    fault_point("extension.after_commit");
    if (!committed) {
      parts_.agent.log.error("decision_not_recorded",
                             {{"hub", name_}, {"rollout", id.text()}, {"error", committed.error().text()}});
      later.insert(id);
      continue;
    }
    parts_.agent.log.warning("abort_extended", {{"decision", extended.id}, {"rollout", id.text()}});
    memory_.note(extended);
    begin_carrying_out(std::move(extended));
  }
  unlooked_.merge(later);
}

alerts::alert_severity enforcement::decided_severity(const store::decision_key& key) const {
  if (const policy::policy_specification* policy = policy_of(key)) {
    const auto rule = std::ranges::find(policy->rules, key.rule, &policy::rule_specification::name);
    if (rule != policy->rules.end())
      return severity_of(rule->severity);
  }
  return alerts::alert_severity::critical;  // the rule is gone from the configuration; the abort was real
}

}  // namespace pushguard::agent
