#include "agent/exclusion_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/policy/failure_rate.hpp"
#include "agent/policy/standing.hpp"

namespace pushguard::agent {
namespace {

std::string title_of(const tracker::tracker& tracked, tracker::job_index job) {
  for (const tracker::error_record& error : tracked.errors(job)) {
    if (error.severity != domain::error_severity::error)
      continue;
    const std::string_view title = tracked.at(error.title);
    const std::string_view type = domain::to_string(error.type);
    return title.empty() ? std::string(type) : fmt::format("{}: {}", type, title);
  }
  return {};
}

}  // namespace

double exclusion_lower_bound(const exclusion_counts& counts, double usual) noexcept {
  return policy::failure_rate_lower_bound(counts.excluded, counts.all(), policy::prior_for(usual),
                                          exclusion_alpha);
}

bool is_beyond_usual(const exclusion_counts& counts, double usual, bool was_told) noexcept {
  if (was_told)
    return exclusion_lower_bound(counts, usual) >= exclusion_recovery * usual;
  return counts.excluded >= excluded_orgs_min &&
         policy::is_rate_above(counts.excluded, counts.all(), policy::prior_for(usual), exclusion_alpha,
                               usual);
}

void exclusion_book::note(const policy::judgement& judged, const std::string& rule) {
  if (judged.key.rule != rule)
    return;
  scopes_[{judged.key.rollout, judged.key.request, judged.key.policy}][judged.key.segment] = {
      .excluded = judged.numbers.excluded, .started = judged.numbers.started};
}

std::map<exclusion_scope, exclusion_counts> exclusion_book::counts() const {
  std::map<exclusion_scope, exclusion_counts> made;
  for (const auto& [scope, segments] : scopes_) {
    exclusion_counts& sum = made[scope];
    for (const auto& [segment, counts] : segments) {
      sum.excluded += counts.excluded;
      sum.started += counts.started;
    }
  }
  return made;
}

std::vector<title_count> top_excluded(const tracker::tracker& tracked, tracker::rollout_index rollout,
                                      std::optional<tracker::request_index> request,
                                      const policy::policy_specification& policy, std::size_t count_max) {
  std::map<std::string, std::set<tracker::org_index>> orgs;
  for (const tracker::request_index each : tracked.at(rollout).requests) {
    if (request && each != *request)
      continue;
    for (const tracker::job_index index : tracked.at(each).jobs) {
      const tracker::job_record& job = tracked.at(index);
      if (job.status == domain::push_status::failed &&
          policy::is_excluded(tracked, index, policy.exclude_errors) &&
          policy::matches_org(policy.match, tracked.at(job.org).type))
        orgs[title_of(tracked, index)].insert(job.org);
    }
  }
  std::vector<title_count> made;
  for (const auto& [title, having] : orgs)
    made.push_back({title, having.size()});
  std::ranges::sort(made, [](const title_count& a, const title_count& b) {
    return a.orgs != b.orgs ? a.orgs > b.orgs : a.title < b.title;
  });
  made.resize(std::min(made.size(), count_max));
  return made;
}

}  // namespace pushguard::agent
