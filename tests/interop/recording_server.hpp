#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/http_server.hpp"
#include "program/server_thread.hpp"
#include "tests/support/recording_logger.hpp"

namespace pushguard::test {

/// A server on a port of 127.0.0.1 that keeps what it is sent, on a thread of its own.
class recording_server {
 public:
  /// `answer` says what each request is answered, on the server's thread; 200 without it.
  explicit recording_server(std::function<http_reply(const http_request&)> answer = {})
      : answer_(std::move(answer)) {
    listener_ = thread_.listen(*network_, "127.0.0.1", 0).value();
    const http_handler handler = [this](const http_request& request) -> boost::asio::awaitable<http_reply> {
      {
        const std::lock_guard hold(mutex_);
        seen_.push_back(request);
      }
      co_return answer_ ? answer_(request) : http_reply{};
    };
    thread_.run(serve_http(*listener_, handler, {}, *time_, log_));
  }
  ~recording_server() { thread_.stop(); }
  recording_server(const recording_server&) = delete;
  recording_server& operator=(const recording_server&) = delete;

  [[nodiscard]] std::string url() const { return listener_->local().text(); }
  /// In the order in which they came.
  [[nodiscard]] std::vector<http_request> seen() const {
    const std::lock_guard hold(mutex_);
    return seen_;
  }

 private:
  std::function<http_reply(const http_request&)> answer_;
  mutable std::mutex mutex_;
  std::vector<http_request> seen_;
  recording_logger log_;
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  program::server_thread thread_;
  std::unique_ptr<listener> listener_;
};

}  // namespace pushguard::test
