#include "agent/hub_connection.hpp"

namespace pushguard::agent {

namespace {

// Requests of a plan are cancelled side by side, each in three calls one after the other: with so many
// connections twenty waves take twice the time of one. Salesforce allows 25 calls at once that take long.
constexpr std::size_t connections_max = 10;

salesforce::http_client_factory clients_with(const hub_connection_parts& parts, connect_options connect) {
  return [network = &parts.network, time = &parts.time, connect = std::move(connect)](const origin& peer) {
    http_client_options options;
    options.connect = connect;
    options.connections_max = connections_max;
    return std::shared_ptr<http_client>(make_http_client(*network, *time, peer, options));
  };
}

connect_options connecting_to(const configuration::hub& hub, std::shared_ptr<tls_trust> trust) {
  connect_options made;
  made.trust = std::move(trust);
  made.proxies = std::make_shared<const proxy_rules>(hub.proxies);
  return made;
}

}  // namespace

hub_connection::hub_connection(const configuration::hub& hub, const hub_connection_parts& parts)
    : connect_(connecting_to(hub, parts.trust)),
      session_(salesforce::make_login({clients_with(parts, connect_), parts.time, parts.log}, hub.login),
               parts.time, parts.observer),
      rest_(session_, clients_with(parts, connect_), parts.time, parts.random, parts.observer),
      queries_(rest_) {}

result<std::shared_ptr<tls_trust>> load_hub_trust(const configuration::hub& hub) {
  auto loaded = load_tls_trust(hub.ca_file);
  if (!loaded) {
    return fail_in("hub " + hub.name, loaded.error());
  }
  return loaded;
}

}  // namespace pushguard::agent
