#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "agent/store/store.hpp"

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
class timing_store final : public store::store {
 public:
  /// `clock` outlives the store.
  timing_store(std::unique_ptr<pushguard::store::store> inner, commit_clock& clock)
      : inner_(std::move(inner)), clock_(clock) {}

  boost::asio::awaitable<result<pushguard::store::commit_outcome>> commit(
      pushguard::store::batch changes) override {
    const bool is_decision = !changes.decisions.empty();
    const auto asked = std::chrono::steady_clock::now();
    auto committed = co_await inner_->commit(std::move(changes));
    if (is_decision)
      clock_.note(std::chrono::steady_clock::now() - asked);
    co_return committed;
  }
  boost::asio::awaitable<result<pushguard::store::loaded_state>> load() override { return inner_->load(); }
  boost::asio::awaitable<result<std::vector<pushguard::store::decision_record>>> decisions(
      pushguard::store::decision_query query) override {
    return inner_->decisions(std::move(query));
  }
  boost::asio::awaitable<result<std::vector<pushguard::store::audit_row>>> audit_page(
      pushguard::store::audit_query query) override {
    return inner_->audit_page(std::move(query));
  }
  boost::asio::awaitable<result<std::vector<domain::org_key>>> spared_orgs_of(
      pushguard::store::rollout_key rollout) override {
    return inner_->spared_orgs_of(std::move(rollout));
  }
  boost::asio::awaitable<result<std::vector<cometd::checkpoint>>> checkpoints_of(std::string hub) override {
    return inner_->checkpoints_of(std::move(hub));
  }
  boost::asio::awaitable<result<alerts::outbox_page>> notifications_for(std::string receiver,
                                                                        std::size_t rows_max) override {
    return inner_->notifications_for(std::move(receiver), rows_max);
  }
  boost::asio::awaitable<result<std::vector<alerts::alert_record>>> alert_records(
      wall_time resolved_since) override {
    return inner_->alert_records(resolved_since);
  }
  void close() noexcept override { inner_->close(); }

 private:
  std::unique_ptr<pushguard::store::store> inner_;
  commit_clock& clock_;
};

}  // namespace pushguard::bench
