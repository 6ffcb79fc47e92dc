#include "agent/backtest_sweep.hpp"

#include <algorithm>

namespace pushguard::agent {
namespace {

const policy::rule_specification* find_rule(const policy::policy_specification& policy,
                                            std::string_view rule) {
  const auto found = std::ranges::find(policy.rules, rule, &policy::rule_specification::name);
  return found == policy.rules.end() ? nullptr : &*found;
}

/// The policy with that rule alone, told apart from the other variants by its name.
policy::policy_specification variant_of(policy::policy_specification policy, std::string_view rule,
                                        std::size_t place) {
  policy.name = std::to_string(place);
  std::erase_if(policy.rules, [&](const auto& each) { return each.name != rule; });
  for (auto& each : policy.rules)
    each.action = policy::rule_action::abort;
  return policy;
}

void add(sweep_row& row, const backtest_rule& rule) {
  row.missed += rule.is_missed() ? 1 : 0;
  if (!rule.abort)
    return;
  ++row.aborts;
  row.mistaken_aborts += rule.assessment == abort_assessment::mistaken ? 1 : 0;
  row.spared += rule.abort->spared;
  if (!row.soonest || rule.fired->elapsed < *row.soonest) {
    row.soonest = rule.fired->elapsed;
    row.started_by_then = rule.fired->numbers.started;
  }
}

}  // namespace

sweep_report sweep_rule(std::span<const history::past_push> pushes, std::string_view rule,
                        const policy::policy_specification& unswept, std::span<const swept_policy> variants,
                        const backtest_settings& settings) {
  sweep_report made;
  if (const auto* own = find_rule(unswept, rule))
    made.limit = limit_of(own->test);
  std::vector<policy::policy_specification> policies;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    policies.push_back(variant_of(variants[i].policy, rule, i));
    made.rows.push_back({.value = variants[i].value});
  }
  auto assessed_by = settings;
  assessed_by.limit = made.limit;
  const auto report = backtest(pushes, std::move(policies), assessed_by);
  for (const backtest_rollout& rollout : report.rollouts) {
    made.rollouts += rollout.rules.empty() ? 0 : 1;
    // One rule for each variant, in their order.
    for (std::size_t i = 0; i < rollout.rules.size(); ++i)
      add(made.rows[i], rollout.rules[i]);
  }
  return made;
}

}  // namespace pushguard::agent
