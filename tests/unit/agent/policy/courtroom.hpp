#pragma once

#include "agent/policy/judge.hpp"
#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::test {

/// A hub with a judge: rows and events go through both, as they do in the agent.
class courtroom {
 public:
  explicit courtroom(std::vector<policy::policy_specification> policies, policy::judge_memory memory = {},
                     policy::detail wanted = policy::detail::full)
      : judge(std::move(policies), std::move(memory), wanted) {}

  template <class Row>
  void rows(std::initializer_list<Row> given, wall_time asked = at(0s)) {
    judge.apply(hub, apply(hub, given, asked));
  }
  void rows(std::initializer_list<domain::subscriber_row> given) { judge.apply(hub, apply(hub, given)); }
  void jobs(std::span<const domain::job_row> given, wall_time asked = at(0s)) {
    judge.apply(hub, hub.apply(given, asked));
  }
  /// Jobs `first` to `last` of a request.
  void jobs(unsigned first, unsigned last, unsigned request, push_status status, duration modified = 1s) {
    std::vector<domain::job_row> given;
    for (unsigned n = first; n <= last; ++n)
      given.push_back(job_row(n, request, status, modified));
    jobs(given);
  }
  void event(unsigned job, push_status status, wall_time now = at(1s)) {
    judge.apply(hub, hub.apply(job_event(job, status), now));
  }
  /// Reads the errors of jobs `first` to `last`: one each.
  void errors(unsigned first, unsigned last, domain::error_type type = domain::error_type::deploy_error) {
    std::vector<domain::job_id> read;
    std::vector<domain::error_row> given;
    for (unsigned n = first; n <= last; ++n) {
      read.push_back(job_id(n));
      given.push_back(error_row(n, type));
    }
    judge.apply(hub, hub.apply_errors(read, given));
  }
  void reconcile(wall_time now = at(1s)) { judge.apply(hub, hub.reconciled(now)); }

  policy::evaluation evaluate(policy::freshness freshness = policy::freshness::fresh,
                              wall_time now = at(1min)) {
    return judge.evaluate(hub, now, freshness);
  }

  tracker::tracker hub;
  policy::judge judge;
};

/// Aborts above 5% failed, with at least `min_started` orgs started.
[[nodiscard]] inline policy::policy_specification rate_policy(
    policy::policy_mode mode = policy::policy_mode::enforce) {
  policy::policy_specification made{.name = "production"};
  made.mode = mode;
  made.rules.push_back(
      {.name = "failure-rate",
       .test = policy::failure_rate_rule{.above = 0.05, .confidence = 0.99, .min_started = 20},
       .action = policy::rule_action::abort,
       .severity = policy::rule_severity::critical});
  return made;
}

[[nodiscard]] inline domain::rollout_id first_rollout() {
  return {version_id(1), 1};
}

}  // namespace pushguard::test
