#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/http_server.hpp"
#include "base/time.hpp"
#include "simulator/event_log.hpp"
#include "simulator/token_desk.hpp"

namespace pushguard::simulator {

inline constexpr duration poll_timeout = std::chrono::seconds(110);    // how long a connect is held
inline constexpr duration session_timeout = std::chrono::seconds(40);  // to the next connect, after an answer
inline constexpr duration routing_cookie_life = std::chrono::hours(3);  // of sfdc-stream

/// A /meta/connect that is not answered yet.
struct held_poll {
  std::string client_id;
  std::string message_id;  ///< of the request, as JSON; "" without one
  std::uint64_t number = 0;
  steady_time until;  ///< when it is answered even without events
};

/// The server's side of Bayeux 1.0 over long polling, as Salesforce runs it: sessions bound to cookies, the
/// replay extension on one retained channel, authentication on every request. Does no I/O.
class bayeux_server {
 public:
  /// Appends an event's `data` as JSON.
  using event_writer = std::function<void(std::string& out, const logged_event& event)>;

  /// `tokens` and `log` must outlive it.
  bayeux_server(const stream_plan& plan, std::uint64_t seed, token_desk& tokens, event_log& log,
                event_writer write_event);

  /// Takes one request to /cometd/…. A held poll must be followed by resume() until it is answered, or by
  /// abandon().
  [[nodiscard]] std::variant<http_reply, held_poll> receive(const http_request& request, instant now);

  /// The answer to a held poll, if it is due: there are events, its time is over, a newer poll took its
  /// place, or its session ended.
  [[nodiscard]] std::optional<http_reply> resume(const held_poll& poll, steady_time now);
  /// The poll will never be answered: its connection is gone.
  void abandon(const held_poll& poll, steady_time now);

  [[nodiscard]] std::size_t open_sessions(steady_time now) const;
  [[nodiscard]] std::uint64_t handshakes() const noexcept { return handshakes_; }
  [[nodiscard]] std::uint64_t disconnects() const noexcept { return disconnects_; }
  [[nodiscard]] std::uint64_t events_delivered() const noexcept { return events_delivered_; }

 private:
  struct session {
    std::string browser;                      ///< the value of its BAYEUX_BROWSER cookie
    std::optional<event_log::position> next;  ///< of the channel, once subscribed
    std::uint64_t held = 0;                   ///< the number of the held poll, or 0
    bool has_connected = false;
    steady_time expiry;  ///< while no poll is held
  };
  struct exchange;
  class reply_list;

  void handshake(exchange& of);
  void refuse_handshake(exchange& of, std::string_view reason);
  std::optional<held_poll> connect(exchange& of);
  void subscribe(exchange& of);
  void unsubscribe(exchange& of);
  void disconnect(exchange& of);
  void other(exchange& of);
  session* authorised_session(exchange& of);
  /// Empty where the subscription was made, else the error.
  std::string subscribe_to(session& to, exchange& of, std::string_view channel);
  std::string start_replay(session& to, const exchange& of, std::string_view channel);
  bool append_events(session& of, reply_list& replies);
  void forget_expired(steady_time now);
  [[nodiscard]] std::string new_client_id();

  stream_plan plan_;
  std::uint64_t seed_;
  token_desk& tokens_;
  event_log& log_;
  event_writer write_event_;
  std::map<std::string, session, std::less<>> sessions_;
  std::uint64_t clients_made_ = 0;
  std::uint64_t polls_made_ = 0;
  std::uint64_t handshakes_ = 0;
  std::uint64_t disconnects_ = 0;
  std::uint64_t events_delivered_ = 0;
};

}  // namespace pushguard::simulator
