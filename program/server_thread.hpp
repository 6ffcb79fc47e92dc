#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "base/net.hpp"

namespace pushguard::program {

/// A thread with an io_context on which one server runs until the object is destroyed. What the server
/// refers to must be declared before it.
class server_thread {
 public:
  ~server_thread() { stop(); }

  /// On which the server runs.
  [[nodiscard]] boost::asio::any_io_executor executor() { return context_.get_executor(); }

  /// Opens the port that the server will accept on.
  [[nodiscard]] result<std::unique_ptr<listener>> listen(network& network, std::string_view host,
                                                         std::uint16_t port) {
    return network.listen(context_.get_executor(), host, port);
  }

  void run(boost::asio::awaitable<void> server) {
    boost::asio::co_spawn(
        context_, std::move(server),
        boost::asio::bind_cancellation_slot(stop_.slot(), [](const std::exception_ptr&) {}));
    thread_ = std::thread([this] { context_.run(); });
  }

  /// Cancels the server and waits for its end. Idempotent.
  void stop() {
    if (!thread_.joinable())
      return;
    boost::asio::post(context_, [this] { stop_.emit(boost::asio::cancellation_type::terminal); });
    thread_.join();
  }

  /// Asks a question on the server's thread.
  template <class Question>
  auto ask(Question question) {
    std::promise<decltype(question())> answer;
    boost::asio::post(context_, [&] { answer.set_value(question()); });
    return answer.get_future().get();
  }

 private:
  boost::asio::io_context context_{1};
  boost::asio::cancellation_signal stop_;
  std::thread thread_;
};

}  // namespace pushguard::program
