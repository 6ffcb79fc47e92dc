#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/http_client.hpp"
#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard::test {

/// A listener that counts.
class counting_listener final : public listener {
 public:
  explicit counting_listener(std::unique_ptr<listener> inner) : inner_(std::move(inner)) {}

  boost::asio::awaitable<result<std::unique_ptr<transport>>> accept() override {
    auto accepted = co_await inner_->accept();
    accepted_ += accepted ? 1 : 0;
    co_return accepted;
  }
  origin local() const override { return inner_->local(); }
  void close() noexcept override { inner_->close(); }
  int accepted() const { return accepted_; }

 private:
  std::unique_ptr<listener> inner_;
  int accepted_ = 0;
};

/// HTTP client and server, against each other and against peers made of bare bytes.
class http_exchange {
 public:
  explicit http_exchange(std::unique_ptr<net_world> world) : world_(std::move(world)) {}

  [[nodiscard]] net_world& world() { return *world_; }
  [[nodiscard]] time_source& time() { return world_->time(); }
  [[nodiscard]] recording_logger& log() { return log_; }
  [[nodiscard]] int accepted() const { return listener_->accepted(); }
  [[nodiscard]] origin server() const { return listener_->local(); }

  /// Starts a server; one for each test.
  void serve(http_handler handler, http_server_limits limits = {}) {
    listen();
    servers_.spawn(serve_http(*listener_, std::move(handler), limits, time(), log_));
  }

  using script = std::function<boost::asio::awaitable<void>(transport&)>;

  /// Starts a peer that plays `play` on each connection and closes it behind.
  void serve_bytes(script play) {
    listen();
    servers_.spawn(accept_scripted(std::move(play)));
  }
  /// As above: reads a request's header, sends `bytes` and closes.
  void serve_bytes(std::string bytes) {
    serve_bytes([bytes = std::move(bytes)](transport& wire) -> boost::asio::awaitable<void> {
      co_await read_through(wire, "\r\n\r\n");
      co_await wire.write(bytes);
    });
  }

  [[nodiscard]] std::unique_ptr<http_client> client(http_client_options options = {}) {
    return make_http_client(world_->net(), time(), server(), std::move(options));
  }

  /// Runs `body`, then ends the servers.
  void play(std::function<boost::asio::awaitable<void>()> body) {
    world_->run(play_then_end(std::move(body)));
  }

  [[nodiscard]] boost::asio::awaitable<std::unique_ptr<transport>> connect() {
    auto wire = co_await world_->net().connect(server(), {});
    co_return std::move(wire.value());
  }

  /// Sends `bytes` on a new connection and answers everything that comes back until it ends.
  [[nodiscard]] boost::asio::awaitable<std::string> talk(std::string bytes) {
    const auto wire = co_await connect();
    const auto written = co_await wire->write(bytes);
    static_cast<void>(written);  // a peer that refuses need not read everything
    co_return co_await read_all(*wire);
  }

  /// Everything until the peer's end.
  [[nodiscard]] static boost::asio::awaitable<std::string> read_all(transport& wire) {
    std::string all;
    while (true) {
      std::array<char, 4096> piece;
      const auto got = co_await wire.read_some(piece);
      if (!got || *got == 0) {
        co_return all;
      }
      all.append(piece.data(), *got);
    }
  }

  /// Everything until `mark` has come, or the peer's end.
  static boost::asio::awaitable<std::string> read_through(transport& wire, std::string mark) {
    std::string all;
    while (!all.ends_with(mark)) {
      char next = 0;
      const auto got = co_await wire.read_some({&next, 1});
      if (!got || *got == 0) {
        break;
      }
      all += next;
    }
    co_return all;
  }

  [[nodiscard]] task_group& servers() { return servers_; }

 private:
  void listen() {
    auto made = world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0);
    listener_ = std::make_unique<counting_listener>(std::move(made.value()));
  }

  boost::asio::awaitable<void> accept_scripted(script play) {
    while (true) {
      auto wire = co_await listener_->accept();
      if (!wire) {
        co_return;
      }
      servers_.spawn(play_script(play, std::move(*wire)));
    }
  }

  static boost::asio::awaitable<void> play_script(script play, std::unique_ptr<transport> wire) {
    co_await play(*wire);
  }

  boost::asio::awaitable<void> play_then_end(std::function<boost::asio::awaitable<void>()> body) {
    std::exception_ptr error;
    try {
      co_await body();
    } catch (...) {
      error = std::current_exception();
    }
    servers_.cancel();
    co_await servers_.join();
    if (error) {
      std::rethrow_exception(error);
    }
  }

  std::unique_ptr<net_world> world_;
  recording_logger log_;
  std::unique_ptr<counting_listener> listener_;
  task_group servers_{world_->context().get_executor()};
};

/// One fixture for both carriers: see http_exchange_cases.cpp.
class HttpExchange : public testing::TestWithParam<std::unique_ptr<net_world> (*)()> {
 protected:
  http_exchange on_{GetParam()()};
};

[[nodiscard]] inline http_handler answer_with(const http_reply& reply) {
  return [reply](const http_request&) -> boost::asio::awaitable<http_reply> { co_return reply; };
}

/// Something to wait for: a coroutine run beside the test, joined by `task_group`.
template <class T>
boost::asio::awaitable<void> store(boost::asio::awaitable<T> work, std::optional<T>& into) {
  into.emplace(co_await std::move(work));
}

}  // namespace pushguard::test
