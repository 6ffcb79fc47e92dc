#pragma once

#include <string>
#include <system_error>

namespace pushguard {

/// The kinds of failure that belong to life. A caller decides by kind; a human reads the detail.
enum class errc : int {
  timed_out = 1,  ///< a deadline passed
  closed,         ///< the peer or this side ended the connection
  unreachable,    ///< no connection could be made: name, route, refused, handshake
  untrusted,      ///< the peer's certificate or name could not be verified
  too_large,      ///< a stated limit was exceeded
  malformed,      ///< the bytes do not have the promised form
  rejected,       ///< the peer understood and said no
  unauthorized,   ///< the peer wants other credentials
  unavailable,    ///< the peer cannot answer now; later it may
  not_found,
  invalid,   ///< an argument or a configuration value is wrong
  conflict,  ///< another holder or an earlier record stands in the way
  storage,   ///< the disk or the database refused
};

[[nodiscard]] const std::error_category& pushguard_category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;

/// What went wrong. `detail` names the operation and the peer in one sentence, never a secret.
struct failure {
  std::error_code code;
  std::string detail;

  [[nodiscard]] bool is(errc kind) const noexcept { return code == make_error_code(kind); }
  /// The detail, or the code's own text where there is none.
  [[nodiscard]] std::string text() const { return detail.empty() ? code.message() : detail; }
};

}  // namespace pushguard

template <>
struct std::is_error_code_enum<pushguard::errc> : std::true_type {};
