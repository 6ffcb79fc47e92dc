#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "agent/command_line/command_line.hpp"
#include "agent/command_line/completion.hpp"
#include "agent/commands/commands.hpp"
#include "program/demo.hpp"
#include "program/simulate.hpp"

namespace {

using namespace pushguard;

struct dispatcher {
  const configuration::environment& variables;

  int operator()(const agent::run_options& options) const { return agent::run(options, variables); }
  int operator()(const agent::check_options& options) const { return agent::check(options, variables); }
  int operator()(const agent::demo_options& options) const { return program::demo(options); }
  int operator()(const agent::simulate_options& options) const { return program::simulate(options); }
  int operator()(const agent::status_options& options) const { return agent::status(options); }
  int operator()(const agent::watch_options& options) const { return agent::watch(options, variables); }
  int operator()(const agent::alerts_options& options) const { return agent::alerts(options); }
  int operator()(const agent::orgs_options& options) const { return agent::orgs(options); }
  int operator()(const agent::audit_options& options) const { return agent::audit(options); }
  int operator()(const agent::control_options& options) const { return agent::control(options); }
  int operator()(const agent::explain_options& options) const { return agent::explain(options); }
  int operator()(const agent::backtest_options& options) const { return agent::backtest(options); }
  int operator()(const agent::export_history_options& options) const {
    return agent::export_history(options, variables);
  }
  int operator()(const agent::alert_test_options& options) const {
    return agent::alert_test(options, variables);
  }
  int operator()(const agent::completion_options& options) const {
    const std::string script = agent::completion_script(options.shell, agent::describe_commands());
    std::fwrite(script.data(), 1, script.size(), stdout);
    return 0;
  }
  int operator()(const agent::version_options& options) const { return agent::version(options); }
};

int dispatch(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const configuration::environment variables = configuration::process_environment();
  const auto command = agent::parse_command_line(arguments, variables);
  if (!command) {
    const agent::early_exit& exit = command.error();
    std::FILE* out = exit.stream == agent::output_stream::standard_output ? stdout : stderr;
    std::fwrite(exit.text.data(), 1, exit.text.size(), out);
    return exit.exit_code;
  }
  return std::visit(dispatcher{variables}, *command);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch(argc, argv);
  } catch (const std::exception& bug) {
    fmt::print(stderr, "pushguard: this should not have happened, please report it: {}\n", bug.what());
    return 1;
  }
}
