#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/net.hpp"
#include "base/proxy.hpp"

namespace pushguard {

/// Asks the proxy at the other end of `wire` for a connection to `to` (RFC 9110 §9.3.6). After success
/// `wire` is that connection: not a byte behind the proxy's answer has been read. After a failure it is
/// of no use.
/// It has no deadline of its own. Fails with errc::rejected where the proxy answers 4xx, else with
/// errc::unreachable, naming both; nothing of the answer but its status is repeated. `wire` and `through`
/// must outlive the call.
[[nodiscard]] boost::asio::awaitable<result<>> open_tunnel(transport& wire, const proxy& through, origin to);

/// `https://example.com: through the proxy http://proxy:3128`, for errors on the way to it.
[[nodiscard]] std::string tunnel_phase(const proxy& through, const origin& to);

}  // namespace pushguard
