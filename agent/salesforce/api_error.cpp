#include "agent/salesforce/api_error.hpp"

#include <fmt/format.h>

#include <array>

#include "agent/salesforce/json.hpp"
#include "base/url.hpp"

namespace pushguard::salesforce {
namespace {

// Salesforce's messages fit; a page of HTML or an attack does not need to be kept.
constexpr std::size_t message_bytes_max = 4096;
constexpr std::size_t code_bytes_max = 128;
// What of a message goes into one-line texts.
constexpr std::size_t shown_bytes_max = 300;

struct known_code {
  std::string_view code;
  api_error_kind kind;
};

constexpr std::array known_codes{
    known_code{"INVALID_SESSION_ID", api_error_kind::session_invalid},
    known_code{"INVALID_AUTH_HEADER", api_error_kind::session_invalid},
    known_code{"REQUEST_LIMIT_EXCEEDED", api_error_kind::request_limit},
    known_code{"QUERY_TIMEOUT", api_error_kind::query_timeout},
    known_code{"QUERY_TOO_COMPLICATED", api_error_kind::query_timeout},
    known_code{"OPERATION_TOO_LARGE", api_error_kind::query_timeout},
    known_code{"UNABLE_TO_LOCK_ROW", api_error_kind::row_locked},
    known_code{"SERVER_UNAVAILABLE", api_error_kind::unavailable},
    known_code{"ORG_LOCKED", api_error_kind::unavailable},
    known_code{"UNKNOWN_EXCEPTION", api_error_kind::unavailable},
    known_code{"INVALID_FIELD", api_error_kind::invalid_field},
    known_code{"MALFORMED_QUERY", api_error_kind::malformed_query},
    known_code{"INVALID_QUERY_FILTER_OPERATOR", api_error_kind::malformed_query},
    known_code{"INVALID_TYPE", api_error_kind::invalid_type},
    known_code{"INSUFFICIENT_ACCESS", api_error_kind::insufficient_access},
    known_code{"INSUFFICIENT_ACCESS_OR_READONLY", api_error_kind::insufficient_access},
    known_code{"API_DISABLED_FOR_ORG", api_error_kind::insufficient_access},
    known_code{"API_CURRENTLY_DISABLED", api_error_kind::insufficient_access},
    known_code{"NOT_FOUND", api_error_kind::not_found},
    known_code{"ENTITY_IS_DELETED", api_error_kind::not_found},
    known_code{"INVALID_QUERY_LOCATOR", api_error_kind::cursor_lost},
};

api_error_kind kind_of(int status, std::string_view code) noexcept {
  for (const known_code& known : known_codes) {
    if (known.code == code)
      return known.kind;
  }
  constexpr int misdirected = 420;  // edge routing, seen in the field
  constexpr int too_many_requests = 429;
  if (status == 401)
    return api_error_kind::session_invalid;
  if (status >= 300 && status < 400)
    return api_error_kind::moved;
  if (status >= 500 || status == misdirected || status == too_many_requests)
    return api_error_kind::unavailable;
  if (status == 404)
    return api_error_kind::not_found;
  if (status == 403)
    return api_error_kind::insufficient_access;
  return api_error_kind::other;
}

errc errc_of(api_error_kind kind) noexcept {
  switch (kind) {
    case api_error_kind::session_invalid:
      return errc::unauthorized;
    case api_error_kind::query_timeout:
      return errc::timed_out;
    case api_error_kind::transport:
    case api_error_kind::moved:
    case api_error_kind::request_limit:
    case api_error_kind::row_locked:
    case api_error_kind::unavailable:
    case api_error_kind::cursor_lost:
      return errc::unavailable;
    case api_error_kind::not_found:
      return errc::not_found;
    case api_error_kind::malformed_answer:
      return errc::malformed;
    case api_error_kind::invalid_field:
    case api_error_kind::malformed_query:
    case api_error_kind::invalid_type:
    case api_error_kind::insufficient_access:
    case api_error_kind::other:
      return errc::rejected;
  }
  return errc::rejected;
}

/// One line of it: texts travel to logs and alerts.
std::string shown(std::string_view message) {
  std::string line(cut_at_character(message, shown_bytes_max));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20)
      c = ' ';
  }
  return line;
}

