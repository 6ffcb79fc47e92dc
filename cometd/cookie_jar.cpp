#include "cometd/cookie_jar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/text.hpp"

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;

constexpr wall_time never = wall_time::max();
constexpr wall_time long_ago = wall_time::min();

bool is_ip_address(std::string_view host) noexcept {
  return host.find(':') != std::string_view::npos ||
         std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

// RFC 6265 §5.1.3.
bool domain_matches(std::string_view host, std::string_view domain) noexcept {
  if (host == domain)
    return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !is_ip_address(host);
}

// RFC 6265 §5.1.4.
bool path_matches(std::string_view path, std::string_view cookie_path) noexcept {
  if (!path.starts_with(cookie_path))
    return false;
  return path.size() == cookie_path.size() || cookie_path.ends_with('/') || path[cookie_path.size()] == '/';
}

std::string_view without_query(std::string_view path) noexcept {
  return path.substr(0, path.find('?'));
}

std::string default_path(std::string_view path) {
  path = without_query(path);
  const auto last = path.rfind('/');
  if (!path.starts_with('/') || last == 0)
    return "/";
  return std::string(path.substr(0, last));
}

std::pair<std::string_view, std::string_view> split(std::string_view text, char at) noexcept {
  const auto place = text.find(at);
  if (place == std::string_view::npos)
    return {text, {}};
  return {text.substr(0, place), text.substr(place + 1)};
}

bool has_control_characters(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

struct attributes {
  std::optional<wall_time> expires;
  std::optional<wall_time> max_age;  // wins over expires
  std::string domain;
  std::string path;
  bool is_secure = false;
};

std::optional<wall_time> expiry_of_max_age(std::string_view text, wall_time now) {
  std::int64_t seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec == std::errc::result_out_of_range)
    return text.starts_with('-') ? long_ago : never;
  if (ec != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  if (seconds <= 0)
    return long_ago;
  constexpr std::int64_t century = 100LL * 366 * 24 * 3600;
  return seconds > century ? never : now + std::chrono::seconds(seconds);
}

attributes parse_attributes(std::string_view text, wall_time now) {
  attributes found;
  while (!text.empty()) {
    const auto [part, rest] = split(text, ';');
    text = rest;
    auto [name, value] = split(part, '=');
    name = trim(name);
    value = trim(value);
    if (equals_ignoring_case(name, "expires")) {
      if (const auto date = parse_cookie_date(value); date)
        found.expires = *date;
    } else if (equals_ignoring_case(name, "max-age")) {
      if (const auto expiry = expiry_of_max_age(value, now); expiry)
        found.max_age = expiry;
    } else if (equals_ignoring_case(name, "domain")) {
      if (value.starts_with('.'))
        value.remove_prefix(1);
      found.domain = to_lower_ascii(value);
    } else if (equals_ignoring_case(name, "path")) {
      found.path = value.starts_with('/') ? std::string(value) : std::string();
    } else if (equals_ignoring_case(name, "secure")) {
      found.is_secure = true;
    }
  }
  return found;
}

bool is_trustworthy(const origin& from) noexcept {
  return from.security == security::tls || from.is_loopback();
}

}  // namespace

cookie_jar::stored cookie_jar::store(const origin& from, std::string_view path, std::string_view set_cookie,
                                     wall_time now) {
  if (set_cookie.size() > cookie_size_max || has_control_characters(set_cookie))
    return stored::skipped;
  const auto [pair, rest] = split(set_cookie, ';');
  const auto equals = pair.find('=');
  if (equals == std::string_view::npos)
    return stored::skipped;
  const std::string_view name = trim(pair.substr(0, equals));
  const std::string_view value = trim(pair.substr(equals + 1));
  const attributes given = parse_attributes(rest, now);
  // A domain without a dot would be a whole top-level domain.
  const bool is_foreign =
      !given.domain.empty() && given.domain != from.host &&
      (!domain_matches(from.host, given.domain) || given.domain.find('.') == std::string::npos);
  if (name.empty() || is_foreign || (given.is_secure && !is_trustworthy(from)))
    return stored::skipped;

  cookie made{.name = std::string(name),
              .value = std::string(value),
              .domain = given.domain.empty() ? from.host : given.domain,
              .path = given.path.empty() ? default_path(path) : given.path,
              .expires = given.max_age.value_or(given.expires.value_or(never)),
              .created = next_created_++,
              .is_host_only = given.domain.empty(),
              .is_secure = given.is_secure};
  const auto old = std::ranges::find_if(cookies_, [&](const cookie& each) {
    return each.name == made.name && each.domain == made.domain && each.path == made.path;
  });
  if (old != cookies_.end()) {
    made.created = old->created;
    cookies_.erase(old);
  }
  if (made.expires <= now)
    return stored::removed;
  std::erase_if(cookies_, [now](const cookie& each) { return each.expires <= now; });
  if (cookies_.size() >= cookies_max)
    cookies_.erase(std::ranges::min_element(cookies_, {}, &cookie::created));
  cookies_.push_back(std::move(made));
  return stored::kept;
}

std::string cookie_jar::header(const origin& to, std::string_view path, wall_time now) const {
  path = without_query(path);
  std::vector<const cookie*> fitting;
  for (const auto& each : cookies_) {
    const bool is_host_right =
        each.is_host_only ? to.host == each.domain : domain_matches(to.host, each.domain);
    if (is_host_right && each.expires > now && path_matches(path, each.path) &&
        (!each.is_secure || is_trustworthy(to)))
      fitting.push_back(&each);
  }
  std::sort(fitting.begin(), fitting.end(), [](const cookie* a, const cookie* b) {
    return a->path.size() != b->path.size() ? a->path.size() > b->path.size() : a->created < b->created;
  });
  std::string out;
  for (const cookie* each : fitting) {
    if (out.size() + each->name.size() + each->value.size() + 3 > header_size_max)
      continue;
    if (!out.empty())
      out += "; ";
    out.append(each->name).append("=").append(each->value);
  }
  return out;
}

namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};

