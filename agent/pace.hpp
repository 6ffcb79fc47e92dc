#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace pushguard::agent {

/// The shortest interval at which reads of `calls_per_read` API calls stay within `budget` (a ratio in (0,
/// 1]) of the `limit` calls that Salesforce allows the org in 24 hours. Zero where the limit is not known yet
/// (0).
[[nodiscard]] duration shortest_interval(std::uint64_t calls_per_read, double budget,
                                         std::uint64_t limit) noexcept;

}  // namespace pushguard::agent
