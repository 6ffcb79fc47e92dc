#pragma once

#include <algorithm>

#include "alerts/receiver.hpp"
#include "base/time.hpp"

namespace pushguard::alerts {

/// When a receiver may be told next, by its rate limit: a token bucket as the generic cell rate algorithm has
/// it (ITU-T I.371). Pure.
class pace {
 public:
  explicit pace(std::optional<rate_limit> limit) : limit_(limit) {}

  /// Not before this; the past where nothing is to be waited for.
  [[nodiscard]] steady_time next() const noexcept {
    return limit_ ? full_at_ - (limit_->burst - 1) * limit_->interval : steady_time::min();
  }
  /// The receiver is told at `now`.
  void take(steady_time now) noexcept {
    if (limit_)
      full_at_ = std::max(full_at_, now) + limit_->interval;
  }

 private:
  std::optional<rate_limit> limit_;
  steady_time full_at_{};  ///< when the bucket would be full again
};

}  // namespace pushguard::alerts
