#pragma once

#include <boost/json/object.hpp>

#include "agent/read_model.hpp"
#include "base/http_server.hpp"

namespace pushguard::agent {

/// As `GET /api/v1/holds` shows one.
[[nodiscard]] boost::json::object hold_json(const hold_view& hold);

/// Adds the reading half of `/api/v1` to `router`: rollouts, their orgs, requests and jobs.
/// Answers come from `model`, which must outlive the router and belong to the router's thread.
void add_api_routes(http_router& router, const read_model& model);

}  // namespace pushguard::agent
