#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/failure.hpp"

namespace pushguard {

/// A value or the failure that prevented it. Exceptions are for bugs and start-up.
template <class T = void>
using result = std::expected<T, failure>;

/// `return fail(errc::timed_out, "reading from example.com: no answer in 30s");`
[[nodiscard]] inline std::unexpected<failure> fail(std::error_code code, std::string detail) {
  return std::unexpected(failure{code, std::move(detail)});
}

/// Passes a failure on, with the operation it happened in put before its text.
[[nodiscard]] inline std::unexpected<failure> fail_in(std::string_view operation, const failure& cause) {
  return std::unexpected(failure{cause.code, std::string(operation) + ": " + cause.text()});
}

}  // namespace pushguard
