#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/domain/ids.hpp"
#include "agent/domain/status.hpp"
#include "base/time.hpp"
#include "cometd/checkpoint_store.hpp"

/// What is kept, as plain data.
namespace pushguard::store {

/// One campaign of one hub: `04t…/2` is the version's second.
struct rollout_key {
  std::string hub;
  domain::version_id version;
  std::int64_t number = 1;

  friend bool operator==(const rollout_key&, const rollout_key&) = default;
  friend auto operator<=>(const rollout_key&, const rollout_key&) = default;
};

/// Who acts: the policy in force, the policy only saying what it would do, or an operator.
enum class decision_mode : unsigned char { enforce, dry_run, manual };
inline constexpr std::array all_decision_modes{decision_mode::enforce, decision_mode::dry_run,
                                               decision_mode::manual};
[[nodiscard]] std::string_view to_string(decision_mode mode) noexcept;

/// What makes a decision happen once, across crashes, restarts and two agents on one store.
struct decision_key {
  rollout_key rollout;
  std::int64_t epoch = 1;
  decision_mode mode = decision_mode::dry_run;
  std::string policy;  ///< a manual decision names what it was about here and in `rule`
  std::string rule;

  friend bool operator==(const decision_key&, const decision_key&) = default;
  friend auto operator<=>(const decision_key&, const decision_key&) = default;
};

/// What the plan has for one request of the rollout.
enum class plan_action : unsigned char {
  cancel,   ///< it had not started
  attempt,  ///< it was running, and the configuration says to try
  leave,    ///< it was running: listed only
};
inline constexpr std::array all_plan_actions{plan_action::cancel, plan_action::attempt, plan_action::leave};
[[nodiscard]] std::string_view to_string(plan_action action) noexcept;

/// How far carrying out has come with one request.
enum class plan_step : unsigned char {
  planned,
  asked,    ///< the cancellation was sent; what became of it is not known yet
  settled,  ///< `outcome` says
};
inline constexpr std::array all_plan_steps{plan_step::planned, plan_step::asked, plan_step::settled};
[[nodiscard]] std::string_view to_string(plan_step step) noexcept;

enum class request_outcome : unsigned char { canceled, refused, finished_first, unconfirmed };
inline constexpr std::array all_request_outcomes{request_outcome::canceled, request_outcome::refused,
                                                 request_outcome::finished_first,
                                                 request_outcome::unconfirmed};
[[nodiscard]] std::string_view to_string(request_outcome outcome) noexcept;

struct plan_entry {
  domain::request_id request;
  domain::push_status status_at_decision = domain::push_status::unrecognized;
  plan_action action = plan_action::cancel;
  plan_step step = plan_step::planned;
  std::optional<request_outcome> outcome;
  std::string salesforce_code;     ///< verbatim, of the last refusal
  std::string salesforce_message;  ///< verbatim, of the last refusal
  wall_time updated_at;
};

/// Failures that look alike, with some of the orgs they happened in.
struct error_signature {
  std::string text;
  std::int64_t orgs = 0;
  std::vector<domain::org_key> sample_orgs;
};

enum class containment_outcome : unsigned char { confirmed, partial, refused, nothing_to_cancel, failed };
inline constexpr std::array all_containment_outcomes{
    containment_outcome::confirmed, containment_outcome::partial, containment_outcome::refused,
    containment_outcome::nothing_to_cancel, containment_outcome::failed};
[[nodiscard]] std::string_view to_string(containment_outcome outcome) noexcept;

/// What happened after a decision that was not carried out, to the orgs that it would have spared.
struct decision_aftermath {
  wall_time counted_at = {};
  std::int64_t orgs = 0;     ///< that would have been spared
  std::int64_t started = 0;  ///< of these; those that ended included
  std::int64_t succeeded = 0;
  std::int64_t failed = 0;
  bool is_final = false;  ///< the requests that would have been cancelled have ended

  /// But for when they were counted.
  [[nodiscard]] bool has_same_counts(const decision_aftermath& other) const noexcept {
    return orgs == other.orgs && started == other.started && succeeded == other.succeeded &&
           failed == other.failed && is_final == other.is_final;
  }
  friend bool operator==(const decision_aftermath&, const decision_aftermath&) = default;
};

/// A decision to contain a rollout (or, in dry run, that it would have been contained): why, and what
/// became of it. It is open until it has an outcome.
struct decision_record {
  std::int64_t id = 0;  ///< given by the caller, above every earlier one (loaded_state::next_decision_id)
  decision_key key;
  wall_time decided_at;
  std::string actor;  ///< `pushguard`, or the name of an API token
  std::string reason;
  std::int64_t failed = 0;
  std::int64_t started = 0;
  std::int64_t excluded = 0;
  std::int64_t in_flight = 0;  ///< orgs being upgraded at the decision
  /// Orgs queued in requests that run, which nobody can stop: with those in flight the most that can still
  /// fail.
  std::int64_t still_to_start = 0;
  std::optional<double> observed_ratio;
  std::optional<double> lower_bound_ratio;  ///< rules without statistics have none
  std::optional<double> threshold_ratio;
  std::string configuration_hash;
  std::string agent_version;
  std::vector<error_signature> signatures;  ///< most frequent first
  std::vector<plan_entry> plan;             ///< one entry a request
  std::optional<containment_outcome> outcome;
  std::optional<wall_time> ended_at;
  std::int64_t spared_orgs = 0;                  ///< filled by the store: how many were recorded
  std::optional<decision_aftermath> since = {};  ///< of a dry run, once it was counted

