#pragma once

#include <memory>
#include <utility>

#include "tests/support/forwarding_store.hpp"

namespace pushguard::test {

/// A store whose disk can be full: it then refuses every commit and still reads.
class refusing_store final : public forwarding_store {
 public:
  /// `is_full` outlives the store.
  refusing_store(std::unique_ptr<pushguard::store::store> inner, const bool& is_full)
      : forwarding_store(std::move(inner)), is_full_(is_full) {}

  boost::asio::awaitable<result<pushguard::store::commit_outcome>> commit(
      pushguard::store::batch changes) override {
    if (is_full_) {
      co_return fail(errc::storage, "writing to the store: the disk is full");
    }
    auto committed = co_await forwarding_store::commit(std::move(changes));
    co_return committed;
  }

 private:
  const bool& is_full_;
};

}  // namespace pushguard::test
