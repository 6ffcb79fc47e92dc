#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/caller_limits.hpp"
#include "agent/configuration/api_tokens.hpp"
#include "agent/operator_command.hpp"
#include "base/http_server.hpp"

namespace pushguard::agent {

/// What a command's body may have in bytes: a reason of the longest kind in escapes, twice.
inline constexpr std::size_t operator_body_size_max = 16UZ * 1024;

/// What became of a reload.
struct reload_answer {
  std::vector<std::string> problems;  ///< why the configuration is as it was; empty: the new one is in force
  std::vector<std::string> needs_restart;  ///< keys whose changes wait for a restart
  std::string hash;                        ///< of the configuration in force
};

/// Loads the configuration anew because `actor` wants it.
using reload_handler = std::function<boost::asio::awaitable<reload_answer>(std::string actor)>;

/// What the routes answer with.
struct operator_route_parts {
  /// Those of now; empty: POST is off. What it answers is valid until the next wait.
  std::function<std::span<const configuration::api_token>()> tokens;
  caller_limits& callers;  ///< outlives the router
  operator_handler perform;
  reload_handler reload;  ///< empty: there is no file to load
};

/// The token of `Authorization: Bearer …`; empty where there is none. It is a part of the request.
[[nodiscard]] std::string_view bearer_token(const http_request& request);

/// Adds `GET /api/v1/whoami`, which answers the actor's name; `POST /-/reload`, which answers 200, or 500
/// where the new configuration is not in force, and `POST
/// /api/v1/rollouts/{hub}/{version}[/{number}]/{abort,hold,release,resume,arm}`,
/// `/api/v1/requests/{id}/abort` and `/api/v1/rules/{policy}/{rule}/{hold,release}`. Answers 200, or 202
/// where something is being carried out; 400 for a wrong body or id, 401 without a token that is known, 403
/// where POST is off or another site asks, 404, 409 where there is nothing to do, 413, 415, 429 where
/// somebody asks more often than caller_limits has it, and 503 where nothing was done for now.
void add_operator_routes(http_router& router, operator_route_parts parts);

}  // namespace pushguard::agent
