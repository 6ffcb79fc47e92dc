#pragma once

#include <functional>
#include <vector>

#include "agent/tracker/tracker.hpp"

/// Whether a wave is about to start before the waves ahead of it have shown what the version does. Pure.
namespace pushguard::agent {

/// From when a wave's start is looked at.
inline constexpr duration wave_lead_max = std::chrono::minutes(15);
/// From when whatever is unresolved counts, also where the pace so far says that it will be done in time.
inline constexpr duration wave_lead_short = std::chrono::minutes(5);

/// How far one wave has come.
struct wave_progress {
  wall_time began;             ///< or is to begin
  std::size_t ended = 0;       ///< jobs
  std::size_t unresolved = 0;  ///< jobs that are neither ended nor abandoned
};

/// The wave will hardly be done when the next one starts. Unresolved jobs count from five minutes before that
/// start, and from a quarter of an hour before it where none has ended yet or the pace so far is too slow;
/// both shrink with the time between the two starts, to a quarter and to a half of it.
[[nodiscard]] bool is_overtaken(const wave_progress& wave, wall_time next_start, wall_time now);

struct early_wave {
  struct unresolved_wave {
    tracker::request_index request{};
    std::size_t jobs = 0;
  };

  tracker::request_index request{};
  wall_time start;
  std::vector<unresolved_wave> unresolved;  ///< earlier waves, in order of their starts; not empty
};

/// The waves of a rollout that are Created or Pending and start too early. Those that `was_told` knows were
/// found so before: they stay so until the earlier waves are done, or they have started, ended or been put
/// off. `now` is the hub's.
[[nodiscard]] std::vector<early_wave> find_early_waves(
    const tracker::tracker& tracked, tracker::rollout_index rollout,
    const std::function<bool(const domain::request_id&)>& was_told, wall_time now);

}  // namespace pushguard::agent
