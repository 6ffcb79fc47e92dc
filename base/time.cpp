#include "base/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

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

namespace {

// Takes a time apart from the front. Once something is not as it should be, `is_right` stays false.
class time_reader {
 public:
  explicit time_reader(std::string_view text) noexcept : rest_(text) {}

  // A number of exactly `digits` digits, which is at most `most`.
  int number(std::size_t digits, int most) noexcept {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i)
      value = value * 10 + digit();
    is_right_ = is_right_ && value <= most;
    return value;
  }

  void expect(char wanted) noexcept { is_right_ = take(wanted) && is_right_; }

  // What follows the seconds, if anything; digits after the third are cut off.
  duration fraction() noexcept {
    if (!take('.'))
      return {};
    int value = 0;
    int weight = 100;
    do {
      value += weight * digit();
      weight /= 10;
    } while (!rest_.empty() && is_digit(rest_.front()));
    return duration(value);
  }

  // `Z`, `+02:00` or `+0200`, and then the end.
  std::chrono::minutes offset() noexcept {
    if (take('Z') || take('z'))
      return {};
    const bool is_west = take('-');
    if (!is_west)
      expect('+');
    const std::chrono::hours hours(number(2, 23));
    take(':');
    const std::chrono::minutes length = hours + std::chrono::minutes(number(2, 59));
    return is_west ? -length : length;
  }

  [[nodiscard]] bool is_right() const noexcept { return is_right_ && rest_.empty(); }

 private:
  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

  int digit() noexcept {
    if (rest_.empty() || !is_digit(rest_.front())) {
      is_right_ = false;
      return 0;
    }
    const int value = rest_.front() - '0';
    rest_.remove_prefix(1);
    return value;
  }

  bool take(char wanted) noexcept {
    if (rest_.empty() || rest_.front() != wanted)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
  bool is_right_ = true;
};

}  // namespace

result<wall_time> parse_time(std::string_view text) {
  constexpr std::size_t length_max = 40;  // the longest form with nanoseconds and offset has 35
  time_reader in(text.substr(0, length_max + 1));
  const std::chrono::year year(in.number(4, 9999));
  in.expect('-');
  const std::chrono::month month(static_cast<unsigned>(in.number(2, 12)));
  in.expect('-');
  const std::chrono::day day(static_cast<unsigned>(in.number(2, 31)));
  in.expect('T');
  const std::chrono::hours hours(in.number(2, 23));
  in.expect(':');
  const std::chrono::minutes minutes(in.number(2, 59));
  in.expect(':');
  const std::chrono::seconds seconds(in.number(2, 59));
  const duration fraction = in.fraction();
  const std::chrono::minutes offset = in.offset();
  const std::chrono::year_month_day date(year, month, day);
  if (!in.is_right() || !date.ok() || text.size() > length_max) {
    return fail(errc::malformed, fmt::format("'{}' is not a date and time like 2025-09-02T01:01:01.000Z",
                                             text.substr(0, length_max)));
  }
  return std::chrono::sys_days(date) + hours + minutes + seconds + fraction - offset;
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
