#pragma once

#include <string>

#include "agent/commands/watch_state.hpp"

namespace pushguard::test {

/// An agent with one hub and one rollout of four waves that is breached and being aborted, and an older
/// rollout.
[[nodiscard]] agent::watch_state sample_watch();

}  // namespace pushguard::test
