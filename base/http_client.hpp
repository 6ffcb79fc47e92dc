#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>

#include "base/http.hpp"
#include "base/net.hpp"

namespace pushguard {

/// What one exchange may take. Every phase has its own deadline.
struct http_limits {
  duration write = std::chrono::seconds(30);
  duration header = std::chrono::seconds(30);  ///< from the request's last byte to the answer's header
  duration body = std::chrono::seconds(60);    ///< for the whole body
  std::size_t header_size = 64UZ * 1024;
  std::size_t body_size = 16UZ * 1024 * 1024;  ///< after decompression
};

enum class compression { none, gzip };

/// Which requests may be sent again when a kept-alive connection turns out to have been closed.
enum class stale_retry { idempotent, always };

struct http_call {
  http_limits limits = {};
  compression accept = compression::none;  ///< gzip is asked for, and undone, only with `gzip`
  /// Called once the answer's header is there, also where its body then fails. `response` has no body yet.
  std::function<void(const http_response& response)> on_header = {};
  /// Called with each piece of a body as it comes, decompressed; response.body stays empty then.
  /// A failure it returns ends the exchange and is answered.
  std::function<result<>(std::string_view piece)> on_body = {};
  stale_retry retry_stale = stale_retry::idempotent;
};

/// Speaks HTTP/1.1 to one origin over kept-alive connections. For one thread.
///
/// A request on a kept-alive connection that the peer closed before the first byte of an answer is
/// sent once more on a new one, if its method is idempotent (RFC 9110 §9.2.2) or `retry_stale` allows.
/// Redirects are answers, not followed. Failures name the origin and the phase, never header values
/// or the target. A cancelled send() drops its connection.
class http_client {
 public:
  virtual ~http_client() = default;

  /// Host, Content-Length, Connection and User-Agent are set here; the rest is the caller's.
  /// Fails with errc::invalid where the caller sets one of them, or where a header or the target
  /// holds characters that would end its line.
  /// At most `connections_max` exchanges run at once; further ones wait in order.
  [[nodiscard]] virtual boost::asio::awaitable<result<http_response>> send(http_request request,
                                                                           http_call call) = 0;
  [[nodiscard]] boost::asio::awaitable<result<http_response>> send(http_request request) {
    return send(std::move(request), http_call{});
  }

  [[nodiscard]] virtual const origin& peer() const noexcept = 0;

  /// Closes idle connections; exchanges under way and later ones fail with errc::closed.
  virtual void close() noexcept = 0;
};

struct http_client_options {
  connect_options connect = {};
  std::size_t connections_max = 4;
  duration idle_max = std::chrono::seconds(60);  ///< a connection unused for longer is not used again
};

/// `network` and `time` must outlive the client.
[[nodiscard]] std::unique_ptr<http_client> make_http_client(network& network, time_source& time, origin peer,
                                                            http_client_options options = {});

}  // namespace pushguard
