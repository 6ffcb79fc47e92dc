#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alerts/receiver.hpp"
#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard::alerts {

/// A server that remembers what it was posted and answers as it is told, on pipes and simulated time.
class receiver_world {
 public:
  receiver_world() {
    from_ = world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0).value();
    servers_.spawn(serve_http(
        *from_, [this](const http_request& request) { return reply(request); }, {}, world_->time(), log_));
  }
  ~receiver_world() {
    world_->run([](task_group& servers) -> boost::asio::awaitable<void> {
      servers.cancel();
      co_await servers.join();
    }(servers_));
  }
  receiver_world(const receiver_world&) = delete;
  receiver_world& operator=(const receiver_world&) = delete;

  [[nodiscard]] network& net() { return world_->net(); }
  [[nodiscard]] time_source& time() { return world_->time(); }
  [[nodiscard]] boost::asio::io_context& context() { return world_->context(); }
  [[nodiscard]] test::recording_logger& log() { return log_; }
  [[nodiscard]] origin peer() const { return from_->local(); }

  delivery deliver(receiver& to, outbox_row row) {
    delivery out;
    world_->run([](receiver& whom, outbox_row what, delivery& got) -> boost::asio::awaitable<void> {
      got = co_await whom.deliver(std::move(what));
    }(to, std::move(row), out));
    return out;
  }
  void pass(duration length) {
    world_->run([](time_source& time, duration wait) -> boost::asio::awaitable<void> {
      co_await time.sleep_for(wait);
    }(world_->time(), length));
  }

  // What the server does.
  int status = 200;
  http_headers headers;
  std::string answer = "ok";
  after_reply after = after_reply::keep_alive;
  std::optional<std::string> raw;  ///< in place of all the above
  bool hangs = false;
  std::vector<http_request> seen;
  std::vector<steady_time> seen_at;

 private:
  boost::asio::awaitable<http_reply> reply(http_request request) {
    seen.push_back(std::move(request));
    seen_at.push_back(world_->time().steady_now());
    if (hangs)
      co_await world_->time().sleep_for(std::chrono::hours(24));
    co_return http_reply{
        .status = status, .headers = headers, .body = answer, .stream = {}, .raw = raw, .after = after};
  }

  test::recording_logger log_;
  std::unique_ptr<test::net_world> world_ = test::make_pipe_world();
  std::unique_ptr<listener> from_;
  task_group servers_{world_->context().get_executor()};
};

}  // namespace pushguard::alerts
