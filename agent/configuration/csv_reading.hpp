#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pushguard::configuration {

/// A line with more values is no table's, and would be large in memory.
inline constexpr std::size_t csv_columns_max = 1000;

/// One record of a CSV file.
struct csv_record {
  std::size_t line = 1;             ///< where it begins, counted from 1
  std::vector<std::string> values;  ///< without quotes, else as they stand; none where it has a problem
  std::string problem;              ///< what is wrong with it, one sentence without a full stop; or empty
};

/// Takes a CSV file (RFC 4180, ended by LF or CRLF) apart. After a record that is wrong it goes on with the
/// next line. Never throws but for want of memory; takes time in proportion to the text.
class csv_reader {
 public:
  /// `text` must outlive the reader; a byte order mark at its front is passed over.
  explicit csv_reader(std::string_view text);

  /// The next record; nothing at the end. Empty lines are none.
  [[nodiscard]] std::optional<csv_record> next();
  /// The line on which next() goes on, counted from 1.
  [[nodiscard]] std::size_t line() const noexcept { return line_; }

 private:
  [[nodiscard]] bool is_at_line_end() const noexcept;
  void skip_line_end();
  void skip_to_next_line();
  [[nodiscard]] std::string quoted_value(std::string& problem);
  [[nodiscard]] std::string plain_value(std::string& problem);

  std::string_view rest_;
  std::size_t line_ = 1;
};

}  // namespace pushguard::configuration
