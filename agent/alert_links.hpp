#pragma once

#include <string>
#include <string_view>

#include "agent/configuration/configuration.hpp"
#include "alerts/alert.hpp"

namespace pushguard::agent {

/// Where alerts lead to, whatever they are about.
struct alert_site {
  std::string agent_url;      ///< where people reach this agent, without a slash at its end; may be empty
  std::string runbook_url;    ///< as in the configuration; empty without
  std::string dashboard_url;  ///< as in the configuration; empty without
};

/// What `from` says; `listen_url` is where the agent is reached if `http.external_url` says nothing.
[[nodiscard]] alert_site site_of(const configuration::configuration& from, std::string_view listen_url);

/// What an alert is about, for the placeholders of links.
struct alert_subject {
  std::string_view hub = {};
  std::string_view rollout = {};  ///< `04t…/1`; empty: no rollout, and so no dashboard of it
  std::string_view policy = {};
  std::string_view rule = {};  ///< or the alert's own name, where it is about no rule
};

/// Gives `to` its origin and the links `runbook`, `dashboard` and `live_page`, as far as the site has them.
void add_links(alerts::alert& to, const alert_site& site, const alert_subject& about);

}  // namespace pushguard::agent
