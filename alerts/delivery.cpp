#include "alerts/delivery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include "base/text.hpp"

namespace pushguard::alerts {
namespace {

std::optional<int> parse_number(std::string_view text) {
  int value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || text.front() == '-') {
    return std::nullopt;
  }
  return value;
}

std::optional<std::chrono::month> parse_month(std::string_view text) {
  constexpr std::array<std::string_view, 12> names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) {
    return std::nullopt;
  }
  return std::chrono::month(static_cast<unsigned>(found - names.begin()) + 1);
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  while (true) {
    const auto begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) {
      return out;
    }
    text.remove_prefix(begin);
    const auto end = std::min(text.find_first_of(separators), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

/// A year of two digits is the one that lies within fifty years of now (RFC 9110 §5.6.7).
int complete_year(int year, wall_time now) {
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  const int this_year = static_cast<int>(today.year());
  year += this_year / 100 * 100;
  if (year > this_year + 50) {
    return year - 100;
  }
  return year <= this_year - 50 ? year + 100 : year;
}

std::optional<duration> parse_time_of_day(std::string_view text) {
  const auto parts = split(text, ":");
  if (text.size() != 8 || parts.size() != 3) {
    return std::nullopt;
  }
  const auto hour = parse_number(parts[0]);
  const auto minute = parse_number(parts[1]);
  const auto second = parse_number(parts[2]);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
std::optional<wall_time> parse_http_date(std::string_view text, wall_time now) {
  auto parts = split(text, " ,-");
  if (parts.size() == 5) {
    parts = {parts[0], parts[2], parts[1], parts[4], parts[3]};
  } else if (parts.size() != 6 || parts[5] != "GMT") {
    return std::nullopt;
  }
  const auto day = parse_number(parts[1]);
  const auto month = parse_month(parts[2]);
  auto year = parse_number(parts[3]);
  const auto time = parse_time_of_day(parts[4]);
  if (!day || !month || !year || !time) {
    return std::nullopt;
  }
  if (parts[3].size() == 2) {
    year = complete_year(*year, now);
  }
  const auto date = std::chrono::year(*year) / *month / *day;
  if (parts[3].size() > 4 || !date.ok()) {
    return std::nullopt;
  }
  return wall_time(std::chrono::sys_days(date)) + *time;
}

struct judgement {
  delivery_verdict verdict;
  delivery_reason reason;
};

judgement judge_status(int status) {
  using enum delivery_verdict;
  if (status >= 200 && status < 300) {
    return {sent, delivery_reason::ok};
  }
  switch (status) {
    case 400:
    case 413:
    case 422:
      return {drop, delivery_reason::client_error};
    case 401:
    case 403:
    case 407:
      return {retry, delivery_reason::auth_error};
    case 408:
      return {retry, delivery_reason::timed_out};
    case 429:
      return {retry, delivery_reason::rate_limited};
    default:
      return {retry,
              status >= 300 && status < 500 ? delivery_reason::client_error : delivery_reason::server_error};
  }
}

}  // namespace

std::string_view to_string(delivery_verdict verdict) noexcept {
  switch (verdict) {
    case delivery_verdict::sent:
      return "sent";
    case delivery_verdict::retry:
      return "retry";
    case delivery_verdict::drop:
      return "drop";
  }
  return "";
}

std::string_view to_string(delivery_reason reason) noexcept {
  switch (reason) {
    case delivery_reason::ok:
      return "ok";
    case delivery_reason::client_error:
      return "client_error";
    case delivery_reason::server_error:
      return "server_error";
    case delivery_reason::rate_limited:
      return "rate_limited";
    case delivery_reason::auth_error:
      return "auth_error";
    case delivery_reason::network:
      return "network";
    case delivery_reason::timed_out:
      return "timed_out";
  }
  return "";
}

delivery judge_response(const http_response& response, std::string_view peer, wall_time now) {
  const auto [verdict, reason] = judge_status(response.status);
  delivery out{.verdict = verdict, .reason = reason, .retry_after = {}, .detail = {}};
  out.detail = fmt::format("{} answered {} {}", peer, response.status, http_reason(response.status));
  const auto retry_after = response.headers.find("Retry-After");
  if (verdict == delivery_verdict::retry && retry_after) {
    out.retry_after = parse_retry_after(*retry_after, now);
  }
  return out;
}

delivery judge_failure(const failure& cause) {
  return {.verdict = delivery_verdict::retry,
          .reason = cause.is(errc::timed_out) ? delivery_reason::timed_out : delivery_reason::network,
          .retry_after = {},
          .detail = cause.text()};
}

std::optional<duration> parse_retry_after(std::string_view text, wall_time now) {
  text = trim(text);
  if (text.empty()) {
    return std::nullopt;
  }
  if (text.find_first_not_of("0123456789") == std::string_view::npos) {
    // A number too large to read still means: not for a long time.
    constexpr int longest = std::numeric_limits<int>::max();
    return std::chrono::seconds(parse_number(text).value_or(longest));
  }
  const auto date = parse_http_date(text, now);
  if (!date) {
    return std::nullopt;
  }
  return std::max(*date - now, duration::zero());
}

}  // namespace pushguard::alerts
