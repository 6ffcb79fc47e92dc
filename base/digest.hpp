#pragma once

#include <string>
#include <string_view>

namespace pushguard {

/// SHA-256 of `bytes` as 64 lower-case hex digits. Throws std::runtime_error where OpenSSL has none.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// HMAC-SHA256 (RFC 2104) as 32 bytes. Throws as sha256_hex().
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace pushguard
