#include "agent/publisher.hpp"

#include "agent/view_making.hpp"

namespace pushguard::agent {
namespace {

constexpr std::size_t jobs_per_message = 1000;  // about 300 KB: `serve` stays responsive between messages

}  // namespace

void publisher::note(const tracker::changes& changes) {
  for (const tracker::job_change& change : changes.jobs) {
    jobs_.insert(change.job);
    const tracker::request_index request = tracked_.at(change.job).request;
    requests_.insert(request);
    rollouts_.insert(tracked_.at(request).rollout);
  }
  for (const tracker::request_change& change : changes.requests) {
    requests_.insert(change.request);
    rollouts_.insert(tracked_.at(change.request).rollout);
  }
  for (const tracker::rollout_change& change : changes.rollouts) {
    rollouts_.insert(change.rollout);
  }
  orgs_.insert(changes.subscribers.begin(), changes.subscribers.end());
}

void publisher::note(const policy::judgement& judged) {
  rest_.rules.push_back(make_rule_view(hub_.name, judged));
}

void publisher::note(const store::decision_record& decision) {
  rest_.decisions.push_back(make_decision_view(decision));
}

void publisher::forget_rules() {
  rest_.rules.clear();
  rest_.forgotten_rules_of = {hub_.name};
}

void publisher::note_rollout(const domain::rollout_id& rollout) {
  if (const auto index = tracked_.find(rollout)) {
    rollouts_.insert(*index);
  }
}

void publisher::note_spared(const domain::rollout_id& rollout, std::vector<domain::org_key> orgs) {
  facts_[rollout].spared_orgs = orgs.size();
  rest_.spared.emplace_back(hub_.name + "/" + rollout.text(), std::move(orgs));
  note_rollout(rollout);
}

void publisher::note_aborted(const domain::rollout_id& rollout, wall_time when) {
  facts_[rollout].aborted_at = when;
  note_rollout(rollout);
}

void publisher::note_epoch(const domain::rollout_id& rollout, int epoch, std::optional<wall_time> since) {
  facts_[rollout].epoch = epoch;
  facts_[rollout].resumed_at = since;
  note_rollout(rollout);
}

void publisher::flush_jobs() {
  std::vector<job_view> jobs;
  const auto hand_over = [&] {
    view_update update;
    update.jobs.emplace_back(hub_.name, std::exchange(jobs, {}));
    sink_(std::move(update));
  };
  for (const tracker::job_index job : jobs_) {
    jobs.push_back(make_job_view(tracked_, job));
    if (jobs.size() == jobs_per_message)
      hand_over();
  }
  if (!jobs.empty())
    hand_over();
  jobs_.clear();
}

/// Requests become stale by the passing of time alone.
void publisher::note_stale(wall_time now) {
  told_stale_.resize(tracked_.requests().size());
  for (std::uint32_t i = 0; i < told_stale_.size(); ++i) {
    const bool is_stale = tracked_.is_stale(tracker::request_index{i}, now);
    if (told_stale_[i] == is_stale)
      continue;
    told_stale_[i] = is_stale;
    requests_.insert(tracker::request_index{i});
  }
}

void publisher::flush(wall_time now) {
  // Orgs first, then their jobs, then the sums over them: whoever reads in between sees less, never more.
  if (!orgs_.empty()) {
    std::vector<org_view> orgs;
    for (const tracker::org_index org : std::exchange(orgs_, {}))
      orgs.push_back(make_org_view(tracked_, org));
    view_update update;
    update.orgs.emplace_back(hub_.name, std::move(orgs));
    sink_(std::move(update));
  }
  flush_jobs();
  note_stale(now);
  view_update update = std::exchange(rest_, {});
  for (const tracker::request_index request : std::exchange(requests_, {})) {
    update.requests.push_back(make_request_view(hub_.name, tracked_, request, now));
  }
  for (const tracker::rollout_index rollout : std::exchange(rollouts_, {})) {
    // Known from the store alone, as after a restart: nothing is known that would be true now. What is read
    // of it brings it back.
    if (tracked_.at(rollout).requests.empty())
      continue;
    rollout_view view = make_rollout_view(hub_.name, tracked_, rollout);
    if (const auto facts = facts_.find(tracked_.at(rollout).id); facts != facts_.end()) {
      view.aborted_at = facts->second.aborted_at;
      view.spared_orgs = facts->second.spared_orgs;
      view.epoch = facts->second.epoch;
      view.resumed_at = facts->second.resumed_at;
    }
    update.rollouts.push_back(std::move(view));
  }
  if (std::exchange(is_hub_changed_, false)) {
    update.hubs.push_back(hub_);
  }
  if (!update.requests.empty() || !update.rollouts.empty() || !update.hubs.empty() || !update.rules.empty() ||
      !update.decisions.empty() || !update.spared.empty() || !update.forgotten_rules_of.empty()) {
    sink_(std::move(update));
  }
}

}  // namespace pushguard::agent
