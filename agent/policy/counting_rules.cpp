#include "agent/policy/counting_rules.hpp"

namespace pushguard::policy {
namespace {

bool is_share_reached(org_count part, double share, org_count whole) noexcept {
  constexpr double rounding = 1e-9;
  return static_cast<double>(part) + rounding >= share * static_cast<double>(whole);
}

}  // namespace

bool is_count_exceeded(const failure_count_rule& rule, org_count failed) noexcept {
  return failed > rule.above;
}

bool is_errors_breach(const errors_rule& rule, org_count with_error, org_count started) noexcept {
  return with_error >= rule.min_orgs && is_share_reached(with_error, rule.min_ratio, started);
}

bool is_same_error_breach(const same_error_rule& rule, org_count with_error, org_count failed,
                          org_count started) noexcept {
  return with_error >= rule.min_orgs && is_share_reached(with_error, rule.share, failed) &&
         is_share_reached(with_error, rule.min_ratio, started);
}

bool is_stalled(const stalled_rule& rule, duration without_progress) noexcept {
  return without_progress >= rule.no_progress_for;
}

}  // namespace pushguard::policy
