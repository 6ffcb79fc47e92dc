#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

/// Tolerant reading of JSON, for the .cpp files of this folder: what is missing or of another type than
/// promised is absent, and never an exception.
namespace pushguard::salesforce {

/// Invalid UTF-8 passes: text_at() mends it, so that one bad byte does not lose a page.
[[nodiscard]] inline boost::json::parse_options json_options() {
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;
  options.max_depth = 32;  // the deepest real answer has six levels
  return options;
}

/// Parses one document.
[[nodiscard]] inline result<boost::json::value> parse_json(std::string_view text,
                                                           boost::json::storage_ptr storage = {}) {
  boost::system::error_code ec;
  auto parsed = boost::json::parse(text, ec, std::move(storage), json_options());
  if (ec)
    return fail(errc::malformed, "not JSON: " + ec.message());
  return parsed;
}

/// The member `name` of an object; nothing for null, for a missing one, and for what is no object.
[[nodiscard]] inline const boost::json::value* find(const boost::json::value& in, std::string_view name) {
  const auto* object = in.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

/// The text of a member, as it is in the document; nothing where it is something else.
[[nodiscard]] inline std::optional<std::string_view> text_view_at(const boost::json::value& in,
                                                                  std::string_view name) {
  const auto* found = find(in, name);
  const auto* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::nullopt : std::optional(std::string_view(text->data(), text->size()));
}

/// Nearly all texts are: nothing is to be mended then.
[[nodiscard]] inline bool is_ascii(std::string_view text) noexcept {
  unsigned char bits = 0;
  for (const char c : text)
    bits |= static_cast<unsigned char>(c);
  return bits < 0x80;
}

/// The text of a member as valid UTF-8 of at most `bytes_max`; empty where there is none.
[[nodiscard]] inline std::string text_at(const boost::json::value& in, std::string_view name,
                                         std::size_t bytes_max) {
  const std::string_view text = cut_at_character(text_view_at(in, name).value_or(""), bytes_max);
  if (is_ascii(text))
    return std::string(text);
  const std::string mended = to_valid_utf8(text);
  return std::string(cut_at_character(mended, bytes_max));
}

/// A number that is not negative.
[[nodiscard]] inline std::optional<std::uint64_t> number_at(const boost::json::value& in,
                                                            std::string_view name) {
  const auto* found = find(in, name);
  if (found == nullptr || !found->is_number())
    return std::nullopt;
  boost::system::error_code ec;
  const auto number = found->to_number<std::uint64_t>(ec);
  return ec ? std::nullopt : std::optional(number);
}

[[nodiscard]] inline bool is_true_at(const boost::json::value& in, std::string_view name) {
  const auto* found = find(in, name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

/// An instant; nothing where there is none or it cannot be read.
[[nodiscard]] inline std::optional<wall_time> time_at(const boost::json::value& in, std::string_view name) {
  const auto text = text_view_at(in, name);
  if (!text)
    return std::nullopt;
  const auto parsed = parse_time(*text);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

}  // namespace pushguard::salesforce
