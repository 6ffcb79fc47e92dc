#pragma once

#include <sys/resource.h>
#include <unistd.h>

namespace pushguard::bench {

/// The calling thread stands for a program on another machine: what it costs itself must not be taken from
/// the agent.
inline void stand_for_another_machine() noexcept {
  constexpr int niceness = 10;
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), niceness);
}

}  // namespace pushguard::bench
