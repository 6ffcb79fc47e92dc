#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http_client.hpp"
#include "program/simulated_hub.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard::test {

/// Four waves to 300 orgs, a quarter of which fail, 120 times faster than life.
[[nodiscard]] simulator::scenario bad_rollout();

/// Real processes, sockets and clocks: a simulated hub in this process, the agent as a child, and whatever
/// else a test starts. Waiting is asking again until an answer is right, within a generous bound.
class running_world {
 public:
  static constexpr auto patience = std::chrono::seconds(60);

  explicit running_world(simulator::scenario plan);
  ~running_world();

  [[nodiscard]] program::simulated_hub& hub() { return *hub_; }
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  std::filesystem::path write_file(const std::string& name, const std::string& text) const;

  /// The agent's configuration: a rule that aborts and one that alerts, and `alertmanagers` (URLs).
  [[nodiscard]] std::string configuration(const std::vector<std::string>& alertmanagers = {},
                                          const std::string& listen = "127.0.0.1:0") const;
  /// Starts the agent and waits until it listens. Its log goes to `agent().read_line…`.
  void start_agent(const std::string& configuration);
  /// The two halves of it, for an agent that may die while it starts: false where it did. `program` is
  /// another build of the agent, or empty; `environment` is added to the test's own.
  void launch_agent(const std::string& configuration, const std::string& program,
                    std::vector<std::pair<std::string, std::string>> environment);
  [[nodiscard]] bool wait_until_agent_listens();
  [[nodiscard]] child_process& agent() { return *agent_; }
  [[nodiscard]] const origin& agent_address() const noexcept { return agent_address_; }
  void kill_agent();

  /// GETs a body; nothing where there was no 200.
  [[nodiscard]] std::optional<std::string> get(const origin& server, const std::string& target);
  [[nodiscard]] std::optional<boost::json::value> get_json(const origin& server, const std::string& target);

  [[nodiscard]] pushguard::network& network() { return sockets_->net(); }
  /// Runs a task of the test's own to its end.
  void run(boost::asio::awaitable<void> task) { sockets_->run(std::move(task)); }

  /// A port of 127.0.0.1 that was free a moment ago.
  [[nodiscard]] origin free_address();

  /// Asks until `is_right` is; false after `patience`.
  [[nodiscard]] bool wait_for(const std::function<bool()>& is_right);
  /// Until the agent saw every job end and each of its decisions has ended.
  [[nodiscard]] bool wait_for_the_end();
  [[nodiscard]] boost::json::value decisions();

 private:
  recording_logger log_;
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<net_world> sockets_ = make_socket_world();
  std::filesystem::path directory_;
  simulator::scenario plan_;
  std::unique_ptr<program::simulated_hub> hub_;
  std::unique_ptr<child_process> agent_;
  origin agent_address_;
};

}  // namespace pushguard::test
