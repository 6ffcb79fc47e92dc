#pragma once

#include <map>
#include <string>
#include <vector>

#include "alerts/alert.hpp"

namespace pushguard::alerts {

/// Matches alerts of which one of `labels` has one of `values`.
struct label_matcher {
  std::vector<std::string> labels;
  std::vector<std::string> values;

  friend bool operator==(const label_matcher&, const label_matcher&) = default;
};

/// Sends alerts that match to `receivers`. No severities: every severity. All matchers have to match.
struct route {
  std::vector<alert_severity> severities;
  std::vector<label_matcher> matchers = {};
  std::vector<std::string> receivers;

  friend bool operator==(const route&, const route&) = default;
};

[[nodiscard]] bool matches(const route& candidate, const alert& what);

/// Whether a receiver is told of changes (alert_kind::change).
enum class change_interest {
  never,   ///< it knows nothing but trouble
  routed,  ///< as of anything else
  always,  ///< whatever the routes say: telling it disturbs nobody
};

/// What a receiver's kind means for what it is told.
struct receiver_traits {
  change_interest changes = change_interest::routed;
  /// It has silences and inhibition of its own, and is told everything.
  bool does_its_own_silencing = false;
};

/// By receiver; one that is not named has the defaults.
using receiver_traits_map = std::map<std::string, receiver_traits, std::less<>>;

/// The receivers of every route that matches, sorted and each once, as far as the alert concerns them.
[[nodiscard]] std::vector<std::string> receivers_for(const std::vector<route>& routes,
                                                     const receiver_traits_map& traits, const alert& what);

/// While an alert with a name in `sources` fires, those with a name in `targets` are not told, where all
/// labels in `equal` are the same (missing on both counts as the same). As in Alertmanager.
struct inhibition {
  std::vector<std::string> sources;
  std::vector<std::string> targets;
  std::vector<alert_severity> target_severities;  ///< empty: every severity
  std::vector<std::string> equal;
};

[[nodiscard]] bool inhibits(const inhibition& rule, const alert& source, const alert& target);

}  // namespace pushguard::alerts
