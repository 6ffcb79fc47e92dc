#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/tracker/records.hpp"

namespace pushguard::tracker {

/// A job that is new, or of which something changed. `before` is nothing for a new one, and equal to
/// `after` where only its errors, its evidence or its times changed.
struct job_change {
  job_index job{};
  std::optional<domain::push_status> before;
  domain::push_status after = domain::push_status::unrecognized;

  [[nodiscard]] bool is_new() const noexcept { return !before.has_value(); }
  [[nodiscard]] bool is_status_changed() const noexcept { return before != after; }
};

/// A request that is new, or whose row changed.
struct request_change {
  request_index request{};
  std::optional<domain::push_status> before;
  domain::push_status after = domain::push_status::unrecognized;

  [[nodiscard]] bool is_new() const noexcept { return !before.has_value(); }
};

enum class rollout_event : unsigned char {
  opened,    ///< a rollout that was not known before: its number must be remembered
  joined,    ///< a request became part of it: to be remembered as well
  closed,    ///< no request of it is active any more
  reopened,  ///< one is active again
};

struct rollout_change {
  rollout_index rollout{};
  rollout_event event = rollout_event::opened;
  std::optional<request_index> request;  ///< the one that joined
};

/// What became of what was applied, one count for each row and event.
struct apply_counts {
  std::uint32_t applied = 0;
  std::uint32_t duplicate = 0;     ///< said nothing new
  std::uint32_t stale = 0;         ///< older than what is known
  std::uint32_t unrecognized = 0;  ///< a status this version does not know; applied, but a reason to look
  std::uint32_t hints = 0;         ///< names no known job or request with its status: a reason to query soon
};

/// What one apply() changed, in the order in which it happened.
struct changes {
  std::vector<job_change> jobs;
  std::vector<request_change> requests;
  std::vector<rollout_change> rollouts;
  std::vector<org_index> subscribers;
  apply_counts counts;
  bool is_reconciled = false;  ///< a complete read of the hub ended

  [[nodiscard]] bool empty() const noexcept {
    return jobs.empty() && requests.empty() && rollouts.empty() && subscribers.empty() && !is_reconciled;
  }
  void append(changes&& later);
};

}  // namespace pushguard::tracker
