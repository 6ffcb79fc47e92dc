#include "base/condition.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

namespace pushguard {

namespace asio = boost::asio;

struct condition::waiter {
  waiter(std::list<waiter*>& all, const asio::any_io_executor& executor)
      : timer(executor, asio::steady_timer::time_point::max()),
        list(all),
        place(list.insert(list.end(), this)) {}
  ~waiter() { list.erase(place); }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  asio::steady_timer timer;
  bool is_notified = false;
  std::list<waiter*>& list;
  std::list<waiter*>::iterator place;
};

asio::awaitable<void> condition::wait() {
  const auto executor = co_await asio::this_coro::executor;
  waiter here(waiters_, executor);
  boost::system::error_code ec;
  co_await here.timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  if (!here.is_notified) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
}

void condition::notify_all() noexcept {
  // cancel() only queues the waiters' resumption, so the list does not change under the loop.
  for (waiter* each : waiters_) {
    if (!std::exchange(each->is_notified, true)) {
      each->timer.cancel();
    }
  }
}

}  // namespace pushguard
