#pragma once

#include <string>
#include <vector>

#include "tests/interop/dashboard.hpp"

namespace pushguard::test {

/// Something that is wrong with a dashboard. Rules that Grafana's dashboard-linter has too bear its names
/// (`target-counter-agg-rule`); the others are ours.
struct dashboard_finding {
  std::string rule;
  std::string dashboard;  ///< its title
  std::string panel;      ///< its title; empty for the dashboard's own
  std::string message;    ///< one sentence that names all of it

  friend bool operator==(const dashboard_finding&, const dashboard_finding&) = default;
};

/// Everything that is wrong with the dashboard by itself, before any exclusion.
[[nodiscard]] std::vector<dashboard_finding> lint_dashboard(const dashboard& board);

/// What a `.lint` file leaves out, in dashboard-linter's format. An empty `panel` stands for all of them.
struct lint_exclusion {
  std::string rule;
  std::string reason;
  std::string dashboard;
  std::string panel;

  [[nodiscard]] bool covers(const dashboard_finding& finding) const;
};
/// Throws std::runtime_error with one sentence where an exclusion has no reason or names no dashboard.
[[nodiscard]] std::vector<lint_exclusion> read_lint_exclusions(const std::string& text);

}  // namespace pushguard::test
