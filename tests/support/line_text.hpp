#pragma once

#include <string>

#include "metrics/line_blocks.hpp"

namespace pushguard::test {

/// The next bytes of a cursor, in one.
[[nodiscard]] inline std::string next_text(metrics::line_cursor& cursor,
                                           std::size_t bytes_max = metrics::line_cursor::chunk_size) {
  std::string text;
  for (const std::string_view piece : cursor.next(bytes_max))
    text += piece;
  return text;
}

/// All that a snapshot holds.
[[nodiscard]] inline std::string text_of(
    const metrics::line_snapshot& lines,
    metrics::exposition_format format = metrics::exposition_format::text) {
  metrics::line_cursor cursor(lines, format);
  return next_text(cursor, lines.size_bytes(format) + 1);
}

}  // namespace pushguard::test
