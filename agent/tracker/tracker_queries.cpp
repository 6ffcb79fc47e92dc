// What can be asked of the tracker.
#include <algorithm>
#include <set>

#include "agent/tracker/tracker.hpp"

namespace pushguard::tracker {
namespace {

template <class Map, class Key>
auto find_in(const Map& map, const Key& key) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(key);
  return found == map.end() ? std::nullopt : std::optional(found->second);
}

constexpr std::uint32_t queued(const status_counts& counts) noexcept {
  return count_of(counts, domain::push_status::created) + count_of(counts, domain::push_status::pending) +
         count_of(counts, domain::push_status::unrecognized);
}

}  // namespace

std::optional<request_index> tracker::find(const domain::request_id& id) const {
  return find_in(request_index_, id);
}
std::optional<job_index> tracker::find(const domain::job_id& id) const {
  return find_in(job_index_, id);
}
std::optional<org_index> tracker::find(const domain::org_key& key) const {
  return find_in(org_index_, key);
}

std::optional<rollout_index> tracker::find(const domain::rollout_id& id) const {
  if (id.number != 0)
    return find_in(rollout_index_, id);
  const auto above = rollout_index_.upper_bound({id.version, std::numeric_limits<std::uint32_t>::max()});
  if (above == rollout_index_.begin() || std::prev(above)->first.version != id.version)
    return std::nullopt;
  return std::prev(above)->second;
}

const request_record& tracker::at(request_index index) const {
  return requests_[static_cast<std::size_t>(index)];
}
const job_record& tracker::at(job_index index) const {
  return jobs_[static_cast<std::size_t>(index)];
}
const org_record& tracker::at(org_index index) const {
  return orgs_[static_cast<std::size_t>(index)];
}
const rollout_record& tracker::at(rollout_index index) const {
  return rollouts_[static_cast<std::size_t>(index)];
}

std::span<const error_record> tracker::errors(job_index job) const {
  const auto found = errors_.find(static_cast<std::uint32_t>(job));
  return found == errors_.end() ? std::span<const error_record>{} : std::span(found->second);
}

std::vector<signature_count> tracker::top_errors(rollout_index rollout, std::size_t count_max,
                                                 std::size_t samples_max) const {
  std::map<std::uint32_t, std::set<org_index>> orgs_by_signature;
  for (const auto& [index, rows] : errors_) {
    const auto& job = jobs_[index];
    if (at(job.request).rollout != rollout)
      continue;
    for (const auto& row : rows) {
      if (row.severity == domain::error_severity::error)
        orgs_by_signature[row.signature].insert(job.org);
    }
  }
  std::vector<signature_count> out;
  for (const auto& [signature, orgs] : orgs_by_signature) {
    auto& made = out.emplace_back(
        signature_count{signatures_[signature], static_cast<std::uint32_t>(orgs.size()), {}});
    for (auto org = orgs.begin(); org != orgs.end() && made.sample_orgs.size() < samples_max; ++org)
      made.sample_orgs.push_back(*org);
  }
  std::ranges::sort(out, [](const signature_count& a, const signature_count& b) {
    return a.orgs != b.orgs ? a.orgs > b.orgs : a.signature < b.signature;
  });
  out.resize(std::min(out.size(), count_max));
  return out;
}

std::vector<domain::job_id> tracker::jobs_with_unread_errors(request_index request) const {
  std::vector<domain::job_id> out;
  if (count_of(at(request).job_counts, domain::push_status::failed) == 0)
    return out;
  for (const auto index : at(request).jobs) {
    const auto& job = at(index);
    if (job.status == domain::push_status::failed && job.errors == error_knowledge::unread)
      out.push_back(job.id);
  }
  return out;
}

status_counts tracker::job_counts(rollout_index rollout) const {
  status_counts sum{};
  for (const auto request : at(rollout).requests) {
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += at(request).job_counts[i];
  }
  return sum;
}

bool tracker::is_abandoned(job_index job, wall_time now) const {
  const auto& record = at(job);
  return record.status == domain::push_status::in_progress && now - record.running_since() > abandoned_after;
}

domain::push_status tracker::present_status(request_index index) const {
  const request_record& request = at(index);
  const auto& counts = request.job_counts;
  const bool has_started = count_of(counts, domain::push_status::in_progress) +
                               count_of(counts, domain::push_status::succeeded) +
                               count_of(counts, domain::push_status::failed) !=
                           0;
  return has_started && is_cancelable(request.row.status) ? domain::push_status::in_progress
                                                          : request.row.status;
}

bool tracker::is_complete(request_index index, wall_time now) const {
  const auto& request = at(index);
  if (count_of(request.job_counts, domain::push_status::in_progress) != 0) {
    // A job does not run for longer than its request: the jobs of a young one need no look.
    if (now - request.row.start.value_or(request.first_seen) <= abandoned_after)
      return false;
    const bool is_running = std::ranges::any_of(request.jobs, [&](job_index job) {
      return at(job).status == domain::push_status::in_progress && !is_abandoned(job, now);
    });
    if (is_running)
      return false;
  }
  switch (request.row.status) {
    case domain::push_status::canceled:
      return true;  // jobs that are still queued follow: cancellation of jobs lags the request's
    case domain::push_status::succeeded:
    case domain::push_status::failed: {
      const auto ended = request.row.end.value_or(request.row.modified.value_or(request.first_seen));
      return queued(request.job_counts) == 0 || now - ended > abandoned_after;
    }
    case domain::push_status::created:
    case domain::push_status::pending:
    case domain::push_status::in_progress:
    case domain::push_status::unrecognized:
      return !request.jobs.empty() && queued(request.job_counts) == 0;
  }
  return false;
}

bool tracker::is_stale(request_index index, wall_time now) const {
  const auto& request = at(index);
  if (request.row.status != domain::push_status::created)
    return false;
  auto since = request.row.modified.value_or(request.first_seen);
  if (request.row.scheduled_start)
    since = std::max(since, *request.row.scheduled_start);
  return now - since > stale_after;
}

bool tracker::is_active(request_index request, wall_time now) const {
  return !is_stale(request, now) && !is_complete(request, now);
}

bool tracker::is_running_or_due(request_index index, wall_time now) const {
  if (!is_active(index, now))
    return false;
  const auto& request = at(index);
  switch (request.row.status) {
    case domain::push_status::created:
      return count_of(request.job_counts, domain::push_status::in_progress) != 0;
    case domain::push_status::pending:
      return request.row.scheduled_start.value_or(now) <= now ||
             count_of(request.job_counts, domain::push_status::in_progress) != 0;
    case domain::push_status::in_progress:
    case domain::push_status::unrecognized:
    case domain::push_status::succeeded:
    case domain::push_status::failed:
    case domain::push_status::canceled:
      return true;
  }
  return true;
}

bool tracker::is_running_or_due(wall_time now) const {
  return std::ranges::any_of(rollouts_, [&](const rollout_record& rollout) {
    return rollout.is_open() && std::ranges::any_of(rollout.requests, [&](request_index request) {
             return is_running_or_due(request, now);
           });
  });
}

std::optional<wall_time> tracker::next_start(wall_time now) const {
  std::optional<wall_time> next;
  for (const auto& rollout : rollouts_) {
    if (!rollout.is_open())
      continue;
    for (const auto index : rollout.requests) {
      const auto start = at(index).row.scheduled_start;
      if (start && *start > now && (!next || *start < *next) && is_active(index, now))
        next = start;
    }
  }
  return next;
}

}  // namespace pushguard::tracker
