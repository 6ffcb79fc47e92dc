#pragma once

#include <boost/json/value.hpp>
#include <span>
#include <string>

#include "agent/backtest.hpp"
#include "agent/backtest_sweep.hpp"
#include "agent/policy/explain.hpp"

/// What `explain` and `backtest` print. Texts of histories are made fit for a terminal.
namespace pushguard::agent {

[[nodiscard]] std::string render_explanations(std::span<const policy::policy_explanation> policies);
[[nodiscard]] boost::json::value to_json(std::span<const policy::policy_explanation> policies);

[[nodiscard]] std::string render_backtest(const backtest_report& report);
[[nodiscard]] boost::json::value to_json(const backtest_report& report);

/// `key` is the swept field, `production/failure-rate.above`.
[[nodiscard]] std::string render_sweep(const sweep_report& report, std::string_view key);
[[nodiscard]] boost::json::value to_json(const sweep_report& report, std::string_view key);

}  // namespace pushguard::agent
