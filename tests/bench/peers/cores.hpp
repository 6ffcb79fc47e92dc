#pragma once

#include <sched.h>

#include <optional>

namespace pushguard::bench {

/// One core for the client under test and one for the server; none where there are not two.
struct core_pair {
  unsigned client = 0;
  unsigned server = 1;
};
[[nodiscard]] std::optional<core_pair> choose_cores() noexcept;

/// Keeps the calling thread, and the processes it starts, on one core.
void pin_this_thread(unsigned core) noexcept;

/// Keeps the calling thread on a core while it lives; then everything is as before.
class pinned_thread {
 public:
  explicit pinned_thread(unsigned core) noexcept;
  ~pinned_thread();
  pinned_thread(const pinned_thread&) = delete;
  pinned_thread& operator=(const pinned_thread&) = delete;

 private:
  cpu_set_t before_{};
};

}  // namespace pushguard::bench
