#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"

/// What `pushguard watch` knows of an agent, as plain data. Texts are printable().
namespace pushguard::agent {

struct watch_progress {
  std::int64_t orgs = 0;
  std::int64_t started = 0;
  std::int64_t finished = 0;
  std::int64_t failed = 0;
  std::int64_t spared = 0;
  std::int64_t succeeded = 0;
  std::int64_t running = 0;
  std::optional<double> rate_per_minute = {};
  std::optional<wall_time> estimated_end = {};

  friend bool operator==(const watch_progress&, const watch_progress&) = default;
};

struct watch_wave {
  std::string id = {};
  std::string status = {};  ///< `stale` where nobody will start it any more
  bool is_ended = false;
  watch_progress progress = {};
};

struct watch_rule {
  std::string policy = {};
  std::string rule = {};
  std::string request_id = {};
  std::string segment = {};
  std::string verdict = {};
  std::string reason = {};
  std::string follows = {};
  bool is_armed = true;
  std::int64_t failed = 0;
  std::int64_t started = 0;
  std::optional<double> observed_ratio = {};
  std::optional<double> lower_bound_ratio = {};
  std::optional<double> threshold_ratio = {};

  /// `production/pod [NA1]`.
  [[nodiscard]] std::string name() const;
};

struct watch_decision {
  std::int64_t id = 0;
  std::optional<wall_time> decided_at = {};
  std::string policy = {};
  std::string rule = {};
  std::string mode = {};
  std::string outcome = {};  ///< empty while it is under way
  std::string actor = {};
  std::string reason = {};
  std::int64_t spared = 0;
};

/// Hub and id: which rollout is meant.
using rollout_key = std::pair<std::string, std::string>;

struct watch_rollout {
  rollout_key key = {};
  std::string package_name = {};
  std::string package_version = {};
  std::string state = {};    ///< waiting, running, aborted or ended
  std::string verdict = {};  ///< of the worst rule; empty without rules
  bool is_held = false;
  bool is_open = false;
  watch_progress progress = {};
  std::optional<wall_time> latest_start = {};  ///< of its waves: when one was started, or is to be
  std::vector<watch_wave> waves = {};
  std::vector<watch_rule> rules = {};
  std::vector<watch_decision> decisions = {};  ///< newest first

  /// Nothing of it runs or will: what is aborted stays `aborted` after its end.
  [[nodiscard]] bool has_ended() const;
};

struct watch_channel {
  std::string channel = {};
  bool is_live = false;
  std::string reason = {};
};

struct watch_hub {
  std::string name = {};
  bool was_tried = false;
  bool is_up = false;
  bool is_blind = false;
  std::string last_failure = {};
  std::optional<wall_time> last_reconcile = {};
  std::int64_t calls_allowed = 0;  ///< 0: not known yet
  std::int64_t calls_made = 0;
  std::vector<watch_channel> channels = {};
};

struct watch_error {
  std::string text = {};  ///< empty: not known
  std::int64_t failed = 0;
};

struct watch_failures {
  std::int64_t failed = 0;
  std::int64_t others = 0;  ///< failures that no group here has
  std::vector<watch_error> groups = {};
};

struct watch_overview {
  wall_time now = {};  ///< by the agent's clock
  std::string version = {};
  bool is_leader = true;
  std::int64_t alerts_firing = 0;
  std::vector<watch_hub> hubs = {};
  std::vector<watch_rollout> rollouts = {};
};

struct watch_state {
  std::string agent = {};                       ///< its address, as it was given
  wall_time now = {};                           ///< by this machine's clock
  std::optional<watch_overview> overview = {};  ///< the last one that was answered
  std::optional<wall_time> answered = {};       ///< when that was, by this machine's clock
  std::optional<wall_time> silent_since = {};   ///< the agent does not answer since then
  std::string trouble = {};                     ///< how asking it failed
  std::optional<rollout_key> focus = {};        ///< the rollout that is shown with everything
  std::optional<watch_failures> failures = {};  ///< of that rollout

  [[nodiscard]] const watch_rollout* focused() const;
  /// What the agent's clock shows now, as far as can be told.
  [[nodiscard]] wall_time agent_now() const;
};

/// Which rollout deserves the room: `wanted` where it is there, else the open one that was started or
/// scheduled last, else the last of all. Nothing without rollouts.
[[nodiscard]] std::optional<rollout_key> choose_focus(const watch_overview& overview,
                                                      const std::optional<rollout_key>& wanted);

}  // namespace pushguard::agent
