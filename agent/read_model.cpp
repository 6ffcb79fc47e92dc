#include "agent/read_model.hpp"

namespace pushguard::agent {
namespace {

std::string spared_key(std::string_view hub, std::string_view rollout) {
  return std::string(hub).append(1, '/').append(rollout);
}

std::uint32_t number_of(const rollout_view& rollout) {
  const auto parsed = domain::rollout_id::parse(rollout.id);
  return parsed ? parsed->number : 0;
}

}  // namespace

void read_model::forget_hub(std::string_view hub) {
  const auto is_its = [&](const auto& entry) { return entry.first.first == hub; };
  if (const auto known = hubs_.find(hub); known != hubs_.end())
    hubs_.erase(known);
  if (const auto known = orgs_.find(hub); known != orgs_.end())
    orgs_.erase(known);
  std::erase_if(requests_, is_its);
  std::erase_if(jobs_, is_its);
  std::erase_if(rollouts_, is_its);
  std::erase_if(rules_, [&](const auto& entry) { return entry.first.hub == hub; });
  std::erase_if(decisions_, [&](const auto& entry) { return entry.second.hub == hub; });
  std::erase_if(spared_, [&](const auto& entry) { return entry.first.starts_with(spared_key(hub, "")); });
}

view_update read_model::jobs_and_orgs() const {
  view_update out;
  for (const auto& [key, jobs] : jobs_) {
    auto& copies = out.jobs.emplace_back(key.first, std::vector<job_view>()).second;
    for (const auto& [id, job] : jobs.table)
      copies.push_back(job);
  }
  for (const auto& [hub, orgs] : orgs_) {
    auto& copies = out.orgs.emplace_back(hub, std::vector<org_view>()).second;
    for (const auto& [key, org] : orgs)
      copies.push_back(org);
  }
  return out;
}

void read_model::apply(const view_update& update) {
  for (const std::string& hub : update.forgotten_hubs) {
    forget_hub(hub);
  }
  for (const std::string& hub : update.forgotten_rules_of) {
    std::erase_if(rules_, [&](const auto& entry) { return entry.first.hub == hub; });
  }
  for (const hub_view& hub : update.hubs) {
    hubs_.insert_or_assign(hub.name, hub);
  }
  for (const request_view& request : update.requests) {
    requests_.insert_or_assign({request.hub, request.row.id}, request);
  }
  for (const auto& [hub, jobs] : update.jobs) {
    for (const job_view& job : jobs) {
      put(jobs_[{hub, job.request}], job);
    }
  }
  for (const auto& [hub, orgs] : update.orgs) {
    for (const org_view& org : orgs) {
      orgs_[hub].insert_or_assign(org.org, org);
    }
  }
  for (const rollout_view& rollout : update.rollouts) {
    rollouts_.insert_or_assign({rollout.hub, rollout.id}, rollout);
  }
  for (const rule_view& rule : update.rules) {
    rules_.insert_or_assign(rule.key, rule);
  }
  for (const decision_view& decision : update.decisions) {
    decisions_.insert_or_assign(decision.id, decision);
  }
  if (update.alerting) {
    alerting_ = update.alerting;
  }
  if (update.holds) {
    holds_ = *update.holds;
  }
  for (const auto& [key, orgs] : update.spared) {
    spared_.insert_or_assign(key, orgs);
  }
}

void read_model::put(jobs_of_request& owner, const job_view& job) {
  const auto [place, is_new] = owner.table.try_emplace(job.id, job);
  if (!is_new) {
    if (place->second.error)
      --owner.failed_by_type[static_cast<std::size_t>(*place->second.error)];
    place->second = job;
  }
  if (job.error)
    ++owner.failed_by_type[static_cast<std::size_t>(*job.error)];
}

const read_model::job_table* read_model::jobs(const hub_and_request& request) const {
  const auto found = jobs_.find(request);
  return found == jobs_.end() ? nullptr : &found->second.table;
}

const error_counts& read_model::failed_by_type(const hub_and_request& request) const {
  static constexpr error_counts none{};
  const auto found = jobs_.find(request);
  return found == jobs_.end() ? none : found->second.failed_by_type;
}

const org_view* read_model::org(std::string_view hub, const domain::org_key& org) const {
  const auto by_hub = orgs_.find(hub);
  if (by_hub == orgs_.end()) {
    return nullptr;
  }
  const auto found = by_hub->second.find(org);
  return found == by_hub->second.end() ? nullptr : &found->second;
}

const std::vector<domain::org_key>* read_model::spared(std::string_view hub, std::string_view rollout) const {
  const auto found = spared_.find(spared_key(hub, rollout));
  return found == spared_.end() ? nullptr : &found->second;
}

const rollout_view* read_model::find_rollout(std::string_view hub, const domain::rollout_id& id) const {
  const rollout_view* latest = nullptr;
  for (const auto& [key, rollout] : rollouts_) {
    if ((!hub.empty() && rollout.hub != hub) || rollout.version != id.version) {
      continue;
    }
    const std::uint32_t its_number = number_of(rollout);
    if (id.number != 0 && its_number == id.number) {
      return &rollout;
    }
    if (id.number == 0 && (latest == nullptr || its_number > number_of(*latest))) {
      latest = &rollout;
    }
  }
  return latest;
}

const request_view* read_model::find_request(const domain::request_id& id) const {
  for (const auto& [key, request] : requests_) {
    if (key.second == id) {
      return &request;
    }
  }
  return nullptr;
}

}  // namespace pushguard::agent
