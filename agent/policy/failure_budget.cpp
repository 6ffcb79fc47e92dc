#include "agent/policy/failure_budget.hpp"

#include <cmath>

namespace pushguard::policy {

org_count failures_allowed(double above, org_count total) noexcept {
  // 29% of 100 is 28.999999999999996 in doubles; a share has far fewer digits than this.
  constexpr double rounding = 1e-9;
  return static_cast<org_count>(std::floor(above * static_cast<double>(total) + rounding));
}

bool is_budget_exceeded(const failure_budget_rule& rule, org_count failed, org_count scheduled) noexcept {
  return failed >= rule.min_failed && failed > failures_allowed(rule.above, rule.of.value_or(scheduled));
}

}  // namespace pushguard::policy
