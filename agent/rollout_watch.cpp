#include "agent/rollout_watch.hpp"

#include <set>

#include "agent/watch_alert_texts.hpp"
#include "agent/wave_watch.hpp"

namespace pushguard::agent {
namespace {

// Evaluations may follow each event; nothing here is worth that.
constexpr duration look_interval = std::chrono::seconds(1);
constexpr std::size_t titles_told = 5;

std::vector<std::string> channel_names(const configuration::hub& hub) {
  std::vector<std::string> names;
  for (const configuration::channel& channel : hub.channels)
    names.push_back(channel.wanted.channel);
  return names;
}

}  // namespace

rollout_watch::rollout_watch(rollout_watch_parts parts)
    : parts_(std::move(parts)),
      channels_(channel_names(parts_.agent.hub), parts_.agent.time.now()),
      channel_alerts_(parts_.agent.alerts),
      exclusion_alerts_(parts_.agent.alerts),
      wave_alerts_(parts_.agent.alerts) {}

void rollout_watch::note(const policy::judgement& judged) {
  const policy::policy_specification* policy = parts_.judge.find_policy(judged.key.policy);
  if (policy != nullptr && !policy->rules.empty())
    excluded_.note(judged, policy->rules.front().name);
}

void rollout_watch::adopt() {
  const auto named = [this](std::string_view name) {
    return [this, name](const alerts::alert& each) {
      const auto hub = each.labels.find("hub");
      return each.name == name && hub != each.labels.end() && hub->second == parts_.agent.hub.name;
    };
  };
  channel_alerts_.adopt(named(stream_alert_name));
  exclusion_alerts_.adopt(named(exclusion_alert_name));
  wave_alerts_.adopt(named(wave_alert_name));
}

void rollout_watch::look(view what, wall_time hub_now, std::string_view last_failure) {
  const steady_time now = parts_.agent.time.steady_now();
  if (now < look_again_at_)
    return;
  look_again_at_ = now + look_interval;
  if (!std::exchange(has_adopted_, true))
    adopt();
  look_at_channels(last_failure);
  if (what == view::channels)
    return;
  look_at_exclusions();
  look_at_waves(hub_now);
}

void rollout_watch::look_at_channels(std::string_view last_failure) {
  const configuration::hub& hub = parts_.agent.hub;
  std::set<std::string> standing;
  for (channel_watch::sight& seen : channels_.look(parts_.agent.time.steady_now())) {
    std::string id = stream_alert_id(hub.name, seen.channel);
    // One that an earlier life has told of stands until the channel is live.
    const bool was_told = channel_alerts_.has(id);
    if (seen.is == channel_watch::state::live || (!was_told && seen.is == channel_watch::state::away))
      continue;
    if (!was_told) {
      channel_alerts_.raise(
          make_stream_alert({.hub = hub.name,
                             .channel = std::move(seen.channel),
                             .since = seen.since,
                             .reason = seen.reason.empty() ? std::string(last_failure) : seen.reason,
                             .active_interval = hub.reconcile.active_interval,
                             .idle_interval = hub.reconcile.idle_interval}));
    }
    standing.insert(std::move(id));
  }
  channel_alerts_.keep_only(standing);
}

exclusion_excess rollout_watch::make_excess(const exclusion_scope& scope, const exclusion_counts& counts,
                                            const policy::policy_specification& policy) const {
  const double usual = policy.exclude_errors.usual;
  const auto rollout = parts_.tracked.find(scope.rollout);
  const auto request = parts_.tracked.find(scope.request);
  exclusion_excess made{.scope = scope,
                        .counts = counts,
                        .lower_bound = exclusion_lower_bound(counts, usual),
                        .usual = usual,
                        .titles = {}};
  if (rollout)
    made.titles = top_excluded(parts_.tracked, *rollout, request, policy, titles_told);
  return made;
}

void rollout_watch::look_at_exclusions() {
  std::set<std::string> standing;
  for (const auto& [scope, counts] : excluded_.counts()) {
    const auto rollout = parts_.tracked.find(scope.rollout);
    const policy::policy_specification* policy = parts_.judge.find_policy(scope.policy);
    if (!rollout || policy == nullptr || !parts_.tracked.at(*rollout).is_open())
      continue;
    std::string id = exclusion_alert_id(parts_.agent.hub.name, scope);
    const bool was_told = exclusion_alerts_.has(id);
    if (!is_beyond_usual(counts, policy->exclude_errors.usual, was_told))
      continue;
    if (!was_told) {
      exclusion_alerts_.raise(
          make_exclusion_alert(parts_.context_of(scope.rollout), make_excess(scope, counts, *policy)));
    }
    standing.insert(std::move(id));
  }
  exclusion_alerts_.keep_only(standing);
}

void rollout_watch::look_at_waves(wall_time hub_now) {
  std::set<std::string> standing;
  const std::string& hub = parts_.agent.hub.name;
  for (std::size_t i = 0; i < parts_.tracked.rollouts().size(); ++i) {
    const tracker::rollout_record& rollout = parts_.tracked.rollouts()[i];
    if (!rollout.is_open() || parts_.memory.abort_of(rollout.id, parts_.judge.epoch(rollout.id)) != nullptr)
      continue;
    const auto was_told = [&](const domain::request_id& request) {
      return wave_alerts_.has(wave_alert_id(hub, request));
    };
    for (const early_wave& early :
         find_early_waves(parts_.tracked, static_cast<tracker::rollout_index>(i), was_told, hub_now)) {
      const tracker::request_record& wave = parts_.tracked.at(early.request);
      standing.insert(wave_alert_id(hub, wave.row.id));
      if (was_told(wave.row.id))
        continue;
      early_wave_view view{
          .request = wave.row.id, .start = early.start, .orgs = wave.jobs.size(), .unresolved = {}};
      for (const auto& each : early.unresolved)
        view.unresolved.push_back({parts_.tracked.at(each.request).row.id, each.jobs});
      wave_alerts_.raise(make_wave_alert(parts_.context_of(rollout.id), view));
    }
  }
  wave_alerts_.keep_only(standing);
}

}  // namespace pushguard::agent
