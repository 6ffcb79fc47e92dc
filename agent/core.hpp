#pragma once

#include <prometheus/metric_family.h>

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "agent/hub_fleet.hpp"
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
  configuration::shared_configuration configuration;
  pushguard::network& network;
  time_source& time;
  logger& log;
  agent_state& state;
  view_sink views;
  agent_identity identity;
  std::string agent_url;   ///< where it listens
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

  /// Goes over to `next`; `actor` is who wanted it, for the audit trail. Receivers and hubs that are as they
  /// were go on undisturbed. Fails, and nothing changes, where a certificate file cannot be read. What `next`
  /// says of `state`, `http` and `log` is for others. On run()'s executor; one at a time.
  [[nodiscard]] boost::asio::awaitable<result<>> reload(configuration::shared_configuration next,
                                                        std::string actor);

  /// What the instruments show. Thread-safe.
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  agent_core(core_parts parts, std::shared_ptr<tls_trust> trust, hub_certificates certificates);

  /// What is there while run() is at work, and who is inside because of an operator.
  struct working {
    hold_book* holds = nullptr;
    alerts::outbox* outbox = nullptr;
    alert_center* alerts = nullptr;
    audit_backlog* trail = nullptr;
    bool is_beginning = false;  ///< the configuration is being put to work: it must not change meanwhile
    condition begun;            ///< is_beginning has ended
    std::size_t commands = 0;
    condition command_ended;
  };
  class command_mark;
  class beginning_mark;

  [[nodiscard]] boost::asio::awaitable<operator_answer> perform_on_rule(operator_command command,
                                                                        rule_target rule);
  [[nodiscard]] std::unique_ptr<alerts::receiver> make_receiver(const configuration::receiver& from);
  void change_receivers(const configuration::alerting& before, const configuration::alerting& next);
  [[nodiscard]] boost::asio::awaitable<void> beat();
  void begin_trail(audit_backlog& trail, alert_center& center, const store::audit_state& found);

  core_parts parts_;
  random_engine random_;
  std::shared_ptr<tls_trust> trust_;  ///< the system's
  hub_fleet fleet_;
  notification_instruments notification_instruments_;
  working working_;
};

}  // namespace pushguard::agent
