#pragma once

#include <memory>

#include "agent/configuration/configuration.hpp"
#include "agent/salesforce/queries.hpp"
#include "base/backoff.hpp"
#include "base/log.hpp"
#include "base/net.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// What a connection to a hub is made of. References outlive it.
struct hub_connection_parts {
  pushguard::network& network;
  time_source& time;
  logger& log;
  random_engine& random;
  std::shared_ptr<tls_trust> trust = {};  ///< for https; may be empty where every origin is plain
  salesforce::api_observer& observer = salesforce::null_api_observer();
};

/// One configured hub as something to ask: its session, its REST API and the queries. For one executor
/// without concurrency.
class hub_connection {
 public:
  hub_connection(const configuration::hub& hub, const hub_connection_parts& parts);

  [[nodiscard]] salesforce::session_access& session() noexcept { return session_; }
  [[nodiscard]] salesforce::rest_client& rest() noexcept { return rest_; }
  [[nodiscard]] salesforce::push_queries& queries() noexcept { return queries_; }
  /// How its connections are made: its trust and its proxy, which is chosen anew for each origin.
  [[nodiscard]] const connect_options& connecting() const noexcept { return connect_; }

 private:
  connect_options connect_;
  salesforce::session_access session_;
  salesforce::rest_client rest_;
  salesforce::push_queries queries_;
};

/// The certificates that a hub's servers are held against: the system's, and its ca_file.
[[nodiscard]] result<std::shared_ptr<tls_trust>> load_hub_trust(const configuration::hub& hub);

}  // namespace pushguard::agent
