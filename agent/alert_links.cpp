#include "agent/alert_links.hpp"

#include <array>

#include "agent/configuration/link_template.hpp"

namespace pushguard::agent {
namespace {

/// The configuration was refused where a template holds what it must not: none fails here.
void add_link(alerts::alert& to, std::string_view name, std::string_view text,
              std::span<const configuration::link_value> values) {
  if (auto url = configuration::fill_link(text, values); url && !url->empty())
    to.links.push_back({std::string(name), std::move(*url)});
}

}  // namespace

alert_site site_of(const configuration::configuration& from, std::string_view listen_url) {
  return {.agent_url = from.external_url.empty() ? std::string(listen_url) : from.external_url,
          .runbook_url = from.alerts.runbook_url,
          .dashboard_url = from.alerts.dashboard_url};
}

void add_links(alerts::alert& to, const alert_site& site, const alert_subject& about) {
  using configuration::link_value;
  to.generator_url = site.agent_url;
  add_link(to, "runbook", site.runbook_url, std::array{link_value{"rule", about.rule}});
  if (!about.rollout.empty()) {
    add_link(to, "dashboard", site.dashboard_url,
             std::array{link_value{"hub", about.hub}, link_value{"rollout", about.rollout},
                        link_value{"policy", about.policy}, link_value{"rule", about.rule}});
  }
  if (!site.agent_url.empty())
    to.links.push_back({"live_page", site.agent_url + "/"});
}

}  // namespace pushguard::agent
