#pragma once

#include <algorithm>

#include "base/backoff.hpp"

namespace pushguard::alerts {

/// The wait after the n-th failure in a row, uniform in [0, min(longest, first · 2ⁿ⁻¹)]: full jitter, as
/// `backoff` has it, for failures that are counted elsewhere. `failures` is at least 1.
[[nodiscard]] inline duration jittered_wait(const backoff_limits& limits, unsigned failures,
                                            random_engine& random) {
  constexpr unsigned doublings_max = 30;  // keeps the shift far from overflow
  const auto factor = std::int64_t{1} << std::min(std::max(failures, 1U) - 1, doublings_max);
  std::uniform_int_distribution<duration::rep> spread(
      0, std::min(limits.longest, limits.first * factor).count());
  return duration(spread(random));
}

}  // namespace pushguard::alerts
