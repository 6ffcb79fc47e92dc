#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

/// The words in which calls to Salesforce are counted and its API allocation is told.
#include "base/time.hpp"

namespace pushguard::salesforce {

/// What a call was for: the `operation` label.
enum class api_operation : unsigned char { login, versions, limits, describe, query, cancel };

inline constexpr std::array all_api_operations{api_operation::login,  api_operation::versions,
                                               api_operation::limits, api_operation::describe,
                                               api_operation::query,  api_operation::cancel};

[[nodiscard]] std::string_view to_string(api_operation operation) noexcept;

/// How one exchange ended: the `outcome` label.
enum class api_outcome : unsigned char {
  success,
  unauthorized,    ///< 401, or an invalid session
  rejected,        ///< Salesforce understood and said no
  limit_exceeded,  ///< REQUEST_LIMIT_EXCEEDED
  timed_out,       ///< a deadline here, or QUERY_TIMEOUT there
  unavailable,     ///< no connection, 5xx, maintenance, a locked row
  malformed,       ///< an answer that is not what the API promises
};

inline constexpr std::array all_api_outcomes{
    api_outcome::success,   api_outcome::unauthorized, api_outcome::rejected, api_outcome::limit_exceeded,
    api_outcome::timed_out, api_outcome::unavailable,  api_outcome::malformed};

[[nodiscard]] std::string_view to_string(api_outcome outcome) noexcept;

/// Calls of the last 24 hours against the org's allocation, as Salesforce tells them with every answer.
struct api_usage {
  std::uint64_t used = 0;
  std::uint64_t limit = 0;

  friend bool operator==(const api_usage&, const api_usage&) = default;
};

/// Reads a `Sforce-Limit-Info` header: `api-usage=10018/100000`, with or without further parts.
[[nodiscard]] std::optional<api_usage> parse_api_usage(std::string_view header) noexcept;

/// Is told about every exchange. Called on the thread of the calls; must not throw.
class api_observer {
 public:
  virtual ~api_observer() = default;

  virtual void call_ended(api_operation operation, api_outcome outcome) = 0;
  virtual void usage_told(api_usage usage) = 0;
  /// How far the answering server's clock is ahead of ours (negative: behind), to about a second.
  virtual void clock_told(duration ahead) { (void)ahead; }
};

/// Ignores everything.
[[nodiscard]] api_observer& null_api_observer() noexcept;

}  // namespace pushguard::salesforce
