#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/configuration/configuration.hpp"

/// A configuration may be anything; every problem is told and none is a fault.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)pushguard::configuration::read_configuration(
      std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.yaml",
      [](std::string_view) { return std::optional<std::string>(); });
  return 0;
}
