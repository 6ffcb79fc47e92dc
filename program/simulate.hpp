#pragma once

#include "agent/command_line/command_line.hpp"

namespace pushguard::program {

/// `pushguard simulate`: serves the simulated hub of a scenario file until SIGINT or SIGTERM. Prints
/// where it listens and how to log in. The exit code.
[[nodiscard]] int simulate(const agent::simulate_options& options);

}  // namespace pushguard::program
