#include "alerts/routing.hpp"

#include <algorithm>
#include <set>

namespace pushguard::alerts {

bool matches(const route& candidate, const alert& what) {
  return candidate.severities.empty() ||
         std::ranges::find(candidate.severities, what.severity) != candidate.severities.end();
}

std::vector<std::string> receivers_for(const std::vector<route>& routes, const alert& what) {
  std::set<std::string> names;
  for (const route& each : routes) {
    if (matches(each, what)) {
      names.insert(each.receivers.begin(), each.receivers.end());
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace pushguard::alerts
