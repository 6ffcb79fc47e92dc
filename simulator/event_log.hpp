#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.hpp"
#include "simulator/world.hpp"

namespace pushguard::simulator {

struct logged_event {
  std::int64_t replay_id = 0;
  wall_time published = {};
  steady_time kept_since = {};
  job_change change;
};

/// The retained events of one channel. Replay ids rise with gaps; positions count without.
class event_log {
 public:
  using position = std::uint64_t;

  event_log(std::uint64_t seed, duration retention) : seed_(seed), retention_(retention) {}

  void append(const job_change& change, instant now);
  /// Forgets what is older than the retention.
  void purge(steady_time now);

  [[nodiscard]] position earliest() const noexcept { return purged_; }
  /// Where the next event will stand.
  [[nodiscard]] position tip() const noexcept { return purged_ + events_.size(); }
  /// The position after the retained event with that id; nothing for ids that are not retained or never
  /// were given.
  [[nodiscard]] std::optional<position> after(std::int64_t replay_id) const;
  /// `where` lies in [earliest(), tip()).
  [[nodiscard]] const logged_event& at(position where) const { return events_[where - purged_]; }

 private:
  std::uint64_t seed_;
  duration retention_;
  std::int64_t last_id_ = 0;
  position purged_ = 0;
  std::deque<logged_event> events_;
};

}  // namespace pushguard::simulator
