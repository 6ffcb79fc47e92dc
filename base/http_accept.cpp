#include "base/http_accept.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace pushguard {
namespace {

/// Cuts off what stands before the first `mark` that is outside of quotes.
std::string_view take_until(std::string_view& text, char mark) {
  bool is_quoted = false;
  std::size_t end = 0;
  for (; end < text.size() && (is_quoted || text[end] != mark); ++end) {
    if (text[end] == '"')
      is_quoted = !is_quoted;
    else if (is_quoted && text[end] == '\\')
      ++end;
  }
  end = std::min(end, text.size());
  const std::string_view taken = trim(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

std::optional<double> parse_quality(std::string_view text) {
  constexpr std::size_t size_max = 5;  // 0.123
  double value = 0;
  const auto [stop, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || stop != text.data() + text.size() || text.size() > size_max ||
      !(value >= 0 && value <= 1))
    return std::nullopt;
  return value;
}

std::optional<accepted_item> parse_item(std::string_view text) {
  accepted_item item;
  item.value = take_until(text, ';');
  if (item.value.empty())
    return std::nullopt;
  while (!text.empty()) {
    std::string_view value = take_until(text, ';');
    const std::string_view name = take_until(value, '=');
    value = trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (!equals_ignoring_case(name, "q")) {
      item.parameters.emplace_back(name, value);
      continue;
    }
    const auto quality = parse_quality(value);
    if (!quality)
      return std::nullopt;
    item.quality = *quality;
  }
  return item;
}

}  // namespace

std::optional<std::string_view> accepted_item::parameter(std::string_view name) const noexcept {
  for (const auto& [its_name, its_value] : parameters) {
    if (equals_ignoring_case(its_name, name))
      return its_value;
  }
  return std::nullopt;
}

std::vector<accepted_item> parse_accepted(std::string_view header) {
  std::vector<accepted_item> items;
  while (!header.empty()) {
    if (auto item = parse_item(take_until(header, ',')))
      items.push_back(std::move(*item));
  }
  return items;
}

bool accepts_coding(std::string_view header, std::string_view coding) {
  std::optional<double> any;
  for (const accepted_item& item : parse_accepted(header)) {
    if (equals_ignoring_case(item.value, coding))
      return item.quality > 0;
    if (item.value == "*")
      any = item.quality;
  }
  return any.value_or(0) > 0;
}

}  // namespace pushguard
