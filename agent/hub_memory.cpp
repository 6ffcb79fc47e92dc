#include "agent/hub_memory.hpp"

#include <algorithm>

#include "agent/decision_making.hpp"

namespace pushguard::agent {
namespace {

policy::policy_mode judged_mode(store::decision_mode mode) {
  return mode == store::decision_mode::enforce ? policy::policy_mode::enforce : policy::policy_mode::dry_run;
}

store::decision_mode stored_mode(policy::policy_mode mode) {
  return mode == policy::policy_mode::enforce ? store::decision_mode::enforce : store::decision_mode::dry_run;
}

policy::arming judged_arming(store::arming state) {
  return state == store::arming::armed ? policy::arming::armed : policy::arming::breached_before_arming;
}

}  // namespace

void hub_memory::restore(const store::loaded_state& known) {
  for (const store::watched_rollout& rollout : known.watched) {
    if (rollout.key.hub == hub_)
      watched_.emplace(rollout_of(rollout.key), rollout);
  }
  for (const store::decision_record& decision : known.decisions) {
    if (decision.key.rollout.hub == hub_)
      note(decision);
  }
}

std::vector<tracker::known_rollout> hub_memory::known_rollouts() const {
  std::vector<tracker::known_rollout> out;
  for (const auto& [id, rollout] : watched_) {
    out.push_back({.id = id, .requests = rollout.requests, .last_activity = {}});
  }
  return out;
}

policy::judge_memory hub_memory::for_judge() const {
  policy::judge_memory memory;
  for (const auto& [id, rollout] : watched_) {
    for (const store::rule_arming& rule : rollout.rules) {
      memory.armings.push_back(
          {id, judged_mode(rule.mode), rule.policy, rule.rule, judged_arming(rule.state)});
    }
    memory.epochs.push_back({.rollout = id,
                             .number = static_cast<std::uint32_t>(rollout.epoch),
                             .since = rollout.epoch_since.value_or(wall_time::min())});
  }
  for (const auto& [id, decision] : decisions_) {
    if (decision.key.mode != store::decision_mode::manual)
      memory.fired.push_back(firing_of(decision.key));
  }
  return memory;
}

void hub_memory::watch(const domain::rollout_id& rollout, std::span<const domain::request_id> requests) {
  const auto [place, is_new] = watched_.try_emplace(rollout);
  store::watched_rollout& watched = place->second;
  if (is_new)
    watched.key = stored_rollout(hub_, rollout);
  for (const domain::request_id& request : requests) {
    if (std::ranges::find(watched.requests, request) == watched.requests.end())
      watched.requests.push_back(request);
  }
  changed_.insert(rollout);
}

void hub_memory::note(std::span<const policy::known_arming> armings, wall_time now) {
  for (const policy::known_arming& arming : armings) {
    if (arming.state == policy::arming::waiting)
      continue;
    const auto [place, is_new] = watched_.try_emplace(arming.rollout);
    store::watched_rollout& watched = place->second;
    if (is_new)
      watched.key = stored_rollout(hub_, arming.rollout);
    std::erase_if(watched.rules, [&](const store::rule_arming& rule) {
      return rule.policy == arming.policy && rule.rule == arming.rule;
    });
    const auto state =
        arming.state == policy::arming::armed ? store::arming::armed : store::arming::breached_before_arming;
    watched.rules.push_back({.policy = arming.policy,
                             .rule = arming.rule,
                             .state = state,
                             .since = now,
                             .mode = stored_mode(arming.mode)});
    changed_.insert(arming.rollout);
  }
}

void hub_memory::open_epoch(const domain::rollout_id& rollout, wall_time since) {
  const auto [place, is_new] = watched_.try_emplace(rollout);
  if (is_new)
    place->second.key = stored_rollout(hub_, rollout);
  ++place->second.epoch;
  place->second.epoch_since = since;
  changed_.insert(rollout);
}

std::optional<store::watched_rollout> hub_memory::find(const domain::rollout_id& rollout) const {
  const auto found = watched_.find(rollout);
  return found == watched_.end() ? std::nullopt : std::optional(found->second);
}

void hub_memory::replace(const domain::rollout_id& rollout, store::watched_rollout with) {
  watched_.insert_or_assign(rollout, std::move(with));
}

std::vector<store::watched_rollout> hub_memory::watched() const {
  std::vector<store::watched_rollout> out;
  for (const auto& [id, rollout] : watched_)
    out.push_back(rollout);
  return out;
}

std::vector<store::watched_rollout> hub_memory::take_changes() {
  std::vector<store::watched_rollout> out;
  for (const domain::rollout_id& id : changed_)
    out.push_back(watched_.at(id));
  changed_.clear();
  return out;
}

void hub_memory::put_back(std::span<const store::watched_rollout> changes) {
  for (const store::watched_rollout& change : changes)
    changed_.insert(rollout_of(change.key));
}

void hub_memory::note(const store::decision_record& decision) {
  decisions_.insert_or_assign(decision.id, decision);
  decisions_of_[rollout_of(decision.key.rollout)].insert(decision.id);
}

std::vector<const store::decision_record*> hub_memory::decisions() const {
  std::vector<const store::decision_record*> out;
  for (const auto& [id, decision] : decisions_)
    out.push_back(&decision);
  return out;
}

std::vector<const store::decision_record*> hub_memory::decisions_of(const domain::rollout_id& rollout) const {
  std::vector<const store::decision_record*> out;
  if (const auto found = decisions_of_.find(rollout); found != decisions_of_.end()) {
    for (const std::int64_t id : found->second)
      out.push_back(&decisions_.at(id));
  }
  return out;
}

const store::decision_record* hub_memory::find(const store::decision_key& key) const {
  const auto found =
      std::ranges::find_if(decisions_, [&key](const auto& decision) { return decision.second.key == key; });
  return found == decisions_.end() ? nullptr : &found->second;
}

const store::decision_record* hub_memory::abort_of(const domain::rollout_id& rollout,
                                                   std::uint32_t epoch) const {
  for (const store::decision_record* decision : decisions_of(rollout)) {
    if (decision->key.epoch == epoch && is_in_force(decision->key))
      return decision;
  }
  return nullptr;
}

}  // namespace pushguard::agent
