#pragma once

#include <boost/json/object.hpp>
#include <functional>

#include "agent/store/store.hpp"
#include "agent/views.hpp"
#include "base/http_server.hpp"

namespace pushguard::agent {

/// The store, or nullptr while another agent holds its lock. Thread-safe; what it gave stays until the
/// server has ended.
using store_reach = std::function<store::store*()>;

/// How the API tells a decision.
[[nodiscard]] boost::json::object decision_json(const decision_view& decision);

/// Adds `GET /api/v1/decisions` and `GET /api/v1/audit`, which answer from the store and so know what no
/// rollout under watch does; 503 without a store, 500 where it cannot be read.
void add_decision_routes(http_router& router, const store_reach& reach);

}  // namespace pushguard::agent
