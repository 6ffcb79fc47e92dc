#include "alerts/routing.hpp"

#include <algorithm>
#include <set>

namespace pushguard::alerts {
namespace {

template <class T>
bool holds(const std::vector<T>& values, const T& value) {
  return std::ranges::find(values, value) != values.end();
}

std::string_view label(const alert& what, const std::string& name) {
  const auto found = what.labels.find(name);
  return found == what.labels.end() ? std::string_view{} : found->second;
}

bool matches(const label_matcher& matcher, const alert& what) {
  return std::ranges::any_of(matcher.labels, [&](const std::string& name) {
    return std::ranges::find(matcher.values, label(what, name)) != matcher.values.end();
  });
}

}  // namespace

bool matches(const route& candidate, const alert& what) {
  return (candidate.severities.empty() || holds(candidate.severities, what.severity)) &&
         std::ranges::all_of(candidate.matchers,
                             [&](const label_matcher& each) { return matches(each, what); });
}

std::vector<std::string> receivers_for(const std::vector<route>& routes, const receiver_traits_map& traits,
                                       const alert& what) {
  std::set<std::string> names;
  for (const route& each : routes) {
    if (matches(each, what)) {
      names.insert(each.receivers.begin(), each.receivers.end());
    }
  }
  if (what.kind == alert_kind::change) {
    for (const auto& [name, trait] : traits) {
      if (trait.changes == change_interest::always) {
        names.insert(name);
      } else if (trait.changes == change_interest::never) {
        names.erase(name);
      }
    }
  }
  names.erase(what.about_receiver);
  return {names.begin(), names.end()};
}

bool inhibits(const inhibition& rule, const alert& source, const alert& target) {
  return source.id != target.id && holds(rule.sources, source.name) && holds(rule.targets, target.name) &&
         (rule.target_severities.empty() || holds(rule.target_severities, target.severity)) &&
         std::ranges::all_of(
             rule.equal, [&](const std::string& name) { return label(source, name) == label(target, name); });
}

}  // namespace pushguard::alerts
