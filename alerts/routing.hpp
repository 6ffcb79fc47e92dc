#pragma once

#include <string>
#include <vector>

#include "alerts/alert.hpp"

namespace pushguard::alerts {

/// Sends alerts that match to `receivers`. An empty matcher matches everything.
struct route {
  std::vector<alert_severity> severities;
  std::vector<std::string> receivers;

  friend bool operator==(const route&, const route&) = default;
};

[[nodiscard]] bool matches(const route& candidate, const alert& what);

/// The receivers of every route that matches, sorted and each once.
[[nodiscard]] std::vector<std::string> receivers_for(const std::vector<route>& routes, const alert& what);

}  // namespace pushguard::alerts
