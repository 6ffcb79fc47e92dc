#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "simulator/scenario.hpp"
#include "simulator/truth.hpp"

namespace pushguard::simulator {

/// What an agent concluded about the rollout.
struct agent_conclusion {
  bool aborted = false;
  std::string outcome;  ///< of the abort: confirmed, partial, …; "" without one
  std::size_t spared_orgs = 0;
};

/// How the conclusion differs from what the scenario expects and from what really happened, each
/// difference as a sentence. Empty: everything is as expected.
[[nodiscard]] std::vector<std::string> compare_with_expectation(const expected_outcome& expected,
                                                                const hub_truth& truth,
                                                                const agent_conclusion& concluded);

}  // namespace pushguard::simulator
