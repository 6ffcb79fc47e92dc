#pragma once

#include <functional>
#include <map>
#include <string>

#include "agent/hub_instruments.hpp"
#include "agent/publisher.hpp"
#include "agent/rollout_watch.hpp"
#include "agent/salesforce/event_decoder.hpp"
#include "agent/salesforce/session_access.hpp"
#include "cometd/client.hpp"

/// The stream as the hub's agent uses it: Salesforce sessions for CometD, events for the tracker, news for
/// the views. References outlive the adapters.
namespace pushguard::agent {

/// Lends the hub's one session to the stream.
class stream_tokens final : public cometd::token_provider {
 public:
  explicit stream_tokens(salesforce::session_access& session) : session_(session) {}

  [[nodiscard]] boost::asio::awaitable<result<cometd::access>> current() override;
  [[nodiscard]] boost::asio::awaitable<result<cometd::access>> renew() override;

 private:
  [[nodiscard]] result<cometd::access> lend(const result<salesforce::access>& session);

  salesforce::session_access& session_;
  secret lent_;
};

/// Decodes events and hands them on, in order. An event that cannot be decoded is counted and passed over.
class stream_events final : public cometd::event_consumer {
 public:
  /// Applies an event and says what became of it.
  using event_handler = std::function<event_outcome(const domain::push_event&)>;

  stream_events(std::map<std::string, salesforce::event_decoder> decoders, event_handler handler,
                hub_instruments& instruments, logger& log)
      : decoders_(std::move(decoders)), handler_(std::move(handler)), instruments_(instruments), log_(log) {}

  [[nodiscard]] boost::asio::awaitable<result<>> consume(cometd::delivery batch) override;

 private:
  [[nodiscard]] event_outcome take(const cometd::event& event);

  std::map<std::string, salesforce::event_decoder> decoders_;  ///< by wanted channel
  event_handler handler_;
  hub_instruments& instruments_;
  logger& log_;
  std::string last_complaint_;  ///< one log line for each kind of trouble
};

/// Puts the stream's state into the hub's view, its news into counters, and what it lacks before the watch.
/// The client logs them itself.
class stream_news final : public cometd::client_observer {
 public:
  stream_news(publisher& views, hub_instruments& instruments, rollout_watch& watch, time_source& time)
      : views_(views), instruments_(instruments), watch_(watch), time_(time) {}

  void channel_changed(const cometd::channel_status& status) override;
  void handshake_begun(cometd::handshake_reason reason) override;
  void gap_found(const cometd::gap& found) override;
  void event_delivered(std::string_view) override {}
  void duplicate_dropped(std::string_view channel) override;
  void problem_found(cometd::problem_kind kind) override { instruments_.problem_found(kind); }
  void trouble_changed(std::string_view reason) override { watch_.note_trouble(reason); }
  void poll_ended(wall_time when) override;

 private:
  publisher& views_;
  hub_instruments& instruments_;
  rollout_watch& watch_;
  time_source& time_;
};

}  // namespace pushguard::agent
