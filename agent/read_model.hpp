#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/domain/rollout_id.hpp"
#include "agent/views.hpp"

namespace pushguard::agent {

/// What `serve` knows of hubs, rollouts, requests, jobs, rules and decisions: a replica that follows the
/// messages of `decide`. For one thread.
class read_model {
 public:
  using hub_and_request = std::pair<std::string, domain::request_id>;
  using job_table = std::map<domain::job_id, job_view>;

  void apply(const view_update& update);

  /// Every job and org, as the message that would bring them.
  [[nodiscard]] view_update jobs_and_orgs() const;

  [[nodiscard]] const std::map<std::string, hub_view, std::less<>>& hubs() const noexcept { return hubs_; }
  [[nodiscard]] const std::map<hub_and_request, request_view>& requests() const noexcept { return requests_; }
  /// By hub and id (`04t…/1`).
  [[nodiscard]] const std::map<std::pair<std::string, std::string>, rollout_view>& rollouts() const noexcept {
    return rollouts_;
  }
  [[nodiscard]] const std::map<rule_key, rule_view>& rules() const noexcept { return rules_; }
  /// By id, so newest last.
  [[nodiscard]] const std::map<std::int64_t, decision_view>& decisions() const noexcept { return decisions_; }

  /// Never null.
  [[nodiscard]] const std::shared_ptr<const alerting_view>& alerting() const noexcept { return alerting_; }
  [[nodiscard]] const std::vector<hold_view>& holds() const noexcept { return holds_; }

  /// Jobs in the order of their ids; nothing for an unknown request.
  [[nodiscard]] const job_table* jobs(const hub_and_request& request) const;
  /// Failed jobs of a request by the type of their first error; all zero for an unknown request.
  [[nodiscard]] const error_counts& failed_by_type(const hub_and_request& request) const;
  [[nodiscard]] const org_view* org(std::string_view hub, const domain::org_key& org) const;
  /// The orgs that an abort of this rollout (`hub`, `04t…/1`) kept from the upgrade.
  [[nodiscard]] const std::vector<domain::org_key>* spared(std::string_view hub,
                                                           std::string_view rollout) const;

  /// Finds a rollout by hub and id; number 0 finds the version's latest one. An empty hub matches every hub.
  [[nodiscard]] const rollout_view* find_rollout(std::string_view hub, const domain::rollout_id& id) const;
  /// The first hub's request of that id.
  [[nodiscard]] const request_view* find_request(const domain::request_id& id) const;

 private:
  struct jobs_of_request {
    job_table table;
    error_counts failed_by_type{};
  };

  static void put(jobs_of_request& owner, const job_view& job);
  void forget_hub(std::string_view hub);

  std::map<std::string, hub_view, std::less<>> hubs_;
  std::map<hub_and_request, request_view> requests_;
  std::map<hub_and_request, jobs_of_request> jobs_;
  std::map<std::string, std::unordered_map<domain::org_key, org_view>, std::less<>> orgs_;
  std::map<std::pair<std::string, std::string>, rollout_view> rollouts_;
  std::map<rule_key, rule_view> rules_;
  std::map<std::int64_t, decision_view> decisions_;
  std::vector<hold_view> holds_;
  std::shared_ptr<const alerting_view> alerting_ = std::make_shared<alerting_view>();
  std::map<std::string, std::vector<domain::org_key>, std::less<>> spared_;
};

}  // namespace pushguard::agent
