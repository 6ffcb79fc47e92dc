#pragma once

#include <string>
#include <string_view>

namespace pushguard::cometd {

/// `broken` with what JSON forbids inside strings replaced: invalid UTF-8 and lone surrogates by U+FFFD,
/// control characters by their escapes. What else is wrong with it stays wrong.
[[nodiscard]] std::string repair_json(std::string_view broken);

}  // namespace pushguard::cometd
