#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pushguard {

/// RFC 4648 §4, with padding.
[[nodiscard]] std::string encode_base64(std::string_view bytes);

/// The bytes that canonical base64 with padding stands for; nothing for anything else.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace pushguard
