#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pushguard::configuration {

/// Looks up an environment variable. Nothing where it is not set.
using environment = std::function<std::optional<std::string>(std::string_view name)>;

/// The environment of this process. Thread-safe as long as nobody changes it.
[[nodiscard]] environment process_environment();

}  // namespace pushguard::configuration
