#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/history/past_push.hpp"
#include "agent/policy/abort_plan.hpp"
#include "agent/policy/judgement.hpp"
#include "agent/policy/specification.hpp"

/// Recorded rollouts through policies: what the live agent would have said and done, and what would have come
/// of it. Each rule is told as if it alone had acted. docs/backtest.md has the assumptions. Pure.
namespace pushguard::agent {

struct backtest_settings {
  duration rollout_gap = std::chrono::days(7);
  /// The histories are of rollouts that should have gone on: every abort of one was false.
  bool are_healthy = false;
  /// What aborts are assessed by, instead of each rule's own limit.
  std::optional<double> limit{};
};

/// What a rule said at an instant of the past.
struct backtest_moment {
  wall_time at{};
  duration elapsed{};            ///< since the rollout began
  std::string segment{};         ///< empty without `by:`
  domain::request_id request{};  ///< empty above request scope
  policy::judged_numbers numbers{};
  std::string reason{};
};

/// What an abort would have come to. Orgs are distinct; failed ones are those that the policy counts.
struct backtest_abort {
  std::vector<policy::planned_request> requests{};  ///< without those that had ended
  policy::org_count cancelable = 0;                 ///< of the requests: those that had not started
  policy::org_count spared = 0;                     ///< orgs only in those
  policy::org_count in_flight = 0;
  policy::org_count still_to_start = 0;  ///< queued in requests that ran
  policy::org_count failed_before = 0;   ///< by the decision
  policy::org_count failed_after = 0;    ///< still to come in what could not be cancelled
  policy::org_count failed_without = 0;  ///< in the whole rollout, as it was recorded
  [[nodiscard]] policy::org_count failed_with() const noexcept { return failed_before + failed_after; }
};

/// Was an abort right? By the limit of the rule and the final failure rate of what it counts.
enum class abort_assessment : unsigned char { unassessed, right, mistaken };

[[nodiscard]] std::string_view to_string(abort_assessment assessment) noexcept;

/// One rule in one rollout.
struct backtest_rule {
  std::string policy{};
  std::string rule{};
  policy::rule_action action = policy::rule_action::alert;
  policy::policy_mode mode = policy::policy_mode::dry_run;
  std::optional<backtest_moment> warned{};
  std::optional<backtest_moment> breached{};
  /// When it would have acted: the alert, or the abort that would have been carried out or told (dry run).
  std::optional<backtest_moment> fired{};
  std::optional<backtest_abort> abort{};
  /// It was breached when the rollout was first seen, so it would only have alerted.
  bool is_breached_before_arming = false;
  /// Another rule would have aborted the rollout before it fired, so some of what it counted would not have
  /// happened.
  bool is_after_abort = false;
  std::optional<double> limit{};       ///< what it is assessed by; rules without a share have none
  std::optional<double> final_rate{};  ///< of the group it fired on; else of all, or of the worst request
  abort_assessment assessment = abort_assessment::unassessed;

  /// It ended above its limit, and it did not fire.
  [[nodiscard]] bool is_missed() const noexcept {
    return !fired && limit && final_rate && *final_rate > *limit;
  }
};

struct backtest_rollout {
  domain::rollout_id id{};  ///< numbered among the histories given
  std::string hub{};
  std::string package_name{};
  std::string version_number{};
  std::vector<domain::request_id> requests{};  ///< by start
  wall_time began{};
  policy::org_count orgs = 0;  ///< distinct
  std::vector<backtest_rule> rules{};
  std::optional<std::size_t> aborted_by{};  ///< of `rules`: the one that would have aborted first
};

struct backtest_totals {
  std::size_t rollouts = 0;
  std::size_t aborts = 0;           ///< rollouts that would have been aborted
  std::size_t mistaken_aborts = 0;  ///< of those: by a rule that was mistaken
  std::uint64_t spared = 0;         ///< orgs, by the first abort of each rollout
};

struct backtest_report {
  std::vector<backtest_rollout> rollouts{};  ///< by their beginning
  backtest_totals totals{};
};

/// A rule's own limit of a share of orgs; nothing for rules that have none.
[[nodiscard]] std::optional<double> limit_of(const policy::rule_test& test) noexcept;

/// `pushes` are in any order, each request once. Never fails.
[[nodiscard]] backtest_report backtest(std::span<const history::past_push> pushes,
                                       std::vector<policy::policy_specification> policies,
                                       const backtest_settings& settings = {});

}  // namespace pushguard::agent
