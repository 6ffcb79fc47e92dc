#pragma once

#include <functional>

#include "cometd/client.hpp"

/// Ready-made parts for programs that need no more than these.
namespace pushguard::cometd {

/// The same address and token for ever, or no token at all. Where the server refuses it there is no other:
/// the client goes on trying, ever more slowly.
class fixed_access final : public token_provider {
 public:
  explicit fixed_access(access given) : given_(std::move(given)) {}

  [[nodiscard]] boost::asio::awaitable<result<access>> current() override { co_return given_; }
  [[nodiscard]] boost::asio::awaitable<result<access>> renew() override { co_return given_; }

 private:
  access given_;
};

/// Hands events one by one to a function; a failure it returns brings the whole batch again.
class function_consumer final : public event_consumer {
 public:
  explicit function_consumer(std::function<result<>(const event&)> take) : take_(std::move(take)) {}

  [[nodiscard]] boost::asio::awaitable<result<>> consume(delivery batch) override {
    for (const event& each : batch.events) {
      if (auto taken = take_(each); !taken)
        co_return taken;
    }
    co_return result<>{};
  }

 private:
  std::function<result<>(const event&)> take_;
};

}  // namespace pushguard::cometd
