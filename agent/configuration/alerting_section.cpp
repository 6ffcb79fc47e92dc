#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "agent/configuration/link_template.hpp"
#include "agent/configuration/sections.hpp"
#include "alerts/webhook.hpp"

namespace pushguard::configuration {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t receivers_max = 64;  // each has a queue, a connection and label values of its own
constexpr std::size_t routes_max = 256;
constexpr std::size_t urls_max = 16;  // the peers of one Alertmanager cluster

alertmanager_receiver read_alertmanager(yaml_reader& from) {
  alertmanager_receiver made;
  for (const yaml_node& item : bounded_sequence(from, "urls", urls_max, yaml_presence::required)) {
    if (auto read = read_url(item, "an item of urls", from.problems()))
      made.urls.push_back(std::move(*read));
  }
  from.finish();
  return made;
}

proxy_rules read_proxies(yaml_reader& from, const reading& context) {
  if (auto said = read_proxy_key(from, context))
    return std::move(*said);
  auto made = environment_proxy(context.variables);
  if (made)
    return std::move(*made);
  from.problems().add(from.position(), made.error().text() + "; `proxy: none` does without it");
  return {};
}

/// A URL with something secret in it, under `key` or in the file of `file_key`. Problems do not repeat it.
secret read_secret_url(yaml_reader& from, std::string_view key, std::string_view file_key,
                       const reading& context, bool may_be_plain) {
  secret made = read_secret(from, key, file_key, context);
  if (made.empty())
    return made;
  const std::string_view named = from.has(key) ? key : file_key;
  const auto parsed = parse_url(made.reveal());
  if (!parsed)
    from.problem(named, fmt::format("{} must hold an absolute https URL", named));
  else if (!may_be_plain && parsed->origin.security == security::plain && !parsed->origin.is_loopback())
    from.problem(named,
                 fmt::format("{} must be https://; http:// is accepted for loopback addresses only", named));
  return made;
}

pagerduty_receiver read_pagerduty(yaml_reader& from, const reading& context) {
  constexpr std::size_t routing_key_size = 32;
  constexpr std::string_view key_characters =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  pagerduty_receiver made{.base = parse_url("https://events.pagerduty.com").value(), .routing_key = {}};
  made.routing_key = read_secret(from, "routing_key", "routing_key_file", context);
  const std::string& key = made.routing_key.reveal();
  if (!key.empty() &&
      (key.size() != routing_key_size || key.find_first_not_of(key_characters) != std::string::npos)) {
    const std::string_view named = from.has("routing_key") ? "routing_key" : "routing_key_file";
    from.problem(named,
                 fmt::format("{} must be the 32 characters of an Events API v2 integration key", named));
  }
  if (const yaml_node* node = from.node("url"); node != nullptr) {
    if (auto read = read_url(*node, "url", from.problems())) {
      if (read->origin.security == security::plain && !read->origin.is_loopback())
        from.problem("url", "url must be https://; http:// is accepted for loopback addresses only");
      if (read->target != "/")
        from.problem("url", "url must have no path: /v2/enqueue is added");
      made.base = std::move(*read);
    }
  }
  made.proxies = read_proxies(from, context);
  from.finish();
  return made;
}

slack_receiver read_slack(yaml_reader& from, const reading& context) {
  slack_receiver made{.webhook_url =
                          read_secret_url(from, "webhook_url", "webhook_url_file", context, false)};
  made.proxies = read_proxies(from, context);
  from.finish();
  return made;
}

webhook_receiver read_webhook(yaml_reader& from, const reading& context) {
  // What is sent is signed; whether others may read it on its way is for those to say who run the network.
  webhook_receiver made{.target = read_secret_url(from, "url", "url_file", context, true), .secrets = {}};
  const secret keys = read_secret(from, "secret", "secret_file", context);
  if (!keys.empty()) {
    if (auto parsed = alerts::parse_webhook_secrets(keys.reveal()))
      made.secrets = std::move(*parsed);
    else
      from.problem(from.has("secret") ? "secret" : "secret_file",
                   "the webhook's secret: " + parsed.error().text());
  }
  made.proxies = read_proxies(from, context);
  from.finish();
  return made;
}

receiver read_receiver(yaml_reader& from, unique_names& names, const reading& context) {
  constexpr std::array<std::string_view, 4> kinds{"alertmanager", "pagerduty", "slack", "webhook"};
  receiver made;
  made.name = names.read(from);
  if (std::ranges::count_if(kinds, [&](auto key) { return from.has(key); }) != 1)
    from.problems().add(from.position(),
                        fmt::format("a receiver is exactly one of {}", fmt::join(kinds, ", ")));
  if (auto kind = from.mapping("alertmanager"))
    made.kind = read_alertmanager(*kind);
  if (auto kind = from.mapping("pagerduty"))
    made.kind = read_pagerduty(*kind, context);
  if (auto kind = from.mapping("slack"))
    made.kind = read_slack(*kind, context);
  if (auto kind = from.mapping("webhook"))
    made.kind = read_webhook(*kind, context);
  from.finish();
  return made;
}

std::vector<alerts::alert_severity> read_severities(yaml_reader& from) {
  std::vector<std::string_view> names;
  for (const alerts::alert_severity severity : alerts::alert_severities)
    names.push_back(alerts::to_string(severity));
  std::vector<alerts::alert_severity> made;
  for (const yaml_node& item : from.sequence("severity")) {
    if (const auto index = yaml_read_name(item, "an item of severity", names, from.problems()))
      made.push_back(alerts::alert_severities[*index]);
  }
  return made;
}

alerts::route read_route(yaml_reader& from, const unique_names& names) {
  alerts::route made;
  made.severities = read_severities(from);
  if (const yaml_node* severity = from.node("severity");
      severity != nullptr && severity->items.empty() && severity->kind == yaml_kind::sequence)
    from.problem("severity", "severity must not be empty; leave it out to route every severity");
  (void)from.sequence("receivers", yaml_presence::required);
  for (yaml_text& item : from.texts("receivers").value_or(std::vector<yaml_text>{})) {
    if (names.contains(item.text))
      made.receivers.push_back(std::move(item.text));
    else
      from.problems().add(item.position, "no receiver has this name");
  }
  from.finish();
  return made;
}

std::vector<alerts::route> read_routes(yaml_reader& from, const unique_names& names) {
  std::vector<alerts::route> made;
  for (const yaml_node& item : bounded_sequence(from, "routes", routes_max)) {
    yaml_reader route(item, "an item of routes", from.problems());
    made.push_back(read_route(route, names));
  }
  return made;
}

/// A link with placeholders; `examples` are what may stand for them. Empty where the key is absent.
std::string read_link(yaml_reader& from, std::string_view key, std::span<const link_value> examples) {
  auto text = from.text(key).value_or("");
  if (text.empty())
    return text;
  const auto example = fill_link(text, examples);
  if (!example)
    from.problem(key, fmt::format("{}: {}", key, example.error().text()));
  else if (const auto parsed = parse_url(*example); !parsed)
    from.problem(key, fmt::format("{}: {}", key, parsed.error().text()));
  return text;
}

void read_links(yaml_reader& from, alerting& made) {
  constexpr link_value rule{"rule", "failure-rate"};
  made.runbook_url = read_link(from, "runbook_url", std::array{rule});
  made.dashboard_url =
      read_link(from, "dashboard_url",
                std::array{link_value{"hub", "devhub"}, link_value{"rollout", "04t000000000001/1"},
                           link_value{"policy", "production"}, rule});
}

/// Without routes every receiver gets every alert: nobody names a receiver in order to be silent.
std::vector<alerts::route> everything_to(const std::vector<receiver>& receivers) {
  if (receivers.empty())
    return {};
  alerts::route all;
  for (const receiver& each : receivers)
    all.receivers.push_back(each.name);
  return {all};
}

}  // namespace

alerting read_alerting(yaml_reader& root, const reading& context) {
  constexpr std::array<std::string_view, 1> later{"watchdog"};
  alerting made;
  auto from = root.mapping("alerts");
  if (!from)
    return made;
  unique_names names("receiver");
  for (const yaml_node& item : bounded_sequence(*from, "receivers", receivers_max)) {
    yaml_reader receiver(item, "an item of receivers", root.problems());
    made.receivers.push_back(read_receiver(receiver, names, context));
  }
  made.routes = from->has("routes") ? read_routes(*from, names) : everything_to(made.receivers);
  (void)from->node("routes");
  made.repeat_interval = from->time("repeat_interval", {1min, 7 * 24h}).value_or(made.repeat_interval);
  read_links(*from, made);
  from->refuse(later, unsupported);
  from->finish();
  return made;
}

}  // namespace pushguard::configuration
