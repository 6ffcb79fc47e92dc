#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace pushguard {

/// `Tue, 02 Sep 2025 01:01:01 GMT` (RFC 9110 §5.6.7, the one form that may be generated).
[[nodiscard]] std::string format_http_date(wall_time time);

/// Reads that form; nothing for any other.
[[nodiscard]] std::optional<wall_time> parse_http_date(std::string_view text) noexcept;

}  // namespace pushguard
