#include "base/event_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace pushguard {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
// A server that asks for more wants to be left alone; a day is that.
constexpr duration retry_max = std::chrono::hours(24);

std::optional<duration> read_retry(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !std::ranges::all_of(text, is_digit))
    return std::nullopt;
  duration::rep milliseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), milliseconds);
  return error == std::errc{} ? std::min(duration(milliseconds), retry_max) : retry_max;
}

}  // namespace

void event_stream_parser::reset() {
  line_.clear();
  type_.clear();
  data_.clear();
  id_ = last_id_;
  is_first_line_ = true;
  has_data_ = false;
  may_skip_line_feed_ = false;
}

result<> event_stream_parser::feed(std::string_view bytes, const taker& take) {
  while (!bytes.empty()) {
    if (std::exchange(may_skip_line_feed_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const auto end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() + data_.size() > size_max_)
      return fail(errc::too_large, fmt::format("an event of more than {} bytes", size_max_));
    if (end == std::string_view::npos)
      return {};
    may_skip_line_feed_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (auto ended = end_line(take); !ended)
      return ended;
  }
  return {};
}

result<> event_stream_parser::end_line(const taker& take) {
  std::string_view line = line_;
  if (std::exchange(is_first_line_, false) && line.starts_with(byte_order_mark))
    line.remove_prefix(byte_order_mark.size());
  if (line.empty()) {
    line_.clear();
    return dispatch(take);
  }
  const auto colon = line.find(':');
  if (colon != 0) {  // not a comment
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' '))
      value.remove_prefix(1);
    take_field(line.substr(0, colon), value);
  }
  line_.clear();
  return {};
}

void event_stream_parser::take_field(std::string_view name, std::string_view value) {
  if (name == "event") {
    type_ = value;
  } else if (name == "data") {
    if (std::exchange(has_data_, true))
      data_ += '\n';
    data_ += value;
  } else if (name == "id") {
    if (!value.contains('\0'))
      id_ = value;
  } else if (name == "retry") {
    if (const auto asked = read_retry(value))
      retry_ = asked;
  }
}

result<> event_stream_parser::dispatch(const taker& take) {
  last_id_ = id_;
  stream_event event{.type = std::exchange(type_, {}), .data = std::exchange(data_, {}), .id = last_id_};
  // The standard looks at whether the data is empty after its last line feed was taken: one empty line is
  // data.
  if (!std::exchange(has_data_, false))
    return {};
  if (event.type.empty())
    event.type = "message";
  return take(event);
}

}  // namespace pushguard
