#include <fmt/format.h>

#include <algorithm>

#include "agent/configuration/sections.hpp"

namespace pushguard::configuration {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t receivers_max = 64;  // each has a queue, a connection and label values of its own
constexpr std::size_t routes_max = 256;
constexpr std::size_t urls_max = 16;  // the peers of one Alertmanager cluster
constexpr std::string_view rule_placeholder = "{{ rule }}";

alertmanager_receiver read_alertmanager(yaml_reader& from) {
  alertmanager_receiver made;
  for (const yaml_node& item : bounded_sequence(from, "urls", urls_max, yaml_presence::required)) {
    if (auto read = read_url(item, "an item of urls", from.problems()))
      made.urls.push_back(std::move(*read));
  }
  from.finish();
  return made;
}

receiver read_receiver(yaml_reader& from, unique_names& names) {
  constexpr std::array<std::string_view, 3> later{"pagerduty", "slack", "webhook"};
  receiver made;
  made.name = names.read(from);
  from.refuse(later, unsupported);
  const bool names_later_kind = std::ranges::any_of(later, [&](auto key) { return from.has(key); });
  auto kind =
      from.mapping("alertmanager", names_later_kind ? yaml_presence::optional : yaml_presence::required);
  if (kind)
    made.kind = read_alertmanager(*kind);
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

std::string read_runbook_url(yaml_reader& from) {
  auto text = from.text("runbook_url").value_or("");
  if (text.empty())
    return text;
  std::string example = text;
  for (auto at = example.find(rule_placeholder); at != std::string::npos; at = example.find(rule_placeholder))
    example.replace(at, rule_placeholder.size(), "rule");
  if (example.find("{{") != std::string::npos)
    from.problem("runbook_url", "runbook_url may hold {{ rule }} and no other placeholder");
  else if (const auto parsed = parse_url(example); !parsed)
    from.problem("runbook_url", "runbook_url: " + parsed.error().text());
  return text;
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

alerting read_alerting(yaml_reader& root) {
  constexpr std::array<std::string_view, 1> later{"watchdog"};
  alerting made;
  auto from = root.mapping("alerts");
  if (!from)
    return made;
  unique_names names("receiver");
  for (const yaml_node& item : bounded_sequence(*from, "receivers", receivers_max)) {
    yaml_reader receiver(item, "an item of receivers", root.problems());
    made.receivers.push_back(read_receiver(receiver, names));
  }
  made.routes = from->has("routes") ? read_routes(*from, names) : everything_to(made.receivers);
  (void)from->node("routes");
  made.repeat_interval = from->time("repeat_interval", {1min, 7 * 24h}).value_or(made.repeat_interval);
  made.runbook_url = read_runbook_url(*from);
  from->refuse(later, unsupported);
  from->finish();
  return made;
}

}  // namespace pushguard::configuration
