#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pushguard::cometd {

/// The first byte in [at, end) that means something inside a JSON string, or may not stand there as it is: a
/// quote, a backslash, a control character, or a byte outside ASCII. `end` where there is none.
[[nodiscard]] const char* find_special(const char* at, const char* end) noexcept;

/// The code unit of the escape `\uXXXX` at the front of `text`, or -1 where there is none.
[[nodiscard]] int escaped_unit(std::string_view text) noexcept;
[[nodiscard]] constexpr bool is_high_surrogate(int unit) noexcept {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
[[nodiscard]] constexpr bool is_low_surrogate(int unit) noexcept {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}
/// What escaped_unit() reads, in bytes.
inline constexpr std::size_t unit_escape_size = 6;

/// A string as it stands between its quotes, checked: its escapes are whole and its surrogates paired.
struct json_text {
  std::string_view raw;
  bool has_escapes = false;

  /// Whether it says `word`, which is ASCII.
  [[nodiscard]] bool is(std::string_view word) const {
    return has_escapes ? says_with_escapes(word) : raw == word;
  }
  [[nodiscard]] std::string decoded() const;
  void assign_to(std::string& out) const;

 private:
  [[nodiscard]] bool says_with_escapes(std::string_view word) const;
};

/// Walks over JSON text once and checks it on the way by RFC 8259: numbers, escapes, UTF-8 and all. Every
/// function skips blanks, takes what its name says, and answers whether it was there; after a false the
/// scanner is of no more use. Keeps no copy: the text must outlive it. Never throws but for memory.
class json_scanner {
 public:
  /// Values nested deeper than `depth_max` are refused. The walk recurses: one frame for each level.
  json_scanner(std::string_view text, std::size_t depth_max) noexcept
      : at_(text.data()), end_(text.data() + text.size()), depth_left_(depth_max) {}

  /// The first byte of the next token, which tells what it is; NUL at the end of the text.
  char peek() noexcept {
    while (at_ != end_ && is_blank(*at_))
      ++at_;
    return at_ == end_ ? '\0' : *at_;
  }
  /// Where the scanner stands: after what was taken last, or after peek() on a token.
  [[nodiscard]] const char* position() const noexcept { return at_; }

  [[nodiscard]] bool skip_value();
  [[nodiscard]] bool read_string(json_text& text) noexcept;
  /// A number as it was written.
  [[nodiscard]] bool read_number(std::string_view& token) noexcept;
  [[nodiscard]] bool read_bool(bool& value) noexcept;

  /// Calls `on_member(key)` before each value, which it must take, and goes on as long as it answers true.
  template <class OnMember>
  [[nodiscard]] bool read_object(OnMember on_member) {
    return read_list('{', '}', [&] {
      json_text key;
      return read_string(key) && take(':') && on_member(key);
    });
  }
  /// Calls `on_element()` before each value, as read_object does.
  template <class OnElement>
  [[nodiscard]] bool read_array(OnElement on_element) {
    return read_list('[', ']', on_element);
  }

 private:
  [[nodiscard]] static bool is_blank(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
  }

  template <class OnItem>
  [[nodiscard]] bool read_list(char open, char close, OnItem on_item) {
    if (depth_left_ == 0 || !take(open))
      return false;
    --depth_left_;
    if (!take(close)) {
      do {
        if (!on_item())
          return false;
      } while (take(','));
      if (!take(close))
        return false;
    }
    ++depth_left_;
    return true;
  }

  [[nodiscard]] bool take(char wanted) noexcept {
    if (peek() != wanted || at_ == end_)
      return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool take_word(std::string_view word) noexcept;
  [[nodiscard]] bool take_digits() noexcept;
  bool take_if(std::string_view any) noexcept;
  [[nodiscard]] bool take_escape() noexcept;
  [[nodiscard]] bool take_character() noexcept;
  [[nodiscard]] std::string_view rest() const noexcept { return {at_, static_cast<std::size_t>(end_ - at_)}; }

  const char* at_;
  const char* end_;
  std::size_t depth_left_;
};

}  // namespace pushguard::cometd
