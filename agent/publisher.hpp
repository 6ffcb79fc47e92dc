#pragma once

#include <functional>
#include <set>
#include <string>

#include "agent/policy/judgement.hpp"
#include "agent/store/records.hpp"
#include "agent/tracker/tracker.hpp"
#include "agent/views.hpp"

namespace pushguard::agent {

/// Hands a message to `serve`. Called on `decide`'s thread; must not block.
using view_sink = std::function<void(view_update)>;

/// Collects what changed in one hub and hands copies of it to `serve`, in pieces of bounded size. For one
/// thread; `tracked` must outlive it.
class publisher {
 public:
  publisher(std::string hub, const tracker::tracker& tracked, view_sink sink)
      : tracked_(tracked), sink_(std::move(sink)) {
    hub_.name = std::move(hub);
  }

  void note(const tracker::changes& changes);
  void note(const policy::judgement& judged);
  void note(const store::decision_record& decision);
  /// The rules are others from now on: those that were told are gone.
  void forget_rules();
  /// The orgs spared by the decisions of a rollout, all of them.
  void note_spared(const domain::rollout_id& rollout, std::vector<domain::org_key> orgs);
  void note_aborted(const domain::rollout_id& rollout, wall_time when);
  /// The rollout is in this epoch, which began then.
  void note_epoch(const domain::rollout_id& rollout, int epoch, std::optional<wall_time> since);

  /// The hub's own state, for the caller to change; it is published with the next flush().
  [[nodiscard]] hub_view& hub() {
    is_hub_changed_ = true;
    return hub_;
  }
  [[nodiscard]] const hub_view& hub() const { return hub_; }

  /// Hands over what was noted since the last call.
  void flush(wall_time now);

 private:
  struct rollout_facts {
    std::optional<wall_time> aborted_at;
    int epoch = 1;
    std::optional<wall_time> resumed_at;
    std::size_t spared_orgs = 0;
  };

  void note_rollout(const domain::rollout_id& rollout);
  void flush_jobs();
  void note_stale(wall_time now);

  const tracker::tracker& tracked_;
  view_sink sink_;
  hub_view hub_;
  bool is_hub_changed_ = true;
  std::set<tracker::job_index> jobs_;
  std::set<tracker::org_index> orgs_;
  std::set<tracker::request_index> requests_;
  std::set<tracker::rollout_index> rollouts_;
  std::map<domain::rollout_id, rollout_facts> facts_;
  std::vector<bool> told_stale_;  ///< by request
  view_update rest_;              ///< rules, decisions and spared orgs, ready to go
};

}  // namespace pushguard::agent
