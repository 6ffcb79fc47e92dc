#include "agent/domain/operator_action.hpp"

#include <string>

#include "base/text.hpp"

namespace pushguard::domain {
namespace {

/// C0, DEL and C1: what moves a cursor or splits a line.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1)
    return first < ' ' || first == 0x7F;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

}  // namespace

std::string_view to_string(operator_action action) noexcept {
  switch (action) {
    case operator_action::abort:
      return "abort";
    case operator_action::hold:
      return "hold";
    case operator_action::release:
      return "release";
    case operator_action::resume:
      return "resume";
    case operator_action::arm:
      return "arm";
    case operator_action::ack:
      return "ack";
    case operator_action::mute:
      return "mute";
  }
  return "abort";
}

result<> check_reason(std::string_view text) {
  if (trim(text).empty())
    return fail(errc::invalid, "reason must not be empty");
  std::size_t characters = 0;
  for (std::string_view rest = text; !rest.empty(); ++characters) {
    const std::size_t size = utf8_character_size(rest);
    if (size == 0)
      return fail(errc::invalid, "reason must be valid UTF-8");
    if (is_control(rest.substr(0, size)))
      return fail(errc::invalid, "reason must be one line without control characters");
    rest.remove_prefix(size);
  }
  if (characters > reason_size_max)
    return fail(errc::invalid, "reason must have at most " + std::to_string(reason_size_max) +
                                   " characters, not " + std::to_string(characters));
  return {};
}

result<duration> parse_hold_length(std::string_view text) {
  const auto length = parse_duration(text);
  if (!length)
    return fail(errc::invalid, "for must be a duration like 30m or 2h");
  if (*length < hold_length_min || *length > hold_length_max)
    return fail(errc::invalid, "for must be from " + format_duration(hold_length_min) + " to " +
                                   format_duration(hold_length_max));
  return *length;
}

}  // namespace pushguard::domain
