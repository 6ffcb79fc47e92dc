#pragma once

#include <optional>

#include "base/rate_limit.hpp"

namespace pushguard::alerts {

/// When a receiver may be told next, by its rate limit. Pure.
class pace {
 public:
  explicit pace(std::optional<rate_limit> limit) {
    if (limit)
      bucket_.emplace(*limit);
  }

  /// Not before this; the past where nothing is to be waited for.
  [[nodiscard]] steady_time next() const noexcept { return bucket_ ? bucket_->next() : steady_time::min(); }
  /// The receiver is told at `now`.
  void take(steady_time now) noexcept {
    if (bucket_)
      bucket_->take(now);
  }

 private:
  std::optional<token_bucket> bucket_;
};

}  // namespace pushguard::alerts
