#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.hpp"

namespace pushguard {

/// How often something may happen: `burst` times at once, at least 1, and once more every `interval`.
struct rate_limit {
  unsigned burst = 1;
  duration interval = std::chrono::seconds(1);
};

/// A token bucket, as the generic cell rate algorithm has it (ITU-T I.371): full at first. Pure.
class token_bucket {
 public:
  explicit token_bucket(rate_limit limit) : limit_(limit) {}

  /// Not before this; the past where nothing is to be waited for.
  [[nodiscard]] steady_time next() const noexcept { return full_at_ - (limit_.burst - 1) * limit_.interval; }
  /// It happens at `now`, whatever next() says.
  void take(steady_time now) noexcept { full_at_ = std::max(full_at_, now) + limit_.interval; }

  /// Takes one and answers zero where it may happen at `now`; otherwise how long that is to be waited for, in
  /// whole milliseconds and never less.
  [[nodiscard]] duration try_take(steady_time now) noexcept {
    if (next() > now)
      return std::chrono::ceil<duration>(next() - now);
    take(now);
    return duration::zero();
  }

  /// When it is as it was at first, if nothing happens until then.
  [[nodiscard]] steady_time full_at() const noexcept { return full_at_; }

 private:
  rate_limit limit_;
  steady_time full_at_{};
};

}  // namespace pushguard
