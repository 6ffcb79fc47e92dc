#pragma once

#include <algorithm>
#include <random>

#include "base/time.hpp"

namespace pushguard {

using random_engine = std::mt19937_64;

struct backoff_limits {
  duration first = std::chrono::seconds(1);
  duration longest = std::chrono::seconds(60);
};

/// Exponential backoff with full jitter: the n-th wait is uniform in [0, min(longest, first · 2ⁿ)]
/// (Brooker, "Exponential Backoff And Jitter", 2015). Pure; the caller sleeps.
class backoff {
 public:
  explicit backoff(backoff_limits limits = {}) : limits_(limits) {}

  [[nodiscard]] duration next(random_engine& random) {
    std::uniform_int_distribution<duration::rep> spread(0, ceiling().count());
    ++failures_;
    return duration(spread(random));
  }
  /// The longest that the next wait can be.
  [[nodiscard]] duration ceiling() const {
    constexpr unsigned doublings_max = 30;  // keeps the shift far from overflow
    return std::min(limits_.longest, limits_.first * (std::int64_t{1} << std::min(failures_, doublings_max)));
  }
  [[nodiscard]] unsigned failures() const noexcept { return failures_; }
  void reset() noexcept { failures_ = 0; }

 private:
  backoff_limits limits_;
  unsigned failures_ = 0;
};

}  // namespace pushguard
