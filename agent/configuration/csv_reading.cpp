#include "agent/configuration/csv_reading.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pushguard::configuration {

csv_reader::csv_reader(std::string_view text) : rest_(text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (rest_.starts_with(byte_order_mark))
    rest_.remove_prefix(byte_order_mark.size());
}

bool csv_reader::is_at_line_end() const noexcept {
  return rest_.empty() || rest_.front() == '\n' || rest_.starts_with("\r\n") || rest_ == "\r";
}

void csv_reader::skip_line_end() {
  if (rest_.starts_with('\r'))
    rest_.remove_prefix(1);
  if (rest_.starts_with('\n')) {
    rest_.remove_prefix(1);
    ++line_;
  }
}

void csv_reader::skip_to_next_line() {
  rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
  skip_line_end();
}

std::string csv_reader::quoted_value(std::string& problem) {
  std::string value;
  rest_.remove_prefix(1);
  for (;;) {
    const auto quote = std::min(rest_.find('"'), rest_.size());
    const std::string_view part = rest_.substr(0, quote);
    value += part;
    line_ += static_cast<std::size_t>(std::ranges::count(part, '\n'));
    rest_.remove_prefix(quote);
    if (rest_.empty()) {
      problem = "a quote that opens a value is never closed";
      return value;
    }
    rest_.remove_prefix(1);
    if (!rest_.starts_with('"'))
      break;
    value += '"';
    rest_.remove_prefix(1);
  }
  if (!is_at_line_end() && !rest_.starts_with(','))
    problem = "after the quote that closes a value a comma or the end of the line must follow";
  return value;
}

std::string csv_reader::plain_value(std::string& problem) {
  std::size_t size = 0;
  while (size < rest_.size() && rest_[size] != ',' && rest_[size] != '\n')
    ++size;
  std::string_view value = rest_.substr(0, size);
  const bool is_last = size == rest_.size() || rest_[size] == '\n';
  if (is_last && value.ends_with('\r'))
    value.remove_suffix(1);
  rest_.remove_prefix(value.size());
  if (value.contains('"'))
    problem = "a value with a quote in it must stand in quotes, and the quote twice";
  return std::string(value);
}

std::optional<csv_record> csv_reader::next() {
  while (!rest_.empty() && is_at_line_end())
    skip_line_end();
  if (rest_.empty())
    return std::nullopt;
  csv_record record;
  record.line = line_;
  for (;;) {
    record.values.push_back(rest_.starts_with('"') ? quoted_value(record.problem)
                                                   : plain_value(record.problem));
    if (record.problem.empty() && record.values.size() > csv_columns_max)
      record.problem = fmt::format("a line may have at most {} columns", csv_columns_max);
    if (!record.problem.empty()) {
      record.values.clear();
      skip_to_next_line();
      return record;
    }
    if (is_at_line_end())
      break;
    rest_.remove_prefix(1);  // a comma
  }
  skip_line_end();
  return record;
}

}  // namespace pushguard::configuration
