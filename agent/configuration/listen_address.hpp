#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace pushguard::configuration {

/// Where a server listens.
struct listen_address {
  std::string host = "127.0.0.1";  ///< an address without brackets
  std::uint16_t port = 0;          ///< 0: any free one

  /// `127.0.0.1:9595`, `[::1]:9595`.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const listen_address&, const listen_address&) = default;
};

/// Reads `127.0.0.1:9595`, `[::1]:9595` and `localhost:9595` (which is 127.0.0.1). Other names are refused:
/// what they stand for may change. Fails with errc::invalid; the text says which form is wanted.
[[nodiscard]] result<listen_address> parse_listen_address(std::string_view text);

}  // namespace pushguard::configuration
