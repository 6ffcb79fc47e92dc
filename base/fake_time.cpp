#include "base/fake_time.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pushguard {

namespace asio = boost::asio;

wall_time fake_time::wall_now() const {
  return start_ + std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
}

asio::awaitable<void> fake_time::sleep_until(steady_time when) {
  if (when <= now_) {
    co_return;
  }
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, steady_time::max());
  struct visit {
    sleeper_map& sleepers;
    sleeper_map::iterator place;
    ~visit() { sleepers.erase(place); }
  } const here{sleepers_, sleepers_.emplace(when, &timer)};
  boost::system::error_code ec;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  // Woken by advance_to when the time has come; anything earlier is a cancellation.
  if (now_ < when) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
}

void fake_time::advance_to(steady_time when) {
  now_ = std::max(now_, when);
  // cancel() only queues the sleepers' resumption, so the map does not change under the loop.
  for (auto& [due, timer] : sleepers_) {
    if (due > now_) {
      break;
    }
    timer->cancel();
  }
}

std::optional<steady_time> fake_time::next_wake() const {
  if (sleepers_.empty()) {
    return std::nullopt;
  }
  return sleepers_.begin()->first;
}

}  // namespace pushguard
