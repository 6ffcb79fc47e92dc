#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <future>
#include <memory>

#include "base/condition.hpp"
#include "base/net.hpp"
#include "base/time_source.hpp"
#include "program/server_thread.hpp"

namespace pushguard::bench {

/// How many follow the agent's `/api/v1/stream`.
struct stream_audience {
  std::size_t reading = 0;  ///< take what comes
  std::size_t stalled = 0;  ///< read the beginning and then nothing more
};

/// Follows the stream over so many connections, on a thread of its own, until destroyed.
class stream_readers {
 public:
  /// Returns when every stream has begun; throws std::runtime_error where one does not.
  stream_readers(const origin& agent, stream_audience audience);
  ~stream_readers();
  stream_readers(const stream_readers&) = delete;
  stream_readers& operator=(const stream_readers&) = delete;

  /// Of all those that read, since they began.
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_; }

 private:
  boost::asio::awaitable<void> read_all(origin agent, stream_audience audience);
  boost::asio::awaitable<void> read_one(origin agent, bool stalls);
  void note_begun(bool is_well);

  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  condition over_;
  std::size_t not_begun_;
  bool is_settled_ = false;
  std::promise<bool> begun_;
  std::atomic<std::uint64_t> bytes_ = 0;
  program::server_thread thread_;
};

}  // namespace pushguard::bench
