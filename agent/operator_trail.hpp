#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "agent/store/store.hpp"
#include "base/log.hpp"

namespace pushguard::agent {

/// One thing that an operator did, or that followed from it.
struct trail_entry {
  store::audit_kind kind = store::audit_kind::held;
  wall_time at{};
  std::string actor = {};
  std::string hub = {};      ///< empty where every hub is meant
  std::string rollout = {};  ///< `04t…/1`; empty where every rollout is meant
  std::string policy = {};
  std::string rule = {};
  std::string target = {};  ///< for people: `devhub 04t…/1`
  std::string reason = {};
  std::optional<wall_time> until = {};  ///< of a hold
  std::optional<std::int64_t> decision = {};
};

/// The entry of the audit trail.
[[nodiscard]] store::audit_entry audit_operator(const trail_entry& entry);

/// Commits `batch` together with the entry, the one way in which what operators do reaches the store; then
/// logs it (`operator_action`, or `hold_expired`). References outlive the call.
[[nodiscard]] boost::asio::awaitable<result<store::commit_outcome>> commit_action(store::store& store,
                                                                                  logger& log,
                                                                                  store::batch batch,
                                                                                  trail_entry entry);

}  // namespace pushguard::agent
