#pragma once

#include "agent/policy/specification.hpp"

/// The boundaries of the rules that compare counts and shares. Shares are compared with the rounding of
/// failures_allowed(): 29% of 100 orgs are 29.
namespace pushguard::policy {

/// `failed > rule.above`.
[[nodiscard]] bool is_count_exceeded(const failure_count_rule& rule, org_count failed) noexcept;

/// At least `min_orgs` of the orgs failed with the errors, and at least `min_ratio` of those that started.
[[nodiscard]] bool is_errors_breach(const errors_rule& rule, org_count with_error,
                                    org_count started) noexcept;

/// At least `min_orgs` orgs have the error, at least `share` of the failed and `min_ratio` of the started.
[[nodiscard]] bool is_same_error_breach(const same_error_rule& rule, org_count with_error, org_count failed,
                                        org_count started) noexcept;

/// Nothing has started or ended for `no_progress_for` or longer.
[[nodiscard]] bool is_stalled(const stalled_rule& rule, duration without_progress) noexcept;

}  // namespace pushguard::policy
