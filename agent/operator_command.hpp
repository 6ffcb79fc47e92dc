#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/domain/operator_action.hpp"
#include "agent/domain/rollout_id.hpp"
#include "agent/views.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

/// What an operator asks the agent for, and what it answers, as plain data.
namespace pushguard::agent {

struct rollout_target {
  std::string hub;
  domain::rollout_id rollout;  ///< number 0: the version's latest
};

/// A rule in every rollout of every hub.
struct rule_target {
  std::string policy;
  std::string rule;
};

/// An alert, by its id or its fingerprint.
struct alert_target {
  std::string name;
};

struct operator_command {
  domain::operator_action action = domain::operator_action::hold;
  std::variant<rollout_target, domain::request_id, rule_target, alert_target> target = rollout_target{};
  std::string actor = {};   ///< the name of the API token
  std::string reason = {};  ///< checked; may be empty where needs_reason() says so
  duration length{};        ///< of a hold or a muting
};

enum class operator_outcome : unsigned char {
  done,         ///< stored, and in force
  begun,        ///< stored, and being carried out: an abort
  repeated,     ///< it was so already
  invalid,      ///< the action does not go with the target
  not_found,    ///< no such rollout, request or rule
  conflict,     ///< nothing to release or to resume, or not now
  unavailable,  ///< this agent cannot, for now; nothing was done
};

/// What an abort does about one request.
struct planned_view {
  domain::request_id request;
  std::string status;  ///< at the decision
  std::string step;    ///< `cancel`: it has not started; `attempt`: it is running, and is asked all the same
  std::string setup_page;  ///< where a human can abort it; empty where there is no such page
};

/// How many orgs an abort concerns if every cancellation succeeds.
struct abort_reach {
  std::size_t spared = 0;          ///< are not upgraded
  std::size_t in_flight = 0;       ///< are being upgraded now
  std::size_t still_to_start = 0;  ///< are queued in requests that are running
};

struct operator_answer {
  operator_outcome outcome = operator_outcome::unavailable;
  std::string text = {};                               ///< one sentence: what was done, or why not
  std::optional<decision_view> decision = {};          ///< of an abort
  std::vector<planned_view> plan = {};                 ///< of an abort
  std::optional<abort_reach> reach = {};               ///< of an abort that was decided now
  std::optional<hold_view> hold = {};                  ///< the one that is in force now, or that was released
  std::optional<int> epoch = {};                       ///< the one that began
  std::optional<std::vector<std::string>> armed = {};  ///< `policy/rule`, those that were not armed before
};

/// Carries a command out and answers when what it did is stored.
using operator_handler = std::function<boost::asio::awaitable<operator_answer>(operator_command)>;

/// What the body of a command says.
struct operator_details {
  std::string reason;
  duration length{};  ///< of a hold or a muting
};

/// Reads `{"reason": "…", "for": "2h"}`; an empty body is `{}`. abort and hold need a reason, hold and
/// mute need `for`, and no other action may have it; other members are errors. Fails with errc::invalid and
/// one sentence.
[[nodiscard]] result<operator_details> parse_operator_details(domain::operator_action action,
                                                              std::string_view body);

/// `devhub 04t…/1`, `request 0DV…`, `production/failure-rate`: for logs and answers.
[[nodiscard]] std::string target_text(const operator_command& command);

/// The same of what a hold covers.
[[nodiscard]] std::string target_text(const hold_view& hold);

}  // namespace pushguard::agent
