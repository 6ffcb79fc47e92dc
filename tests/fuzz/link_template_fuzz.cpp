#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/configuration/link_template.hpp"

namespace {

using namespace pushguard;

void demand(bool is_right) {
  if (!is_right)
    std::abort();
}

}  // namespace

/// The input is a template, a line end, and the value of its one placeholder. What is filled in holds no
/// placeholder's braces and nothing that a URL would take for more than text; what is refused is told in one
/// line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const std::string_view text = input.substr(0, input.find('\n'));
  const std::string_view value = input.substr(std::min(input.size(), text.size() + 1));
  const std::array values{configuration::link_value{"rule", value}};
  const auto filled = configuration::fill_link(text, values);
  if (!filled) {
    demand(filled.error().is(errc::invalid));
    demand(filled.error().text().find_first_of("\r\n") == std::string::npos);
    return 0;
  }
  demand(filled->find("{{") == std::string::npos);
  // The same template with a harmless value differs in nothing but letters, digits and escapes.
  const std::array harmless{configuration::link_value{"rule", "x"}};
  const auto plain = configuration::fill_link(text, harmless);
  demand(plain.has_value());
  constexpr std::string_view structure = ":/?#[]@!$&'()*+,;= \"<>\\^`{|}";
  std::string of_value;
  std::string of_plain;
  for (const char c : *filled) {
    if (structure.contains(c))
      of_value += c;
  }
  for (const char c : *plain) {
    if (structure.contains(c))
      of_plain += c;
  }
  demand(of_value == of_plain);
  return 0;
}
