#include "agent/wave_watch.hpp"

#include <algorithm>
#include <utility>

namespace pushguard::agent {
namespace {

using domain::push_status;

wave_progress progress_of(const tracker::tracker& tracked, tracker::request_index index, wall_time now) {
  const tracker::request_record& request = tracked.at(index);
  wave_progress made{.began = request.row.start.value_or(request.begins())};
  for (const push_status status : domain::all_push_statuses) {
    const std::size_t jobs = tracker::count_of(request.job_counts, status);
    (domain::is_terminal(status) ? made.ended : made.unresolved) += jobs;
  }
  // A job does not run for longer than its request: the jobs of a young one need no look.
  if (now - made.began > tracker::abandoned_after) {
    made.unresolved -= static_cast<std::size_t>(std::ranges::count_if(
        request.jobs, [&](tracker::job_index job) { return tracked.is_abandoned(job, now); }));
  }
  return made;
}

}  // namespace

bool is_overtaken(const wave_progress& wave, wall_time next_start, wall_time now) {
  const duration gap = next_start - wave.began;
  if (wave.unresolved == 0 || gap <= duration::zero())
    return false;
  const duration left = next_start - now;
  if (left <= std::min(wave_lead_short, gap / 4))
    return true;
  if (left > std::min(wave_lead_max, gap / 2))
    return false;
  if (wave.ended == 0)
    return true;
  const auto per_job = static_cast<double>((now - wave.began).count()) / static_cast<double>(wave.ended);
  return per_job * static_cast<double>(wave.unresolved) > static_cast<double>(left.count());
}

std::vector<early_wave> find_early_waves(const tracker::tracker& tracked, tracker::rollout_index rollout,
                                         const std::function<bool(const domain::request_id&)>& was_told,
                                         wall_time now) {
  std::vector<early_wave> found;
  const auto& requests = tracked.at(rollout).requests;
  for (const tracker::request_index index : requests) {
    const auto start = tracked.at(index).row.scheduled_start;
    if (!start || *start - now >= wave_lead_max || !domain::is_cancelable(tracked.present_status(index)) ||
        !tracked.is_active(index, now))
      continue;
    const bool is_told = was_told(tracked.at(index).row.id);
    bool is_early = false;
    early_wave made{.request = index, .start = *start, .unresolved = {}};
    for (const tracker::request_index earlier : requests) {
      if (tracked.at(earlier).begins() >= *start || !tracked.is_active(earlier, now))
        continue;
      const wave_progress progress = progress_of(tracked, earlier, now);
      if (progress.unresolved == 0)
        continue;
      made.unresolved.push_back({earlier, progress.unresolved});
      is_early = is_early || is_told || is_overtaken(progress, *start, now);
    }
    if (!is_early)
      continue;
    std::ranges::sort(made.unresolved, {}, [&](const early_wave::unresolved_wave& each) {
      return std::pair(tracked.at(each.request).begins(), each.request);
    });
    found.push_back(std::move(made));
  }
  return found;
}

}  // namespace pushguard::agent
