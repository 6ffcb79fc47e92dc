#include "tests/support/net_world.hpp"

#include <boost/asio/co_spawn.hpp>

#include "base/fake_time.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;

constexpr auto real_time_max = std::chrono::seconds(60);

class pipe_world final : public net_world {
 public:
  asio::io_context& context() override { return context_; }
  time_source& time() override { return time_; }
  network& net() override { return *net_; }
  void run(asio::awaitable<void> task) override { simulate(context_, time_, std::move(task)); }

 private:
  // Coroutines that are left over sleep on the clock and use the network: the context goes first.
  fake_time time_;
  std::unique_ptr<network> net_ = make_pipe_network();
  asio::io_context context_{1};
};

class socket_world final : public net_world {
 public:
  asio::io_context& context() override { return context_; }
  time_source& time() override { return *time_; }
  network& net() override { return *net_; }

  void run(asio::awaitable<void> task) override {
    bool has_ended = false;
    std::exception_ptr error;
    asio::co_spawn(context_, std::move(task), [&](std::exception_ptr e) {
      has_ended = true;
      error = std::move(e);
    });
    const auto end = std::chrono::steady_clock::now() + real_time_max;
    context_.restart();
    while (!has_ended && std::chrono::steady_clock::now() < end) {
      if (context_.run_one_until(end) == 0 && context_.stopped()) {
        break;
      }
    }
    if (!has_ended) {
      throw std::runtime_error("the task did not end within a minute");
    }
    if (error) {
      std::rethrow_exception(error);
    }
  }

 private:
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> net_ = make_socket_network(*time_);
  asio::io_context context_{1};
};

}  // namespace

std::unique_ptr<net_world> make_pipe_world() {
  return std::make_unique<pipe_world>();
}

std::unique_ptr<net_world> make_socket_world() {
  return std::make_unique<socket_world>();
}

}  // namespace pushguard::test
