#pragma once

#include "agent/command_line/command_line.hpp"

namespace pushguard::program {

/// `pushguard demo`: a simulated hub, the agent against it over real sockets, and a stand-in for
/// Alertmanager that prints what it is sent. Tells how the rollout goes. With `--once` it ends with the
/// rollout: 0 if what the scenario expects happened, else 1; without, it serves on until SIGINT or SIGTERM.
[[nodiscard]] int demo(const agent::demo_options& options);

}  // namespace pushguard::program
