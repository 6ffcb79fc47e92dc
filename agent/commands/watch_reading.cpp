#include "agent/commands/watch_reading.hpp"

#include <algorithm>

#include "agent/commands/json_members.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t decisions_max = 50;  // more never fit a window

/// `{"orgs", "started", …}` beside the counts of jobs by status.
watch_progress read_progress(const json::object& owner) {
  const json::object& progress = object_of(owner, "progress");
  const json::object& jobs = object_of(owner, "jobs");
  return {.orgs = number_of(progress, "orgs"),
          .started = number_of(progress, "started"),
          .finished = number_of(progress, "finished"),
          .failed = number_of(progress, "failed"),
          .spared = number_of(progress, "spared"),
          .succeeded = number_of(jobs, "succeeded"),
          .running = number_of(jobs, "in_progress"),
          .rate_per_minute = ratio_of(progress, "rate_per_minute"),
          .estimated_end = time_of(progress, "estimated_end")};
}

watch_wave read_wave(const json::object& request) {
  const std::string status = text_of(request, "status");
  const bool is_stale = flag_of(request, "stale");
  return {.id = text_of(request, "id"),
          .status = is_stale ? "stale" : status,
          .is_ended = is_stale || status == "succeeded" || status == "failed" || status == "canceled",
          .progress = read_progress(request)};
}

watch_rule read_rule(const json::object& rule) {
  return {.policy = text_of(rule, "policy"),
          .rule = text_of(rule, "rule"),
          .request_id = text_of(rule, "request_id"),
          .segment = text_of(rule, "segment"),
          .verdict = text_of(rule, "verdict"),
          .reason = text_of(rule, "reason"),
          .follows = text_of(rule, "follows"),
          .is_armed = flag_of(rule, "armed"),
          .failed = number_of(rule, "failed"),
          .started = number_of(rule, "started"),
          .observed_ratio = ratio_of(rule, "observed_ratio"),
          .lower_bound_ratio = ratio_of(rule, "lower_bound_ratio"),
          .threshold_ratio = ratio_of(rule, "threshold_ratio")};
}

watch_decision read_decision(const json::object& decision) {
  return {.id = number_of(decision, "id"),
          .decided_at = time_of(decision, "decided_at"),
          .policy = text_of(decision, "policy"),
          .rule = text_of(decision, "rule"),
          .mode = text_of(decision, "mode"),
          .outcome = text_of(decision, "outcome"),
          .actor = text_of(decision, "actor"),
          .reason = text_of(decision, "reason"),
          .spared = number_of(decision, "spared_orgs")};
}

watch_hub read_hub(const json::object& hub) {
  const json::object& budget = object_of(hub, "api_budget");
  watch_hub made{.name = text_of(hub, "name"),
                 .was_tried = flag_of(hub, "tried"),
                 .is_up = flag_of(hub, "up"),
                 .is_blind = flag_of(hub, "blind"),
                 .last_failure = text_of(hub, "last_failure"),
                 .last_reconcile = time_of(hub, "last_reconcile"),
                 .calls_allowed = number_of(budget, "allowed"),
                 .calls_made = number_of(budget, "made")};
  for (const json::value& value : array_of(hub, "channels")) {
    if (const auto* channel = value.if_object())
      made.channels.push_back({.channel = text_of(*channel, "channel"),
                               .is_live = flag_of(*channel, "live"),
                               .reason = text_of(*channel, "reason")});
  }
  return made;
}

watch_rollout read_rollout(const json::object& rollout) {
  watch_rollout made{.key = {text_of(rollout, "hub"), text_of(rollout, "id")},
                     .package_name = text_of(rollout, "package_name"),
                     .package_version = text_of(rollout, "package_version"),
                     .state = text_of(rollout, "state"),
                     .verdict = text_of(rollout, "verdict"),
                     .is_held = flag_of(rollout, "held"),
                     .is_open = flag_of(rollout, "open"),
                     .progress = read_progress(rollout)};
  for (const json::value& wave : array_of(rollout, "waves")) {
    if (const auto* request = wave.if_object()) {
      made.waves.push_back(read_wave(*request));
      const auto start = time_of(*request, "start");
      made.latest_start = std::max(made.latest_start, start ? start : time_of(*request, "scheduled_start"));
    }
  }
  return made;
}

}  // namespace

