#include "tests/bench/peers/cores.hpp"

namespace pushguard::bench {

std::optional<core_pair> choose_cores() noexcept {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return std::nullopt;
  std::optional<unsigned> first;
  for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed))
      continue;
    if (first)
      return core_pair{.client = *first, .server = core};
    first = core;
  }
  return std::nullopt;
}

void pin_this_thread(unsigned core) noexcept {
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  CPU_SET(core, &wanted);
  ::sched_setaffinity(0, sizeof wanted, &wanted);
}

pinned_thread::pinned_thread(unsigned core) noexcept {
  CPU_ZERO(&before_);
  ::sched_getaffinity(0, sizeof before_, &before_);
  pin_this_thread(core);
}

pinned_thread::~pinned_thread() {
  ::sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace pushguard::bench
