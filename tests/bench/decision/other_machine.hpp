#pragma once

#include "base/scheduling.hpp"

namespace pushguard::bench {

/// The calling thread stands for a program on another machine: what it costs itself must not be taken from
/// the agent.
inline void stand_for_another_machine() noexcept {
  constexpr int niceness = 10;
  give_way(niceness);
}

}  // namespace pushguard::bench
