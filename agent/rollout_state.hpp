#pragma once

#include <array>
#include <string_view>

#include "agent/read_model.hpp"

namespace pushguard::agent {

/// Where a rollout stands: the label of pushguard_rollout_state.
enum class rollout_state : unsigned char {
  waiting,  ///< a request of it is scheduled, and none runs
  running,  ///< a request or a job of it runs
  aborted,  ///< an abort is in force, whatever still runs
  ended     ///< nothing of it runs or is scheduled
};
inline constexpr std::array all_rollout_states{rollout_state::waiting, rollout_state::running,
                                               rollout_state::aborted, rollout_state::ended};
[[nodiscard]] std::string_view to_string(rollout_state state) noexcept;

/// `model` is where the rollout is from.
[[nodiscard]] rollout_state state_of(const rollout_view& rollout, const read_model& model);

}  // namespace pushguard::agent
