#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "alerts/delivery.hpp"

namespace pushguard::alerts {

/// How one receiver is doing.
struct receiver_status {
  std::string receiver;
  std::size_t queue_length = 0;
  std::optional<wall_time> oldest;         ///< when the oldest waiting notification was made
  unsigned failures = 0;                   ///< attempts failed in a row
  std::optional<wall_time> failing_since;  ///< the first of them
  delivery_reason last_reason = delivery_reason::ok;
  std::string last_failure;  ///< the last failure's detail; empty while all is well
  std::optional<wall_time> last_sent_at;
};

/// True for reasons that only a human can remove: a key that is not accepted, a wrong URL.
[[nodiscard]] constexpr bool needs_human(delivery_reason reason) noexcept {
  return reason == delivery_reason::auth_error || reason == delivery_reason::client_error;
}

}  // namespace pushguard::alerts
