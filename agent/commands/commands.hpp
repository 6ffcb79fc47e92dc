#pragma once

#include "agent/command_line/command_line.hpp"

/// What each command does, but for those that need the simulated hub. Each answers the exit code of design
/// §2, prints data on standard output and trouble, in one sentence, on standard error.
namespace pushguard::agent {

[[nodiscard]] int run(const run_options& options, const configuration::environment& variables);
[[nodiscard]] int check(const check_options& options, const configuration::environment& variables);
[[nodiscard]] int status(const status_options& options);
/// Ends with exit code 0 when the user quits, when nobody reads its output any more, or when the rollout has
/// ended that a watch without terminal was asked about.
[[nodiscard]] int watch(const watch_options& options, const configuration::environment& variables);
[[nodiscard]] int alerts(const alerts_options& options);
[[nodiscard]] int orgs(const orgs_options& options);
[[nodiscard]] int audit(const audit_options& options);
[[nodiscard]] int control(const control_options& options);
[[nodiscard]] int explain(const explain_options& options);
[[nodiscard]] int backtest(const backtest_options& options);
[[nodiscard]] int export_history(const export_history_options& options,
                                 const configuration::environment& variables);
[[nodiscard]] int alert_test(const alert_test_options& options, const configuration::environment& variables);
[[nodiscard]] int version(const version_options& options);

}  // namespace pushguard::agent
