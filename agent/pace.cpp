#include "agent/pace.hpp"

#include <cmath>

namespace pushguard::agent {

duration shortest_interval(std::uint64_t calls_per_read, double budget, std::uint64_t limit) noexcept {
  constexpr double day = 24.0 * 60 * 60 * 1000;
  const double allowed = budget * static_cast<double>(limit);
  if (allowed <= 0) {
    return duration::zero();
  }
  // Never above a day: with so small a budget one read a day is still worth having.
  return duration(
      static_cast<duration::rep>(std::fmin(day, day * static_cast<double>(calls_per_read) / allowed)));
}

}  // namespace pushguard::agent
