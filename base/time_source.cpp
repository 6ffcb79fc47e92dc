#include "base/time_source.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pushguard {
namespace {

namespace asio = boost::asio;

class system_time final : public time_source {
 public:
  wall_time wall_now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }

  steady_time steady_now() const override { return std::chrono::steady_clock::now(); }

  asio::awaitable<void> sleep_until(steady_time when) override {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, when);
    co_await timer.async_wait(asio::use_awaitable);
  }
};

}  // namespace

std::unique_ptr<time_source> make_system_time() {
  return std::make_unique<system_time>();
}

}  // namespace pushguard
