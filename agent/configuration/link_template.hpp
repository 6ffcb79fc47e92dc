#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace pushguard::configuration {

/// What stands for `{{ name }}` in a link.
struct link_value {
  std::string_view name;
  std::string_view value;
};

/// `text` with each `{{ name }}`, blanks or none around the name, replaced by its value, percent-encoded, so
/// that no value changes where the link leads but for its own part; what a value holds is not replaced again.
/// Fails with errc::invalid where `text` has a placeholder that is not among `values`, or one without an end.
[[nodiscard]] result<std::string> fill_link(std::string_view text, std::span<const link_value> values);

}  // namespace pushguard::configuration
