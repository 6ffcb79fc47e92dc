#include "agent/org_listing.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "agent/domain/error_signature.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

using domain::push_status;

bool contains_ignoring_case(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  };
  return !std::ranges::search(text, lower, same).empty();
}

std::string signature_of(const job_view& job) {
  return domain::error_signature(job.error.value_or(domain::error_type::unknown), job.error_title,
                                 job.error_message);
}

}  // namespace

// --- org_lists -----------------------------------------------------------------------------------

std::span<const listed_org> org_lists::of(const rollout_view& rollout) {
  list& made = lists_[{rollout.hub, rollout.id}];
  std::vector<std::pair<domain::request_id, std::size_t>> made_of;
  for (const domain::request_id& wave : rollout.requests) {
    const auto* jobs = model_.jobs({rollout.hub, wave});
    made_of.emplace_back(wave, jobs == nullptr ? 0 : jobs->size());
  }
  // Jobs stay where they are when their status changes: only new ones make a list anew.
  if (made.made_of != made_of) {
    made = {.made_of = std::move(made_of), .orgs = {}};
    fill(made, rollout);
  }
  mark_spared(made, rollout);
  return made.orgs;
}

void org_lists::fill(list& made, const rollout_view& rollout) const {
  // Waves are in the order of their start: of an org's jobs the one that comes last is the newest.
  std::vector<std::pair<const job_view*, std::size_t>> all;
  for (const domain::request_id& wave : rollout.requests) {
    if (const auto* jobs = model_.jobs({rollout.hub, wave})) {
      for (const auto& [id, job] : *jobs)
        all.emplace_back(&job, all.size());
    }
  }
  std::ranges::sort(all, [](const auto& a, const auto& b) {
    return a.first->org != b.first->org ? a.first->org < b.first->org : a.second < b.second;
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i + 1 == all.size() || all[i].first->org != all[i + 1].first->org)
      made.orgs.push_back({.job = all[i].first});
  }
}

void org_lists::mark_spared(list& made, const rollout_view& rollout) const {
  const auto* keys = model_.spared(rollout.hub, rollout.id);
  const std::size_t count = keys == nullptr ? 0 : keys->size();
  if (count == made.spared)
    return;
  made.spared = count;
  const std::unordered_set<domain::org_key> spared(keys == nullptr
                                                       ? std::unordered_set<domain::org_key>()
                                                       : std::unordered_set(keys->begin(), keys->end()));
  for (listed_org& org : made.orgs)
    org.is_spared = spared.contains(org.job->org);
}

// --- org_matcher ---------------------------------------------------------------------------------

org_matcher::org_matcher(const read_model& model, std::string hub,
                         const configuration::org_directory* directory, org_filter filter)
    : model_(model), hub_(std::move(hub)), directory_(directory), filter_(std::move(filter)) {
  filter_.text = to_lower_ascii(filter_.text);
}

bool org_matcher::has_result(const listed_org& org) const {
  switch (filter_.result) {
    case org_result::any:
      return true;
    case org_result::failed:
      return org.job->status == push_status::failed;
    case org_result::succeeded:
      return org.job->status == push_status::succeeded;
    case org_result::spared:
      return org.is_spared;
    case org_result::running:
      return org.job->status == push_status::in_progress;
  }
  return false;
}

bool org_matcher::has_text(const listed_org& org, const org_view* known) const {
  if (contains_ignoring_case(org.job->org.text(), filter_.text) ||
      (known != nullptr && contains_ignoring_case(known->name, filter_.text)))
    return true;
  const auto note = directory_ == nullptr ? std::nullopt : directory_->find(org.job->org);
  return note && (contains_ignoring_case(note->customer, filter_.text) ||
                  contains_ignoring_case(note->tier, filter_.text));
}

