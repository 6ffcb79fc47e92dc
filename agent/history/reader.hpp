#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <string_view>

#include "agent/history/past_push.hpp"
#include "base/result.hpp"

namespace pushguard::history {

/// Reads a history file in pieces of any size. The first thing that is wrong ends it: every call from then
/// on fails with errc::malformed, errc::too_large or, where the format is newer, errc::invalid, and one
/// sentence that begins with `FILE:LINE:`. Line ends may be `\r\n`, a byte order mark may come first, and
/// empty lines are passed over.
class history_reader {
 public:
  /// `file` is what problems call it.
  explicit history_reader(std::string file);

  [[nodiscard]] result<> take(std::string_view bytes);

  /// The whole push, once the file has ended; the reader is then of no more use. Fails where it ended early.
  [[nodiscard]] result<past_push> finish();

 private:
  enum class line_end : unsigned char { there, missing };

  [[nodiscard]] result<> take_line(std::string_view line, line_end end);
  [[nodiscard]] result<> take_general_line(std::string_view line, line_end end);
  [[nodiscard]] result<> check_newest_job();
  [[nodiscard]] result<> problem(errc kind, std::string_view what);

  std::string file_;
  std::string begun_;     ///< a line whose end has not come
  std::size_t line_ = 0;  ///< the number of the line last begun
  bool has_header_ = false;
  past_push read_;
  boost::unordered_flat_map<domain::job_id, std::size_t, std::hash<domain::job_id>> line_of_job_;
  result<> state_;
};

/// The same for a file that is in memory.
[[nodiscard]] result<past_push> read_past_push(std::string_view text, std::string file);

}  // namespace pushguard::history
