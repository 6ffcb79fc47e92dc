#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "agent/containment.hpp"
#include "agent/hub_agent.hpp"
#include "agent/hub_connection.hpp"
#include "agent/hub_memory.hpp"
#include "agent/policy/judge.hpp"
#include "base/condition.hpp"

namespace pushguard::agent {

/// What acting on one hub's judgements needs. Everything outlives the enforcement.
struct enforcement_parts {
  const hub_agent_parts& agent;
  hub_connection& hub;
  time_source& clock;  ///< the hub's
  hub_reader& reader;
  tracker::tracker& tracked;
  policy::judge& judge;
  publisher& views;
  condition& version_chosen;  ///< notified once requests can be sent
  changes_handler on_changes;
  std::function<alert_context(const domain::rollout_id&)> context_of;
  std::function<void()> mark_changed;                       ///< there is something to judge
  std::function<void(boost::asio::awaitable<void>)> spawn;  ///< runs beside the caller, joined with the hub
};

/// The acting half of a hub's agent: records decisions before anything is done, carries them out, goes on
/// with those that a restart interrupted, and contains requests that join an aborted rollout. For one
/// executor without concurrency.
class enforcement {
 public:
  explicit enforcement(enforcement_parts parts);

  /// What the hub's agent remembers across restarts.
  [[nodiscard]] hub_memory& memory() noexcept { return memory_; }
  /// Shows the remembered decisions and carries on with those that are not carried out to their end. After
  /// the tracker and the judge have taken in the memory.
  [[nodiscard]] boost::asio::awaitable<void> carry_on();

  /// An operator's decision was recorded: starts carrying it out.
  void start(store::decision_record decision) { on_recorded(std::move(decision)); }
  /// A rollout was resumed: what was decided in the epochs before is over, and so are its alerts.
  void end_alerts_of_earlier_epochs(const domain::rollout_id& rollout);

  /// A rollout was opened, or requests joined it: remembers them.
  void join(const domain::rollout_id& rollout, std::span<const domain::request_id> requests) {
    memory_.watch(rollout, requests);
  }
  /// A request of the rollout was read for the first time in this run: contain_latecomers() looks at it.
  void expect_latecomers(const domain::rollout_id& rollout) { unlooked_.insert(rollout); }
  /// A breach is none any more: where its decision could not be recorded, the alert about it ends.
  void forget_unrecorded(const policy::firing_key& firing);
  /// The judge is about to get other policies: keeps those whose aborts are in force, for requests that join.
  void keep_policies_in_force();
  /// The rule is gone: so is its alert about a held breach.
  void forget_held(const rule_key& rule);
  /// Raises the alert about a breach that an operator's hold keeps from its consequence, or ends it.
  void tell_held(const policy::judgement& judged, const rule_view& rule);

  /// Records the decision that follows from a breach and starts carrying it out. Returns when it is recorded,
  /// or refused by the store.
  [[nodiscard]] boost::asio::awaitable<void> decide(policy::judgement judged);
  /// Stores what changed in the memory.
  [[nodiscard]] boost::asio::awaitable<void> remember_watched();
  /// Requests that joined an aborted rollout are cancelled too, unless an operator holds it.
  [[nodiscard]] boost::asio::awaitable<void> contain_latecomers();

 private:
  void on_recorded(store::decision_record decision);
  /// From now on it is being carried out.
  void begin_carrying_out(store::decision_record decision);
  [[nodiscard]] configuration::store_failure_handling on_failure(const policy::judgement& judged) const;
  void on_not_recorded(const policy::judgement& judged, const failure& why, store::decision_record decision);
  [[nodiscard]] boost::asio::awaitable<void> carry_out(store::decision_record decision);
  [[nodiscard]] bool is_held(const store::decision_key& key, wall_time now) const;
  [[nodiscard]] alerts::alert_severity decided_severity(const store::decision_key& key) const;
  /// The policy that decided, as it is now or was when the configuration lost it; nullptr where it is
  /// unknown.
  [[nodiscard]] const policy::policy_specification* policy_of(const store::decision_key& key) const;

  enforcement_parts parts_;
  const std::string& name_;  ///< of the hub
  containment_parts containment_parts_;
  hub_memory memory_;
  std::map<policy::firing_key, std::string> unrecorded_;  ///< decisions the store refused, and their alerts
  std::string last_store_failure_;
  std::map<std::string, policy::policy_specification, std::less<>> kept_policies_;
  std::set<std::string> told_held_;        ///< alerts about held breaches
  std::set<domain::rollout_id> unlooked_;  ///< of requests that are new since the last look at latecomers
};

}  // namespace pushguard::agent
