#pragma once

#include <prometheus/metric_family.h>

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/hub_agent.hpp"
#include "agent/notification_instruments.hpp"
#include "agent/web_server.hpp"

namespace pushguard::agent {

/// Which build this is.
struct agent_identity {
  std::string version;
  std::string commit;
};
[[nodiscard]] agent_identity this_build();

/// References outlive the core.
struct core_parts {
  const configuration::configuration& configuration;
  pushguard::network& network;
  time_source& time;
  logger& log;
  agent_state& state;
  view_sink views;
  agent_identity identity;
  std::string agent_url;
  std::uint64_t seed = 0;  ///< of jitter
};

/// The deciding half of the agent: hubs, alerts and their outbox over one store. For one executor without
/// concurrency, but for collect().
class agent_core {
 public:
  /// Reads the trust stores that the hubs and receivers name. Fails with errc::invalid.
  [[nodiscard]] static result<std::unique_ptr<agent_core>> make(core_parts parts);

  /// Runs until cancelled, then says goodbye and writes what is left, within a few seconds. Fails where the
  /// store cannot be read.
  [[nodiscard]] boost::asio::awaitable<result<>> run(store::store& store);

  /// Does what an operator asks for. On run()'s executor; answers that it cannot before run() has read the
  /// store, and when it ends.
  [[nodiscard]] boost::asio::awaitable<operator_answer> perform(operator_command command);

  /// What the instruments show. Thread-safe.
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  explicit agent_core(core_parts parts);

  /// What is there while run() is at work, and who is inside because of an operator.
  struct working {
    hold_book* holds = nullptr;
    std::map<std::string, hub_agent*> hubs;
    std::size_t commands = 0;
    condition command_ended;
  };
  class command_mark;

  [[nodiscard]] boost::asio::awaitable<operator_answer> perform_on_rule(operator_command command,
                                                                        rule_target rule);
  [[nodiscard]] std::vector<std::unique_ptr<alerts::receiver>> make_receivers();
  [[nodiscard]] boost::asio::awaitable<void> beat();
  void begin_trail(audit_backlog& trail, alert_center& center, const store::audit_state& found);

  core_parts parts_;
  random_engine random_;
  std::shared_ptr<tls_trust> trust_;  ///< the system's
  std::vector<std::shared_ptr<tls_trust>> hub_trust_;
  std::vector<std::unique_ptr<hub_instruments>> hub_instruments_;
  notification_instruments notification_instruments_;
  working working_;
};

}  // namespace pushguard::agent
