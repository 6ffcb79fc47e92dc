#pragma once

#include <memory>
#include <utility>

#include "agent/store/forwarding_store.hpp"

namespace pushguard::test {

/// Keeps a store, and does one thing otherwise.
class forwarding_store : public pushguard::store::forwarding_store {
 public:
  explicit forwarding_store(std::unique_ptr<pushguard::store::store> inner)
      : pushguard::store::forwarding_store(*inner), kept_(std::move(inner)) {}

 private:
  std::unique_ptr<pushguard::store::store> kept_;
};

}  // namespace pushguard::test
