#include "agent/operator_trail.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

json::string text(std::string_view raw) {
  return json::string(to_valid_utf8(raw));
}

}  // namespace

store::audit_entry audit_operator(const trail_entry& entry) {
  json::object details{{"target", text(entry.target)}};
  const auto add = [&details](std::string_view key, std::string_view value) {
    if (!value.empty())
      details.emplace(key, text(value));
  };
  add("policy", entry.policy);
  add("rule", entry.rule);
  add("reason", entry.reason);
  if (entry.until)
    details.emplace("until", format_time(*entry.until));
  return {.at = entry.at,
          .kind = entry.kind,
          .hub = entry.hub,
          .rollout = entry.rollout,
          .decision = entry.decision,
          .actor = entry.actor,
          .details = json::serialize(details)};
}

asio::awaitable<result<store::commit_outcome>> commit_action(store::store& store, logger& log,
                                                             store::batch batch, trail_entry entry) {
  // A decision that an operator asked for stands after the asking.
  batch.audit.insert(batch.audit.begin(), audit_operator(entry));
  auto committed = co_await store.commit(std::move(batch));
  if (!committed) {
    log.error("operator_action_not_recorded", {{"action", store::to_string(entry.kind)},
                                               {"target", entry.target},
                                               {"error", committed.error().text()}});
    co_return committed;
  }
  if (!committed->is_applied())
    co_return committed;
  if (entry.kind == store::audit_kind::hold_expired) {
    log.warning("hold_expired", {{"target", entry.target}, {"actor", entry.actor}, {"reason", entry.reason}});
  } else {
    log.warning("operator_action", {{"action", store::to_string(entry.kind)},
                                    {"actor", entry.actor},
                                    {"target", entry.target},
                                    {"until", entry.until ? format_time(*entry.until) : ""},
                                    {"reason", entry.reason}});
  }
  co_return committed;
}

}  // namespace pushguard::agent
