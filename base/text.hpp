#pragma once

#include <string>
#include <string_view>

namespace pushguard {

/// Appends `text` as a JSON string with its quotes. Control characters are escaped; bytes that are not
/// valid UTF-8 become U+FFFD, so the output is always valid JSON.
void append_json_string(std::string& out, std::string_view text);

/// `text` with invalid UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

/// The longest prefix of at most `bytes_max` bytes that does not cut a UTF-8 character.
[[nodiscard]] std::string_view cut_at_character(std::string_view text, std::size_t bytes_max);

/// The length in bytes of the valid UTF-8 character at the front of `text`, or 0 where there is none.
[[nodiscard]] std::size_t utf8_character_size(std::string_view text) noexcept;

/// ASCII letters only; other bytes stay.
[[nodiscard]] std::string to_lower_ascii(std::string_view text);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// Every `from` in `text` becomes `to`. An empty `from` changes nothing.
[[nodiscard]] std::string replace_all(std::string text, std::string_view from, std::string_view to);
/// Without leading and trailing blanks, tabs and line ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

}  // namespace pushguard
