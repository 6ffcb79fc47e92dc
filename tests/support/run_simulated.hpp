#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

#include "base/fake_time.hpp"

namespace pushguard::test {

/// How a simulated run ended.
enum class simulated_end {
  done,        ///< the predicate became true
  idle,        ///< nothing is left to run and nobody sleeps: it would wait for ever
  out_of_time  ///< the bound on simulated time was reached
};

/// Longer than any rollout a test plays.
inline constexpr duration simulated_time_max = std::chrono::hours(24 * 30);

/// Runs `context` on simulated time until `is_done`, which is asked after each handler: does what can be
/// done now, then moves the clock to the next sleeper. Everything must run on `context` and sleep on
/// `time`. Throws std::runtime_error where handlers keep each other busy without time going on.
inline simulated_end run_simulated(boost::asio::io_context& context, fake_time& time,
                                   const std::function<bool()>& is_done,
                                   duration bound = simulated_time_max) {
  constexpr std::size_t handlers_per_instant_max = 50'000'000;
  const steady_time end = time.steady_now() + bound;
  while (true) {
    if (is_done()) {
      return simulated_end::done;
    }
    context.restart();
    for (std::size_t ran = 0; context.poll_one() > 0; ++ran) {
      if (is_done()) {
        return simulated_end::done;
      }
      if (ran > handlers_per_instant_max) {
        throw std::runtime_error("simulated time stands still: handlers keep each other busy");
      }
    }
    const auto next = time.next_wake();
    if (!next) {
      return simulated_end::idle;
    }
    if (*next > end) {
      time.advance_to(end);
      return simulated_end::out_of_time;
    }
    time.advance_to(*next);
  }
}

/// Lets `length` of simulated time pass.
inline void run_simulated_for(boost::asio::io_context& context, fake_time& time, duration length) {
  const steady_time end = time.steady_now() + length;
  run_simulated(context, time, [] { return false; }, length);
  // Where nobody slept until then, the clock has not got there by itself.
  time.advance_to(end);
  run_simulated(context, time, [] { return false; }, duration(0));
}

/// Runs `task` to its end on simulated time and answers what it answers; an exception is rethrown.
/// Throws std::runtime_error where it would never end.
template <class T>
T simulate(boost::asio::io_context& context, fake_time& time, boost::asio::awaitable<T> task,
           duration bound = simulated_time_max) {
  struct outcome {
    std::exception_ptr error;
    std::optional<T> value;
    bool has_ended = false;
  };
  const auto got = std::make_shared<outcome>();
  boost::asio::co_spawn(context, std::move(task), [got](std::exception_ptr error, T value) {
    got->has_ended = true;
    got->error = std::move(error);
    if (!got->error) {
      got->value.emplace(std::move(value));
    }
  });
  const simulated_end end = run_simulated(context, time, [&got] { return got->has_ended; }, bound);
  if (end != simulated_end::done) {
    throw std::runtime_error(end == simulated_end::idle
                                 ? "the task waits for something that never happens"
                                 : "the task did not end in the simulated time allowed");
  }
  if (got->error) {
    std::rethrow_exception(got->error);
  }
  return std::move(*got->value);
}

inline void simulate(boost::asio::io_context& context, fake_time& time, boost::asio::awaitable<void> task,
                     duration bound = simulated_time_max) {
  simulate<bool>(
      context, time,
      [](boost::asio::awaitable<void> inner) -> boost::asio::awaitable<bool> {
        co_await std::move(inner);
        co_return true;
      }(std::move(task)),
      bound);
}

}  // namespace pushguard::test
