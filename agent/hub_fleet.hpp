#pragma once

#include <prometheus/metric_family.h>

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/hub_agent.hpp"

namespace pushguard::agent {

/// What the hubs' agents share from the beginning. References outlive the fleet.
struct hub_fleet_parts {
  pushguard::network& network;
  time_source& time;
  logger& log;
  random_engine& random;
  view_sink views;
  std::string agent_version;
  std::string agent_url;  ///< where it listens
};

/// What they work with once the store is open. References outlive the agents.
struct hub_services {
  store::store& store;
  alert_center& alerts;
  decision_numbers& numbers;
  audit_backlog& audit;
  hold_book& holds;
  std::function<void(boost::asio::awaitable<void>)> spawn;  ///< runs a task that join() of a group waits for
};

/// The certificates that each hub's connections believe, read from the disk.
class hub_certificates {
 public:
  /// Fails with errc::invalid where a file of a hub, or the system's, cannot be read.
  [[nodiscard]] static result<hub_certificates> read(const configuration::configuration& from);

 private:
  friend class hub_fleet;

  struct believed {
    std::shared_ptr<tls_trust> trust;
    std::string digest;  ///< of the hub's own file; empty without one
  };

  std::map<std::string, believed, std::less<>> by_hub_;
};

/// The agents of all configured hubs, each with instruments of its own, from one configuration to the next.
/// For one executor without concurrency, but for collect().
class hub_fleet {
 public:
  hub_fleet(hub_fleet_parts parts, configuration::shared_configuration configuration,
            hub_certificates certificates);
  ~hub_fleet();
  hub_fleet(const hub_fleet&) = delete;
  hub_fleet& operator=(const hub_fleet&) = delete;

  /// Sets every hub's agent going on what the store remembers. `known` lives as long as the agents. Once.
  void start(hub_services services, const store::loaded_state& known);
  /// Nothing is started any more.
  void close() noexcept { is_closed_ = true; }
  /// All agents have ended, and nobody uses them.
  void ended();

  /// Goes over to `next`. Before start() nothing runs. After it, hubs that are as they were keep their
  /// sessions and all they know; others are ended in order and started anew, on what the store then
  /// remembers; those that are gone are forgotten, and their alerts resolved. Returns when what had to end
  /// has ended. One at a time.
  [[nodiscard]] boost::asio::awaitable<void> change_to(configuration::shared_configuration next,
                                                       hub_certificates certificates);

  /// Nullptr for an unknown one, and while its agent is replaced. Valid until the next wait.
  [[nodiscard]] hub_agent* find(std::string_view hub) const;
  /// The one that knows the request; nullptr where none does. Valid until the next wait.
  [[nodiscard]] hub_agent* find_knowing(const domain::request_id& request) const;
  /// Something that all are judged by has changed.
  void look_again() const;

  /// What the instruments show. Thread-safe.
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  struct place;
  using place_map = std::map<std::string, std::shared_ptr<place>, std::less<>>;

  void add(const configuration::hub& hub);
  void set_going(const std::shared_ptr<place>& at, const store::loaded_state* known);
  [[nodiscard]] boost::asio::awaitable<void> run(std::shared_ptr<place> at, const store::loaded_state* known);
  [[nodiscard]] boost::asio::awaitable<void> live(std::shared_ptr<place> at,
                                                  const store::loaded_state* known);
  [[nodiscard]] boost::asio::awaitable<void> end(std::shared_ptr<place> at);
  [[nodiscard]] bool is_as_it_was(const place& at, const configuration::configuration& next,
                                  const hub_certificates& certificates) const;

  hub_fleet_parts parts_;
  configuration::shared_configuration configuration_;
  hub_certificates certificates_;
  std::optional<hub_services> services_;  ///< between start() and ended()
  bool is_closed_ = false;
  place_map places_;
  mutable std::mutex mutex_;  ///< guards instruments_; held for a few copies only
  std::vector<std::shared_ptr<hub_instruments>> instruments_;
};

}  // namespace pushguard::agent
