#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "agent/policy/specification.hpp"

/// What a policy would do, in words and numbers, for its author to read. The numbers come from the rules
/// themselves, not from a second formula.
namespace pushguard::policy {

/// The numbers of started orgs that are told.
inline constexpr std::array<org_count, 7> explained_counts{10, 20, 50, 100, 500, 1'000, 10'000};

/// The fewest failures among `started` orgs that breach a rule.
struct tripping_point {
  org_count started = 0;
  std::optional<org_count> failed{};  ///< nothing: not even if all of them fail

  friend bool operator==(const tripping_point&, const tripping_point&) = default;
};

struct rule_explanation {
  std::string name{};
  std::string sentence{};
  rule_action action = rule_action::alert;
  rule_severity severity = rule_severity::warning;
  /// One for each of explained_counts; empty for rules that speak of something else than failed orgs. Of a
  /// rule with `by:`, of the first group; of one that is relative to the scheduled orgs, with just as many
  /// scheduled as started. Otherwise the rollout has more orgs than started.
  std::vector<tripping_point> points{};
};

struct policy_explanation {
  std::string name{};
  std::string sentence{};
  std::vector<rule_explanation> rules{};
};

[[nodiscard]] policy_explanation explain(const policy_specification& policy);

}  // namespace pushguard::policy
