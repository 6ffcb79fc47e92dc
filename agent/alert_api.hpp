#pragma once

#include <boost/json/object.hpp>

#include "agent/read_model.hpp"
#include "base/http_server.hpp"

namespace pushguard::agent {

/// `GET /api/v1/alerts`: what fires and has lately ended, how the receivers are doing, and what they refused
/// for good. `model` outlives the router.
void add_alert_routes(http_router& router, const read_model& model);

/// The answer's body.
[[nodiscard]] boost::json::object alerting_json(const alerting_view& view);

}  // namespace pushguard::agent