bool is_date_delimiter(char c) noexcept {
  const auto u = static_cast<unsigned char>(c);
  return u == 0x09 || (u >= 0x20 && u <= 0x2F) || (u >= 0x3B && u <= 0x40) || (u >= 0x5B && u <= 0x60) ||
         (u >= 0x7B && u <= 0x7E);
}

// The number that `text` begins with, if it has between `least` and `most` digits.
std::optional<int> leading_number(std::string_view text, std::size_t least, std::size_t most) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9')
    ++digits;
  if (digits < least || digits > most)
    return std::nullopt;
  int value = 0;
  for (const char digit : text.substr(0, digits))
    value = value * 10 + (digit - '0');
  return value;
}

std::optional<std::chrono::seconds> time_of_day(std::string_view token) {
  const auto [hour_text, rest] = split(token, ':');
  const auto [minute_text, second_text] = split(rest, ':');
  if (second_text.empty())
    return std::nullopt;
  const auto hour = leading_number(hour_text, 1, 2);
  const auto minute = leading_number(minute_text, 1, 2);
  const auto second = leading_number(second_text, 1, 2);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59)
    return std::nullopt;
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

std::optional<int> month_of(std::string_view token) {
  const std::string word = to_lower_ascii(token.substr(0, 3));
  const auto found = std::ranges::find(months, word);
  if (found == months.end())
    return std::nullopt;
  return static_cast<int>(found - months.begin()) + 1;
}

struct date_parts {
  std::optional<std::chrono::seconds> time;
  std::optional<int> day;
  std::optional<int> month;
  std::optional<int> year;

  void take(std::string_view token) {
    // In this order, as the RFC has it: `08:12:31` also begins with a number.
    const auto is_taken_by = [](auto& part, auto reading) {
      if (part || !reading)
        return false;
      part = reading;
      return true;
    };
    if (is_taken_by(time, time_of_day(token)) || is_taken_by(day, leading_number(token, 1, 2)) ||
        is_taken_by(month, month_of(token)))
      return;
    is_taken_by(year, leading_number(token, 2, 4));
  }
};

}  // namespace

result<wall_time> parse_cookie_date(std::string_view text) {
  date_parts parts;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && !is_date_delimiter(text[i]))
      continue;
    if (i > begin)
      parts.take(text.substr(begin, i - begin));
    begin = i + 1;
  }
  if (!parts.time || !parts.day || !parts.month || !parts.year)
    return fail(errc::malformed, "reading a cookie's date: a part of it is missing");
  int year = *parts.year;
  if (year < 100)
    year += year >= 70 ? 1900 : 2000;
  const auto date = std::chrono::year(year) / *parts.month / *parts.day;
  if (year < 1601 || !date.ok())
    return fail(errc::malformed, "reading a cookie's date: there is no such day");
  return wall_time(std::chrono::sys_days(date)) + *parts.time;
}

}  // namespace pushguard::cometd
