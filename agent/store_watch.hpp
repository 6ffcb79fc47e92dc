#pragma once

#include <functional>
#include <utility>

#include "agent/store/forwarding_store.hpp"

namespace pushguard::agent {

/// Tells how each commit of a store went. For one executor; what it refers to outlives it.
class store_watch final : public pushguard::store::forwarding_store {
 public:
  /// `on_commit` is told after each commit, with the failure or with nothing.
  store_watch(pushguard::store::store& inner, std::function<void(const failure*)> on_commit)
      : forwarding_store(inner), on_commit_(std::move(on_commit)) {}

  boost::asio::awaitable<result<pushguard::store::commit_outcome>> commit(
      pushguard::store::batch changes) override {
    auto outcome = co_await forwarding_store::commit(std::move(changes));
    on_commit_(outcome ? nullptr : &outcome.error());
    co_return outcome;
  }

 private:
  std::function<void(const failure*)> on_commit_;
};

}  // namespace pushguard::agent
