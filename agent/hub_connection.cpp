#include "agent/hub_connection.hpp"

namespace pushguard::agent {

namespace {

salesforce::http_client_factory clients_with(network& network, time_source& time, connect_options connect) {
  return [&network, &time, connect = std::move(connect)](const origin& peer) {
    http_client_options options;
    options.connect = connect;
    return std::shared_ptr<http_client>(make_http_client(network, time, peer, options));
  };
}

connect_options connecting_to(const configuration::hub& hub, std::shared_ptr<tls_trust> trust) {
  connect_options made;
  made.trust = std::move(trust);
  made.proxies = std::make_shared<const proxy_rules>(hub.proxies);
  return made;
}

std::unique_ptr<salesforce::login> login_of(const configuration::hub& hub,
                                            const salesforce::http_client_factory& clients,
                                            time_source& time) {
  const auto& flow = std::get<configuration::client_credentials>(hub.login);
  return salesforce::make_client_credentials_login(clients, time,
                                                   {hub.login_url, flow.client_id, flow.client_secret});
}

}  // namespace

hub_connection::hub_connection(const configuration::hub& hub, network& network, time_source& time,
                               std::shared_ptr<tls_trust> trust, salesforce::api_observer& observer)
    : connect_(connecting_to(hub, std::move(trust))),
      session_(login_of(hub, clients_with(network, time, connect_), time), observer),
      rest_(session_, clients_with(network, time, connect_), observer),
      queries_(rest_) {}

result<std::shared_ptr<tls_trust>> load_hub_trust(const configuration::hub& hub) {
  auto loaded = load_tls_trust(hub.ca_file);
  if (!loaded) {
    return fail_in("hub " + hub.name, loaded.error());
  }
  return loaded;
}

}  // namespace pushguard::agent
