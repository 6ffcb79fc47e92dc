#include "agent/configuration/environment.hpp"

#include <cstdlib>

namespace pushguard::configuration {

environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

}  // namespace pushguard::configuration
