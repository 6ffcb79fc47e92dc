#pragma once

#include <memory>
#include <utility>

#include "agent/store/store.hpp"

namespace pushguard::test {

/// Passes everything on to another store: for those that do one thing otherwise.
class forwarding_store : public pushguard::store::store {
 public:
  explicit forwarding_store(std::unique_ptr<pushguard::store::store> inner) : inner_(std::move(inner)) {}

  boost::asio::awaitable<result<pushguard::store::commit_outcome>> commit(
      pushguard::store::batch changes) override {
    return inner_->commit(std::move(changes));
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
};

}  // namespace pushguard::test
