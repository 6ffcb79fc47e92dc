#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "base/time_source.hpp"

namespace pushguard {

/// Runs `operation` until `deadline`; then cancels it, waits for it to unwind, and answers
/// errc::timed_out with `what` ("reading the answer of example.com") as its text.
/// Cancellation of the caller cancels the operation and is rethrown as operation_aborted.
/// `operation` must react to terminal cancellation; its objects must outlive the call.
template <class T>
boost::asio::awaitable<result<T>> with_deadline(time_source& time, steady_time deadline, std::string what,
                                                boost::asio::awaitable<result<T>> operation) {
  namespace asio = boost::asio;
  const auto executor = co_await asio::this_coro::executor;
  auto group = asio::experimental::make_parallel_group(
      asio::co_spawn(executor, std::move(operation), asio::deferred),
      asio::co_spawn(executor, time.sleep_until(deadline), asio::deferred));
  auto [order, operation_error, outcome, timer_error] =
      co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (order[0] == 0) {
    if (operation_error)
      std::rethrow_exception(operation_error);
    co_return std::move(outcome);
  }
  if (timer_error)
    std::rethrow_exception(timer_error);
  co_return fail(errc::timed_out, std::move(what) + ": timed out");
}

}  // namespace pushguard
