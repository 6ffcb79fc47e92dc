#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>

#include "base/net.hpp"
#include "base/time_source.hpp"

namespace pushguard::test {

/// A network with its clock and event loop, so that one test runs on pipes and on sockets alike.
class net_world {
 public:
  virtual ~net_world() = default;

  [[nodiscard]] virtual boost::asio::io_context& context() = 0;
  [[nodiscard]] virtual time_source& time() = 0;
  [[nodiscard]] virtual network& net() = 0;

  /// Runs `task` to its end; an exception is rethrown. Throws std::runtime_error where it never ends.
  virtual void run(boost::asio::awaitable<void> task) = 0;
};

/// Pipes on simulated time.
[[nodiscard]] std::unique_ptr<net_world> make_pipe_world();
/// Loopback sockets on the machine's time; run() gives up after a minute.
[[nodiscard]] std::unique_ptr<net_world> make_socket_world();

}  // namespace pushguard::test
