#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/domain/ids.hpp"
#include "agent/domain/rows.hpp"
#include "agent/domain/status.hpp"
#include "alerts/outbox_store.hpp"
#include "alerts/receiver_status.hpp"
#include "base/time.hpp"

/// What `serve` shows, as plain data: copies made by `decide` and handed over as messages, so that
/// neither ever waits for the other.
namespace pushguard::agent {

using status_counts = std::array<std::size_t, domain::all_push_statuses.size()>;
using error_counts = std::array<std::size_t, domain::all_error_types.size()>;

[[nodiscard]] constexpr std::size_t count_of(const status_counts& counts,
                                             domain::push_status status) noexcept {
  return counts[static_cast<std::size_t>(status)];
}

struct channel_view {
  std::string channel;
  bool is_live = false;
  std::string reason;  ///< why it is not live
};

struct hub_view {
  std::string name;
  bool was_tried = false;  ///< one reconciliation ended, well or badly
  bool is_up = false;      ///< the last attempt to read was complete
  bool is_blind = false;   ///< design §6.4
  std::string last_failure;
  std::optional<wall_time> last_reconcile;   ///< end of the last complete one
  std::optional<wall_time> last_poll;        ///< end of the last CometD poll
  std::optional<wall_time> last_evaluation;  ///< when its rules were looked at last
  std::uint64_t calls_allowed = 0;  ///< API calls that the agent may make in 24 hours; 0: not known yet
  std::uint64_t calls_made = 0;     ///< API calls that count, of the last 24 hours
  std::vector<channel_view> channels = {};
  std::string instance_url = {};  ///< where its pages are; empty before the first login
};

struct request_view {
  std::string hub;
  domain::request_row row;
  std::string rollout;  ///< `04t…/1`
  status_counts jobs{};
  std::optional<wall_time> last_progress;
  std::optional<wall_time> ended;  ///< when its jobs were found complete
  bool is_stale = false;           ///< left behind as Created by a scheduling that failed
};

struct job_view {
  domain::job_id id;
  domain::request_id request;
  domain::org_key org;
  domain::push_status status = domain::push_status::unrecognized;
  std::optional<wall_time> start;
  std::optional<wall_time> end;
  std::optional<domain::error_type> error;  ///< of the first error row; failed jobs only
  std::string error_title;
  std::string error_message;                            ///< shortened to what a table can show
  std::optional<domain::version_id> from_version = {};  ///< what the org had before, as far as is known
};

struct org_view {
  domain::org_key org;
  std::string name;
  domain::org_type type = domain::org_type::production;
  std::string sf_instance;
};

struct rollout_view {
  std::string hub;
  std::string id;  ///< `04t…/1`
  domain::version_id version;
  std::string package_name;
  std::string version_number;
  std::vector<domain::request_id> requests;  ///< its waves, in order of their start
  status_counts jobs{};
  std::size_t spared_orgs = 0;
  bool is_open = true;
  std::optional<wall_time> aborted_at;  ///< last
  int epoch = 1;                        ///< the present one
  std::optional<wall_time> resumed_at;  ///< since when jobs count; nothing in the first epoch
};

/// What an operator holds.
struct hold_view {
  std::string hub;      ///< empty, with `rollout`: every rollout of every hub
  std::string rollout;  ///< `04t…/1`
  std::string policy;   ///< empty, with `rule`: every rule
  std::string rule;
  std::string actor;
  std::string reason;
  wall_time since;
  wall_time until;
};

/// Labels that name a rule's state series.
struct rule_key {
  std::string hub;
  std::string rollout;
  std::string request;  ///< empty above request scope
  std::string policy;
  std::string rule;
  std::string segment;  ///< empty without `by:`

  friend auto operator<=>(const rule_key&, const rule_key&) = default;
};

struct rule_view {
  rule_key key;
  std::string verdict;  ///< `insufficient_data`, `ok`, `warning`, `breached`, `blind`
  std::string reason;
  std::string follows;  ///< `nothing`, `alert`, `abort`, `would_abort`, `held`, `breached_before_arming`
  bool is_armed = false;
  std::size_t failed = 0;
  std::size_t started = 0;
  std::size_t excluded = 0;
  std::optional<double> observed_ratio;     ///< rules about time have none
  std::optional<double> lower_bound_ratio;  ///< rules without statistics have none
  std::optional<double> threshold_ratio;    ///< rules that count have none
  wall_time evaluated;
};

struct plan_entry_view {
  domain::request_id request;
  std::string status_at_decision;
  std::string step;
  std::string outcome;  ///< empty while under way
  std::string salesforce_code;
  std::string salesforce_message;
};

struct signature_view {
  std::string text;
  std::size_t orgs = 0;
  std::vector<std::string> sample_orgs;
};

/// What happened after the decision of a dry run.
struct aftermath_view {
  wall_time counted_at;
  std::size_t orgs = 0;     ///< that would have been spared
  std::size_t started = 0;  ///< of these; those that ended included
  std::size_t succeeded = 0;
  std::size_t failed = 0;
  bool is_final = false;  ///< nothing more is to come
};

struct decision_view {
  std::int64_t id = 0;
  wall_time decided_at;
  std::string hub;
  std::string rollout;
  int epoch = 1;
  std::string mode;
  std::string policy;
  std::string rule;
  std::string actor;
  std::string reason;
  std::size_t failed = 0;
  std::size_t started = 0;
  std::size_t excluded = 0;
  std::size_t in_flight = 0;
  std::size_t still_to_start = 0;  ///< queued in requests that run
  std::optional<double> observed_ratio = std::nullopt;
  std::optional<double> lower_bound_ratio = std::nullopt;  ///< rules without statistics have none
  std::optional<double> threshold_ratio = std::nullopt;
  std::string configuration_hash;
  std::string version;
  std::vector<signature_view> signatures;
  std::vector<plan_entry_view> plan;
  std::string outcome;  ///< empty while the containment is under way
  std::size_t spared_orgs = 0;
  std::optional<wall_time> ended_at;
  std::optional<aftermath_view> since = std::nullopt;  ///< of a dry run, once it was counted
};

struct alert_view {
  alerts::alert_record record;
  std::vector<std::string> inhibited_by;  ///< ids of alerts that fire
};

/// All there is to say about alerting.
struct alerting_view {
  std::vector<alert_view> alerts;                  ///< firing, and lately resolved
  std::vector<alerts::receiver_status> receivers;  ///< in the configuration's order
  std::shared_ptr<const std::vector<alerts::dead_letter>> dead_letters =
      std::make_shared<std::vector<alerts::dead_letter>>();  ///< oldest first; never null
};

/// One message from `decide` to `serve`. What is forgotten goes first; then each part replaces what it names
/// by key.
struct view_update {
  std::vector<std::string> forgotten_hubs;      ///< with everything of theirs
  std::vector<std::string> forgotten_rules_of;  ///< hubs whose rules are others now
  std::vector<hub_view> hubs;
  std::vector<request_view> requests;
  std::vector<std::pair<std::string, std::vector<job_view>>> jobs;  ///< by hub
  std::vector<std::pair<std::string, std::vector<org_view>>> orgs;  ///< by hub
  std::vector<rollout_view> rollouts;
  std::vector<rule_view> rules;
  std::vector<decision_view> decisions;
  std::vector<std::pair<std::string, std::vector<domain::org_key>>>
      spared;                                     ///< by decision's rollout key `hub/04t…/1`
  std::optional<std::vector<hold_view>> holds;    ///< all there are, where they changed
  std::shared_ptr<const alerting_view> alerting;  ///< as a whole, where it changed
};

}  // namespace pushguard::agent
