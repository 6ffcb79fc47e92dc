#pragma once

#include "agent/policy/specification.hpp"

/// The rule without statistics: more orgs failed than the final failure rate may have.
namespace pushguard::policy {

/// How many of `total` orgs may fail: floor(above * total).
[[nodiscard]] org_count failures_allowed(double above, org_count total) noexcept;

/// More than allowed failed, and at least `rule.min_failed`. `scheduled` is what counts where the rule
/// names no total.
[[nodiscard]] bool is_budget_exceeded(const failure_budget_rule& rule, org_count failed,
                                      org_count scheduled) noexcept;

}  // namespace pushguard::policy
