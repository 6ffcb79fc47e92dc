#include "agent/domain/error_signature.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace pushguard::domain {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_alphanumeric(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_blank(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::size_t run_of_digits(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
}

/// The length of a gack id (`731858695-80805 (-151184096)`) at the front of `text`, or 0.
std::size_t gack_size(std::string_view text) noexcept {
  std::size_t at = run_of_digits(text);
  if (at == 0 || at == text.size() || text[at] != '-')
    return 0;
  const auto second = run_of_digits(text.substr(++at));
  at += second;
  if (second == 0 || !text.substr(at).starts_with(" ("))
    return 0;
  at += 2;
  if (text.substr(at).starts_with('-'))
    ++at;
  const auto third = run_of_digits(text.substr(at));
  at += third;
  return third != 0 && text.substr(at).starts_with(')') ? at + 1 : 0;
}

/// Words of 15 letters exist; ids have digits among the first characters after the prefix.
bool looks_like_record_id(std::string_view word) noexcept {
  return (word.size() == 15 || word.size() == 18) && std::ranges::count_if(word, is_digit) >= 2;
}

bool names_position(std::string_view word) noexcept {
  constexpr std::array<std::string_view, 4> names{"line", "column", "col", "row"};
  return std::ranges::any_of(names,
                             [word](std::string_view name) { return equals_ignoring_case(word, name); });
}

class normalizer {
 public:
  explicit normalizer(std::string_view text) : text_(text) {}

  std::string run(std::size_t bytes_max) {
    while (at_ < text_.size() && out_.size() < bytes_max)
      step();
    if (out_.ends_with(' '))
      out_.pop_back();
    return out_;
  }

 private:
  void step() {
    const char c = text_[at_];
    if (is_alphanumeric(c)) {
      take_word();
      return;
    }
    ++at_;
    if (!is_blank(c)) {
      out_ += c;
      is_position_next_ = is_position_next_ && (c == ':' || c == '=');
    } else if (!out_.empty() && out_.back() != ' ') {
      out_ += ' ';
    }
  }

  void take_word() {
    const auto rest = text_.substr(at_);
    if (const auto size = gack_size(rest); size != 0) {
      out_ += '#';
      at_ += size;
      return;
    }
    const auto size =
        static_cast<std::size_t>(std::ranges::find_if_not(rest, is_alphanumeric) - rest.begin());
    const auto word = rest.substr(0, size);
    const bool is_number = run_of_digits(word) == size;
    const bool is_position = is_number && (is_position_next_ || out_.ends_with(':'));
    out_ += is_position || looks_like_record_id(word) ? "#" : to_lower_ascii(word);
    is_position_next_ = names_position(word);
    at_ += size;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  bool is_position_next_ = false;  // a number that follows is a line or a column
};

}  // namespace

std::string normalize_error_message(std::string_view message, std::size_t bytes_max) {
  const auto normalized = to_valid_utf8(normalizer(message).run(bytes_max));
  return std::string(cut_at_character(normalized, bytes_max));
}

std::string error_signature(error_type type, std::string_view title, std::string_view message) {
  constexpr std::size_t title_bytes_max = 80;
  std::string out(to_string(type));
  if (const auto cut = to_valid_utf8(cut_at_character(trim(title), title_bytes_max)); !cut.empty())
    out += ": " + cut;
  if (const auto normalized = normalize_error_message(message); !normalized.empty())
    out += ": " + normalized;
  return std::string(cut_at_character(out, error_signature_bytes_max));
}

}  // namespace pushguard::domain
