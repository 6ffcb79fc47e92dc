#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/policy/judge.hpp"
#include "agent/store/store.hpp"
#include "agent/tracker/tracker.hpp"

namespace pushguard::agent {

/// What one hub's agent remembers across restarts: its rollouts with their numbers, requests and armed
/// rules, and the decisions about them. Plain bookkeeping between the store and those who decide.
class hub_memory {
 public:
  explicit hub_memory(std::string hub) : hub_(std::move(hub)) {}

  /// Takes what is this hub's out of what the store holds.
  void restore(const store::loaded_state& known);
  [[nodiscard]] std::vector<tracker::known_rollout> known_rollouts() const;
  [[nodiscard]] policy::judge_memory for_judge() const;

  // ---- rollouts ----

  void watch(const domain::rollout_id& rollout, std::span<const domain::request_id> requests);
  void note(std::span<const policy::known_arming> armings, wall_time now);
  /// Opens the next epoch of a rollout.
  void open_epoch(const domain::rollout_id& rollout, wall_time since);
  /// A copy, for replace() where what was changed could not be stored; nothing for one that is not watched.
  [[nodiscard]] std::optional<store::watched_rollout> find(const domain::rollout_id& rollout) const;
  void replace(const domain::rollout_id& rollout, store::watched_rollout with);
  /// All of them.
  [[nodiscard]] std::vector<store::watched_rollout> watched() const;
  /// What changed since the last call, to be committed. put_back() where that failed.
  [[nodiscard]] std::vector<store::watched_rollout> take_changes();
  void put_back(std::span<const store::watched_rollout> changes);

  // ---- decisions ----

  void note(const store::decision_record& decision);
  /// Oldest first. They stay where they are; note() changes them.
  [[nodiscard]] std::vector<const store::decision_record*> decisions() const;
  [[nodiscard]] std::vector<const store::decision_record*> decisions_of(
      const domain::rollout_id& rollout) const;
  /// Nullptr where there is none.
  [[nodiscard]] const store::decision_record* find(const store::decision_key& key) const;
  /// The abort in force of a rollout in this epoch, which holds for requests that join it; nullptr without
  /// one.
  [[nodiscard]] const store::decision_record* abort_of(const domain::rollout_id& rollout,
                                                       std::uint32_t epoch) const;
  void begin(std::int64_t decision) { carried_out_.insert(decision); }
  void end(std::int64_t decision) { carried_out_.erase(decision); }
  [[nodiscard]] bool is_carried_out(std::int64_t decision) const { return carried_out_.contains(decision); }

 private:
  std::string hub_;
  std::map<domain::rollout_id, store::watched_rollout> watched_;
  std::set<domain::rollout_id> changed_;
  std::map<std::int64_t, store::decision_record> decisions_;
  std::map<domain::rollout_id, std::set<std::int64_t>> decisions_of_;
  std::set<std::int64_t> carried_out_;
};

}  // namespace pushguard::agent
