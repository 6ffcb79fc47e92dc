#include "agent/receiver_making.hpp"

#include "alerts/alertmanager.hpp"
#include "alerts/pagerduty.hpp"
#include "alerts/slack.hpp"
#include "alerts/webhook.hpp"

namespace pushguard::agent {
namespace {

using made_receiver = std::unique_ptr<alerts::receiver>;

/// `options` that connect by the configuration's trust and proxies.
void connect_by(alerts::http_post_options& options, const receiver_parts& parts, const proxy_rules& proxies) {
  options.connect.trust = parts.trust;
  options.connect.proxies = std::make_shared<const proxy_rules>(proxies);
}

made_receiver make(const std::string& name, const configuration::alertmanager_receiver& from,
                   const receiver_parts& parts) {
  alerts::alertmanager_options options;
  options.name = name;
  options.urls = from.urls;
  options.connect.trust = parts.trust;
  options.ends_after = parts.ends_after.value_or(options.ends_after);
  return alerts::make_alertmanager_receiver(std::move(options), parts.network, parts.time, parts.log,
                                            parts.random);
}

made_receiver make(const std::string& name, const configuration::pagerduty_receiver& from,
                   const receiver_parts& parts) {
  alerts::pagerduty_options options{
      .name = name,
      .base = from.base,
      .routing_key = from.routing_key,
      .labels = {.source = "hub", .component = "package_name", .group = "rollout"},
      .post = {}};
  connect_by(options.post, parts, from.proxies);
  return alerts::make_pagerduty_receiver(std::move(options), parts.network, parts.time);
}

made_receiver make(const std::string& name, const configuration::slack_receiver& from,
                   const receiver_parts& parts) {
  alerts::slack_options options{
      .name = name, .webhook_url = from.webhook_url, .group_label = "rollout", .post = {}};
  connect_by(options.post, parts, from.proxies);
  return alerts::make_slack_receiver(std::move(options), parts.network, parts.time);
}

made_receiver make(const std::string& name, const configuration::webhook_receiver& from,
                   const receiver_parts& parts) {
  alerts::webhook_options options{.name = name, .target = from.target, .secrets = from.secrets};
  connect_by(options.post, parts, from.proxies);
  return alerts::make_webhook_receiver(std::move(options), parts.network, parts.time);
}

std::string_view name_of(const configuration::alertmanager_receiver&) {
  return "alertmanager";
}

std::string_view name_of(const configuration::pagerduty_receiver&) {
  return "pagerduty";
}

std::string_view name_of(const configuration::slack_receiver&) {
  return "slack";
}

std::string_view name_of(const configuration::webhook_receiver&) {
  return "webhook";
}

}  // namespace

std::string_view receiver_kind(const configuration::receiver& of) {
  return std::visit([](const auto& kind) { return name_of(kind); }, of.kind);
}

std::unique_ptr<alerts::receiver> make_receiver(const configuration::receiver& from,
                                                const receiver_parts& parts) {
  return std::visit([&](const auto& kind) { return make(from.name, kind, parts); }, from.kind);
}

alerts::receiver_traits traits_of(const configuration::receiver& receiver) {
  if (std::holds_alternative<configuration::alertmanager_receiver>(receiver.kind))
    return {.changes = alerts::change_interest::never, .does_its_own_silencing = true};
  if (std::holds_alternative<configuration::pagerduty_receiver>(receiver.kind))
    return {.changes = alerts::change_interest::always, .does_its_own_silencing = false};
  return {};
}

}  // namespace pushguard::agent
