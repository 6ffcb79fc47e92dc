#pragma once

#include <string>
#include <string_view>

namespace pushguard {

/// SHA-256 of `bytes` as 64 lower-case hex digits. Throws std::runtime_error where OpenSSL has none.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace pushguard
