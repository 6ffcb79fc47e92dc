#include "tests/bench/peers/measuring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <deque>
#include <fstream>
#include <latch>
#include <map>
#include <thread>
#include <utility>

#include "tests/bench/peers/event_texts.hpp"
#include "tests/support/child_process.hpp"

namespace pushguard::bench {
namespace {

namespace json = boost::json;
using test::child_process;

// In a round. A peer needs up to a millisecond for a response.
constexpr std::uint64_t responses_max = 500;
// For one round, or until a client has begun, on a busy machine.
constexpr std::chrono::seconds run_time_max{120};
// In the messages of faults; the size makes no difference there.
constexpr std::size_t fault_message_size = 384;
constexpr std::uint64_t events_before_fault = 3;
// Faults come to sessions of some age. Younger ones would show the rate limit of handshakes instead.
constexpr std::chrono::milliseconds session_age{1500};
// For an event that a recovered client gets at once.
constexpr std::chrono::seconds closing_patience{10};

contestant our_client(std::string name, std::string word) {
  return {.name = std::move(name),
          .side = side::ours,
          .program = {PUSHGUARD_PEER_DRIVER},
          .word = std::move(word)};
}

contestant their_client(std::string name, std::string word) {
  std::string script = fmt::format("{}/{}_driver.js", PUSHGUARD_PEERS_DIRECTORY, name);
  if (!word.empty())
    name += " + " + word;
  return {.name = std::move(name),
          .side = side::theirs,
          .program = {"node", std::move(script)},
          .word = std::move(word)};
}

child_process start(const contestant& who, const replay_server& server, std::uint64_t warm_up,
                    std::uint64_t events) {
  std::vector<std::string> command = who.program;
  command.insert(command.end(), {std::to_string(server.port()), std::string(bench_channel),
                                 std::to_string(warm_up), std::to_string(events), who.word});
  child_process::options options;
  // faye takes a proxy from the environment.
  options.environment = {{"http_proxy", ""}, {"HTTP_PROXY", ""}};
  return child_process(command, options);
}

std::int64_t number_in(const json::object& line, std::string_view name) {
  const json::value* found = line.if_contains(name);
  return found != nullptr && found->is_int64() ? found->get_int64() : -1;
}

/// The peak of what `process` has held in memory, in bytes: what it inherited when it was started does not
/// count, as it would in getrusage.
std::uint64_t peak_memory_of(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  constexpr std::string_view key = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(key))
      continue;
    const char* digits = line.data() + line.find_first_not_of(" \t", key.size());
    std::uint64_t kibibytes = 0;
    std::from_chars(digits, line.data() + line.size(), kibibytes);
    return kibibytes * 1024;
  }
  return 0;
}

/// One client in one cell, with a server of its own. It waits, its poll held, until it is its turn.
class measured_client {
 public:
  measured_client(const contestant& who, cell what, std::uint64_t warm_up, std::uint64_t events,
                  std::optional<unsigned> server_core)
      : server_({.message_size = what.message_size, .batch = what.batch, .core = server_core}),
        client_(start(who, server_, warm_up, events)) {}

  /// Lets it receive `events`, as many as its driver prints a line after. Answers microseconds.
  result<double> receive(std::uint64_t events) {
    server_.publish(events);
    const auto line = client_.read_line_with("cpu_microseconds", run_time_max);
    if (!line)
      return fail(errc::timed_out, "it has not received its events");
    const json::value told = json::parse(*line);
    if (const auto misplaced = number_in(told.as_object(), "misplaced"); misplaced != 0)
      return fail(errc::malformed, fmt::format("it has got {} events out of order", misplaced));
    return static_cast<double>(number_in(told.as_object(), "cpu_microseconds"));
  }
  [[nodiscard]] std::uint64_t peak_memory() const { return peak_memory_of(client_.pid()); }

 private:
  replay_server server_;
  child_process client_;
};

/// The clients take turns, so that other work on the machine is in the way of all alike.
result<cell_costs> measure_cell(cell what, const peers_options& options,
                                const std::optional<core_pair>& cores) {
  const std::uint64_t events = std::min<std::uint64_t>(options.events, responses_max * what.batch);
  const auto server_core = cores ? std::optional(cores->server) : std::nullopt;
  const std::vector<contestant> contestants = measured_clients();
  std::deque<measured_client> clients;
  cell_costs made{.cell = what, .costs = std::vector<cost>(contestants.size())};
  for (unsigned round = 0; round <= options.rounds; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      if (round == 0)
        clients.emplace_back(contestants[i], what, options.warm_up, events, server_core);
      const auto spent = clients[i].receive(round == 0 ? options.warm_up : events);
      if (!spent)
        return fail_in(contestants[i].name, spent.error());
      const double per_event = *spent / static_cast<double>(events);
      double& best = made.costs[i].cpu_per_event;
      best = round <= 1 ? per_event : std::min(best, per_event);
      made.costs[i].peak_memory = clients[i].peak_memory();
    }
  }
  return made;
}

