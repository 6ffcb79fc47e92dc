#include "agent/pace.hpp"

#include <algorithm>

namespace pushguard::agent {
namespace {

using domain::push_status;
using minutes = std::chrono::duration<double, std::ratio<60>>;

constexpr duration window = std::chrono::minutes(10);
constexpr duration seen_min = std::chrono::seconds(10);   // a pace of less time than this says nothing
constexpr duration sample_min = std::chrono::seconds(5);  // between two samples: 120 are the most
constexpr minutes estimate_max = std::chrono::hours(24 * 365);

std::size_t ended(const status_counts& jobs) noexcept {
  return count_of(jobs, push_status::succeeded) + count_of(jobs, push_status::failed);
}

std::size_t remaining(const progress& of) noexcept {
  return of.orgs - of.finished;
}

/// When `orgs` will have finished that begin at `from`.
std::optional<wall_time> estimate(std::size_t orgs, std::optional<double> per_minute, wall_time from) {
  if (!per_minute || *per_minute <= 0)
    return std::nullopt;
  const minutes takes(static_cast<double>(orgs) / *per_minute);
  if (takes > estimate_max)
    return std::nullopt;
  return from + std::chrono::duration_cast<duration>(takes);
}

}  // namespace

void pace::note(wall_time now, std::size_t finished) {
  if (!samples_.empty() && now < samples_.back().at)
    samples_.clear();
  if (samples_.size() > 1 && now - samples_[samples_.size() - 2].at < sample_min)
    samples_.back() = {now, finished};
  else
    samples_.push_back({now, finished});
  while (samples_.size() > 1 && now - samples_[1].at >= window)
    samples_.pop_front();
}

std::optional<double> pace::per_minute(wall_time now) const {
  if (samples_.empty())
    return std::nullopt;
  // What is older than the window counts from where the window begins, and later ones from then on.
  sample first = samples_.front();
  for (const sample& each : samples_) {
    if (now - each.at < window)
      break;
    first = each;
  }
  const minutes seen = std::min<duration>(now - first.at, window);
  if (seen < seen_min)
    return std::nullopt;
  const std::size_t last = samples_.back().finished;
  return last <= first.finished ? 0 : static_cast<double>(last - first.finished) / seen.count();
}

progress count_progress(const status_counts& jobs) noexcept {
  progress out;
  for (const std::size_t count : jobs)
    out.orgs += count;
  out.failed = count_of(jobs, push_status::failed);
  out.spared = count_of(jobs, push_status::canceled);
  out.finished = ended(jobs) + out.spared;
  out.started = ended(jobs) + count_of(jobs, push_status::in_progress);
  return out;
}

void pace_book::apply(const view_update& update, const read_model& model, wall_time now) {
  for (const std::string& hub : update.forgotten_hubs) {
    std::erase_if(requests_, [&](const auto& entry) { return entry.first.first == hub; });
    std::erase_if(rollouts_, [&](const auto& entry) { return entry.first.first == hub; });
  }
  for (const request_view& request : update.requests) {
    const read_model::hub_and_request key{request.hub, request.row.id};
    if (request.ended)
      requests_.erase(key);
    else
      requests_[key].note(now, ended(request.jobs));
  }
  for (const rollout_view& rollout : update.rollouts) {
    const std::pair key{rollout.hub, rollout.id};
    if (rollout.is_open && model.rollouts().contains(key))
      rollouts_[key].note(now, ended(rollout.jobs));
    else
      rollouts_.erase(key);
  }
}

progress pace_book::of(const request_view& wave, wall_time now) const {
  progress out = count_progress(wave.jobs);
  const auto known = requests_.find({wave.hub, wave.row.id});
  if (known == requests_.end() || wave.row.status != push_status::in_progress)
    return out;
  out.per_minute = known->second.per_minute(now);
  if (remaining(out) > 0)
    out.estimated_end = estimate(remaining(out), out.per_minute, now);
  return out;
}

progress pace_book::of(const rollout_view& rollout, const read_model& model, wall_time now) const {
  progress out = count_progress(rollout.jobs);
  const auto known = rollouts_.find({rollout.hub, rollout.id});
  if (known == rollouts_.end() || !rollout.is_open)
    return out;
  out.per_minute = known->second.per_minute(now);
  for (const domain::request_id& id : rollout.requests) {
    const auto wave = model.requests().find({rollout.hub, id});
    if (wave == model.requests().end())
      continue;
    const progress its = of(wave->second, now);
    if (remaining(its) == 0)
      continue;
    const std::optional<wall_time> ends =
        wave->second.row.status == push_status::in_progress
            ? its.estimated_end
            : estimate(remaining(its), out.per_minute,
                       std::max(now, wave->second.row.scheduled_start.value_or(now)));
    if (!ends) {  // who knows one wave's end not, knows the rollout's not
      out.estimated_end.reset();
      break;
    }
    out.estimated_end = std::max(out.estimated_end.value_or(*ends), *ends);
  }
  return out;
}

}  // namespace pushguard::agent
