#pragma once

#include "agent/policy/judgement.hpp"
#include "agent/store/records.hpp"
#include "agent/tracker/tracker.hpp"
#include "agent/views.hpp"

/// From what `decide` works with to what `serve` shows. Pure.
namespace pushguard::agent {

[[nodiscard]] request_view make_request_view(const std::string& hub, const tracker::tracker& from,
                                             tracker::request_index request, wall_time now);
[[nodiscard]] job_view make_job_view(const tracker::tracker& from, tracker::job_index job);
[[nodiscard]] org_view make_org_view(const tracker::tracker& from, tracker::org_index org);
/// What comes from decisions and epochs is left as it is by default.
[[nodiscard]] rollout_view make_rollout_view(const std::string& hub, const tracker::tracker& from,
                                             tracker::rollout_index rollout);
[[nodiscard]] rule_view make_rule_view(const std::string& hub, const policy::judgement& judged);
[[nodiscard]] hold_view make_hold_view(const store::hold_record& hold);
[[nodiscard]] decision_view make_decision_view(const store::decision_record& decision);

}  // namespace pushguard::agent
