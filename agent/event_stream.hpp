#pragma once

#include <cstddef>

#include "agent/event_feed.hpp"
#include "base/http_server.hpp"

namespace pushguard::agent {

/// Further ones are answered 503: each keeps a connection.
inline constexpr std::size_t event_streams_max = 256;

/// Adds `GET /api/v1/stream[?types=hub,rollout,…]`, which answers server-sent events (WHATWG HTML §9.2) of
/// `feed` until the client goes. `Last-Event-ID`, as a header or as `last_event_id`, goes on where it broke
/// off. `feed` outlives the router.
void add_event_stream(http_router& router, event_feed& feed);

}  // namespace pushguard::agent
