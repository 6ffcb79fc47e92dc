#include "base/http_date.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace pushguard {
namespace {

constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// The digits at [at, at + size); -1 where something else stands there.
int number_at(std::string_view text, std::size_t at, std::size_t size) noexcept {
  int number = 0;
  const char* const end = text.data() + at + size;
  const auto [stopped, error] = std::from_chars(text.data() + at, end, number);
  return error == std::errc{} && stopped == end ? number : -1;
}

bool is_in(int number, int least, int most) noexcept {
  return number >= least && number <= most;
}

}  // namespace

std::string format_http_date(wall_time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     weekdays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<wall_time> parse_http_date(std::string_view text) noexcept {
  // Tue, 02 Sep 2025 01:01:01 GMT
  constexpr std::size_t size = 29;
  if (text.size() != size || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT")
    return std::nullopt;
  const auto month = std::ranges::find(months, text.substr(8, 3));
  const int hour = number_at(text, 17, 2);
  const int minute = number_at(text, 20, 2);
  const int second = number_at(text, 23, 2);
  const std::chrono::year_month_day date{
      std::chrono::year(number_at(text, 12, 4)),
      std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(std::max(0, number_at(text, 5, 2))))};
  if (month == months.end() || !date.ok() || !is_in(static_cast<int>(date.year()), 1970, 9999) ||
      !is_in(hour, 0, 23) || !is_in(minute, 0, 59) || !is_in(second, 0, 60))
    return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace pushguard
