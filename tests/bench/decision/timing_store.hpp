#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "tests/support/forwarding_store.hpp"

namespace pushguard::bench {

/// How long the last decision took to become durable, for the thread that waited for it. Thread-safe.
class commit_clock {
 public:
  void note(std::chrono::nanoseconds took) {
    const std::lock_guard hold(mutex_);
    last_ = took;
  }
  /// Takes it away; nothing where no decision was committed since.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> take() {
    const std::lock_guard hold(mutex_);
    return std::exchange(last_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<std::chrono::nanoseconds> last_;
};

/// A store that tells `clock` how long commits of decisions take, from the call until the caller goes on.
class timing_store final : public test::forwarding_store {
 public:
  /// `clock` outlives the store.
  timing_store(std::unique_ptr<pushguard::store::store> inner, commit_clock& clock)
      : forwarding_store(std::move(inner)), clock_(clock) {}

  boost::asio::awaitable<result<pushguard::store::commit_outcome>> commit(
      pushguard::store::batch changes) override {
    const bool is_decision = !changes.decisions.empty();
    const auto asked = std::chrono::steady_clock::now();
    auto committed = co_await forwarding_store::commit(std::move(changes));
    if (is_decision)
      clock_.note(std::chrono::steady_clock::now() - asked);
    co_return committed;
  }

 private:
  commit_clock& clock_;
};

}  // namespace pushguard::bench