bool org_matcher::operator()(const listed_org& org) const {
  if (!has_result(org) || (!filter_.wave.empty() && org.job->request != filter_.wave) ||
      (filter_.error && org.job->error != filter_.error) ||
      (filter_.from_version && org.job->from_version != filter_.from_version))
    return false;
  if (!filter_.signature.empty() &&
      (org.job->status != push_status::failed || signature_of(*org.job) != filter_.signature))
    return false;
  if (!filter_.type && filter_.sf_instance.empty() && filter_.text.empty())
    return true;
  const org_view* known = model_.org(hub_, org.job->org);
  if (filter_.type && (known == nullptr || known->type != *filter_.type))
    return false;
  if (!filter_.sf_instance.empty() && (known == nullptr || known->sf_instance != filter_.sf_instance))
    return false;
  return filter_.text.empty() || has_text(org, known);
}

org_page take_page(std::span<const listed_org> orgs, const org_matcher& matches, std::string_view after,
                   std::size_t size) {
  org_page page;
  for (const listed_org& org : orgs) {
    if (!matches(org))
      continue;
    ++page.matching;
    if (org.job->org.key() <= after)
      continue;
    if (page.orgs.size() == size)
      page.has_more = true;
    else
      page.orgs.push_back(org);
  }
  return page;
}

std::vector<listed_org> take_rows(std::span<const listed_org> orgs, const org_matcher& matches,
                                  std::string_view after, std::size_t size) {
  const auto key_of = [](const listed_org& org) { return org.job->org.key(); };
  std::vector<listed_org> rows;
  for (auto at = std::ranges::upper_bound(orgs, after, {}, key_of); at != orgs.end() && rows.size() < size;
       ++at) {
    if (matches(*at))
      rows.push_back(*at);
  }
  return rows;
}

// --- failures ------------------------------------------------------------------------------------

namespace {

bool is_of_failures_alone(failure_group_key by) {
  return by == failure_group_key::signature || by == failure_group_key::error_type;
}

std::string group_of(const job_view& job, const org_view* org, failure_group_key by) {
  switch (by) {
    case failure_group_key::signature:
      return signature_of(job);
    case failure_group_key::error_type:
      return std::string(domain::to_string(job.error.value_or(domain::error_type::unknown)));
    case failure_group_key::sf_instance:
      return org == nullptr ? std::string() : org->sf_instance;
    case failure_group_key::org_type:
      return org == nullptr ? std::string() : std::string(domain::to_string(org->type));
    case failure_group_key::from_version:
      return job.from_version ? std::string(job.from_version->text()) : std::string();
  }
  return {};
}

}  // namespace

failure_groups group_failures(const read_model& model, std::string_view hub, std::span<const listed_org> orgs,
                              failure_group_key by) {
  const bool counts_started = !is_of_failures_alone(by);
  std::unordered_map<std::string, failure_group> found;
  failure_groups out;
  for (const listed_org& org : orgs) {
    const bool is_failed = org.job->status == push_status::failed;
    if (!is_failed && !(counts_started && domain::is_started(org.job->status)))
      continue;
    std::string value = group_of(*org.job, counts_started ? model.org(hub, org.job->org) : nullptr, by);
    failure_group& group = found[value];
    group.value = std::move(value);
    if (counts_started)
      group.started = group.started.value_or(0) + 1;
    if (!is_failed)
      continue;
    ++group.failed;
    ++out.failed;
    if (group.sample_org_keys.size() < failure_samples_max)
      group.sample_org_keys.emplace_back(org.job->org.text());
  }
  for (auto& [value, group] : found) {
    if (group.failed > 0)
      out.groups.push_back(std::move(group));
  }
  std::ranges::sort(out.groups, [](const failure_group& a, const failure_group& b) {
    return a.failed != b.failed ? a.failed > b.failed : a.value < b.value;
  });
  for (std::size_t i = failure_groups_max; i < out.groups.size(); ++i)
    out.others += out.groups[i].failed;
  out.groups.resize(std::min(out.groups.size(), failure_groups_max));
  return out;
}

}  // namespace pushguard::agent