result<watch_overview> read_overview(const json::value& answer) {
  const auto* object = answer.if_object();
  const bool has_shape = object != nullptr && object->contains("rollouts") &&
                         object->at("rollouts").is_array() && object->contains("hubs") &&
                         object->at("hubs").is_array();
  if (!has_shape)
    return fail(errc::malformed, "it did not answer as this version of Pushguard does");
  const json::object& agent = object_of(*object, "agent");
  watch_overview made{.now = time_of(*object, "now").value_or(wall_time{}),
                      .version = text_of(agent, "version"),
                      .is_leader = flag_of(agent, "leader"),
                      .alerts_firing = number_of(*object, "alerts_firing")};
  for (const json::value& value : array_of(*object, "hubs")) {
    if (const auto* hub = value.if_object())
      made.hubs.push_back(read_hub(*hub));
  }
  for (const json::value& value : array_of(*object, "rollouts")) {
    if (const auto* rollout = value.if_object())
      made.rollouts.push_back(read_rollout(*rollout));
  }
  return made;
}

void add_details(watch_rollout& rollout, const json::value& answer) {
  const auto* object = answer.if_object();
  if (object == nullptr)
    return;
  rollout.rules.clear();
  for (const json::value& value : array_of(*object, "rules")) {
    if (const auto* rule = value.if_object())
      rollout.rules.push_back(read_rule(*rule));
  }
  rollout.decisions.clear();
  for (const json::value& value : array_of(*object, "decisions")) {
    if (const auto* decision = value.if_object())
      rollout.decisions.push_back(read_decision(*decision));
  }
  std::ranges::sort(rollout.decisions, std::ranges::greater(),
                    [](const watch_decision& it) { return std::pair(it.decided_at, it.id); });
  if (rollout.decisions.size() > decisions_max)
    rollout.decisions.resize(decisions_max);
}

watch_failures read_failures(const json::value& answer) {
  watch_failures made;
  const auto* object = answer.if_object();
  if (object == nullptr)
    return made;
  made.failed = number_of(*object, "failed");
  made.others = number_of(*object, "others");
  for (const json::value& value : array_of(*object, "groups")) {
    if (const auto* group = value.if_object())
      made.groups.push_back({.text = text_of(*group, "value"), .failed = number_of(*group, "failed")});
  }
  return made;
}

std::string watch_rule::name() const {
  std::string out = policy + "/" + rule;
  if (!segment.empty())
    out += " [" + segment + "]";
  else if (!request_id.empty())
    out += " [" + request_id + "]";
  return out;
}

bool watch_rollout::has_ended() const {
  return state == "ended" ||
         (state == "aborted" && !is_open && std::ranges::all_of(waves, &watch_wave::is_ended));
}

const watch_rollout* watch_state::focused() const {
  if (!overview || !focus)
    return nullptr;
  const auto found = std::ranges::find(overview->rollouts, *focus, &watch_rollout::key);
  return found == overview->rollouts.end() ? nullptr : &*found;
}

wall_time watch_state::agent_now() const {
  return overview && answered ? overview->now + (now - *answered) : now;
}

std::optional<rollout_key> choose_focus(const watch_overview& overview,
                                        const std::optional<rollout_key>& wanted) {
  const watch_rollout* best = nullptr;
  for (const watch_rollout& each : overview.rollouts) {
    if (wanted && each.key == *wanted)
      return wanted;
    const auto rank = [](const watch_rollout& it) { return std::pair(it.is_open, it.latest_start); };
    if (best == nullptr || rank(each) >= rank(*best))
      best = &each;
  }
  return best == nullptr ? std::nullopt : std::optional(best->key);
}

}  // namespace pushguard::agent
