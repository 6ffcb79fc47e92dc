#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string_view>

#include "base/net.hpp"

/// Connections of a server that tell when bytes came and went.
namespace pushguard::bench {

/// What one connection tells. Called on the server's thread.
class wire_observer {
 public:
  virtual ~wire_observer() = default;
  /// The thread has just read `bytes`, the last of which came `at` that instant, by the kernel's clock: how
  /// long the thread took to be woken does not count. `connection` is the same for all that one connection
  /// tells.
  virtual void was_read(const void* connection, std::string_view bytes, steady_time at) = 0;
  /// `bytes` are handed to the kernel next. An instant taken here counts the hand-over as time of whoever
  /// waits for the bytes.
  virtual void is_written(const void* connection, std::string_view bytes) = 0;
};

/// Listens on 127.0.0.1, on a port that the system gives; `observer` outlives it and its connections. Throws
/// boost::system::system_error.
[[nodiscard]] std::unique_ptr<listener> listen_observed(const boost::asio::any_io_executor& executor,
                                                        wire_observer& observer);

}  // namespace pushguard::bench
