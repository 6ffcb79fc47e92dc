#pragma once

#include <span>
#include <string>

#include "agent/command_line/command_line.hpp"

namespace pushguard::agent {

/// What `pushguard completion` prints: a script that lets the shell complete `commands`, their options, the
/// values of closed sets, and files where an option takes one.
[[nodiscard]] std::string completion_script(shell of, std::span<const command_description> commands);

}  // namespace pushguard::agent