/// As text_at(), without what is `hidden`: that goes first, since a cut could leave a part of it.
std::string told_at(const boost::json::value& error, std::string_view name, std::size_t bytes_max,
                    std::span<const std::string> hidden) {
  if (hidden.empty())
    return text_at(error, name, bytes_max);
  std::string text(text_view_at(error, name).value_or(""));
  for (const std::string& each : hidden) {
    text = replace_all(std::move(text), each, "***");
    text = replace_all(std::move(text), percent_encode(each), "***");  // as a form has it
  }
  text = to_valid_utf8(text);
  return std::string(cut_at_character(text, bytes_max));
}

/// Takes code and message from a REST error, or from an OAuth one.
void read_body(api_failure& failed, std::string_view body, std::span<const std::string> hidden) {
  const auto parsed = parse_json(body);
  if (!parsed)
    return;
  const auto* list = parsed->if_array();
  const boost::json::value& error = list != nullptr && !list->empty() ? list->front() : *parsed;
  failed.error_code = told_at(error, "errorCode", code_bytes_max, hidden);
  failed.message = told_at(error, "message", message_bytes_max, hidden);
  if (failed.error_code.empty()) {
    failed.error_code = told_at(error, "error", code_bytes_max, hidden);
    failed.message = told_at(error, "error_description", message_bytes_max, hidden);
  }
}

}  // namespace

api_failure read_api_error(std::string_view what, int http_status, std::string_view body,
                           std::span<const std::string> hidden) {
  api_failure failed;
  failed.http_status = http_status;
  read_body(failed, body, hidden);
  failed.kind = kind_of(http_status, failed.error_code);
  std::string text = fmt::format("{}: Salesforce answered {}", what, http_status);
  if (!failed.error_code.empty())
    text += fmt::format(" {}", shown(failed.error_code));
  if (!failed.message.empty())
    text += fmt::format(": {}", shown(failed.message));
  failed.cause = {errc_of(failed.kind), std::move(text)};
  return failed;
}

api_failure transport_failure(std::string_view what, const failure& cause) {
  api_failure failed;
  failed.kind = api_error_kind::transport;
  failed.cause = {cause.code, fmt::format("{}: {}", what, cause.text())};
  return failed;
}

api_failure malformed_answer(std::string_view what, std::string_view why) {
  api_failure failed;
  failed.kind = api_error_kind::malformed_answer;
  failed.http_status = 200;
  failed.cause = {errc::malformed, fmt::format("{}: Salesforce's answer cannot be read: {}", what, why)};
  return failed;
}

api_outcome outcome_of(const api_failure& failed) noexcept {
  switch (failed.kind) {
    case api_error_kind::session_invalid:
      return api_outcome::unauthorized;
    case api_error_kind::request_limit:
      return api_outcome::limit_exceeded;
    case api_error_kind::query_timeout:
      return api_outcome::timed_out;
    case api_error_kind::moved:
    case api_error_kind::row_locked:
    case api_error_kind::unavailable:
      return api_outcome::unavailable;
    case api_error_kind::malformed_answer:
      return api_outcome::malformed;
    case api_error_kind::invalid_field:
    case api_error_kind::malformed_query:
    case api_error_kind::invalid_type:
    case api_error_kind::insufficient_access:
    case api_error_kind::not_found:
    case api_error_kind::cursor_lost:
    case api_error_kind::other:
      return api_outcome::rejected;
    case api_error_kind::transport:
      break;
  }
  if (failed.cause.is(errc::timed_out))
    return api_outcome::timed_out;
  if (failed.cause.is(errc::unauthorized))
    return api_outcome::unauthorized;
  const bool is_garbage = failed.cause.is(errc::malformed) || failed.cause.is(errc::too_large);
  return is_garbage ? api_outcome::malformed : api_outcome::unavailable;
}

}  // namespace pushguard::salesforce
