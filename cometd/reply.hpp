#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cometd/message.hpp"

namespace pushguard::cometd {

/// Whose rules apply. On Salesforce `advice.reconnect: none` is no order to stop (it accompanies expired
/// tokens, forgotten clients and busy servers); on a generic Bayeux server it is.
enum class profile { salesforce, generic };

/// What a reply, or the lack of one, comes down to.
enum class reply_cause {
  accepted,
  missing,         ///< the response was whole, but held no reply to the request
  lost,            ///< no response, or not a whole one, or not one of Bayeux
  unknown_client,  ///< handshake again; the token is good
  unauthorized,    ///< new token, then handshake again
  moved,           ///< an HTTP redirection: log in again and take the new address
  wrong_cookie,    ///< clear the cookies, then handshake again
  busy,            ///< wait some minutes; logging in again would make it worse
  limit,           ///< of the org, or of a topic: wait long
  position_lost,   ///< the replay id is too old or foreign
  denied,          ///< no permission, no such channel, or a wrong name
  unsupported,     ///< API version or connection type: only a human can help
  refused,         ///< anything else
};
[[nodiscard]] std::string_view to_string(reply_cause cause) noexcept;

struct reply_outcome {
  reply_cause cause = reply_cause::lost;
  std::string text = {};              ///< the server's words, or what went wrong; at most 300 bytes
  std::optional<message> reply = {};  ///< where there was one
  bool server_disconnected = false;   ///< the response also carried an unsolicited /meta/disconnect
};

/// The cause of an error text such as `403::Unknown client`. Read by its words before its number, since
/// servers use 401, 402 and 403 for an unknown client. `refused` where it says nothing known.
[[nodiscard]] reply_cause classify_error(std::string_view error) noexcept;

/// The cause of an HTTP status without a Bayeux reply.
[[nodiscard]] reply_cause classify_status(int status) noexcept;

/// The cause of an unsuccessful reply: failureReason before error, and only without words the status.
[[nodiscard]] reply_cause classify_reply(const message& reply, int status) noexcept;

}  // namespace pushguard::cometd
