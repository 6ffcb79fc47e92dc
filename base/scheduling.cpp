#include "base/scheduling.hpp"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pushguard {

void give_way(int niceness) noexcept {
  // On Linux the nice value is a thread's own (setpriority(2), "C library/kernel differences").
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), niceness);
}

void run_soon() noexcept {
  constexpr unsigned long long shortest_slice = 100'000;  // nanoseconds; the kernel takes none below
  sched_attr wanted{};
  wanted.size = sizeof(wanted);
  wanted.sched_policy = SCHED_NORMAL;
  wanted.sched_nice = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
  wanted.sched_runtime = shortest_slice;
  (void)syscall(SYS_sched_setattr, 0, &wanted, 0U);
}

}  // namespace pushguard
