#pragma once

#include <functional>
#include <vector>

#include "agent/channel_watch.hpp"
#include "agent/exclusion_watch.hpp"
#include "agent/hub_agent.hpp"
#include "agent/hub_memory.hpp"
#include "agent/policy/judge.hpp"
#include "agent/standing_alerts.hpp"
#include "agent/tracker/tracker.hpp"
#include "agent/watch_alert_texts.hpp"

namespace pushguard::agent {

/// What the watch looks at. Everything outlives it.
struct rollout_watch_parts {
  const hub_agent_parts& agent;
  const tracker::tracker& tracked;
  const policy::judge& judge;
  const hub_memory& memory;
  std::function<alert_context(const domain::rollout_id&)> context_of;
};

/// Tells of what is about to go wrong in one hub: channels that stay away, orgs that are excluded more often
/// than usual, waves that start before earlier ones are done. Alerts are raised once, with the numbers of
/// that moment. For one thread.
class rollout_watch {
 public:
  explicit rollout_watch(rollout_watch_parts parts);

  /// What the stream says, as it happens.
  void note_channel(std::string_view channel, bool is_live, std::string_view reason) {
    channels_.note(channel, is_live, reason, parts_.agent.time.now());
  }
  void note_trouble(std::string_view reason) { channels_.note_trouble(reason); }
  /// A judgement that the judge answered.
  void note(const policy::judgement& judged);
  /// The policies are others from now on, and so are the judgements to come.
  void forget_judgements() { excluded_.forget(); }

  /// What it looks with: rollouts only where the hub was read completely and lately.
  enum class view { channels, all };
  /// Raises and resolves what is due. After each evaluation of the judge; looks at most once a second.
  /// `hub_now` is by the hub's clock, `last_failure` why the hub could not be read, if so.
  void look(view what, wall_time hub_now, std::string_view last_failure);

 private:
  void adopt();
  void look_at_channels(std::string_view last_failure);
  void look_at_exclusions();
  void look_at_waves(wall_time hub_now);
  [[nodiscard]] exclusion_excess make_excess(const exclusion_scope& scope, const exclusion_counts& counts,
                                             const policy::policy_specification& policy) const;

  rollout_watch_parts parts_;
  channel_watch channels_;
  exclusion_book excluded_;
  standing_alerts channel_alerts_;
  standing_alerts exclusion_alerts_;
  standing_alerts wave_alerts_;
  bool has_adopted_ = false;
  steady_time look_again_at_;
};

}  // namespace pushguard::agent
