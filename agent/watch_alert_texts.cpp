#include "agent/watch_alert_texts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/operator_command.hpp"
#include "agent/policy/reason.hpp"

namespace pushguard::agent {
namespace {

using alerts::alert;
using alerts::alert_severity;

alert begin_alert(std::string id, std::string_view name) {
  alert made;
  made.id = std::move(id);
  made.name = name;
  made.severity = alert_severity::warning;
  return made;
}

void label_rollout(alert& made, const alert_context& context) {
  made.labels.emplace("hub", context.hub);
  made.labels.emplace("rollout", context.rollout);
  made.labels.emplace("package_id", context.package.text());
  made.labels.emplace("package_name", context.package_name);
  made.labels.emplace("package_version", context.version_number);
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// How the hold's target is named on the command line.
std::string command_target(const hold_view& hold) {
  return hold.rollout.empty() ? target_text(hold) : fmt::format("{} --hub {}", hold.rollout, hold.hub);
}

}  // namespace

std::string stream_alert_id(std::string_view hub, std::string_view channel) {
  return alerts::make_alert_id({"stream-down", hub, channel});
}

std::string hold_alert_id(const hold_view& hold) {
  return alerts::make_alert_id({"hold-expiring", hold.hub, hold.rollout, hold.policy, hold.rule});
}

std::string exclusion_alert_id(std::string_view hub, const exclusion_scope& scope) {
  return alerts::make_alert_id(
      {"excluded-errors", hub, scope.rollout.text(), scope.request.text(), scope.policy});
}

std::string wave_alert_id(std::string_view hub, const domain::request_id& request) {
  return alerts::make_alert_id({"wave-starts-early", hub, request.text()});
}

alert make_stream_alert(const channel_outage& outage) {
  alert made = begin_alert(stream_alert_id(outage.hub, outage.channel), stream_alert_name);
  made.labels = {{"hub", outage.hub}, {"channel", outage.channel}};
  made.summary =
      fmt::format("Channel {} of hub {} has not been live since {}: {}", outage.channel, outage.hub,
                  format_time(outage.since), outage.reason.empty() ? "no reason is known" : outage.reason);
  made.description = fmt::format(
      "No event of it comes, so failures are seen later. Rollouts are judged and stopped all the same: the "
      "hub "
      "is read every {} while a push request runs or is due, and every {} else. The channel is tried again "
      "by itself.",
      format_duration(outage.active_interval), format_duration(outage.idle_interval));
  return made;
}

alert make_hold_alert(const hold_view& hold, const std::vector<std::string>& breached_now) {
  alert made = begin_alert(hold_alert_id(hold), hold_alert_name);
  for (const auto& [name, value] : {std::pair<std::string_view, const std::string&>{"hub", hold.hub},
                                    {"rollout", hold.rollout},
                                    {"policy", hold.policy},
                                    {"rule", hold.rule}}) {
    if (!value.empty())
      made.labels.emplace(name, value);
  }
  const std::string target = target_text(hold);
  made.summary = fmt::format("The hold of {} ends at {}: what is breached under it acts then", target,
                             format_time(hold.until));
  if (!breached_now.empty())
    made.summary += fmt::format(". Breached now: {}", fmt::join(breached_now, ", "));
  made.description = fmt::format(
      "{} holds {} since {}: {}. To hold it for longer: pushguard hold {} --for 2h --reason "
      "TEXT. To end it now: pushguard release {}.",
      hold.actor, target, format_time(hold.since), hold.reason, command_target(hold), command_target(hold));
  return made;
}

alert make_exclusion_alert(const alert_context& context, const exclusion_excess& excess) {
  alert made = begin_alert(exclusion_alert_id(context.hub, excess.scope), exclusion_alert_name);
  label_rollout(made, context);
  made.labels.emplace("policy", excess.scope.policy);
  if (!excess.scope.request.empty())
    made.labels.emplace("request_id", excess.scope.request.text());
  const double share = static_cast<double>(excess.counts.excluded) / static_cast<double>(excess.counts.all());
  made.summary = fmt::format("{} leaves {} of {} orgs of {} out of account = {}; {}", excess.scope.policy,
                             excess.counts.excluded, excess.counts.all(), rollout_name(context),
                             policy::percentage_of(share),
                             policy::bound_text(excess.lower_bound, "usual", excess.usual, exclusion_alpha));
  made.description =
      "They failed with errors that exclude_errors names, and count neither as failed nor as started: if the "
      "version is to blame, no rule will say so. Look at them: pushguard orgs ROLLOUT --failed.";
  if (!excess.titles.empty()) {
    made.description += "\nMost frequent errors:";
    for (const title_count& each : excess.titles)
      made.description += fmt::format("\n- {}: {}", counted(each.orgs, "org"), each.title);
  }
  made.annotations = {{"excluded_orgs", std::to_string(excess.counts.excluded)},
                      {"started_orgs", std::to_string(excess.counts.started)}};
  return made;
}

alert make_wave_alert(const alert_context& context, const early_wave_view& wave) {
  alert made = begin_alert(wave_alert_id(context.hub, wave.request), wave_alert_name);
  label_rollout(made, context);
  made.labels.emplace("request_id", wave.request.text());
  std::vector<std::string> unresolved;
  unresolved.reserve(wave.unresolved.size());
  for (const auto& each : wave.unresolved)
    unresolved.push_back(fmt::format("{} of {}", counted(each.jobs, "job"), each.request.text()));
  made.summary = fmt::format("Wave {} of {} starts at {} before the earlier ones are done: {} unresolved",
                             wave.request.text(), rollout_name(context), format_time(wave.start),
                             fmt::join(unresolved, ", "));
  made.description = fmt::format(
      "What these jobs will show comes too late to spare the wave's {}. If it should wait, cancel it and "
      "schedule it anew: pushguard abort {} --reason TEXT.",
      counted(wave.orgs, "org"), wave.request.text());
  return made;
}

}  // namespace pushguard::agent
