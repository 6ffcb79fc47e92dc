#include "agent/policy/standing.hpp"

#include <algorithm>
#include <utility>

namespace pushguard::policy {
namespace {

using domain::push_status;

bool is_in_scope(const tracker::request_record& request, tracker::request_index index,
                 const counted_jobs& counted) {
  switch (counted.scope.scope) {
    case counting_scope::request:
      return static_cast<std::uint32_t>(index) == counted.scope.index;
    case counting_scope::rollout:
      return static_cast<std::uint32_t>(request.rollout) == counted.scope.index;
    case counting_scope::package:
      return request.row.package == counted.package;
  }
  return false;
}

/// Of one org's jobs in scope: the newest finished one, the newest running one, and any.
struct newest_jobs {
  const tracker::job_record* finished = nullptr;
  const tracker::job_record* running = nullptr;
  tracker::job_index finished_index = tracker::no_job;
  tracker::job_index running_index = tracker::no_job;
  tracker::job_index any = tracker::no_job;
};

bool is_newer(const tracker::job_record& a, const tracker::job_record* b) {
  return b == nullptr || std::pair(a.running_since(), a.id) > std::pair(b->running_since(), b->id);
}

newest_jobs find_newest(const tracker::tracker& tracker, tracker::org_index org,
                        const counted_jobs& counted) {
  newest_jobs found;
  for (auto index = tracker.at(org).newest_job; index != tracker::no_job;
       index = tracker.at(index).next_of_org) {
    const auto& job = tracker.at(index);
    if (!is_in_scope(tracker.at(job.request), job.request, counted))
      continue;
    if (found.any == tracker::no_job)
      found.any = index;
    if (!is_started(job.status) || job.running_since() <= counted.since)
      continue;
    const bool is_running = job.status == push_status::in_progress;
    auto& newest = is_running ? found.running : found.finished;
    if (is_newer(job, newest)) {
      newest = &job;
      (is_running ? found.running_index : found.finished_index) = index;
    }
  }
  return found;
}

settlement settlement_of(const tracker::job_record& job, const error_exclusion& exclusion) {
  const bool is_certain = job.source == tracker::evidence::queried;
  const bool is_explained = exclusion.empty() || job.errors == tracker::error_knowledge::read;
  return is_certain && is_explained ? settlement::settled : settlement::unsettled;
}

}  // namespace

bool is_excluded(const tracker::tracker& tracker, tracker::job_index job, const error_exclusion& exclusion) {
  bool has_error = false;
  for (const auto& error : tracker.errors(job)) {
    if (error.severity != domain::error_severity::error)
      continue;
    has_error = true;
    if (!matches(tracker, error, exclusion))
      return false;
  }
  return has_error;
}

bool matches(const tracker::tracker& tracker, const tracker::error_record& error,
             const error_exclusion& exclusion) {
  return std::ranges::find(exclusion.types, error.type) != exclusion.types.end() ||
         std::ranges::find(exclusion.titles, tracker.at(error.title)) != exclusion.titles.end();
}

bool matches_package(const policy_match& match, const domain::package_id& package) noexcept {
  return match.packages.empty() || std::ranges::find(match.packages, package) != match.packages.end();
}

bool matches_org(const policy_match& match, domain::org_type type) noexcept {
  return match.org_types.empty() || std::ranges::find(match.org_types, type) != match.org_types.end();
}

bool holds_matching_org(const tracker::tracker& tracker, tracker::request_index request,
                        const policy_match& match) {
  return match.org_types.empty() ||
         std::ranges::any_of(tracker.at(request).jobs, [&](tracker::job_index job) {
           return matches_org(match, tracker.at(tracker.at(job).org).type);
         });
}

org_standing standing_of(const tracker::tracker& tracker, tracker::org_index org, const counted_jobs& counted,
                         const policy_specification& policy) {
  if (!matches_org(policy.match, tracker.at(org).type))
    return {};
  const auto found = find_newest(tracker, org, counted);
  if (found.any == tracker::no_job)
    return {};
  const org_standing running{standing::in_flight, settlement::settled, found.running_index};
  if (found.finished == nullptr)
    return found.running != nullptr ? running
                                    : org_standing{standing::scheduled, settlement::settled, found.any};
  const bool runs_again = found.running != nullptr && is_newer(*found.running, found.finished);
  if (found.finished->status == push_status::succeeded)
    return runs_again ? running
                      : org_standing{standing::succeeded, settlement::settled, found.finished_index};
  if (is_excluded(tracker, found.finished_index, policy.exclude_errors))
    return runs_again ? running : org_standing{standing::excluded, settlement::settled, found.finished_index};
  return {standing::failed, settlement_of(*found.finished, policy.exclude_errors), found.finished_index};
}

}  // namespace pushguard::policy