/// Reads what a driver prints of each event.
class follower {
 public:
  explicit follower(child_process& client) : client_(client) {}

  /// Reads on until event `number` has come; false where it does not within `patience`.
  bool await(std::uint64_t number, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!times_.contains(number)) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      const auto line = client_.read_line_with("replay_id", std::max(left, std::chrono::milliseconds(0)));
      if (!line)
        return false;
      const auto id = number_in(json::parse(*line).as_object(), "replay_id");
      ++times_[static_cast<std::uint64_t>(id) - first_replay_id];
    }
    return true;
  }

  /// Of events 0 to `last`.
  void count(std::uint64_t last, recovery& into) const {
    for (std::uint64_t number = 0; number <= last; ++number) {
      const auto found = times_.find(number);
      const unsigned times = found == times_.end() ? 0 : found->second;
      into.lost += times == 0 ? 1 : 0;
      into.duplicated += times > 1 ? times - 1 : 0;
    }
  }

 private:
  child_process& client_;
  std::map<std::uint64_t, unsigned> times_;  // event number -> how often it came
};

/// Waits for the others when its client is ready, also where that comes to nothing.
result<recovery> recover(const contestant& who, fault what, std::chrono::milliseconds patience,
                         std::latch& all_ready) {
  replay_server server({.message_size = fault_message_size});
  server.publish(events_before_fault);
  child_process client = start(who, server, 0, 0);
  follower received(client);
  const bool has_begun = received.await(events_before_fault - 1, run_time_max);
  all_ready.arrive_and_wait();
  const bool is_quiet = !received.await(events_before_fault, session_age);
  const auto report = has_begun && is_quiet ? server.strike(what, patience) : std::nullopt;
  if (!report)
    return fail(errc::timed_out, fmt::format("{} has not come to rest before {}", who.name, to_string(what)));
  recovery made;
  std::uint64_t last = report->last_event;
  if (received.await(last, patience)) {
    made.took =
        std::chrono::round<std::chrono::milliseconds>(std::chrono::steady_clock::now() - report->when);
    // Whoever gets this one has no earlier one on the way any more.
    last = server.publish(1);
    (void)received.await(last, closing_patience);
  }
  received.count(last, made);
  return made;
}

}  // namespace

std::vector<contestant> measured_clients() {
  return {our_client("pushguard", ""), our_client("pushguard, parsed", "parse"), their_client("cometd", ""),
          their_client("faye", "")};
}

std::vector<contestant> recovering_clients() {
  return {our_client("pushguard", ""), their_client("cometd", ""), their_client("cometd", "handlers"),
          their_client("faye", ""), their_client("faye", "handlers")};
}

result<std::vector<cell_costs>> measure_all(const peers_options& options,
                                            const std::optional<core_pair>& cores) {
  // Clients are started by this thread and stay on its core.
  std::optional<pinned_thread> pinned;
  if (cores)
    pinned.emplace(cores->client);
  std::vector<cell_costs> all;
  for (const std::size_t message_size : options.message_sizes) {
    for (const std::size_t batch : options.batches) {
      fmt::print(stderr, "measuring events of {} bytes, {} in a response\n", message_size, batch);
      auto costs = measure_cell({message_size, batch}, options, cores);
      if (!costs)
        return std::unexpected(costs.error());
      all.push_back(std::move(*costs));
    }
  }
  return all;
}

result<std::vector<fault_recoveries>> recover_all(const peers_options& options) {
  const std::vector<contestant> clients = recovering_clients();
  const std::size_t count = options.faults.size() * clients.size();
  if (count > 0)
    fmt::print(stderr, "{} faults for {} clients\n", options.faults.size(), clients.size());
  std::latch all_ready(static_cast<std::ptrdiff_t>(count));
  std::vector<result<recovery>> outcomes(count);
  std::vector<std::jthread> threads;
  threads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      outcomes[i] = recover(clients[i % clients.size()], options.faults[i / clients.size()], options.patience,
                            all_ready);
    });
  }
  threads.clear();  // waits for all
  std::vector<fault_recoveries> all;
  for (std::size_t i = 0; i < count; ++i) {
    if (!outcomes[i])
      return std::unexpected(outcomes[i].error());
    if (i % clients.size() == 0)
      all.push_back({.fault = options.faults[i / clients.size()], .recoveries = {}});
    all.back().recoveries.push_back(*outcomes[i]);
  }
  return all;
}

}  // namespace pushguard::bench
