#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "tests/bench/peers/cores.hpp"
#include "tests/bench/peers/options.hpp"
#include "tests/bench/peers/replay_server.hpp"

namespace pushguard::bench {

enum class side { ours, theirs };

/// A client as a program, with what its driver is told.
struct contestant {
  std::string name;
  bench::side side = bench::side::theirs;
  std::vector<std::string> program;
  std::string word;  ///< the driver's last argument; may be empty
};

/// Who is measured: this project's client, the same with each event's text parsed, and the peers.
[[nodiscard]] std::vector<contestant> measured_clients();
/// Who goes through faults: this project's client, and each peer by itself and with an application's
/// handlers.
[[nodiscard]] std::vector<contestant> recovering_clients();

struct cell {
  std::size_t message_size;
  std::size_t batch;
};

struct cost {
  double cpu_per_event = 0;       ///< microseconds, user and system, in the best of all rounds
  std::uint64_t peak_memory = 0;  ///< bytes, resident
};

/// In the order of measured_clients().
struct cell_costs {
  bench::cell cell;
  std::vector<cost> costs;
};

/// Fails where a client does not deliver every event, once and in order.
[[nodiscard]] result<std::vector<cell_costs>> measure_all(const peers_options& options,
                                                          const std::optional<core_pair>& cores);

struct recovery {
  /// From the fault to the arrival of the event that was published when it was over. Nothing: it never came.
  std::optional<std::chrono::milliseconds> took;
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;

  [[nodiscard]] bool is_clean() const noexcept { return took && lost == 0 && duplicated == 0; }
};

/// In the order of recovering_clients().
struct fault_recoveries {
  bench::fault fault;
  std::vector<recovery> recoveries;
};

/// All at once, since everybody mostly waits. Fails where a client does not even begin.
[[nodiscard]] result<std::vector<fault_recoveries>> recover_all(const peers_options& options);

}  // namespace pushguard::bench
