#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "base/http_server.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"
#include "simulator/scenario.hpp"
#include "simulator/truth.hpp"

namespace pushguard::simulator {

/// A simulated Salesforce org that owns a package and pushes it: OAuth, REST and CometD over one port.
/// The scenario's time begins when the hub is made. For one io_context on one thread.
class hub {
 public:
  virtual ~hub() = default;

  /// Answers requests; the hub must outlive it. May be used by several servers.
  [[nodiscard]] virtual http_handler handler() = 0;

  /// Moves the world with the clock and wakes polls when there are events, until cancelled (it then
  /// throws operation_aborted). REST requests move the world too; held polls need this to run.
  [[nodiscard]] virtual boost::asio::awaitable<void> run() = 0;

  /// As of the last time the world moved.
  [[nodiscard]] virtual hub_truth truth() const = 0;
  /// Every wave has been created, and every request and every job of it is terminal.
  [[nodiscard]] virtual bool is_finished() const = 0;

  /// Every token given so far is refused from now on.
  virtual void revoke_tokens() = 0;
  /// No refresh token is worth anything from now on.
  virtual void revoke_refresh_tokens() = 0;
  /// Logins are refused until activate_user(), and every token given so far is refused for good.
  virtual void deactivate_user() = 0;
  virtual void activate_user() = 0;

  /// A fresh token, as another process would have obtained it; it counts as no login.
  [[nodiscard]] virtual std::string issue_token() = 0;

  /// The org is at `instance_url` (scheme, host and port) from now on. Logins tell it; REST and CometD answer
  /// requests that were meant for another host or port with 302 and the new place. Throws
  /// std::invalid_argument for what is no such URL.
  virtual void move_instance(std::string instance_url) = 0;

  /// Adds a fault behind those of the scenario; its times count from the start of the hub, too.
  virtual void add_api_fault(api_fault_plan fault) = 0;
};

/// `time` and `log` must outlive the hub.
[[nodiscard]] std::unique_ptr<hub> make_hub(scenario plan, time_source& time, logger& log);

/// Runs `served` and answers on `from` until cancelled. References must outlive the call.
[[nodiscard]] boost::asio::awaitable<void> serve_hub(hub& served, listener& from, time_source& time,
                                                     logger& log);

}  // namespace pushguard::simulator
