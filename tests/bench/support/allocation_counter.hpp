#pragma once

#include <cstddef>

/// Counts what the calling thread holds on the heap: measure on one thread. A program that calls one of
/// these functions gets its global operator new and delete replaced by counting ones.
namespace pushguard::bench {

/// Bytes allocated and not freed, as malloc rounds them, with its headers.
[[nodiscard]] std::size_t live_bytes() noexcept;

/// The most that was live at once since the thread began or called reset_peak().
[[nodiscard]] std::size_t peak_bytes() noexcept;
void reset_peak() noexcept;

/// Allocations since the thread began.
[[nodiscard]] std::size_t allocation_count() noexcept;

}  // namespace pushguard::bench
