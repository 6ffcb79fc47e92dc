#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "tests/bench/peers/replay_server.hpp"

namespace pushguard::bench {

enum class output { table, json };
enum class verdict { unchecked, checked };

/// What `bench_peers` is asked to do.
struct peers_options {
  bench::output output = bench::output::table;
  bench::verdict verdict = bench::verdict::unchecked;
  std::vector<std::size_t> message_sizes{384, 950};  ///< bytes
  std::vector<std::size_t> batches{1, 10, 100, 1000};
  std::vector<fault> faults{all_faults.begin(), all_faults.end()};
  std::uint64_t warm_up = 10'000;  ///< events before the first round, for just-in-time compilers
  /// How often each figure is measured; the best one counts, since other work on the machine only adds.
  unsigned rounds = 10;
  /// Events in a round, at most; fewer where a response holds few, so that a cell takes some seconds.
  std::uint64_t events = 20'000;
  /// A client that has received nothing for so long after a fault is given up.
  std::chrono::seconds patience{60};
};

inline constexpr std::string_view peers_usage =
    "usage: bench_peers [--json] [--check] [--size BYTES]... [--batch EVENTS]... [--fault NAME|none]...\n"
    "                   [--rounds N] [--warm-up EVENTS] [--events EVENTS] [--patience SECONDS]\n";

/// Fails with errc::invalid and says which argument is wrong.
[[nodiscard]] result<peers_options> parse_peers_options(std::span<const std::string_view> arguments);

}  // namespace pushguard::bench
