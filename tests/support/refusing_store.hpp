#pragma once

#include <memory>
#include <utility>

#include "agent/store/store.hpp"

namespace pushguard::test {

/// A store whose disk can be full: it then refuses every commit and still reads.
class refusing_store final : public pushguard::store::store {
 public:
  /// `is_full` outlives the store.
  refusing_store(std::unique_ptr<pushguard::store::store> inner, const bool& is_full)
      : inner_(std::move(inner)), is_full_(is_full) {}

  boost::asio::awaitable<result<pushguard::store::commit_outcome>> commit(
      pushguard::store::batch changes) override {
    if (is_full_) {
      co_return fail(errc::storage, "writing to the store: the disk is full");
    }
    auto committed = co_await inner_->commit(std::move(changes));
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
  const bool& is_full_;
};

}  // namespace pushguard::test
