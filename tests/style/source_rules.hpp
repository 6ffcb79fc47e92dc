#pragma once

#include <string>
#include <vector>

#include "tests/style/source_tree.hpp"

/// The rules of the house that a machine can check. Each looks at a whole tree and answers its findings,
/// as `path:line: what is wrong`, none where all is well.
namespace pushguard::style {

using findings = std::vector<std::string>;

/// Which folder may include which (docs/architecture.md).
[[nodiscard]] findings check_include_directions(const source_tree& tree);

/// The pure folders of the agent reach no Asio, JSON, logging or Prometheus, not even through base.
[[nodiscard]] findings check_pure_folders(const source_tree& tree);

/// What is slow to compile (Beast, TLS, SQLite, CLI11, spdlog, yaml-cpp) is included in .cpp files, or in a
/// header that no other folder reaches, but for its unit tests.
[[nodiscard]] findings check_heavy_includes(const source_tree& tree);

/// Ours are included with quotes and by their path from the root; all others with brackets.
[[nodiscard]] findings check_include_form(const source_tree& tree);

/// x.cpp includes its x.hpp before all else; headers begin with #pragma once.
[[nodiscard]] findings check_own_header_first(const source_tree& tree);
[[nodiscard]] findings check_pragma_once(const source_tree& tree);

/// cometd, alerts and metrics could serve another program: they know no word of push upgrades.
[[nodiscard]] findings check_foreign_words(const source_tree& tree);

/// No tabs, no trailing blanks, a line end at the end.
[[nodiscard]] findings check_blanks(const source_tree& tree);

/// No source file is longer than this; tests, which are tables for the most part, than that.
inline constexpr std::size_t source_lines_max = 850;
inline constexpr std::size_t test_lines_max = 1200;
[[nodiscard]] findings check_length(const source_tree& tree);

/// A unit test stands in tests/unit where its subject stands in the sources, and reaches a header from
/// there.
[[nodiscard]] findings check_mirroring(const source_tree& tree);

/// Every .cpp is a source in the nearest CMakeLists.txt above it.
[[nodiscard]] findings check_listing(const source_tree& tree);

/// No test waits for the clock on the wall.
[[nodiscard]] findings check_sleeps(const source_tree& tree);

/// Nothing that is true of one machine only: package registries, home and working directories.
[[nodiscard]] findings check_machine_traces(const source_tree& tree);

}  // namespace pushguard::style
