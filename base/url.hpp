#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace pushguard {

enum class security { plain, tls };

/// Scheme, host and port of a server: what a connection is made to.
struct origin {
  pushguard::security security = security::tls;
  std::string host = {};  ///< name or address, lower case, without brackets
  std::uint16_t port = 443;

  /// `https://example.com`, with the port unless it is the scheme's own.
  [[nodiscard]] std::string text() const;
  /// For the Host header: without scheme.
  [[nodiscard]] std::string authority() const;
  [[nodiscard]] bool is_loopback() const noexcept;  ///< localhost, 127.0.0.0/8 or ::1

  friend bool operator==(const origin&, const origin&) = default;
};

struct url {
  pushguard::origin origin = {};
  std::string target = "/";  ///< path and query, as sent in the request line

  [[nodiscard]] std::string text() const { return origin.text() + target; }

  friend bool operator==(const url&, const url&) = default;
};

/// Reads an absolute http or https URL. Fails with errc::invalid and says what is wrong with it;
/// user information in the URL is refused, and its text is not repeated.
[[nodiscard]] result<url> parse_url(std::string_view text);

/// Percent-encodes everything but unreserved characters (RFC 3986).
[[nodiscard]] std::string percent_encode(std::string_view text);
/// Decodes %XX, and + as a blank, as in queries. Malformed escapes stay as they are.
[[nodiscard]] std::string percent_decode(std::string_view text);
/// As percent_decode, but + stays: for the segments of a path.
[[nodiscard]] std::string percent_decode_path(std::string_view text);

}  // namespace pushguard
