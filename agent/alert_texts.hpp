#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alert_links.hpp"
#include "agent/policy/specification.hpp"
#include "agent/views.hpp"
#include "alerts/alert.hpp"

/// What alerts say. Pure: from what was judged and decided to what a human reads at night.
namespace pushguard::agent {

/// What the texts need to know beside the rule or the decision itself.
struct alert_context {
  std::string hub;
  std::string rollout;  ///< `04t…/1`
  std::string package_name;
  std::string version_number;
  domain::package_id package;
  domain::package_generation generation = domain::package_generation::unknown;
  std::string instance_url;  ///< of the hub, for links to Setup; empty before the first login
  alert_site site;
  /// Whose orgs they are; may be nullptr.
  std::shared_ptr<const configuration::org_directory> orgs;
};

/// `Acme Billing 1.4.0 (04t…/1, devhub)`.
[[nodiscard]] std::string rollout_name(const alert_context& context);

inline constexpr std::string_view held_breach_alert_name = "PushguardBreachHeld";

enum class alert_mode { enforce, dry_run };

/// The severity of alerts about a rule.
[[nodiscard]] alerts::alert_severity severity_of(policy::rule_severity severity) noexcept;

/// `PushguardRuleWarning`: the rule's lower bound is above `warn_at`.
[[nodiscard]] alerts::alert make_warning_alert(const alert_context& context, const rule_view& rule);

/// `PushguardRuleBreached`: the rule is breached, and nothing else follows from it.
[[nodiscard]] alerts::alert make_breach_alert(const alert_context& context, const rule_view& rule,
                                              alerts::alert_severity severity);

/// `PushguardBreachedBeforeArming`: the rule would abort, but was breached when the rollout was first seen.
[[nodiscard]] alerts::alert make_unarmed_breach_alert(const alert_context& context, const rule_view& rule,
                                                      alerts::alert_severity severity);

/// `PushguardBreachHeld`: the rule would abort, but an operator holds it or the rollout.
[[nodiscard]] alerts::alert make_held_breach_alert(const alert_context& context, const rule_view& rule,
                                                   alerts::alert_severity severity);

/// `PushguardContainment`: what was decided, what was stopped, what could not be, and what is left for a
/// human to do. The same alert from the decision to its end, and in dry run a warning that begins with
/// `[dry run] would have aborted`.
[[nodiscard]] alerts::alert make_containment_alert(const alert_context& context,
                                                   const decision_view& decision,
                                                   alerts::alert_severity severity);

/// `PushguardHubBlind`: no complete read of the hub for too long; nothing is aborted on old data.
[[nodiscard]] alerts::alert make_blind_alert(std::string_view hub, std::string_view last_failure,
                                             const alert_site& site);

/// `PushguardLoginRefused`: Salesforce refuses the hub's credentials, its user or its app.
[[nodiscard]] alerts::alert make_login_alert(std::string_view hub, std::string_view refusal,
                                             const alert_site& site);

/// `PushguardAuditTrailBroken`: the chain of the audit trail is not intact; `problem` says where.
[[nodiscard]] alerts::alert make_audit_alert(std::string_view problem, const alert_site& site);

/// What a hub's agent has spent of what it may ask.
struct budget_view {
  std::uint64_t spent = 0;      ///< calls of this agent in the last 24 hours
  std::uint64_t allowed = 0;    ///< its budget
  std::uint64_t org_used = 0;   ///< calls of all users of the org
  std::uint64_t org_limit = 0;  ///< the org's allocation
  duration interval{};          ///< at which the hub is read for now
  duration wanted{};            ///< at which it would be read
};

/// `PushguardApiBudgetLow`: the hub is read more slowly than configured.
[[nodiscard]] alerts::alert make_budget_alert(std::string_view hub, const budget_view& budget,
                                              const alert_site& site);

/// The ids under which these alerts are raised and resolved.
[[nodiscard]] std::string warning_alert_id(const rule_key& key);
[[nodiscard]] std::string breach_alert_id(const rule_key& key);
[[nodiscard]] std::string unarmed_breach_alert_id(const rule_key& key);
[[nodiscard]] std::string held_breach_alert_id(const rule_key& key);
[[nodiscard]] std::string containment_alert_id(const decision_view& decision);
[[nodiscard]] std::string blind_alert_id(std::string_view hub);
[[nodiscard]] std::string login_alert_id(std::string_view hub);
[[nodiscard]] std::string budget_alert_id(std::string_view hub);
[[nodiscard]] std::string audit_alert_id();

/// The page of a push request in Setup, where an Abort button exists: first-generation packages only,
/// and only once the instance is known; else empty.
[[nodiscard]] std::string setup_page_url(const alert_context& context, const domain::request_id& request);
/// The same for a request of a hub whose pages are at `instance_url`, which may be empty.
[[nodiscard]] std::string setup_page_url(std::string_view instance_url, const domain::request_row& request);

}  // namespace pushguard::agent
