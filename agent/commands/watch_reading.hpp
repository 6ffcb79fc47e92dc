#pragma once

#include <boost/json/value.hpp>

#include "agent/commands/watch_state.hpp"
#include "base/result.hpp"

namespace pushguard::agent {

/// Reads the body of `GET /api/v1/overview`. Fails with errc::malformed where it has no rollouts or hubs: the
/// agent is of another version, or no agent. Single members may be missing.
[[nodiscard]] result<watch_overview> read_overview(const boost::json::value& answer);

/// Adds rules and decisions from the body of `GET /api/v1/rollouts/{hub}/{04t}/{n}`.
void add_details(watch_rollout& rollout, const boost::json::value& answer);

/// Reads the body of `GET /api/v1/rollouts/{hub}/{04t}/{n}/failures`.
[[nodiscard]] watch_failures read_failures(const boost::json::value& answer);

}  // namespace pushguard::agent
