#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "agent/configuration/configuration.hpp"
#include "agent/operator_routes.hpp"
#include "agent/web_server.hpp"
#include "base/condition.hpp"
#include "base/log.hpp"

namespace pushguard::agent {

using loaded_configuration = std::expected<configuration::configuration, configuration::problem_list>;

/// What a reload goes through, each called on `serve`. References outlive it.
struct reloading_parts {
  std::function<boost::asio::awaitable<loaded_configuration>()> load;
  /// Has `decide` go over to the configuration.
  std::function<boost::asio::awaitable<result<>>(configuration::shared_configuration, std::string actor)>
      apply;
  web_server& server;
  logger& log;
};

/// Takes the agent from one configuration to the next, one reload after the other. An invalid file, or one
/// that names certificates that cannot be read, leaves everything as it was. For one thread.
class reloading {
 public:
  reloading(reloading_parts parts, configuration::shared_configuration at_start)
      : parts_(std::move(parts)), at_start_(at_start), in_force_(std::move(at_start)) {}

  /// `actor` is who wants it.
  [[nodiscard]] boost::asio::awaitable<reload_answer> reload(std::string actor);

 private:
  [[nodiscard]] boost::asio::awaitable<reload_answer> reload_alone(std::string actor);
  [[nodiscard]] reload_answer refuse(const std::string& actor, std::vector<std::string> problems);

  reloading_parts parts_;
  configuration::shared_configuration at_start_;
  configuration::shared_configuration in_force_;
  bool is_reloading_ = false;
  condition reloaded_;
};

/// The keys in which `next` differs from what an agent was started with and that it cannot change as it runs:
/// `state`, `http.listen`, `log`.
[[nodiscard]] std::vector<std::string> keys_for_a_restart(const configuration::configuration& at_start,
                                                          const configuration::configuration& next);

}  // namespace pushguard::agent
