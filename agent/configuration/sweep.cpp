#include "agent/configuration/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/time.hpp"
#include "base/yaml.hpp"

namespace pushguard::configuration {
namespace {

constexpr std::size_t usual_values = 10;
constexpr std::string_view form =
    "--sweep must be POLICY/RULE.FIELD=VALUES, like production/failure-rate.above=1%..10%";
constexpr std::string_view values_form =
    "the values to sweep must be A..B, A..B/N (N values), A..B:STEP or a list A,B,C";

result<double> parse_count(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0)
    return fail(errc::invalid, fmt::format("'{}' is no whole number", text));
  return static_cast<double>(value);
}

/// Milliseconds, orgs or a ratio.
result<double> parse_value(std::string_view text, swept_kind kind) {
  switch (kind) {
    case swept_kind::share:
      return parse_share(text);
    case swept_kind::count:
      return parse_count(text);
    case swept_kind::time: {
      const auto parsed = parse_duration(text);
      if (!parsed)
        return std::unexpected(parsed.error());
      return static_cast<double>(parsed->count());
    }
  }
  return fail(errc::invalid, std::string(values_form));
}

/// A share has up to four digits behind the point: `2.5%`.
std::string write_share(double ratio) {
  std::string text = fmt::format("{:.4f}", ratio * 100.0);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.'))
    text.pop_back();
  return text + '%';
}

std::string write_value(double value, swept_kind kind) {
  switch (kind) {
    case swept_kind::share:
      return write_share(value);
    case swept_kind::count:
      return fmt::format("{:.0f}", std::round(value));
    case swept_kind::time:
      return format_duration(duration(std::llround(value)));
  }
  return {};
}

result<std::vector<double>> spread(double from, double to, std::size_t count) {
  if (count < 2 || count > swept_values_max)
    return fail(errc::invalid, fmt::format("a sweep has 2 to {} values", swept_values_max));
  std::vector<double> made;
  for (std::size_t i = 0; i < count; ++i)
    made.push_back(from + (to - from) * static_cast<double>(i) / static_cast<double>(count - 1));
  return made;
}

result<std::vector<double>> walk(double from, double to, double step) {
  if (step <= 0)
    return fail(errc::invalid, "the step of a sweep must be above 0");
  const double steps = std::floor((to - from) / step + 1e-9);
  if (steps >= static_cast<double>(swept_values_max))
    return fail(errc::invalid, fmt::format("a sweep has at most {} values", swept_values_max));
  std::vector<double> made;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(steps); ++i)
    made.push_back(from + step * static_cast<double>(i));
  return made;
}

result<std::vector<double>> read_range(std::string_view text, std::size_t dots, swept_kind kind) {
  const auto from = parse_value(text.substr(0, dots), kind);
  std::string_view rest = text.substr(dots + 2);
  const std::size_t mark = rest.find_first_of(":/");
  const auto to = parse_value(rest.substr(0, mark), kind);
  if (!from || !to)
    return std::unexpected(from ? to.error() : from.error());
  if (*from >= *to)
    return fail(errc::invalid, fmt::format("a sweep goes upwards, and {} is not below {}",
                                           text.substr(0, dots), rest.substr(0, mark)));
  if (mark == std::string_view::npos)
    return spread(*from, *to, usual_values);
  const std::string_view how = rest.substr(mark + 1);
  const auto number = parse_value(how, rest[mark] == '/' ? swept_kind::count : kind);
  if (!number)
    return std::unexpected(number.error());
  if (rest[mark] == ':')
    return walk(*from, *to, *number);
  return spread(*from, *to, static_cast<std::size_t>(std::min(*number, double{swept_values_max + 1})));
}

result<std::vector<double>> read_list(std::string_view text, swept_kind kind) {
  std::vector<double> made;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto value = parse_value(text.substr(begin, end - begin), kind);
    if (!value)
      return std::unexpected(value.error());
    made.push_back(*value);
    if (made.size() > swept_values_max)
      return fail(errc::invalid, fmt::format("a sweep has at most {} values", swept_values_max));
    begin = end + 1;
  }
  return made;
}

}  // namespace

result<sweep> parse_sweep(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view key = text.substr(0, equals);
  const std::size_t slash = key.find('/');
  const std::size_t dot = key.rfind('.');  // names may hold dots, fields do not
  if (equals == std::string_view::npos || slash == std::string_view::npos || dot == std::string_view::npos ||
      dot < slash || slash == 0 || dot == slash + 1 || dot + 1 == key.size() || equals + 1 == text.size())
    return fail(errc::invalid, std::string(form));
  return sweep{.field = {.policy = std::string(key.substr(0, slash)),
                         .rule = std::string(key.substr(slash + 1, dot - slash - 1)),
                         .field = std::string(key.substr(dot + 1))},
               .values = std::string(text.substr(equals + 1))};
}

result<std::vector<std::string>> sweep_values(std::string_view values, swept_kind kind) {
  const std::size_t dots = values.find("..");
  const auto read = dots == std::string_view::npos ? read_list(values, kind) : read_range(values, dots, kind);
  if (!read)
    return fail(errc::invalid, fmt::format("{}: {}", values_form, read.error().text()));
  std::vector<std::string> made;
  for (const double value : *read) {
    std::string text = write_value(value, kind);
    if (std::ranges::find(made, text) == made.end())
      made.push_back(std::move(text));
  }
  return made;
}

}  // namespace pushguard::configuration
