#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "base/net.hpp"
#include "base/time_source.hpp"

namespace pushguard::test {

/// For what must come, on a busy machine where starting Node takes seconds.
inline constexpr std::chrono::seconds patience{30};

/// Sockets, the machine's clock and the loop on which a test's clients and relays run. The test waits by
/// letting the loop run until something is the case.
class socket_loop {
 public:
  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] time_source& time() noexcept { return *time_; }
  [[nodiscard]] network& net() noexcept { return *network_; }

  /// False where `is_done` did not come true within `within`.
  [[nodiscard]] bool run_until(const std::function<bool()>& is_done, duration within = patience);

 private:
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  boost::asio::io_context context_{1};
};

}  // namespace pushguard::test
