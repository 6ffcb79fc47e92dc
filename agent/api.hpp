#pragma once

#include <boost/json/object.hpp>

#include <functional>
#include <memory>

#include "agent/configuration/org_directory.hpp"
#include "agent/read_model.hpp"
#include "base/http_server.hpp"

namespace pushguard::agent {

/// As `GET /api/v1/holds` shows one.
[[nodiscard]] boost::json::object hold_json(const hold_view& hold);

/// Adds the reading half of `/api/v1` to `router`: rollouts, their orgs, requests and jobs.
/// Answers come from `model`, which must outlive the router and belong to the router's thread; `whose_orgs`,
/// asked on that thread, answers whose orgs they are, or nullptr.
void add_api_routes(http_router& router, const read_model& model,
                    std::function<std::shared_ptr<const configuration::org_directory>()> whose_orgs);

}  // namespace pushguard::agent
