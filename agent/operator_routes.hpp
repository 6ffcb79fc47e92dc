#pragma once

#include <span>

#include "agent/configuration/api_tokens.hpp"
#include "agent/operator_command.hpp"
#include "base/http_server.hpp"

namespace pushguard::agent {

/// What a command's body may have in bytes: a reason of the longest kind in escapes, twice.
inline constexpr std::size_t operator_body_size_max = 16UZ * 1024;

/// What the routes answer with. `tokens` outlives the router.
struct operator_route_parts {
  std::span<const configuration::api_token> tokens;  ///< empty: POST is off
  operator_handler perform;
};

/// Adds `POST /api/v1/rollouts/{hub}/{version}[/{number}]/{abort,hold,release,resume,arm}`,
/// `/api/v1/requests/{id}/abort` and `/api/v1/rules/{policy}/{rule}/{hold,release}`. Answers 200, or 202
/// where something is being carried out; 400 for a wrong body or id, 401 without a token that is known, 403
/// where POST is off or another site asks, 404, 409 where there is nothing to do, 413, 415, and 503 where
/// nothing was done for now.
void add_operator_routes(http_router& router, operator_route_parts parts);

}  // namespace pushguard::agent
