#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "agent/policy/judgement.hpp"
#include "agent/policy/opinion.hpp"
#include "agent/policy/specification.hpp"
#include "agent/tracker/tracker.hpp"

namespace pushguard::policy {

/// Is what the tracker knows recent enough to judge? A hub that was never completely read is fresh until
/// it has been unread for too long: the judge waits for the first complete read by itself.
enum class freshness : unsigned char { fresh, blind };

struct known_arming {
  domain::rollout_id rollout;
  policy_mode mode = policy_mode::dry_run;  ///< the policy's when it was armed: enforcing arms anew
  std::string policy;
  std::string rule;
  arming state = arming::waiting;

  friend bool operator==(const known_arming&, const known_arming&) = default;
};

/// A stretch of a rollout between aborts. Counts only jobs that started after `since`.
struct known_epoch {
  domain::rollout_id rollout;
  std::uint32_t number = 1;
  wall_time since = wall_time::min();

  friend bool operator==(const known_epoch&, const known_epoch&) = default;
};

/// An operator's dated override: a rule that it covers is judged and told, and does nothing until `until`.
struct known_hold {
  std::optional<domain::rollout_id> rollout{};  ///< nothing: every rollout
  std::string policy{};                         ///< empty, with `rule`: every rule
  std::string rule{};
  wall_time until{};

  [[nodiscard]] bool covers(const judgement_key& key) const {
    return (!rollout || *rollout == key.rollout) && (policy.empty() || policy == key.policy) &&
           (rule.empty() || rule == key.rule);
  }

  friend bool operator==(const known_hold&, const known_hold&) = default;
};

/// What a judge must know from before: from the store at start, from its predecessor at a reload.
struct judge_memory {
  std::vector<known_arming> armings;
  std::vector<known_epoch> epochs;
  std::vector<firing_key> fired;  ///< decisions that were made
};

struct evaluation {
  /// Those whose verdict, numbers, arming or consequence changed.
  std::vector<judgement> judgements;
  /// Failed jobs to be read again together with their errors: a breach rests on them. All that are
  /// wanted now, also those that were asked for before; at most confirmed_jobs_max.
  std::vector<domain::job_id> needs_errors;
  /// Rules that were armed or found breached before arming: to be remembered.
  std::vector<known_arming> armings;
};

/// A breach or a warning is over when the rule has said something better for so long.
inline constexpr duration recovery_after = std::chrono::minutes(5);

/// How many jobs one breach asks for at a time: so many failures are evidence enough for any limit, and
/// they fit in two queries.
inline constexpr std::size_t confirmed_jobs_max = 400;

/// Judges one hub's rollouts by all policies. Keeps the tallies of every rule, so that one event costs the
/// same with ten orgs and with a hundred thousand.
///
/// A consequence of abort or would_abort is answered once for each firing key and then never again, unless
/// withdraw() takes it back. For one thread; pure.
class judge {
 public:
  /// Policies' names and the names of rules within one are unique. Feed it with apply(), or with apply_all()
  /// where the tracker knows something already. With detail::verdicts a judgement has its reason and its
  /// lower bound only from an evaluation that changed its verdict, its consequence or what it speaks of.
  explicit judge(std::vector<policy_specification> policies, judge_memory memory = {},
                 detail wanted = detail::full);
  ~judge();
  judge(judge&&) noexcept;
  judge& operator=(judge&&) noexcept;

  /// Takes in what the tracker changed. `tracker` is always the same hub's, after the change.
  void apply(const tracker::tracker& tracker, const tracker::changes& changes);
  /// Takes in everything the tracker knows, as a snapshot: after a reload.
  void apply_all(const tracker::tracker& tracker);

  /// Judges what changed since the last evaluation; everything when `hub` changed.
  [[nodiscard]] evaluation evaluate(const tracker::tracker& tracker, wall_time now, freshness hub);

  /// The query for `needs_errors` failed: the breaches that rest on those jobs are `blind` at the next
  /// evaluation, until the jobs are read.
  void cannot_confirm(const tracker::tracker& tracker, std::span<const domain::job_id> jobs);

  /// The decision could not be recorded: the next evaluation answers it again, if it still holds.
  void withdraw(const firing_key& key);
  /// An operator arms every rule for the rollout, breached or not.
  void arm(const domain::rollout_id& rollout);
  /// Replaces the holds. Where none covers a breach any more, or by evaluate()'s clock it has expired, the
  /// next evaluation answers what the breach leads to.
  void set_holds(std::vector<known_hold> holds);
  /// How far the hub's clock is ahead of the one that evaluate() is given: rules about time compare instants
  /// that Salesforce told with Salesforce's own present.
  void set_clock_ahead(duration ahead);
  /// What the hub's clock shows when ours shows `now`.
  [[nodiscard]] wall_time hub_time(wall_time now) const noexcept;
  /// Opens the next epoch: from now on only jobs started after `now`, by the hub's clock, count, and fired
  /// rules may fire again.
  void resume(const tracker::tracker& tracker, const domain::rollout_id& rollout, wall_time now);

  /// What a successor needs.
  [[nodiscard]] judge_memory memory() const;
  [[nodiscard]] std::uint32_t epoch(const domain::rollout_id& rollout) const;
  /// The newest judgement of everything that is judged.
  [[nodiscard]] std::vector<judgement> current() const;

  [[nodiscard]] std::span<const policy_specification> policies() const noexcept;
  [[nodiscard]] const policy_specification* find_policy(std::string_view name) const noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace pushguard::policy
