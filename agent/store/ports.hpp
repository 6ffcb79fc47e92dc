#pragma once

#include <memory>
#include <string>

#include "agent/store/store.hpp"
#include "alerts/outbox_store.hpp"
#include "cometd/checkpoint_store.hpp"

/// The store as what others ask for. Each `from` must outlive what is made of it.
namespace pushguard::store {

/// The checkpoints of one hub's session.
[[nodiscard]] std::unique_ptr<cometd::checkpoint_store> make_checkpoint_store(store& from, std::string hub);

[[nodiscard]] std::unique_ptr<alerts::outbox_store> make_outbox_store(store& from);

}  // namespace pushguard::store
