#pragma once

#include <functional>
#include <string>

#include "agent/api_json.hpp"
#include "agent/org_listing.hpp"
#include "base/http_server.hpp"

namespace pushguard::agent {

/// What the API tells of the agent itself.
struct agent_facts {
  std::string version;
  std::string commit;
  bool is_leader = false;
  bool takes_actions = false;  ///< POST is on

  friend bool operator==(const agent_facts&, const agent_facts&) = default;
};
[[nodiscard]] boost::json::object agent_json(const agent_facts& agent);

/// Adds the reading half of `/api/v1` to `router`: the overview, rollouts with their orgs, failures and the
/// course of their rules, requests and jobs. Answers come from `from`; it and `lists` outlive the router and
/// belong to its thread, as does `agent`, which is called there.
void add_api_routes(http_router& router, const api_source& from, org_lists& lists,
                    std::function<agent_facts()> agent);

}  // namespace pushguard::agent
