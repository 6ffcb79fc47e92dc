#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/domain/ids.hpp"
#include "agent/domain/rollout_id.hpp"
#include "agent/policy/specification.hpp"
#include "base/time.hpp"

namespace pushguard::policy {

/// What a rule says now.
enum class verdict : unsigned char { insufficient_data, ok, warning, breached, blind };

inline constexpr std::array all_verdicts{verdict::insufficient_data, verdict::ok, verdict::warning,
                                         verdict::breached, verdict::blind};

/// The label value: `insufficient_data`.
[[nodiscard]] std::string_view to_string(verdict value) noexcept;

/// What follows from a judgement.
enum class consequence : unsigned char {
  nothing,                 ///< also where the breach has been acted on already
  alert,                   ///< breached, and the rule says alert
  abort,                   ///< breached, armed, enforced, and not acted on before
  would_abort,             ///< the same in dry run
  held,                    ///< one of these, but an operator holds the rule or the rollout: told, not done
  breached_before_arming,  ///< breached when first seen: alerts only, until an operator arms it
};

[[nodiscard]] std::string_view to_string(consequence value) noexcept;

/// May the rule act on the rollout?
enum class arming : unsigned char {
  waiting,  ///< for the first complete reconciliation that knows the rollout
  armed,
  breached_before_arming,  ///< it found the rollout breached: only an operator arms it
};

/// Where something was judged. Names are labels and keys.
struct judgement_key {
  domain::rollout_id rollout;
  domain::request_id request;  ///< empty above request scope
  std::string policy;
  std::string rule;
  std::string segment;  ///< empty without `by:`

  friend bool operator==(const judgement_key&, const judgement_key&) = default;
  friend auto operator<=>(const judgement_key&, const judgement_key&) = default;
};

/// What makes acting a once-only thing, together with the hub.
struct firing_key {
  domain::rollout_id rollout;
  std::uint32_t epoch = 1;
  policy_mode mode = policy_mode::dry_run;
  std::string policy;
  std::string rule;

  friend bool operator==(const firing_key&, const firing_key&) = default;
  friend auto operator<=>(const firing_key&, const firing_key&) = default;
};

struct judged_numbers {
  /// Those that the rule speaks of: errors, same_error and orgs name some of the failed, job_running the
  /// orgs that run for too long.
  org_count failed = 0;
  org_count unsettled = 0;  ///< that a query could still unmake, or still add to what the rule names
  org_count started = 0;
  org_count excluded = 0;
  org_count in_flight = 0;
  org_count scheduled = 0;              ///< distinct orgs; never shrinks
  std::optional<double> observed{};     ///< the ratio that the rule speaks of; rules about time have none
  std::optional<double> lower_bound{};  ///< rules without statistics have none
  std::optional<double> threshold{};    ///< the limit of the ratio; rules that count have none

  friend bool operator==(const judged_numbers&, const judged_numbers&) = default;
};

struct judgement {
  judgement_key key;
  verdict value = verdict::insufficient_data;
  verdict before = verdict::insufficient_data;
  std::string reason;  ///< both numbers; travels unchanged to log, alert, API, page and audit trail
  judged_numbers numbers;
  arming armed = arming::waiting;
  consequence follows = consequence::nothing;
  rule_action action = rule_action::alert;
  rule_severity severity = rule_severity::warning;
  policy_mode mode = policy_mode::dry_run;
  std::uint32_t epoch = 1;
  wall_time at{};

  [[nodiscard]] firing_key firing() const { return {key.rollout, epoch, mode, key.policy, key.rule}; }
};

}  // namespace pushguard::policy
