#pragma once

#include <cstdint>
#include <deque>

#include "base/time.hpp"

namespace pushguard::simulator {

/// The org's allocation of API calls in any 24 hours. It is shared: calls of other integrations come evenly
/// from the start on. Instants are clock time since the start of the scenario, and never go back.
class api_allocation {
 public:
  api_allocation(std::uint64_t calls_max, std::uint64_t other_calls_per_hour) noexcept
      : max_(calls_max), others_per_hour_(other_calls_per_hour) {}

  /// Counts a call; false where the allocation is used up.
  [[nodiscard]] bool take(duration at);
  /// The calls of the 24 hours before `at`, everybody's. May be above max(): nothing holds the others back.
  [[nodiscard]] std::uint64_t used(duration at);
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

 private:
  struct batch {
    duration begin;
    std::uint64_t calls;
  };

  std::uint64_t max_;
  std::uint64_t others_per_hour_;
  std::deque<batch> batches_;  ///< calls of one second leave the window together
  std::uint64_t own_ = 0;      ///< sum of the batches
};

}  // namespace pushguard::simulator
