#include "cometd/json_scanner.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/text.hpp"

namespace pushguard::cometd {
namespace {

constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
constexpr std::uint64_t tops = 0x8080'8080'8080'8080;

// Eight bytes, the first of them lowest.
std::uint64_t load_word(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big)
    word = std::byteswap(word);
  return word;
}

// Sets the top bit of each special byte: below 0x20, above 0x7F, a quote, a backslash. Bytes after the first
// one may be marked wrongly, since the subtractions borrow from them.
constexpr std::uint64_t special_bytes(std::uint64_t word) noexcept {
  return ((word - ones * 0x20) | word | ((word ^ (ones * '"')) - ones) | ((word ^ (ones * '\\')) - ones)) &
         tops;
}

constexpr bool is_special(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte >= 0x80 || c == '"' || c == '\\';
}

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

// What the escape `\c` stands for, or NUL where there is no such escape.
constexpr char unescaped(char c) noexcept {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

void append_utf8(std::string& out, unsigned code) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// Appends what the escape at the front of `text` stands for; answers its length. The escape was checked.
std::size_t append_unescaped(std::string& out, std::string_view text) {
  const int first = escaped_unit(text);
  if (first < 0) {
    out += unescaped(text[1]);
    return 2;
  }
  if (!is_high_surrogate(first)) {
    append_utf8(out, static_cast<unsigned>(first));
    return unit_escape_size;
  }
  const int second = escaped_unit(text.substr(unit_escape_size));
  append_utf8(
      out, 0x10000U + (static_cast<unsigned>(first - 0xD800) << 10) + static_cast<unsigned>(second - 0xDC00));
  return 2 * unit_escape_size;
}

}  // namespace

const char* find_special(const char* at, const char* end) noexcept {
  for (; end - at >= static_cast<std::ptrdiff_t>(sizeof(std::uint64_t)); at += sizeof(std::uint64_t)) {
    if (const std::uint64_t found = special_bytes(load_word(at)); found != 0)
      return at + std::countr_zero(found) / 8;
  }
  while (at != end && !is_special(*at))
    ++at;
  return at;
}

int escaped_unit(std::string_view text) noexcept {
  if (text.size() < unit_escape_size || !text.starts_with("\\u"))
    return -1;
  int unit = 0;
  for (const char c : text.substr(2, 4)) {
    const int digit = hex_digit(c);
    if (digit < 0)
      return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

void json_text::assign_to(std::string& out) const {
  if (!has_escapes) {
    out = raw;
    return;
  }
  out.clear();
  out.reserve(raw.size());
  for (std::string_view rest = raw; !rest.empty();) {
    if (rest.front() == '\\') {
      rest.remove_prefix(append_unescaped(out, rest));
    } else {
      const std::string_view plain = rest.substr(0, rest.find('\\'));
      out += plain;
      rest.remove_prefix(plain.size());
    }
  }
}

std::string json_text::decoded() const {
  std::string out;
  assign_to(out);
  return out;
}

bool json_text::says_with_escapes(std::string_view word) const {
  return raw.size() <= unit_escape_size * word.size() && decoded() == word;
}

bool json_scanner::skip_value() {
  switch (peek()) {
    case '"': {
      json_text text;
      return read_string(text);
    }
    case '{':
      return read_object([this](const json_text&) { return skip_value(); });
    case '[':
      return read_array([this] { return skip_value(); });
    case 't':
      return take_word("true");
    case 'f':
      return take_word("false");
    case 'n':
      return take_word("null");
    default: {
      std::string_view token;
      return read_number(token);
    }
  }
}

bool json_scanner::read_string(json_text& text) noexcept {
  if (!take('"'))
    return false;
  const char* const begin = at_;
  text.has_escapes = false;
  while (true) {
    at_ = find_special(at_, end_);
    if (at_ == end_)
      return false;
    if (*at_ == '"') {
      text.raw = {begin, static_cast<std::size_t>(at_ - begin)};
      ++at_;
      return true;
    }
    text.has_escapes = text.has_escapes || *at_ == '\\';
    if (!(*at_ == '\\' ? take_escape() : take_character()))
      return false;
  }
}

bool json_scanner::read_number(std::string_view& token) noexcept {
  peek();
  const char* const begin = at_;
  take_if("-");
  if (!take_if("0") && !take_digits())
    return false;
  if (take_if(".") && !take_digits())
    return false;
  if (take_if("eE")) {
    take_if("+-");
    if (!take_digits())
      return false;
  }
  token = {begin, static_cast<std::size_t>(at_ - begin)};
  return true;
}

bool json_scanner::read_bool(bool& value) noexcept {
  value = peek() == 't';
  return take_word(value ? "true" : "false");
}

bool json_scanner::take_word(std::string_view word) noexcept {
  peek();
  if (!rest().starts_with(word))
    return false;
  at_ += word.size();
  return true;
}

bool json_scanner::take_digits() noexcept {
  const char* const begin = at_;
  while (at_ != end_ && *at_ >= '0' && *at_ <= '9')
    ++at_;
  return at_ != begin;
}

bool json_scanner::take_if(std::string_view any) noexcept {
  if (at_ == end_ || any.find(*at_) == std::string_view::npos)
    return false;
  ++at_;
  return true;
}

bool json_scanner::take_escape() noexcept {
  const std::string_view text = rest();
  const int unit = escaped_unit(text);
  if (unit < 0) {
    if (text.size() < 2 || unescaped(text[1]) == '\0')
      return false;
    at_ += 2;
    return true;
  }
  if (is_low_surrogate(unit))
    return false;
  at_ += unit_escape_size;
  if (!is_high_surrogate(unit))
    return true;
  if (!is_low_surrogate(escaped_unit(rest())))
    return false;
  at_ += unit_escape_size;
  return true;
}

// One character outside ASCII; a control character is none.
bool json_scanner::take_character() noexcept {
  const auto first = static_cast<unsigned char>(*at_);
  const std::size_t size = first < 0x20 ? 0 : utf8_character_size(rest());
  at_ += size;
  return size > 0;
}

}  // namespace pushguard::cometd
