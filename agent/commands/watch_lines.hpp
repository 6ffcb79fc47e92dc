#pragma once

#include <string>
#include <vector>

#include "agent/commands/watch_state.hpp"

namespace pushguard::agent {

/// What changed from `before` to `now`, a line each without its end and without escape sequences:
/// `2026-11-29T07:00:01.000Z  devhub 04t…/1  wave 2 0DV…  in_progress  62 of 150 finished, 14 failed, 0
/// spared`. The first time, with an empty `before`, everything is new. Each line begins with the agent's
/// time, RFC 3339. With `wanted` only that rollout and its hub are told of.
[[nodiscard]] std::vector<std::string> told_changes(const watch_overview& before, const watch_overview& now,
                                                    const std::optional<rollout_key>& wanted);

}  // namespace pushguard::agent
