#pragma once

#include <functional>
#include <span>
#include <vector>

#include "agent/history/past_push.hpp"
#include "agent/tracker/tracker.hpp"

/// Past pushes as rows in the order of time, as a tracker would have been told of them. Pure.
namespace pushguard::agent {

/// A rollout among the pushes given: its place is its index in the replayed tracker.
struct recorded_rollout {
  domain::rollout_id id{};
  std::vector<std::size_t> pushes{};  ///< by start
  wall_time shown{};                  ///< when its scheduled requests are seen for the first time
  wall_time began{};                  ///< the first start
  wall_time ended{};                  ///< the last thing that happened in it
};

/// What pushes of one version form a rollout, numbered by time, as the tracker would have it.
[[nodiscard]] std::vector<recorded_rollout> find_rollouts(std::span<const history::past_push> pushes,
                                                          duration rollout_gap);

/// What is done at the instants of a replay.
struct replay_steps {
  /// Some rollouts are about to be seen for the first time.
  std::function<void()> before_rollout = {};
  /// The tracker has changed, or time has passed, which changes nothing but the instant.
  std::function<void(const tracker::changes& changed, wall_time now)> happened = {};
};

/// Instants at which nothing happened, at most. A rollout is looked at each minute, or less often where that
/// would be more.
inline constexpr std::size_t idle_steps_max = 20'000;

/// Tells `into`, which has been made with known_rollouts() and is empty otherwise, of everything. What
/// happens at one instant is one step, whatever the order in the files.
void replay(std::span<const history::past_push> pushes, std::span<const recorded_rollout> rollouts,
            tracker::tracker& into, const replay_steps& steps);

[[nodiscard]] std::vector<tracker::known_rollout> known_rollouts(std::span<const history::past_push> pushes,
                                                                 std::span<const recorded_rollout> rollouts);

}  // namespace pushguard::agent
