#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/http_server.hpp"
#include "base/time.hpp"

namespace pushguard::simulator {

/// Where a request goes.
struct route {
  std::size_t node = 0;
  bool is_dead = false;     ///< to no node that lives
  std::string cookie = {};  ///< to be set with the answer; empty where the request came with a valid one
};

/// The load balancer before the nodes of an org: a request goes where its sfdc-stream cookie says.
class node_router {
 public:
  /// `nodes` is at least 1. Cookies are valid for `cookie_life`, whether clients keep to their Max-Age or
  /// not.
  node_router(std::size_t nodes, duration cookie_life) : nodes_(nodes), cookie_life_(cookie_life) {}

  /// Without a valid cookie the request goes to the next node in turn, though not to `home`, the one that
  /// knows its client, if there is another.
  [[nodiscard]] route choose(const http_request& request, std::optional<std::size_t> home, steady_time now);

  /// As choose() for a request that no node sees: only the answer gets its cookie.
  void complete(const http_request& request, http_reply& reply, steady_time now);

 private:
  std::size_t nodes_;
  duration cookie_life_;
  std::size_t next_ = 0;
};

/// Sets a cookie that leads nowhere until the client drops it.
[[nodiscard]] std::string dead_route_cookie();

}  // namespace pushguard::simulator
