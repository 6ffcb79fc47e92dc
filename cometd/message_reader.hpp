#pragma once

#include <cstddef>
#include <string_view>

#include "cometd/message.hpp"

namespace pushguard::cometd {

/// Reads the one object that `text` begins with, checking all of it, and answers its length in bytes; what
/// follows it is not looked at. 0 where it is not valid JSON, or not whole, or nested deeper than
/// `depth_max`; `into`, which comes in empty, is then of no use.
[[nodiscard]] std::size_t read_message(std::string_view text, std::size_t depth_max, message& into);

}  // namespace pushguard::cometd
