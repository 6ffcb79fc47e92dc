#include "agent/operator_trail.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

std::string_view to_string(trail_kind kind) noexcept {
  switch (kind) {
    case trail_kind::abort_requested:
      return "abort_requested";
    case trail_kind::held:
      return "held";
    case trail_kind::released:
      return "released";
    case trail_kind::hold_expired:
      return "hold_expired";
    case trail_kind::resumed:
      return "resumed";
    case trail_kind::armed:
      return "armed";
  }
  return "held";
}

asio::awaitable<result<store::commit_outcome>> commit_action(store::store& store, logger& log,
                                                             store::batch batch, trail_entry entry) {
  auto committed = co_await store.commit(std::move(batch));
  if (!committed) {
    log.error(
        "operator_action_not_recorded",
        {{"action", to_string(entry.kind)}, {"target", entry.target}, {"error", committed.error().text()}});
    co_return committed;
  }
  if (!committed->is_applied())
    co_return committed;
  if (entry.kind == trail_kind::hold_expired) {
    log.warning("hold_expired", {{"target", entry.target}, {"actor", entry.actor}, {"reason", entry.reason}});
  } else {
    log.warning("operator_action", {{"action", to_string(entry.kind)},
                                    {"actor", entry.actor},
                                    {"target", entry.target},
                                    {"until", entry.until ? format_time(*entry.until) : ""},
                                    {"reason", entry.reason}});
  }
  co_return committed;
}

}  // namespace pushguard::agent
