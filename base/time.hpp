#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace pushguard {

/// An instant on the calendar, UTC, in milliseconds: what Salesforce states and what is stored.
using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;
/// An instant for measuring and waiting; never goes back.
using steady_time = std::chrono::steady_clock::time_point;
using duration = std::chrono::milliseconds;

/// Both clocks read at one instant, so that pure code can be handed "now" as data.
struct instant {
  wall_time wall;
  steady_time steady;
};

/// `2025-09-02T01:01:01.000Z`.
[[nodiscard]] std::string format_time(wall_time time);

/// Reads RFC 3339 (`…Z`, `…+02:00`) and Salesforce's form (`…+0000`), with or without a fraction.
/// Fails with errc::malformed.
[[nodiscard]] result<wall_time> parse_time(std::string_view text);

/// Reads `30s`, `5m`, `4h`, `7d`, `1h30m`, `250ms`. At least one unit is required; 0 needs one too.
/// Fails with errc::invalid.
[[nodiscard]] result<duration> parse_duration(std::string_view text);

/// The shortest exact form that parse_duration reads: `90s` is `1m30s`, 7 days are `7d`.
[[nodiscard]] std::string format_duration(duration value);

/// Seconds since the epoch, as Prometheus writes instants.
[[nodiscard]] inline double to_unix_seconds(wall_time time) {
  return static_cast<double>(time.time_since_epoch().count()) / 1000.0;
}

}  // namespace pushguard
