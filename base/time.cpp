#include "base/time.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

namespace pushguard {

std::string format_time(wall_time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day ymd{day};
  const auto since_midnight = time - day;
  const auto total = since_midnight.count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()), total / 3'600'000,
                     total / 60'000 % 60, total / 1000 % 60, total % 1000);
}

result<wall_time> parse_time(std::string_view text) {
  constexpr std::size_t length_max = 40;  // the longest form with nanoseconds and offset has 35
  const auto malformed = [&] {
    return fail(errc::malformed, fmt::format("'{}' is not a date and time like 2025-09-02T01:01:01.000Z",
                                             text.substr(0, length_max)));
  };
  if (text.size() < 20 || text.size() > length_max)
    return malformed();
  const bool is_zulu = text.ends_with('Z') || text.ends_with('z');
  // %Ez reads +02:00, %z reads +0200; both are tried on the same text.
  std::string body(is_zulu ? text.substr(0, text.size() - 1) : text);
  if (is_zulu)
    body += "+0000";
  for (const char* format : {"%FT%T%z", "%FT%T%Ez"}) {
    std::istringstream in(body);
    wall_time parsed;
    in >> date::parse(format, parsed);
    if (!in.fail() && in.peek() == std::istringstream::traits_type::eof())
      return parsed;
  }
  return malformed();
}

namespace {

struct unit {
  std::string_view name;
  std::int64_t milliseconds;
};

// Largest first; "ms" before "m" so that the longer name wins.
constexpr std::array units{unit{"d", 86'400'000}, unit{"h", 3'600'000}, unit{"ms", 1}, unit{"m", 60'000},
                           unit{"s", 1000}};

}  // namespace

result<duration> parse_duration(std::string_view text) {
  constexpr std::int64_t milliseconds_max = 100LL * 365 * 86'400'000;  // a century: larger ones are mistakes
  const auto invalid = [&] {
    return fail(errc::invalid,
                fmt::format("'{}' is not a duration; write it like 30s, 5m, 4h or 7d", text.substr(0, 40)));
  };
  if (text.empty())
    return invalid();
  std::int64_t total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc{} || count < 0 || rest.front() == '-')
      return invalid();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const auto* found = std::ranges::find_if(units, [&](const unit& u) { return rest.starts_with(u.name); });
    if (found == units.end() || count > milliseconds_max / found->milliseconds)
      return invalid();
    total += count * found->milliseconds;
    if (total > milliseconds_max)
      return invalid();
    rest.remove_prefix(found->name.size());
  }
  return duration(total);
}

std::string format_duration(duration value) {
  auto rest = value.count();
  if (rest == 0)
    return "0s";
  std::string out = rest < 0 ? "-" : "";
  rest = std::abs(rest);
  constexpr std::array descending{unit{"d", 86'400'000}, unit{"h", 3'600'000}, unit{"m", 60'000},
                                  unit{"s", 1000}, unit{"ms", 1}};
  for (const unit& u : descending) {
    if (const auto count = rest / u.milliseconds; count > 0) {
      out += fmt::format("{}{}", count, u.name);
      rest %= u.milliseconds;
    }
  }
  return out;
}

}  // namespace pushguard
