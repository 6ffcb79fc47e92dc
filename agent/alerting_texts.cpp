#include "agent/alerting_texts.hpp"

#include <fmt/format.h>

namespace pushguard::agent {
namespace {

using alerts::alert;
using alerts::alert_severity;

// What fails for a moment is not told to be well again between two commits.
constexpr duration store_failing_kept = std::chrono::minutes(5);

}  // namespace

std::string receiver_failing_alert_id(std::string_view receiver) {
  return alerts::make_alert_id({"receiver-failing", receiver});
}

std::string dropped_alert_id(std::string_view receiver) {
  return alerts::make_alert_id({"notifications-dropped", receiver});
}

std::string store_failing_alert_id() {
  return alerts::make_alert_id({"store-failing"});
}

std::string not_recorded_alert_id(const decision_view& decision) {
  return alerts::make_alert_id({"not-recorded", decision.hub, decision.rollout,
                                std::to_string(decision.epoch), decision.mode, decision.policy,
                                decision.rule});
}

alert make_receiver_failing_alert(const alerts::receiver_status& status) {
  alert made;
  made.id = receiver_failing_alert_id(status.receiver);
  made.name = "PushguardReceiverFailing";
  made.severity = alert_severity::error;
  made.labels = {{"receiver", status.receiver}};
  made.annotations = {{"reason", std::string(to_string(status.last_reason))}};
  made.summary = fmt::format("Pushguard's alerts do not reach the receiver {}", status.receiver);
  made.description = fmt::format(
      "{}. {}", status.last_failure,
      needs_human(status.last_reason)
          ? "Only a human can mend this: see its key and its URL in the configuration."
          : "Notifications wait in the store and are delivered, in order, when it takes them again.");
  made.about_receiver = status.receiver;
  return made;
}

alert make_dropped_alert(const alerts::dead_letter& last, std::size_t count) {
  const std::string& receiver = last.row.receiver;
  alert made;
  made.id = dropped_alert_id(receiver);
  made.name = "PushguardNotificationsDropped";
  made.severity = alert_severity::error;
  made.labels = {{"receiver", receiver}};
  made.summary = fmt::format("The receiver {} has refused {} for good", receiver,
                             count == 1 ? "a notification" : fmt::format("{} notifications", count));
  made.description = fmt::format(
      "The last, {} of {}: {}. What was refused is in the dead letters: pushguard alerts. This alert lasts "
      "until "
      "somebody acknowledges it.",
      to_string(last.row.kind), last.row.content.id, last.detail);
  made.annotations = {{"reason", last.reason}, {"refused_summary", last.row.content.summary}};
  made.about_receiver = receiver;
  made.ends_when_acknowledged = true;
  return made;
}

alert make_store_failing_alert(const failure& why, bool refuses) {
  alert made;
  made.id = store_failing_alert_id();
  made.name = "PushguardStoreFailing";
  made.severity = alert_severity::critical;
  made.summary =
      refuses ? "Pushguard cannot write to its store, and therefore aborts nothing (on_store_failure: refuse)"
              : "Pushguard cannot write to its store, and aborts unrecorded (on_store_failure: act)";
  made.description = fmt::format(
      "{}. What cannot be written is kept in memory and tried again; alerts are sent all the same, and may "
      "come "
      "twice.",
      why.text());
  made.keep_firing_for = store_failing_kept;
  return made;
}

alert make_not_recorded_alert(const alert_context& context, const decision_view& decision, const failure& why,
                              alert_severity severity) {
  alert made = make_containment_alert(context, decision, severity);
  made.id = not_recorded_alert_id(decision);
  made.name = "PushguardAbortNotRecorded";
  made.summary = fmt::format("NOT aborting {} {} ({}, {}): the decision cannot be recorded. {}/{}: {}",
                             context.package_name, context.version_number, context.rollout, context.hub,
                             decision.policy, decision.rule, decision.reason);
  made.description = fmt::format(
      "{}. With on_store_failure: refuse nothing is aborted unrecorded. It is tried again with every look at "
      "the rollout; pushguard abort cannot record its decision either. Mend the store, or cancel in "
      "Salesforce.",
      why.text());
  made.annotations.erase("outcome");
  return made;
}

std::vector<alerts::inhibition> alert_inhibitions() {
  return {{.sources = {"PushguardContainment"},
           .targets = {"PushguardRuleWarning", "PushguardRuleBreached"},
           .target_severities = {alert_severity::warning, alert_severity::info},
           .equal = {"hub", "rollout"}}};
}

}  // namespace pushguard::agent
