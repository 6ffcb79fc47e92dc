#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "agent/alert_center.hpp"
#include "agent/audit_backlog.hpp"
#include "agent/configuration/configuration.hpp"
#include "agent/hold_book.hpp"
#include "agent/hub_instruments.hpp"
#include "agent/operator_command.hpp"
#include "agent/publisher.hpp"
#include "agent/store/store.hpp"
#include "base/log.hpp"
#include "base/net.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// Gives decisions their numbers, one sequence for all hubs of a store.
class decision_numbers {
 public:
  explicit decision_numbers(std::int64_t next) : next_(next) {}
  [[nodiscard]] std::int64_t take() noexcept { return next_++; }

 private:
  std::int64_t next_;
};

/// What a hub's agent works with. References outlive it.
struct hub_agent_parts {
  configuration::shared_configuration configuration;
  configuration::hub hub;
  pushguard::network& network;
  time_source& time;
  logger& log;
  random_engine& random;
  store::store& store;
  alert_center& alerts;
  decision_numbers& numbers;
  audit_backlog& audit;
  hub_instruments& instruments;
  hold_book& holds;
  view_sink views;
  std::shared_ptr<tls_trust> trust;  ///< for https; may be empty where every origin is plain
  std::string agent_version;
  std::string agent_url;  ///< where it listens
};

/// Watches one hub: reads it, listens to its stream, judges, decides, and carries decisions out. For one
/// executor without concurrency.
class hub_agent {
 public:
  virtual ~hub_agent() = default;

  /// Runs until cancelled; then says goodbye to the stream and returns, within a few seconds. `known` is
  /// what the store remembers of all hubs; it is read before the first wait.
  [[nodiscard]] virtual boost::asio::awaitable<void> run(const store::loaded_state& known) = 0;

  /// Carries out what an operator asks of a rollout or a request of this hub, and answers when it is stored.
  /// Answers at once where run() has ended or ends.
  [[nodiscard]] virtual boost::asio::awaitable<operator_answer> perform(operator_command command) = 0;
  [[nodiscard]] virtual bool knows(const domain::request_id& request) const = 0;
  /// Something that is judged by has changed: judges soon.
  virtual void look_again() = 0;

  /// Judges by the policies of `next`, and goes by it in everything but the hub and `rollout_gap`, which are
  /// as they were: what was armed, fired and recorded stays so. From the next evaluation on.
  virtual void reconfigure(configuration::shared_configuration next) = 0;
};

[[nodiscard]] std::unique_ptr<hub_agent> make_hub_agent(hub_agent_parts parts);

}  // namespace pushguard::agent
