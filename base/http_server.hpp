#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.hpp"
#include "base/log.hpp"
#include "base/net.hpp"

namespace pushguard {

/// Takes the pieces of an answer's body; each write waits until the peer has room.
class body_writer {
 public:
  virtual ~body_writer() = default;
  /// Writes the pieces as if they were one, and copies them on the way. Fails when the peer is gone or too
  /// slow; the producer then returns that failure.
  [[nodiscard]] virtual boost::asio::awaitable<result<>> write_joined(
      std::span<const std::string_view> pieces) = 0;
  [[nodiscard]] boost::asio::awaitable<result<>> write(std::string_view piece);
};

/// How a connection goes on after an answer. The last two are for simulating faults.
enum class after_reply { keep_alive, close, reset };

struct http_reply {
  int status = 200;           ///< 0: nothing is written, and `after` decides what the peer sees
  http_headers headers = {};  ///< Date is set here unless it is given; Connection and lengths always are
  std::string body = {};
  /// Where set, the body is what this writes, in chunks (Transfer-Encoding: chunked); `body` is unused.
  /// If it returns a failure the connection is reset, so that the peer cannot take a part for the whole.
  std::function<boost::asio::awaitable<result<>>(body_writer&)> stream = {};
  /// Written as it is in place of status line, headers and body; then `after` decides. For simulating
  /// faults.
  std::optional<std::string> raw = {};
  after_reply after = after_reply::keep_alive;
};

using http_handler = std::function<boost::asio::awaitable<http_reply>(const http_request&)>;

struct http_server_limits {
  std::size_t header_size = 32UZ * 1024;
  std::size_t body_size = 1024UZ * 1024;       ///< 413 above
  std::size_t connections_max = 512;           ///< further ones are answered 503 and closed
  duration header = std::chrono::seconds(10);  ///< from the first byte to the end of the header
  duration body = std::chrono::seconds(30);
  duration idle = std::chrono::seconds(120);  ///< between requests
  duration write = std::chrono::seconds(30);  ///< for each piece written
  duration drain = std::chrono::seconds(5);   ///< how long cancelled connections may finish their answer
};

/// Answers on every connection of `from` until cancelled; then closes `from`, lets answers under way
/// finish within `drain`, and returns. A handler that throws is logged and answered 500. HEAD reaches
/// the handler as GET and is answered without the body. References must outlive the call.
[[nodiscard]] boost::asio::awaitable<void> serve_http(listener& from, http_handler handler,
                                                      http_server_limits limits, time_source& time,
                                                      logger& log);

/// The parts of a path that stood for `{name}`, in order, percent-decoded.
using path_parts = std::vector<std::string>;
using route_handler =
    std::function<boost::asio::awaitable<http_reply>(const http_request&, const path_parts&)>;

/// `{"error": {"code": "…", "message": "…"}}` with that status.
[[nodiscard]] http_reply error_reply(int status, std::string_view code, std::string_view message);

/// Finds the handler of a request: 404 where no path matches, 405 with Allow where only the method
/// does not. GET routes answer HEAD too.
class http_router {
 public:
  /// `path` is literal but for `{name}` segments, which match one segment each, not empty.
  /// Where several routes match, the first one added answers.
  void add(std::string method, std::string_view path, route_handler handler);
  [[nodiscard]] boost::asio::awaitable<http_reply> operator()(const http_request& request) const;

  /// What was added, in order: method and path, as `GET /api/v1/requests/{id}`.
  [[nodiscard]] std::vector<std::string> routes() const;

 private:
  struct route {
    std::string method;
    std::string path;
    std::vector<std::string> segments;
    route_handler handler;
  };
  std::vector<route> routes_;
};

}  // namespace pushguard
