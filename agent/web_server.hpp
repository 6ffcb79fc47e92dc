#pragma once

#include <prometheus/metric_family.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <vector>

#include "agent/caller_limits.hpp"
#include "agent/configuration/configuration.hpp"
#include "agent/decision_api.hpp"
#include "agent/event_feed.hpp"
#include "agent/operator_routes.hpp"
#include "agent/org_series.hpp"
#include "agent/read_model.hpp"
#include "agent/scrapes.hpp"
#include "agent/web_gate.hpp"
#include "base/http_server.hpp"

namespace pushguard::agent {

/// What `decide` tells about itself, read by `serve` at any time.
struct agent_state {
  std::atomic<bool> is_leader = false;         ///< holds the store's lock
  std::atomic<steady_time::rep> last_turn{0};  ///< when the deciding loop last turned, on the steady clock
};

struct web_server_parts {
  configuration::shared_configuration configuration;
  time_source& time;
  logger& log;
  const agent_state& state;
  std::string version;
  std::string commit;
  /// Families that others keep: the hubs' and the notifications' instruments. Called on `serve`'s thread.
  std::function<std::vector<prometheus::MetricFamily>()> collect;
  store_reach reach_store;  ///< called on `serve`'s thread
  /// Does what operators ask for; called on `serve`'s thread, and answers there.
  operator_handler perform;
  reload_handler reload = {};  ///< called on `serve`'s thread, and answers there; empty: there is no file
};

/// The agent's HTTP side: metrics, health and the API, from its own replica of what `decide` knows. For one
/// thread; the references outlive it.
class web_server {
 public:
  explicit web_server(web_server_parts parts);

  /// Takes in a message of `decide`.
  void apply(const view_update& update);

  /// A reload succeeded: goes by `next`, but where it listens.
  void configure(configuration::shared_configuration next);
  /// A reload failed, and everything is as it was.
  void reload_failed() noexcept { is_reloaded_ = false; }

  /// What a new connection is secured with; nullptr: it is not.
  [[nodiscard]] std::shared_ptr<const tls_server_context> tls() { return gate_.tls(); }

  /// Answers on `from` until cancelled.
  [[nodiscard]] boost::asio::awaitable<void> run(listener& from);

  [[nodiscard]] const read_model& model() const noexcept { return model_; }

  /// What it answers: `GET /metrics` and so on, as http_router::routes().
  [[nodiscard]] std::vector<std::string> routes() const { return router_.routes(); }

 private:
  void add_routes();
  [[nodiscard]] http_reply metrics(const http_request& request) const;
  [[nodiscard]] http_reply org_metrics(const http_request& request);
  [[nodiscard]] http_reply healthy() const;
  [[nodiscard]] http_reply ready() const;
  [[nodiscard]] api_source source() const;
  [[nodiscard]] agent_facts facts() const;
  [[nodiscard]] boost::asio::awaitable<void> sweep();
  [[nodiscard]] boost::asio::awaitable<operator_answer> perform(operator_command command);

  web_server_parts parts_;
  read_model model_;
  pace_book paces_;
  rule_history history_;
  org_lists org_lists_{model_};
  event_feed events_;
  org_series series_;
  scrapes scrapes_;
  wall_time configuration_loaded_;
  bool is_reloaded_ = true;  ///< the last attempt to load a configuration succeeded
  http_router router_;
  caller_limits callers_;
  web_gate gate_;
};

}  // namespace pushguard::agent
