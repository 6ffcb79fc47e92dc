#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/alert_center.hpp"
#include "agent/alert_texts.hpp"
#include "agent/hub_memory.hpp"
#include "agent/tracker/tracker.hpp"

namespace pushguard::agent {

/// Where a rollout is in its story; `unknown` before anything of it has started, and while nothing of it was
/// read.
enum class rollout_chapter : unsigned char { unknown, running, aborted, ended };

/// What rollout_news needs. Everything outlives it.
struct rollout_news_parts {
  alert_center& alerts;
  const tracker::tracker& tracked;
  const hub_memory& memory;
  std::function<std::uint32_t(const domain::rollout_id&)> epoch_of;
  std::function<alert_context(const domain::rollout_id&)> context_of;
};

/// Tells the stories of one hub's rollouts as `PushguardRollout`, a change that others may want to know of:
/// one has begun, was aborted, goes on after a resumption, has ended. Each once, over restarts too. It also
/// ends the alerts about aborts of those that are closed.
class rollout_news {
 public:
  explicit rollout_news(rollout_news_parts parts) : parts_(std::move(parts)) {}

  /// After each evaluation of what a complete read has shown. `gap` is the configuration's rollout_gap.
  void tell(duration gap, wall_time now);

 private:
  struct told {
    rollout_chapter at = rollout_chapter::unknown;
    std::uint32_t epoch = 0;
    bool is_closed = false;
  };

  rollout_news_parts parts_;
  std::vector<told> told_;  ///< by rollout
};

}  // namespace pushguard::agent
