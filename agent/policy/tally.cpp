#include "agent/policy/tally.hpp"

#include <algorithm>
#include <utility>

namespace pushguard::policy {
namespace {

void count(org_counts& counts, standing state, settlement settled, org_count by) {
  counts.present += by;
  switch (state) {
    case standing::absent:
    case standing::scheduled:
      return;
    case standing::in_flight:
      counts.in_flight += by;
      return;
    case standing::succeeded:
      counts.succeeded += by;
      return;
    case standing::failed:
      counts.failed += by;
      counts.unsettled += settled == settlement::unsettled ? by : 0;
      return;
    case standing::excluded:
      counts.excluded += by;
      return;
  }
}

constexpr org_count one_more = 1;
constexpr org_count one_less = static_cast<org_count>(-1);  // unsigned arithmetic wraps

}  // namespace

tally::tally(std::optional<segmentation> by) : by_(by) {
  if (!by)
    (void)find_or_add({});
}

void tally::set(tracker::org_index org, org_standing now, std::string_view segment) {
  const auto key = static_cast<std::uint32_t>(org);
  const auto known = orgs_.find(key);
  if (now.state == standing::absent) {
    if (known != orgs_.end()) {
      remove(known->second, org);
      orgs_.erase(known);
    }
    return;
  }
  const entry wanted{now.state, now.settled, find_or_add(by_ ? segment : std::string_view{})};
  if (known != orgs_.end()) {
    const bool is_same = known->second.state == wanted.state && known->second.settled == wanted.settled &&
                         known->second.segment == wanted.segment;
    if (is_same && wanted.settled == settlement::settled)
      return;
    remove(known->second, org);
    known->second = wanted;
  } else {
    orgs_.emplace(key, wanted);
  }
  add(wanted, org, now.job);
}

void tally::add(const entry& where, tracker::org_index org, tracker::job_index job) {
  auto& segment = segments_[static_cast<std::size_t>(where.segment)];
  count(segment.counts, where.state, where.settled, one_more);
  segment.counts.scheduled = std::max(segment.counts.scheduled, segment.counts.present);
  if (where.settled == settlement::unsettled)
    segment.unsettled.insert_or_assign(static_cast<std::uint32_t>(org), job);
  mark(where.segment);
}

void tally::remove(const entry& where, tracker::org_index org) {
  auto& segment = segments_[static_cast<std::size_t>(where.segment)];
  count(segment.counts, where.state, where.settled, one_less);
  if (where.settled == settlement::unsettled)
    segment.unsettled.erase(static_cast<std::uint32_t>(org));
  mark(where.segment);
}

void tally::mark(segment_index segment) {
  auto& state = segments_[static_cast<std::size_t>(segment)];
  if (state.is_changed)
    return;
  state.is_changed = true;
  changed_.push_back(segment);
}

segment_index tally::find_or_add(std::string_view name) {
  if (!by_ && !segments_.empty())
    return segment_index{};
  const auto [at, is_new] =
      index_.try_emplace(std::string(name), static_cast<segment_index>(segments_.size()));
  if (is_new) {
    segments_.push_back({.name = std::string(name)});
    mark(at->second);
  }
  return at->second;
}

std::vector<tracker::job_index> tally::unsettled_jobs(segment_index segment) const {
  std::vector<tracker::job_index> jobs;
  for (const auto& [org, job] : at(segment).unsettled)
    jobs.push_back(job);
  std::ranges::sort(jobs);
  return jobs;
}

std::vector<segment_index> tally::take_changed() {
  for (const auto segment : changed_)
    segments_[static_cast<std::size_t>(segment)].is_changed = false;
  return std::exchange(changed_, {});
}

}  // namespace pushguard::policy
