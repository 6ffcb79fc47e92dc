#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/commands/watch_state.hpp"

namespace pushguard::agent {

struct frame_size {
  std::size_t columns = 80;
  std::size_t rows = 24;
  friend bool operator==(const frame_size&, const frame_size&) = default;
};

enum class colour { no, yes };
/// What the terminal can show. `ascii`: other characters of names become question marks.
enum class glyphs { ascii, utf8 };

/// One frame of `pushguard watch`: at most `size.rows` lines without line ends, none wider than
/// `size.columns` cells. With colour::yes lines hold SGR sequences, each undone before the line's end, and
/// nothing else that a terminal would obey; colour never says what the text does not. Where the rows do not
/// suffice, what matters most stays, and the last line says how many lines are left out. Numbers of an agent
/// that does not answer are marked as old.
[[nodiscard]] std::vector<std::string> render_frame(const watch_state& state, frame_size size, colour colours,
                                                    glyphs shown = glyphs::utf8);

/// `2m 5s`, `3h`, `4d`: two units at most, `0s` for what is not positive.
[[nodiscard]] std::string age_text(duration age);

}  // namespace pushguard::agent
