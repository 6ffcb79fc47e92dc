#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/http_server.hpp"
#include "base/time.hpp"
#include "simulator/bayeux_request.hpp"
#include "simulator/delivery_quota.hpp"
#include "simulator/event_channel.hpp"
#include "simulator/node_router.hpp"
#include "simulator/streaming_plan.hpp"
#include "simulator/token_desk.hpp"

namespace pushguard::simulator {

class answer_text;

/// A /meta/connect that is not answered yet.
struct held_poll {
  std::string client_id;
  std::string message_id;  ///< of the request, as JSON; "" without one
  std::uint64_t number = 0;
  steady_time until;                ///< when it is answered even without events
  std::string routing_cookie = {};  ///< to be set with the answer; mostly empty
};

/// The server's side of Bayeux 1.0 over long polling, as Salesforce runs it: sessions bound to cookies and to
/// the node that made them, the replay extension on retained channels, authentication on every request.
/// Does no I/O.
class bayeux_server {
 public:
  /// References must outlive it.
  bayeux_server(const streaming_plan& plan, token_desk& tokens, channel_list& channels, node_router& router);

  /// Takes one request. A held poll must be followed by resume() until it is answered, or by abandon().
  [[nodiscard]] std::variant<http_reply, held_poll> receive(const bayeux_request& request, instant now);

  /// The answer to a held poll, if it is due: there are events, its time is over, a newer poll took its
  /// place, or its session ended.
  [[nodiscard]] std::optional<http_reply> resume(const held_poll& poll, steady_time now);
  /// The poll will never be answered: its connection is gone.
  void abandon(const held_poll& poll, steady_time now);

  /// The session is gone; its client is not told.
  void forget(std::string_view client_id);
  void forget_all() { sessions_.clear(); }
  void drop_subscriptions(std::string_view client_id);
  /// The first connect of the session made next is answered without advice.
  void withhold_advice() { withholds_advice_ = true; }

  [[nodiscard]] std::size_t open_sessions(steady_time now) const;
  [[nodiscard]] std::size_t open_sessions_peak() const noexcept { return open_sessions_peak_; }
  [[nodiscard]] std::uint64_t handshakes() const noexcept { return handshakes_; }
  [[nodiscard]] std::uint64_t disconnects() const noexcept { return disconnects_; }
  [[nodiscard]] std::uint64_t events_delivered() const noexcept { return deliveries_.total(); }
  /// How often a held poll has lost its place or its session, and should look.
  [[nodiscard]] std::uint64_t interruptions() const noexcept { return interruptions_; }
  /// Connects that came while another of their session was held.
  [[nodiscard]] std::uint64_t overlaps() const noexcept { return overlaps_; }

 private:
  struct subscription {
    event_channel* channel;
    event_log::position next;
  };
  struct session {
    std::size_t node = 0;
    std::string browser;  ///< the value of its BAYEUX_BROWSER cookie
    /// By the channel as it was subscribed to, with its filter.
    std::map<std::string, subscription, std::less<>> subscriptions;
    std::string last_served;  ///< the subscription that came last in the last full answer
    std::uint64_t held = 0;   ///< the number of the held poll, or 0
    bool has_connected = false;
    bool is_advised = true;
    steady_time expiry;  ///< while no poll is held
  };
  struct exchange;

  [[nodiscard]] std::optional<std::size_t> node_of(std::string_view client_id) const;
  void handshake(exchange& of);
  void refuse_handshake(exchange& of, std::string_view reason);
  std::optional<held_poll> connect(exchange& of);
  void subscribe(exchange& of);
  void unsubscribe(exchange& of);
  void disconnect(exchange& of);
  void other(exchange& of);
  session* authorised_session(exchange& of);
  /// Empty where the subscription was made, else the error.
  std::string subscribe_to(session& to, const exchange& of, std::string_view wanted);
  /// False where there were none.
  bool append_events(session& of, answer_text& into, steady_time now);
  void forget_expired(steady_time now);
  [[nodiscard]] std::string new_client_id();

  streaming_plan plan_;
  token_desk& tokens_;
  channel_list& channels_;
  node_router& router_;
  delivery_quota deliveries_;
  std::map<std::string, session, std::less<>> sessions_;
  bool withholds_advice_ = false;
  std::size_t open_sessions_peak_ = 0;
  std::uint64_t clients_made_ = 0;
  std::uint64_t polls_made_ = 0;
  std::uint64_t handshakes_ = 0;
  std::uint64_t disconnects_ = 0;
  std::uint64_t overlaps_ = 0;
  std::uint64_t interruptions_ = 0;
};

}  // namespace pushguard::simulator
