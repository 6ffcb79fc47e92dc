#pragma once

#include <string>
#include <string_view>

namespace pushguard::cometd {

/// Gives `body` to message_parser at once, and to Boost.JSON, which knows nothing of Bayeux, and says where
/// the two disagree: whether the body is a message or an array of messages, and what each message says.
/// Empty where they agree. Bodies above the parser's limits are not its business.
[[nodiscard]] std::string difference_from_boost(std::string_view body);

}  // namespace pushguard::cometd
