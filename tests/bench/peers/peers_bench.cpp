// This project's CometD client beside npm `cometd` and npm `faye`: what an event costs them, and how they
// come through faults. docs/benchmarks.md says how to read it.

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <string_view>
#include <vector>

#include "tests/bench/peers/cores.hpp"
#include "tests/bench/peers/measuring.hpp"
#include "tests/bench/peers/options.hpp"
#include "tests/bench/peers/report.hpp"
#include "tests/support/child_process.hpp"

namespace pushguard::bench {
namespace {

enum exit_status : int { all_well = 0, fell_short = 1, wrong_usage = 2 };

int complain(exit_status status, std::string_view what) {
  fmt::print(stderr, "bench_peers: {}\n", what);
  return status;
}

/// What is missing on this machine; empty where nothing is.
std::string find_missing() {
  if (!test::find_program("node"))
    return "Node.js is not installed";
  if (!std::filesystem::exists(std::string(PUSHGUARD_PEERS_DIRECTORY) + "/node_modules"))
    return "the peers are not installed: run ./dev bench peers, or npm ci in tests/bench/peers";
  return {};
}

int run(const peers_options& options) {
  if (const std::string missing = find_missing(); !missing.empty())
    return complain(wrong_usage, missing);
  peers_results results{.machine = describe_machine(), .cells = {}, .faults = {}};
  const auto cores = choose_cores();
  if (!cores)
    fmt::print(stderr, "there is only one core: client and server disturb each other\n");
  auto cells = measure_all(options, cores);
  if (!cells)
    return complain(fell_short, cells.error().text());
  results.cells = std::move(*cells);
  auto faults = recover_all(options);
  if (!faults)
    return complain(fell_short, faults.error().text());
  results.faults = std::move(*faults);

  fmt::print("{}", options.output == output::json ? render_json(results) : render_table(results));
  if (options.verdict == verdict::unchecked)
    return all_well;
  const std::vector<std::string> shortfalls = find_shortfalls(results);
  for (const auto& each : shortfalls)
    complain(fell_short, each);
  return shortfalls.empty() ? all_well : fell_short;
}

}  // namespace
}  // namespace pushguard::bench

int main(int argc, char** argv) {
  using namespace pushguard::bench;
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const auto options = parse_peers_options(arguments);
  if (!options) {
    fmt::print(stderr, "{}", peers_usage);
    return complain(wrong_usage, options.error().text());
  }
  try {
    return run(*options);
  } catch (const std::exception& error) {
    return complain(fell_short, error.what());
  }
}
