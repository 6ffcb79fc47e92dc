#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/alert_center.hpp"
#include "agent/alert_texts.hpp"
#include "agent/hub_memory.hpp"
#include "agent/tracker/tracker.hpp"

namespace pushguard::agent {

/// `PushguardRollout`, a change that others may want to know of: a rollout has begun, was aborted, goes on
/// after a resumption, has ended. Each once, over restarts too.
struct rollout_story {
  enum class chapter : unsigned char { unknown, running, aborted, ended };

  chapter at = chapter::unknown;
  std::string abort_cause = {};  ///< `production/failure-rate: failed 17 of …`
  std::uint32_t epoch = 1;
  tracker::status_counts jobs = {};
};

[[nodiscard]] alerts::alert make_rollout_alert(const alert_context& context, const rollout_story& story);
[[nodiscard]] std::string rollout_alert_id(std::string_view hub, std::string_view rollout);

/// Where the rollout is in its story; `unknown` before anything of it has started, and
/// while nothing of it was read.
[[nodiscard]] rollout_story::chapter read_chapter(const tracker::tracker& tracked,
                                                  tracker::rollout_index rollout, bool is_aborted);
/// With what there is to say of it.
[[nodiscard]] rollout_story read_story(const tracker::tracker& tracked, tracker::rollout_index rollout,
                                       const store::decision_record* abort, std::uint32_t epoch);

/// Nothing has happened in the rollout for `gap`: no later wave can join it.
[[nodiscard]] bool is_closed(const tracker::tracker& tracked, tracker::rollout_index rollout, duration gap,
                             wall_time now);

/// What rollout_news needs. Everything outlives it.
struct rollout_news_parts {
  alert_center& alerts;
  const tracker::tracker& tracked;
  const hub_memory& memory;
  std::function<std::uint32_t(const domain::rollout_id&)> epoch_of;
  std::function<alert_context(const domain::rollout_id&)> context_of;
};

/// Tells the stories of one hub's rollouts, and ends the alerts about aborts of those that are closed.
class rollout_news {
 public:
  explicit rollout_news(rollout_news_parts parts) : parts_(std::move(parts)) {}

  /// After each evaluation of what a complete read has shown. `gap` is the configuration's rollout_gap.
  void tell(duration gap, wall_time now);

 private:
  struct told {
    rollout_story::chapter at = rollout_story::chapter::unknown;
    std::uint32_t epoch = 0;
    bool is_closed = false;
  };

  rollout_news_parts parts_;
  std::vector<told> told_;  ///< by rollout
};

}  // namespace pushguard::agent
