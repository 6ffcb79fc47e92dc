#include "agent/commands/watch_lines.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pushguard::agent {
namespace {

std::string progress_text(const watch_progress& it) {
  return fmt::format("{} of {} finished, {} failed, {} spared", it.finished, it.orgs, it.failed, it.spared);
}

std::string verdict_text(const std::string& verdict) {
  return verdict.empty() ? "no rules" : verdict;
}

template <class Items, class Key, class Projection>
const typename Items::value_type* find_in(const Items& items, const Key& key, Projection projection) {
  const auto found = std::ranges::find(items, key, projection);
  return found == items.end() ? nullptr : &*found;
}

/// `up`, `DOWN`, `DOWN, blind`.
std::string hub_text(const watch_hub& hub) {
  if (!hub.was_tried)
    return "not tried yet";
  return fmt::format("{}{}", hub.is_up ? "up" : "DOWN", hub.is_blind ? ", BLIND" : "");
}

class teller {
 public:
  explicit teller(wall_time now) : now_(format_time(now)) {}

  void tell_hub(const watch_hub* before, const watch_hub& hub) {
    if (before != nullptr && hub_text(*before) == hub_text(hub))
      return;
    const bool has_reason = hub.was_tried && !hub.is_up && !hub.last_failure.empty();
    lines_.push_back(fmt::format("{}  hub {}  {}{}", now_, hub.name, hub_text(hub),
                                 has_reason ? ": " + hub.last_failure : ""));
  }

  void tell_rollout(const watch_rollout* before, const watch_rollout& it) {
    const std::string where = fmt::format("{}  {} {}", now_, it.key.first, it.key.second);
    if (before == nullptr || before->state != it.state || before->verdict != it.verdict ||
        before->is_held != it.is_held)
      lines_.push_back(fmt::format("{}  {} {}  {}, verdict {}{}  {}", where, it.package_name,
                                   it.package_version, it.state, verdict_text(it.verdict),
                                   it.is_held ? ", held" : "", progress_text(it.progress)));
    tell_waves(where, before, it);
    for (const watch_rule& rule : it.rules)
      tell_rule(where, before == nullptr ? nullptr : find_in(before->rules, rule.name(), &watch_rule::name),
                rule);
    // Newest first: told in the order in which they were made.
    for (auto each = it.decisions.rbegin(); each != it.decisions.rend(); ++each)
      tell_decision(where,
                    before == nullptr ? nullptr : find_in(before->decisions, each->id, &watch_decision::id),
                    *each);
  }

  [[nodiscard]] std::vector<std::string> lines() && { return std::move(lines_); }

 private:
  void tell_waves(const std::string& where, const watch_rollout* before, const watch_rollout& it) {
    for (std::size_t i = 0; i < it.waves.size(); ++i) {
      const watch_wave& wave = it.waves[i];
      const watch_wave* was = before == nullptr ? nullptr : find_in(before->waves, wave.id, &watch_wave::id);
      if (was == nullptr || was->status != wave.status ||
          progress_text(was->progress) != progress_text(wave.progress))
        lines_.push_back(fmt::format("{}  wave {} {}  {}  {}", where, i + 1, wave.id, wave.status,
                                     progress_text(wave.progress)));
    }
  }

  void tell_rule(const std::string& where, const watch_rule* before, const watch_rule& rule) {
    if (before != nullptr && before->verdict == rule.verdict && before->follows == rule.follows &&
        before->is_armed == rule.is_armed)
      return;
    const std::string change = before == nullptr || before->verdict == rule.verdict
                                   ? rule.verdict
                                   : before->verdict + " -> " + rule.verdict;
    lines_.push_back(fmt::format("{}  rule {}  {}{}  {}", where, rule.name(), change,
                                 rule.follows == "held" ? " (held)"
                                 : rule.is_armed        ? ""
                                                        : " (not armed)",
                                 rule.reason));
  }

  void tell_decision(const std::string& where, const watch_decision* before, const watch_decision& it) {
    if (before != nullptr && before->outcome == it.outcome)
      return;
    lines_.push_back(fmt::format(
        "{}  decision {}{}{}  {}{}{}, {} spared  {}", where, it.policy, it.rule.empty() ? "" : "/", it.rule,
        it.outcome.empty() ? "under way" : it.outcome, it.mode == "dry_run" ? " (dry run)" : "",
        it.actor.empty() ? "" : " by " + it.actor, it.spared, it.reason));
  }

  std::string now_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> told_changes(const watch_overview& before, const watch_overview& now,
                                      const std::optional<rollout_key>& wanted) {
  teller out(now.now);
  for (const watch_hub& hub : now.hubs) {
    if (!wanted || wanted->first == hub.name)
      out.tell_hub(find_in(before.hubs, hub.name, &watch_hub::name), hub);
  }
  for (const watch_rollout& each : now.rollouts) {
    if (!wanted || *wanted == each.key)
      out.tell_rollout(find_in(before.rollouts, each.key, &watch_rollout::key), each);
  }
  return std::move(out).lines();
}

}  // namespace pushguard::agent
