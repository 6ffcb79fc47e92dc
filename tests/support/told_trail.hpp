#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/store/records.hpp"
#include "tests/support/simulated_agent.hpp"

namespace pushguard::test {

/// The audit trail as it is in the file.
struct told_trail {
  std::vector<store::audit_row> rows;
  std::string problem;  ///< the first with the chain; empty where it is intact

  [[nodiscard]] std::vector<std::string> kinds() const;
  [[nodiscard]] std::size_t count(std::string_view kind) const;
  /// Those of one kind, oldest first.
  [[nodiscard]] std::vector<store::audit_row> of_kind(std::string_view kind) const;
};

/// Reads beside the agent, which may be at work on it. A file that cannot be read is an error of the test.
[[nodiscard]] told_trail read_trail(const simulated_agent& world);

/// A text of an entry's details; empty where there is none of that name.
[[nodiscard]] std::string detail_of(const store::audit_row& row, std::string_view name);

}  // namespace pushguard::test
