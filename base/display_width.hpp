#pragma once

#include <cstddef>
#include <string_view>

namespace pushguard {

/// How many cells of a terminal `text` takes: combining and invisible characters none, wide East Asian ones
/// and most emoji two, all others one. `text` holds no control characters; a byte that is not valid UTF-8 is
/// taken for one cell. What is ambiguous in Unicode is narrow.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// The longest prefix of at most `cells_max` cells; combining characters stay with theirs.
[[nodiscard]] std::string_view cut_at_width(std::string_view text, std::size_t cells_max) noexcept;

}  // namespace pushguard