  [[nodiscard]] bool is_open() const noexcept { return !outcome.has_value(); }
};

/// A step of carrying out: entries replace those of the same request, whose `status_at_decision` stays, or
/// join the plan.
struct decision_update {
  std::int64_t id = 0;
  std::vector<plan_entry> plan;
  std::optional<containment_outcome> outcome;  ///< ends the decision, together with `ended_at`
  std::optional<wall_time> ended_at;
  std::optional<decision_aftermath> since = {};  ///< replaces what was counted before
};

/// Orgs whose jobs were cancelled by a decision. Recording one twice counts once.
struct spared_orgs {
  std::int64_t decision = 0;
  std::vector<domain::org_key> orgs;
};

/// A rule that was judged for a watched rollout. Rules that are neither have no record.
enum class arming : unsigned char {
  armed,                   ///< it may act
  breached_before_arming,  ///< breached when first seen: it only alerts until an operator arms it
};
inline constexpr std::array all_arming_states{arming::armed, arming::breached_before_arming};
[[nodiscard]] std::string_view to_string(arming state) noexcept;

struct rule_arming {
  std::string policy;
  std::string rule;
  arming state = arming::armed;
  wall_time since;
  decision_mode mode = decision_mode::dry_run;  ///< the policy's at that time: enforcing arms anew

  friend bool operator==(const rule_arming&, const rule_arming&) = default;
};

/// A rollout under watch, so that a restart knows it: which requests are its own, since when jobs count,
/// and which rules may act.
struct watched_rollout {
  rollout_key key;
  std::int64_t epoch = 1;
  std::vector<domain::request_id> requests;
  std::vector<rule_arming> rules;
  std::optional<wall_time> epoch_since;    ///< jobs started before do not count; nothing: all do
  std::optional<wall_time> last_activity;  ///< lets a late wave join it

  friend bool operator==(const watched_rollout&, const watched_rollout&) = default;
};

/// What an entry of the audit trail is about.
enum class audit_kind : unsigned char {
  decided,
  extended,         ///< requests that came later joined a decision
  called,           ///< Salesforce was asked to cancel a request: its answer, or that none came
  settled,          ///< what became of one request
  ended,            ///< what became of the whole
  followed,         ///< what happened after a dry run to the orgs that it would have spared
  held,             ///< an operator holds a rule or a rollout
  released,         ///< and lets it go
  hold_expired,     ///< a hold ended by itself
  resumed,          ///< an operator lifted an abort
  armed,            ///< an operator armed a rollout's rules
  abort_requested,  ///< an operator's own abort
  not_recorded,     ///< a decision that the store refused
  acknowledged,     ///< an operator looks after an alert
  muted,            ///< an operator wants no more of an alert for a while
  configuration_loaded,
  agent_started,
};
inline constexpr std::array all_audit_kinds{
    audit_kind::decided,      audit_kind::extended,     audit_kind::called, audit_kind::settled,
    audit_kind::ended,        audit_kind::followed,     audit_kind::held,   audit_kind::released,
    audit_kind::hold_expired, audit_kind::resumed,      audit_kind::armed,  audit_kind::abort_requested,
    audit_kind::not_recorded, audit_kind::acknowledged, audit_kind::muted,  audit_kind::configuration_loaded,
    audit_kind::agent_started};
[[nodiscard]] std::string_view to_string(audit_kind kind) noexcept;

/// Something that happened, for the audit trail. The store gives it its place and its hash. What is not
/// valid UTF-8 is replaced.
struct audit_entry {
  wall_time at;
  audit_kind kind = audit_kind::decided;
  std::string hub = {};      ///< empty where it is not about one
  std::string rollout = {};  ///< `04t…/1`; empty where it is not about one
  std::optional<std::int64_t> decision = std::nullopt;
  std::string actor = {};      ///< `pushguard`, or the name of an API token
  std::string details = "{}";  ///< a JSON object on one line
};

/// An entry as it is in the trail, which may have been tampered with: nothing of it is interpreted.
struct audit_row {
  std::int64_t sequence = 0;  ///< 1 for the first, without gaps
  wall_time at;
  std::string kind;
  std::string hub;
  std::string rollout;
  std::optional<std::int64_t> decision;
  std::string actor;
  std::string details;
  std::string previous_hash;
  std::string hash;  ///< see audit_chain.hpp

  friend bool operator==(const audit_row&, const audit_row&) = default;
};

/// What an operator holds: one rollout of a hub, with every rule, or one rule of a policy in every rollout.
struct hold_target {
  std::optional<rollout_key> rollout;  ///< nothing: every rollout of every hub
  std::string policy;                  ///< empty, with `rule`: every rule
  std::string rule;

  friend bool operator==(const hold_target&, const hold_target&) = default;
  friend auto operator<=>(const hold_target&, const hold_target&) = default;
};

/// An operator's dated override: what it covers is judged and told, and nothing is done until `until`.
struct hold_record {
  hold_target target;
  std::string actor;
  std::string reason;
  wall_time since;
  wall_time until;

  friend bool operator==(const hold_record&, const hold_record&) = default;
};

/// How far one hub's channel has been processed.
struct hub_checkpoint {
  std::string hub;
  cometd::checkpoint checkpoint;

  friend bool operator==(const hub_checkpoint&, const hub_checkpoint&) = default;
};

}  // namespace pushguard::store
