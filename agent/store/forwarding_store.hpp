#pragma once

#include <utility>

#include "agent/store/store.hpp"

namespace pushguard::store {

/// Passes everything on to another store, which outlives it: for those that do one thing otherwise.
class forwarding_store : public store {
 public:
  explicit forwarding_store(store& inner) : inner_(inner) {}

  boost::asio::awaitable<result<commit_outcome>> commit(batch changes) override {
    return inner_.commit(std::move(changes));
  }
  boost::asio::awaitable<result<loaded_state>> load() override { return inner_.load(); }
  boost::asio::awaitable<result<std::vector<decision_record>>> decisions(decision_query query) override {
    return inner_.decisions(std::move(query));
  }
  boost::asio::awaitable<result<std::vector<audit_row>>> audit_page(audit_query query) override {
    return inner_.audit_page(std::move(query));
  }
  boost::asio::awaitable<result<std::vector<domain::org_key>>> spared_orgs_of(rollout_key rollout) override {
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
  store& inner_;
};

}  // namespace pushguard::store
