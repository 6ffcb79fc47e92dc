#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pushguard {

/// Lets everything that is ready on the caller's executor go first: for long work on a thread that others
/// share.
[[nodiscard]] inline boost::asio::awaitable<void> yield_turn() {
  const auto executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, boost::asio::use_awaitable);
}

}  // namespace pushguard
