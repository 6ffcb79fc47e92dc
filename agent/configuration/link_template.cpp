#include "agent/configuration/link_template.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "base/url.hpp"

namespace pushguard::configuration {
namespace {

constexpr std::string_view opening = "{{";
constexpr std::string_view closing = "}}";

failure unknown_placeholder(std::span<const link_value> values) {
  std::string known;
  for (const link_value& each : values)
    known += fmt::format("{}{{{{ {} }}}}", known.empty() ? "" : ", ", each.name);
  return fail(errc::invalid, fmt::format("it may hold {} and no other placeholder", known)).error();
}

}  // namespace

result<std::string> fill_link(std::string_view text, std::span<const link_value> values) {
  std::string out;
  for (;;) {
    const auto begin = text.find(opening);
    out += text.substr(0, begin);
    if (begin == std::string_view::npos)
      return out;
    text.remove_prefix(begin + opening.size());
    const auto end = text.find(closing);
    if (end == std::string_view::npos)
      return fail(errc::invalid, "it has {{ without }} behind it");
    const auto found = std::ranges::find(values, trim(text.substr(0, end)), &link_value::name);
    if (found == values.end())
      return std::unexpected(unknown_placeholder(values));
    out += percent_encode(found->value);
    text.remove_prefix(end + closing.size());
  }
}

}  // namespace pushguard::configuration
