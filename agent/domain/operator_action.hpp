#pragma once

#include <array>
#include <chrono>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace pushguard::domain {

/// What an operator asks a running agent to do. The text is the last segment of API paths, the name of the
/// command and a field of the log.
enum class operator_action : unsigned char {
  abort,    ///< contain a rollout, or cancel one request
  hold,     ///< of a rollout or a rule: judged and told, and nothing is done until it ends
  release,  ///< ends a hold before its time
  resume,   ///< lifts an abort: the next epoch begins
  arm,      ///< every rule of a rollout may act, also where it was breached when it was first seen
  ack,      ///< of an alert: somebody looks after it
  mute,     ///< of an alert: no more of it for a while
};

inline constexpr std::array all_operator_actions{
    operator_action::abort, operator_action::hold, operator_action::release, operator_action::resume,
    operator_action::arm,   operator_action::ack,  operator_action::mute};

[[nodiscard]] std::string_view to_string(operator_action action) noexcept;

inline constexpr std::size_t reason_size_max = 1000;  // characters: what a page and a table still show
inline constexpr duration hold_length_min = std::chrono::minutes(1);
inline constexpr duration hold_length_max = std::chrono::hours(24 * 30);

/// Whether `text` can be the reason of an action: 1 to 1000 characters of valid UTF-8, not all blank, without
/// control characters. Fails with errc::invalid and one sentence that begins with `reason`.
[[nodiscard]] result<> check_reason(std::string_view text);

/// Reads how long a hold or a muting lasts, `1m` to `30d`. Fails with errc::invalid and one sentence that
/// begins with `for`.
[[nodiscard]] result<duration> parse_hold_length(std::string_view text);

/// A hold and a muting end by themselves, and must say when.
[[nodiscard]] constexpr bool needs_length(operator_action action) noexcept {
  return action == operator_action::hold || action == operator_action::mute;
}

/// What is asked of an alert, rather than of a rollout, a request or a rule.
[[nodiscard]] constexpr bool is_about_alerts(operator_action action) noexcept {
  return action == operator_action::ack || action == operator_action::mute;
}

/// abort and hold want a reason; the others may have one.
[[nodiscard]] constexpr bool needs_reason(operator_action action) noexcept {
  return action == operator_action::abort || action == operator_action::hold;
}

}  // namespace pushguard::domain
