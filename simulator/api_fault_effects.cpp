#include "simulator/api_fault_effects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "simulator/api_reply.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

constexpr std::size_t huge_size = 200'000;

constexpr std::string_view gateway_page =
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
constexpr std::string_view routing_page =
    "<html><head><title>420</title></head><body>This request reached an instance that does not serve this "
    "domain.</body></html>";
constexpr std::string_view maintenance =
    "<!DOCTYPE html><html><head><title>Down for maintenance</title></head>"
    "<body><h1>We are down for maintenance.</h1></body></html>";

http_reply html_reply(int status, std::string_view body) {
  return {.status = status, .headers = {{"Content-Type", "text/html"}}, .body = std::string(body)};
}

http_reply reset_connection() {
  return {.status = 0, .after = after_reply::reset};
}

http_reply unauthorized() {
  http_reply reply =
      error_answer({.status = 401, .code = "INVALID_SESSION_ID", .message = "Session expired or invalid"});
  reply.headers.add("WWW-Authenticate", "Token");
  return reply;
}

/// Announces the whole body and breaks off in its middle.
http_reply cut_in_half(const http_reply& made) {
  std::string bytes = fmt::format("HTTP/1.1 {} {}\r\n", made.status, http_reason(made.status));
  for (const auto& [name, value] : made.headers)
    bytes += fmt::format("{}: {}\r\n", name, value);
  bytes += fmt::format("Content-Length: {}\r\n\r\n{}", made.body.size(),
                       std::string_view(made.body).substr(0, made.body.size() / 2));
  return {.raw = std::move(bytes), .after = after_reply::reset};
}

http_reply with_body(http_reply made, std::string body) {
  made.status = 200;
  made.body = std::move(body);
  return made;
}

template <class Edit>
http_reply with_edited_page(http_reply made, Edit edit) {
  json::value page = json::parse(made.body);
  edit(page.get_object());
  made.body = json::serialize(page);
  return made;
}

void point_to(json::object& page, std::string_view next) {
  page["done"] = false;
  page["nextRecordsUrl"] = next;
}

/// Empties a required column of the row in the middle; of several, another one each time.
void spoil_row(json::object& page, std::uint64_t occurrence) {
  json::array& records = page.at("records").as_array();
  json::object& row = records[records.size() / 2].as_object();
  std::vector<std::string_view> present;
  std::ranges::copy_if(required_columns(), std::back_inserter(present),
                       [&row](std::string_view name) { return row.contains(name); });
  row[present[occurrence % present.size()]] = nullptr;
}

}  // namespace

http_reply refuse_call(const api_fault& what, const api_call& call) {
  const std::string_view object = call.object.empty() ? std::string_view("PackagePushRequest") : call.object;
  using enum api_fault_kind;
  switch (what.plan.kind) {
    case session_invalid:
      return unauthorized();
    case session_invalid_403:
      return error_answer({.status = 403,
                           .code = "INVALID_SESSION_ID",
                           .message = "This session is not valid for use with the REST API"});
    case request_limit:
      return error_answer(
          {.status = 403, .code = "REQUEST_LIMIT_EXCEEDED", .message = "TotalRequests Limit exceeded."});
    case server_unavailable:
      return error_answer({.status = 503,
                           .code = "SERVER_UNAVAILABLE",
                           .message = "The server is temporarily unavailable. Please try again later."});
    case misdirected:
      return html_reply(420, routing_page);
    case bad_gateway_page:
      return html_reply(502, gateway_page);
    case maintenance_page:
      return html_reply(200, maintenance);
    case no_answer:
      return reset_connection();
    case query_timeout:
      return error_answer(
          {.code = "QUERY_TIMEOUT", .message = "Your query request was running for too long."});
    case row_locked:
      return error_answer(
          {.code = "UNABLE_TO_LOCK_ROW", .message = "unable to obtain exclusive access to this record"});
    case internal_error:
      return error_answer({.status = 500,
                           .code = "UNKNOWN_EXCEPTION",
                           .message = fmt::format("An unexpected error occurred. Please include this ErrorId "
                                                  "if you contact support: 731858695-{} (-151184096)",
                                                  80'805 + what.occurrence)});
    case malformed_query:
      return error_answer({.code = "MALFORMED_QUERY", .message = "unexpected token: 'FROM'"});
    case invalid_field:
      return error_answer({.code = "INVALID_FIELD",
                           .message = fmt::format(
                               "No such column 'Status' on entity '{}'. If you are attempting to use a "
                               "custom field, be sure to append the '__c' after the custom field name. "
                               "Please reference your WSDL or the describe call for the appropriate names.",
                               object)});
    case invalid_type:
      return error_answer(
          {.code = "INVALID_TYPE", .message = fmt::format("sObject type '{}' is not supported.", object)});
    case insufficient_access:
      return error_answer({.status = 403,
                           .code = "INSUFFICIENT_ACCESS",
                           .message = fmt::format("insufficient access rights on object {}", object)});
    case not_found:
      return error_answer(
          {.status = 404, .code = "NOT_FOUND", .message = "The requested resource does not exist"});
    case invalid_locator:
      return error_answer({.code = "INVALID_QUERY_LOCATOR", .message = "invalid query locator"});
    case slow:
    case cut_body:
    case empty_body:
    case garbage:
    case truncated_json:
    case wrong_encoding:
    case wrong_page:
    case cycling_page:
    case short_page:
    case bad_row:
    case huge_message:
    case cancel_lost:
      break;
  }
  return reset_connection();
}

http_reply spoil_api_answer(const api_fault& what, std::string_view page_path, http_reply made) {
  using enum api_fault_kind;
  switch (what.plan.kind) {
    case cut_body:
      return cut_in_half(made);
    case empty_body:
      return with_body(std::move(made), "");
    case garbage:
      return with_body(std::move(made), "upstream connect error or disconnect/reset before headers");
    case truncated_json:
      made.body.resize(made.body.size() * 2 / 3);
      return made;
    case wrong_encoding:
      made.headers.add("Content-Encoding", "gzip");
      return made;
    case wrong_page:
      return with_edited_page(std::move(made), [page_path](json::object& page) {
        point_to(page, fmt::format("https://elsewhere.example{}", page_path));
      });
    case cycling_page:
      return with_edited_page(std::move(made),
                              [page_path](json::object& page) { point_to(page, page_path); });
    case bad_row:
      return with_edited_page(std::move(made),
                              [&what](json::object& page) { spoil_row(page, what.occurrence); });
    case huge_message:
      return with_edited_page(std::move(made), [](json::object& page) {
        page.at("records").as_array().front().as_object()["ErrorMessage"] = std::string(huge_size, 'x');
      });
    case cancel_lost:
      return reset_connection();
    case slow:
    case short_page:
    case session_invalid:
    case session_invalid_403:
    case request_limit:
    case server_unavailable:
    case misdirected:
    case bad_gateway_page:
    case maintenance_page:
    case no_answer:
    case query_timeout:
    case row_locked:
    case internal_error:
    case malformed_query:
    case invalid_field:
    case invalid_type:
    case insufficient_access:
    case not_found:
    case invalid_locator:
      break;
  }
  return made;
}

}  // namespace pushguard::simulator
