#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/domain/ids.hpp"
#include "agent/domain/status.hpp"
#include "base/time.hpp"

/// What an operator wrote about policies, checked and in plain data. Shares are ratios: 5% is 0.05.
namespace pushguard::policy {

/// A number of distinct orgs.
using org_count = std::uint32_t;

/// Which orgs are counted together.
enum class counting_scope : unsigned char { request, rollout, package };

/// Which requests a breach cancels. `matching`: those of the rollout that hold an org the policy matches.
enum class containment : unsigned char { rollout, package, matching };

/// In dry_run everything is judged and told, and nothing is done.
enum class policy_mode : unsigned char { dry_run, enforce };

/// What happens to requests that are already running: Salesforce refuses to cancel them, as far as is known.
enum class in_progress_handling : unsigned char { leave, try_cancel };

enum class rule_action : unsigned char { alert, abort };

enum class rule_severity : unsigned char { critical, error, warning, info };

/// What splits a rule's orgs into groups that are tested one by one.
enum class segmentation : unsigned char { sf_instance, org_type, from_version, request };

/// Selects the orgs that are counted; an empty list selects all.
struct policy_match {
  std::vector<domain::package_id> packages{};
  std::vector<domain::org_type> org_types{};  ///< an org of unknown type counts as Production
};

/// Failures that count neither as failed nor as started. An org is excluded only if every one of its errors
/// matches a type or a title.
struct error_exclusion {
  std::vector<domain::error_type> types{domain::error_type::ineligible_upgrade};
  std::vector<std::string> titles{"Package Uninstalled", "Salesforce Subscription Expired"};
  double usual = 0.05;  ///< more of the orgs that ended or run is worth an alert; in (0, 1)

  [[nodiscard]] bool empty() const noexcept { return types.empty() && titles.empty(); }
};

/// The lower confidence bound of the failure rate is above a limit (policy/failure_rate.hpp).
struct failure_rate_rule {
  double above = 0.05;               ///< in (0, 1)
  double confidence = 0.99;          ///< in (0, 1), for the whole rule whatever the number of segments
  org_count min_started = 20;        ///< capped at the orgs in scope
  std::optional<double> warn_at{};   ///< in (0, above): warning when the same bound is above this
  std::optional<segmentation> by{};  ///< nothing: all orgs in scope are one group
};

/// More orgs failed than the final failure rate may have: no statistics.
struct failure_budget_rule {
  double above = 0.1;             ///< in (0, 1)
  std::optional<org_count> of{};  ///< nothing: the distinct orgs scheduled so far, which never shrinks
  org_count min_failed = 1;
};

/// More than so many orgs failed.
struct failure_count_rule {
  org_count above = 0;
};

/// Orgs that failed with errors of certain types: at least so many, and at least such a share of the started.
/// An error that the policy excludes does not count.
struct errors_rule {
  std::vector<domain::error_type> types{};  ///< not empty; `unknown`: failed without any error row
  org_count min_orgs = 1;                   ///< at least 1
  double min_ratio = 0.0;                   ///< in [0, 1]
};

/// One normalised error (domain::error_signature) dominates: at least so many orgs have it, they are at least
/// such a share of the failed, and at least such a share of the started.
struct same_error_rule {
  org_count min_orgs = 10;  ///< at least 1
  double share = 0.5;       ///< of the failed; in (0, 1]
  double min_ratio = 0.0;   ///< of the started; in [0, 1]
};

/// Of the listed orgs more failed than may.
struct orgs_rule {
  std::vector<domain::org_key> keys{};  ///< sorted, each once, not empty
  org_count max_failed = 0;
};

/// In the order of their ends, so many orgs failed one after the other, with no success between them.
struct consecutive_failures_rule {
  org_count at_least = 5;  ///< in [2, consecutive_failures_max]
};
inline constexpr org_count consecutive_failures_max = 1'000;

/// No job has started or ended for so long, while at least one runs.
struct stalled_rule {
  duration no_progress_for = std::chrono::minutes(30);  ///< above 0
};

/// The jobs of at least so many orgs run for longer than that.
struct job_running_rule {
  duration longer_than = std::chrono::hours(2);  ///< above 0
  org_count min_orgs = 1;                        ///< at least 1
};

/// A request has not started, so long after the start it was scheduled for.
struct late_start_rule {
  duration by = std::chrono::hours(4);  ///< above 0
};

/// Every kind of rule, in the order of the documentation.
using rule_test =
    std::variant<failure_rate_rule, failure_budget_rule, failure_count_rule, errors_rule, same_error_rule,
                 orgs_rule, consecutive_failures_rule, stalled_rule, job_running_rule, late_start_rule>;

struct rule_specification {
  std::string name{};  ///< unique in its policy
  rule_test test{};
  rule_action action = rule_action::alert;
  rule_severity severity = rule_severity::warning;  ///< default: critical for abort, warning for alert
};

struct policy_specification {
  std::string name{};  ///< unique in the configuration
  policy_match match{};
  counting_scope scope = counting_scope::rollout;
  containment contain = containment::rollout;
  policy_mode mode = policy_mode::dry_run;
  in_progress_handling in_progress = in_progress_handling::leave;
  error_exclusion exclude_errors{};
  std::vector<rule_specification> rules{};
};

}  // namespace pushguard::policy
