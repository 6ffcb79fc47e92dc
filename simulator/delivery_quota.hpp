#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>

#include "base/time.hpp"

namespace pushguard::simulator {

/// How many events an org may deliver in any 24 hours.
class delivery_quota {
 public:
  /// Without a maximum only the total is counted.
  explicit delivery_quota(std::optional<std::uint64_t> daily_max) : daily_max_(daily_max) {}

  void count(std::uint64_t delivered, steady_time now);
  /// Deliveries that are allowed now.
  [[nodiscard]] std::uint64_t left(steady_time now);
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

 private:
  struct batch {
    steady_time since;
    std::uint64_t delivered;
  };

  std::optional<std::uint64_t> daily_max_;
  std::deque<batch> batches_;
  std::uint64_t in_window_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace pushguard::simulator
