#pragma once

#include <string>
#include <vector>

#include "tests/bench/peers/measuring.hpp"

namespace pushguard::bench {

struct peers_results {
  std::string machine;  ///< what it was measured on, in one line
  std::vector<cell_costs> cells;
  std::vector<fault_recoveries> faults;
};

/// Processors, kernel and Node.js; the day is the machine's.
[[nodiscard]] std::string describe_machine();

[[nodiscard]] std::string render_table(const peers_results& results);
[[nodiscard]] std::string render_json(const peers_results& results);

/// Our cost as a share of the best peer's.
[[nodiscard]] double share_of_best_peer(const cell_costs& costs);
inline constexpr double share_max = 1.0 / 3;

/// What falls short of this project's claims, a sentence each: a third of the best peer's CPU in every cell,
/// and every event once after every fault.
[[nodiscard]] std::vector<std::string> find_shortfalls(const peers_results& results);

}  // namespace pushguard::bench
