#pragma once

#include <functional>

#include "agent/store/store.hpp"

namespace pushguard::agent {

/// Passes everything on to another store and tells how each commit went. For one executor; what it refers to
/// outlives it.
class store_watch final : public pushguard::store::store {
 public:
  /// `on_commit` is told after each commit, with the failure or with nothing.
  store_watch(pushguard::store::store& inner, std::function<void(const failure*)> on_commit)
      : inner_(inner), on_commit_(std::move(on_commit)) {}

  boost::asio::awaitable<result<pushguard::store::commit_outcome>> commit(
      pushguard::store::batch changes) override {
    auto outcome = co_await inner_.commit(std::move(changes));
    on_commit_(outcome ? nullptr : &outcome.error());
    co_return outcome;
  }
  boost::asio::awaitable<result<pushguard::store::loaded_state>> load() override { return inner_.load(); }
  boost::asio::awaitable<result<std::vector<pushguard::store::decision_record>>> decisions(
      pushguard::store::decision_query query) override {
    return inner_.decisions(std::move(query));
  }
  boost::asio::awaitable<result<std::vector<pushguard::store::audit_row>>> audit_page(
      pushguard::store::audit_query query) override {
    return inner_.audit_page(std::move(query));
  }
  boost::asio::awaitable<result<std::vector<domain::org_key>>> spared_orgs_of(
      pushguard::store::rollout_key rollout) override {
    return inner_.spared_orgs_of(std::move(rollout));
  }
  boost::asio::awaitable<result<std::vector<cometd::checkpoint>>> checkpoints_of(std::string hub) override {
    return inner_.checkpoints_of(std::move(hub));
  }
  boost::asio::awaitable<result<alerts::outbox_page>> notifications_for(std::string receiver,
                                                                        std::size_t rows_max) override {
    return inner_.notifications_for(std::move(receiver), rows_max);
  }
  boost::asio::awaitable<result<std::vector<alerts::alert_record>>> alert_records(
      wall_time resolved_since) override {
    return inner_.alert_records(resolved_since);
  }
  void close() noexcept override { inner_.close(); }

 private:
  pushguard::store::store& inner_;
  std::function<void(const failure*)> on_commit_;
};

}  // namespace pushguard::agent
