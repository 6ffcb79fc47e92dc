#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/commands/watch_frame.hpp"

namespace pushguard::agent {

enum class style { plain, strong, faint, good, caution, bad, alarm };

/// One line of a frame while it is made: pieces of text, each with its style.
class frame_line {
 public:
  frame_line() = default;
  explicit frame_line(std::string_view text, style how = style::plain) { add(text, how); }

  frame_line& add(std::string_view text, style how = style::plain);
  /// `text` in exactly `cells` cells: cut, or filled up on the right or on the left.
  frame_line& add_left(std::string_view text, std::size_t cells, style how = style::plain);
  frame_line& add_right(std::string_view text, std::size_t cells, style how = style::plain);
  /// Blanks up to `cells` cells in all.
  frame_line& fill_to(std::size_t cells);

  [[nodiscard]] std::size_t width() const noexcept { return width_; }
  /// Cut to `columns` cells; what is cut off is marked at the end.
  [[nodiscard]] std::string render(std::size_t columns, colour colours, glyphs shown) const;

 private:
  struct piece {
    std::string text;
    style how;
  };
  std::vector<piece> pieces_;
  std::size_t width_ = 0;
};

/// One part of a bar: how many, and how it looks.
struct bar_part {
  std::int64_t count;
  std::string_view utf8;
  std::string_view ascii;
  style how;
};

/// Adds a bar of `cells` cells. A part that is not empty has a cell at least, as far as there are cells.
void add_bar(frame_line& line, std::size_t cells, const std::vector<bar_part>& parts, glyphs shown);

/// `text` in at most `cells` cells, with a mark where something was cut off.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t cells);

}  // namespace pushguard::agent
