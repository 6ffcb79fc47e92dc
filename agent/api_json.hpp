#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/configuration/org_directory.hpp"
#include "agent/pace.hpp"
#include "agent/read_model.hpp"
#include "agent/rule_history.hpp"
#include "base/http_server.hpp"

/// How the API writes what `serve` knows: the same in answers and in events.
namespace pushguard::agent {

/// What answers are made of: all outlives the router and belongs to its thread.
struct api_source {
  const read_model& model;
  const pace_book& paces;
  const rule_history& history;
  time_source& time;
  /// Whose orgs they are, or nullptr.
  std::function<std::shared_ptr<const configuration::org_directory>()> directory;
};

[[nodiscard]] boost::json::object hub_json(const hub_view& hub);
[[nodiscard]] boost::json::object rule_json(const rule_view& rule);
[[nodiscard]] boost::json::object hold_json(const hold_view& hold);
[[nodiscard]] boost::json::object request_json(const read_model& model, const request_view& request);
/// A request with how far it is and its page in Setup.
[[nodiscard]] boost::json::object wave_json(const api_source& from, const request_view& request);
/// A rollout with its waves, how far it is and how it stands.
[[nodiscard]] boost::json::object rollout_json(const api_source& from, const rollout_view& rollout);
/// A push job and its org. `orgs` may be nullptr, and then tells of no customer.
[[nodiscard]] boost::json::object job_json(const read_model& model, std::string_view hub, const job_view& job,
                                           const configuration::org_directory* orgs);

/// How much fires now.
[[nodiscard]] std::size_t count_firing(const alerting_view& alerting);

/// Whether the hold is of the rollout, or of a rule that judges it.
[[nodiscard]] bool is_about(const read_model& model, const hold_view& hold, const rollout_view& rollout);

/// Calls `see` with each rule of the rollout.
template <class See>
void each_rule(const read_model& model, const rollout_view& rollout, const See& see) {
  const rule_key first{
      .hub = rollout.hub, .rollout = rollout.id, .request = {}, .policy = {}, .rule = {}, .segment = {}};
  for (auto at = model.rules().lower_bound(first); at != model.rules().end(); ++at) {
    if (at->first.hub != rollout.hub || at->first.rollout != rollout.id)
      return;
    see(at->second);
  }
}

/// Salesforce's text may hold anything; JSON wants valid UTF-8.
[[nodiscard]] boost::json::string json_text(std::string_view raw);
[[nodiscard]] boost::json::value time_or_null(const std::optional<wall_time>& time);
[[nodiscard]] boost::json::value number_or_null(const std::optional<double>& number);

[[nodiscard]] http_reply json_reply(const boost::json::value& body);

}  // namespace pushguard::agent
