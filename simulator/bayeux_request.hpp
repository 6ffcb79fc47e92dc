#pragma once

#include <boost/json/array.hpp>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.hpp"
#include "base/http_server.hpp"
#include "simulator/faults.hpp"

namespace pushguard::simulator {

/// A request to /cometd/VERSION[/…] with its messages read.
struct bayeux_request {
  const http_request& http;          ///< must outlive it
  unsigned version = 0;              ///< the major one of the API
  boost::json::array messages = {};  ///< objects, at least one; a handshake is alone
  request_kind kind = request_kind::other;

  /// That of the first message; empty where it has none.
  [[nodiscard]] std::string_view client_id() const;
  /// What the messages want to subscribe to.
  [[nodiscard]] std::vector<std::string> subscriptions() const;
};

/// The answer where it is none.
[[nodiscard]] std::expected<bayeux_request, http_reply> read_bayeux_request(const http_request& request);

/// `text/plain` with that status.
[[nodiscard]] http_reply plain_reply(int status, std::string_view text);

[[nodiscard]] std::optional<std::string_view> find_cookie(const http_request& request, std::string_view name);

/// A member's text; empty where it is absent or none.
[[nodiscard]] std::string_view text_of(const boost::json::object& message, std::string_view name);

}  // namespace pushguard::simulator
