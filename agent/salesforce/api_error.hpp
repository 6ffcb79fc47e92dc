#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "agent/salesforce/api.hpp"
#include "base/result.hpp"

namespace pushguard::salesforce {

/// What a caller can do about a failed call, from Salesforce's errorCode and the HTTP status.
enum class api_error_kind : unsigned char {
  transport,            ///< no answer: connection, deadline
  session_invalid,      ///< INVALID_SESSION_ID, 401: renew the token
  moved,                ///< 3xx: the instance is elsewhere, and a new login knows where
  request_limit,        ///< REQUEST_LIMIT_EXCEEDED: the 24-hour allocation is used up
  query_timeout,        ///< QUERY_TIMEOUT: ask for less
  row_locked,           ///< UNABLE_TO_LOCK_ROW: try again
  unavailable,          ///< SERVER_UNAVAILABLE, 5xx, 420: try again later
  invalid_field,        ///< INVALID_FIELD: no such field, or not usable this way
  malformed_query,      ///< MALFORMED_QUERY
  invalid_type,         ///< INVALID_TYPE: the object is hidden from this user
  insufficient_access,  ///< a right is missing
  not_found,            ///< NOT_FOUND, 404
  cursor_lost,          ///< INVALID_QUERY_LOCATOR: the query must begin anew
  malformed_answer,     ///< garbage where an answer was promised
  other,                ///< another refusal; errorCode says which
};

/// Why a call failed. `cause` is what travels on; the rest is for deciding.
struct api_failure {
  failure cause;
  api_error_kind kind = api_error_kind::other;
  int http_status = 0;     ///< 0 without an answer
  std::string error_code;  ///< Salesforce's own, verbatim; empty where the body had none
  std::string message;     ///< Salesforce's own, verbatim up to 4 KiB
};

template <class T = void>
using api_result = std::expected<T, api_failure>;

/// Reads the body of an answer outside 2xx: a JSON array of `{message, errorCode}`, a lone such object,
/// an OAuth error, or anything else (a maintenance page). Never fails. `what` begins the text: "querying".
/// What is `hidden`, and its percent-encoded form, stands as `***` in everything that is taken from the body.
[[nodiscard]] api_failure read_api_error(std::string_view what, int http_status, std::string_view body,
                                         std::span<const std::string> hidden = {});

/// A failure without an answer.
[[nodiscard]] api_failure transport_failure(std::string_view what, const failure& cause);

/// A 2xx answer that could not be read.
[[nodiscard]] api_failure malformed_answer(std::string_view what, std::string_view why);

[[nodiscard]] api_outcome outcome_of(const api_failure& failed) noexcept;

}  // namespace pushguard::salesforce
