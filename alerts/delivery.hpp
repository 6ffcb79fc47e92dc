#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/http.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace pushguard::alerts {

/// What to do with a notification after one attempt.
enum class delivery_verdict {
  sent,   ///< the receiver has it
  retry,  ///< it may succeed later
  drop,   ///< the receiver will never take this one
};

/// Why. A closed set: each is exported, at zero, before its first event.
enum class delivery_reason { ok, client_error, server_error, rate_limited, auth_error, network, timed_out };
inline constexpr delivery_reason delivery_reasons[] = {
    delivery_reason::ok,           delivery_reason::client_error, delivery_reason::server_error,
    delivery_reason::rate_limited, delivery_reason::auth_error,   delivery_reason::network,
    delivery_reason::timed_out};

[[nodiscard]] std::string_view to_string(delivery_verdict verdict) noexcept;
[[nodiscard]] std::string_view to_string(delivery_reason reason) noexcept;

/// One attempt's outcome.
struct delivery {
  delivery_verdict verdict = delivery_verdict::sent;
  delivery_reason reason = delivery_reason::ok;
  std::optional<duration> retry_after;  ///< what the receiver asked for, from now
  std::string detail;                   ///< who answered what, in one sentence; never a secret
};

/// Judges an HTTP answer as most receivers mean it:
/// 2xx is sent. 400, 413 and 422 speak of this very message and drop it. 401, 403 and 407 are
/// auth_error, any other 3xx or 4xx client_error (a wrong URL, say): a human heals those, so they are
/// tried again, slowly, rather than lost. 408 is timed_out, 429 rate_limited, everything else
/// server_error, and these are tried again. Retry-After is read wherever it is tried again.
/// `peer` names the receiver in the detail: an origin, never a URL that may hold a secret.
[[nodiscard]] delivery judge_response(const http_response& response, std::string_view peer, wall_time now);

/// Judges an exchange that brought no answer: tried again as timed_out or network.
[[nodiscard]] delivery judge_failure(const failure& cause);

/// Reads Retry-After: seconds, or an HTTP date in any of its three forms (RFC 9110 §5.6.7). Not negative.
[[nodiscard]] std::optional<duration> parse_retry_after(std::string_view text, wall_time now);

}  // namespace pushguard::alerts
