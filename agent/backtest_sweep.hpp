#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/backtest.hpp"

namespace pushguard::agent {

/// A policy with one number changed, and that number as it is written.
struct swept_policy {
  std::string value;
  policy::policy_specification policy;
};

/// What became of all rollouts with one value.
struct sweep_row {
  std::string value{};
  std::size_t aborts = 0;
  std::size_t mistaken_aborts = 0;
  std::size_t missed = 0;  ///< rollouts that ended above the unswept limit and were not aborted
  /// The abort that came soonest after the beginning of its rollout.
  std::optional<duration> soonest{};
  std::optional<policy::org_count> started_by_then{};
  std::uint64_t spared = 0;  ///< orgs over all aborts

  friend bool operator==(const sweep_row&, const sweep_row&) = default;
};

struct sweep_report {
  std::size_t rollouts = 0;       ///< that the policy matches
  std::optional<double> limit{};  ///< the rule's own, unswept: what aborts are assessed by
  std::vector<sweep_row> rows{};  ///< by value, as given
};

/// Replays the histories once, with the rule in each variant of its policy side by side, alone and as if its
/// action were abort. `unswept` and every variant have a rule of that name.
[[nodiscard]] sweep_report sweep_rule(std::span<const history::past_push> pushes, std::string_view rule,
                                      const policy::policy_specification& unswept,
                                      std::span<const swept_policy> variants,
                                      const backtest_settings& settings = {});

}  // namespace pushguard::agent
