#include "cometd/json_repair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "cometd/json_scanner.hpp"

namespace pushguard::cometd {
namespace {

// Appends the escape at the front of `text`, with a lone surrogate replaced; answers its length.
std::size_t repair_escape(std::string_view text, std::string& out) {
  const int unit = escaped_unit(text);
  if (unit < 0) {
    out += text.substr(0, 2);
    return std::min<std::size_t>(2, text.size());
  }
  if (is_high_surrogate(unit) && is_low_surrogate(escaped_unit(text.substr(unit_escape_size)))) {
    out += text.substr(0, 2 * unit_escape_size);
    return 2 * unit_escape_size;
  }
  const bool is_lone = is_high_surrogate(unit) || is_low_surrogate(unit);
  out += is_lone ? std::string_view("\\ufffd") : text.substr(0, unit_escape_size);
  return unit_escape_size;
}

}  // namespace

std::string repair_json(std::string_view broken) {
  const std::string text = to_valid_utf8(broken);
  std::string out;
  out.reserve(text.size());
  bool is_in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (is_in_string && c == '\\') {
      i += repair_escape(std::string_view(text).substr(i), out);
      continue;
    }
    if (c == '"')
      is_in_string = !is_in_string;
    if (is_in_string && static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
    ++i;
  }
  return out;
}

}  // namespace pushguard::cometd
