#pragma once

#include <memory>
#include <string_view>

#include "base/net.hpp"

/// Connections of a server that tell when bytes came and went.
namespace pushguard::bench {

/// What one connection tells. Called on the server's thread.
class wire_observer {
 public:
  virtual ~wire_observer() = default;
  /// The thread has just read `bytes`; `connection` is the same for all that one connection tells.
  virtual void was_read(const void* connection, std::string_view bytes, steady_time at) = 0;
  /// `bytes` are handed to the kernel next. An instant taken here counts the hand-over as time of whoever
  /// waits for the bytes.
  virtual void is_written(const void* connection, std::string_view bytes) = 0;
};

/// Accepts from `inner`; `observer` outlives it and its connections.
[[nodiscard]] std::unique_ptr<listener> observe(std::unique_ptr<listener> inner, wire_observer& observer);

}  // namespace pushguard::bench
