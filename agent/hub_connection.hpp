#pragma once

#include <memory>

#include "agent/configuration/configuration.hpp"
#include "agent/salesforce/queries.hpp"
#include "base/net.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// One configured hub as something to ask: its session, its REST API and the queries. For one executor
/// without concurrency; the references must outlive it.
class hub_connection {
 public:
  /// `trust` is for https, and may be empty where every origin is plain.
  hub_connection(const configuration::hub& hub, network& network, time_source& time,
                 std::shared_ptr<tls_trust> trust,
                 salesforce::api_observer& observer = salesforce::null_api_observer());

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
