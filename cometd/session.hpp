#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/backoff.hpp"
#include "base/log.hpp"
#include "cometd/duplicate_window.hpp"
#include "cometd/event.hpp"
#include "cometd/message.hpp"
#include "cometd/reply.hpp"

namespace pushguard::cometd {

/// Where a channel is read from when there is no checkpoint.
enum class replay_start { latest, earliest };

struct wanted_channel {
  std::string channel;
  replay_start first = replay_start::latest;        ///< the first time ever
  replay_start when_lost = replay_start::earliest;  ///< when the server no longer knows our position

  friend bool operator==(const wanted_channel&, const wanted_channel&) = default;
};

/// Where a channel is read on from.
struct position {
  std::string replay_id;  ///< the raw token of the last event; empty while none has come
  /// Where none has come: since when, by the server's clock, the channel is read from its tip. Events
  /// published later are ours, and no replay id stands for that place yet.
  std::optional<wall_time> quiet_since = {};

  friend bool operator==(const position&, const position&) = default;
};

struct session_options {
  cometd::profile profile = profile::salesforce;
  std::vector<wanted_channel> channels;

  /// Salesforce's constants, used until the server states its own.
  duration poll_timeout = std::chrono::seconds(110);  ///< how long a connect is held
  duration max_interval = std::chrono::seconds(40);   ///< how long a session lives between connects
  duration network_allowance = std::chrono::seconds(15);
  duration request_deadline = std::chrono::seconds(30);  ///< for handshake and subscribe
  duration body_idle = std::chrono::seconds(30);         ///< between two pieces of a response
  duration body_longest = std::chrono::minutes(15);      ///< for a response that comes in small pieces
  duration disconnect_deadline = std::chrono::seconds(2);
  backoff_limits reconnect_backoff{std::chrono::seconds(1), std::chrono::seconds(60)};
  backoff_limits credentials_backoff{std::chrono::seconds(10), std::chrono::minutes(5)};
};

/// Why a handshake was made; a closed set, also a metric's label.
enum class handshake_reason {
  start,              ///< the first
  failed_handshake,   ///< the one before did not succeed
  unknown_client,     ///< the server forgot the session (about every 3 h: routing cookies expire)
  credentials,        ///< the token was refused
  server_disconnect,  ///< the server ended the session (Hyperforce scaling)
  lost_poll,          ///< a response did not arrive whole; what it carried is replayed
  advice,             ///< the server advised one
  cookies,            ///< the server missed or refused a cookie
  overload,           ///< the server is busy, or a limit of the org is reached
  backlog,            ///< events were left on the server while the consumer was behind
  stalled,            ///< the watchdog found that nothing moved any more
};
[[nodiscard]] std::string_view to_string(handshake_reason reason) noexcept;
inline constexpr auto handshake_reason_count = 11;

enum class exchange_kind { handshake, subscribe, connect, disconnect };
[[nodiscard]] std::string_view to_string(exchange_kind kind) noexcept;

enum class session_phase {
  idle,      ///< not started
  waiting,   ///< until a stated instant
  renewing,  ///< for new credentials
  handshaking,
  subscribing,
  polling,
  abandoning,  ///< saying goodbye for a session that is given up, before the next handshake
  stopping,
  ended,
};
[[nodiscard]] std::string_view to_string(session_phase phase) noexcept;

enum class channel_phase { wanted, subscribing, live, parked };
[[nodiscard]] std::string_view to_string(channel_phase phase) noexcept;

struct channel_status {
  std::string channel;
  channel_phase phase = channel_phase::wanted;
  std::string reason;  ///< why it is parked, in the server's words; empty otherwise

  [[nodiscard]] bool is_live() const noexcept { return phase == channel_phase::live; }
};

/// A stretch of a channel that may hold events nobody will see.
struct gap {
  std::string channel;
  std::string lost_replay_id;  ///< the position that the server refused; empty where it has no replay
  replay_start resumed_at;     ///< where reading goes on
  std::string reason;          ///< the server's words
};

namespace input {

struct start {
  /// By channel: where the last run stopped.
  std::map<std::string, position> positions;
  /// Positions known to be worthless here, since they were taken in another org.
  std::map<std::string, std::string> foreign = {};
};
/// Messages of the exchange under way, as they are parsed. May come any number of times before its end.
struct received {
  std::uint64_t generation = 0;
  std::vector<message> messages;
};
/// Bytes of the response came, whether or not they made a message whole: a slow response is alive.
struct progress {
  std::uint64_t generation = 0;
};
/// The exchange is over, whatever came of it. `status` is 0 without an HTTP answer; `trouble` says why
/// the answer did not arrive whole or could not be read; `server_time` is its Date.
struct exchange_ended {
  std::uint64_t generation = 0;
  int status = 0;
  std::optional<failure> trouble;
  std::optional<wall_time> server_time = {};
  bool has_skipped = false;  ///< a message of it could not be read
};
/// An instant asked for by wait_until has come (or any other time: early ticks do nothing).
struct tick {};
struct credentials_renewed {};
struct credentials_failed {
  failure cause;
};
/// The consumer is too far behind to be given more, or has caught up.
struct backlog {
  bool is_full = false;
};
/// The watchdog, which has a clock of its own, found that what should have ended long ago did not.
struct stalled {};
struct stop {};

}  // namespace input

using session_input = std::variant<input::start, input::received, input::progress, input::exchange_ended,
                                   input::tick, input::credentials_renewed, input::credentials_failed,
                                   input::backlog, input::stalled, input::stop>;

namespace action {

/// POST these messages; feed what comes back with this generation. At most one is ever under way.
struct send {
  exchange_kind kind = exchange_kind::handshake;
  std::uint64_t generation = 0;
  std::vector<request_message> messages;
  duration deadline{};  ///< until the header of the answer
  std::string host;     ///< another server that advice named; empty: the org's own
};
/// Give up the exchange under way; its end will be ignored.
struct abandon {
  std::uint64_t generation = 0;
};
/// Send a tick at `when`. Replaces the instant asked for before.
struct wait_until {
  steady_time when;
};
/// In the order they came.
struct deliver {
  std::vector<event> events;
};
struct renew_credentials {};
struct clear_cookies {};

struct handshake_begun {
  handshake_reason reason;
};
struct channel_changed {
  channel_status status;
};
struct gap_found {
  cometd::gap gap;
};
/// The channel is read from its tip and has brought nothing yet: its position is an instant, to be stored.
struct channel_quiet {
  std::string channel;
  wall_time since;
};
struct duplicate_dropped {
  std::string channel;
};
struct poll_ended {};
struct log {
  log_level level = log_level::info;
  std::string event;
  std::vector<std::pair<std::string, std::string>> fields;
};
/// Nothing more will come: the session was stopped, or (generic profile) told to by the server.
struct ended {
  std::string reason;
};

}  // namespace action

using session_action =
    std::variant<action::send, action::abandon, action::wait_until, action::deliver,
                 action::renew_credentials, action::clear_cookies, action::handshake_begun,
                 action::channel_changed, action::gap_found, action::channel_quiet, action::duplicate_dropped,
                 action::poll_ended, action::log, action::ended>;

/// The Bayeux client as a pure machine: inputs and now go in, actions come out. It does no I/O and reads
/// no clock. One exchange at a time: handshake, then each wanted channel's subscribe, then connects.
///
/// Whatever comes in, afterwards the session has ended, or an exchange is under way, or credentials are
/// being renewed; and in each case an instant is set at which a tick moves it on. That is the watchdog.
class session {
 public:
  /// `random` must outlive the session.
  session(session_options options, random_engine& random);

  /// Feeds one input. The answer is to be carried out in order.
  [[nodiscard]] std::vector<session_action> resume(session_input input, instant now);

  [[nodiscard]] session_phase phase() const noexcept { return phase_; }
  /// Every wanted channel is acknowledged by the server in the present session, which is being polled.
  [[nodiscard]] bool is_live() const noexcept;
  [[nodiscard]] std::vector<channel_status> channels() const;
  /// What is wrong with the session, in the server's or the network's words; empty while all is well.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }
  /// When something must have happened, whatever the phase: past it, nothing moves any more. The watchdog
  /// looks at it with a timer of its own.
  [[nodiscard]] steady_time overdue_at() const noexcept;
  /// Generation of the latest exchange.
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

 private:
  struct subscription {
    wanted_channel wanted;
    replay_start start = replay_start::latest;  // where to read from without a position
    position at;                                // replay_id empty: no event yet
    channel_phase phase = channel_phase::wanted;
    std::string reason;
    steady_time retry_at{};  // while parked
    bool is_behind = false;  // events after `position` were left on the server
  };

  // What a wait is for.
  enum class next_step { handshake, connect, renew };

  void on(input::start& in);
  void on(input::received& in);
  void on(input::progress& in);
  void on(input::exchange_ended& in);
  void on(input::tick& in);
  void on(input::credentials_renewed& in);
  void on(input::credentials_failed& in);
  void on(input::backlog& in);
  void on(input::stalled& in);
  void on(input::stop& in);

  [[nodiscard]] reply_outcome read_outcome(const input::exchange_ended& in) const;
  void handshake_ended(const reply_outcome& outcome);
  void subscribe_ended(const reply_outcome& outcome);
  void connect_ended(const reply_outcome& outcome);
  void accept_handshake(const message& reply);
  void accept_subscribe(subscription& sub, const reply_outcome& outcome);
  void accept_connect(const message& reply);
  void position_refused(subscription& sub, const reply_outcome& outcome);
  void lose_position(subscription& sub, std::string lost, const std::string& why);
  void tell_possible_loss(const std::string& why);
  void session_troubled(const reply_outcome& outcome);
  void poll_lost();
  void poll_refused(const reply_outcome& outcome);
  [[nodiscard]] bool obeys_end(const reply_outcome& outcome);

  void take_event(message& in);
  [[nodiscard]] bool is_damaged_before(const message& in);
  void find_damage();
  [[nodiscard]] std::string place() const;
  [[nodiscard]] bool is_known(const message& in);
  void take_unacknowledged();
  [[nodiscard]] bool is_older_than_subscription(subscription& sub, const message& in);
  [[nodiscard]] wall_time subscribed_since(std::optional<wall_time> server_time) const;
  void take_hosts(const message& reply);
  void begin_handshake();
  void begin_next();
  void begin_subscribe(std::size_t index);
  void begin_connect();
  void renew_soon();
  void begin_renewal();
  void send(exchange_kind kind, request_message request, duration deadline);
  void wait(next_step step, duration length);
  void take_step();
  void wake_at(steady_time when);
  void handshake_after(duration least);
  void rehandshake(handshake_reason reason, duration least = {});
  void drop_session();
  void finish(std::string reason);

  void set_phase(subscription& sub, channel_phase phase, std::string reason = {});
  void park(subscription& sub, duration length, const std::string& reason);
  void troubled(const reply_outcome& outcome, std::string_view during);
  void note(log_level level, std::string event, std::vector<std::pair<std::string, std::string>> fields);
  [[nodiscard]] subscription* find(std::string_view channel);
  [[nodiscard]] duration jittered(duration least, duration most);
  [[nodiscard]] bool is_exchanging() const noexcept;
  [[nodiscard]] bool is_behind() const noexcept;
  [[nodiscard]] bool recovers_by_replay() const noexcept;

  template <class Action>
  void act(Action action) {
    actions_.emplace_back(std::move(action));
  }

  session_options options_;
  random_engine& random_;
  std::vector<subscription> subscriptions_;
  duplicate_window seen_;

  session_phase phase_ = session_phase::idle;
  instant now_{};
  std::vector<session_action> actions_;
  steady_time wake_at_{};
  next_step next_step_ = next_step::handshake;

  // The exchange under way.
  std::uint64_t generation_ = 0;
  std::uint64_t next_message_id_ = 0;
  exchange_kind kind_ = exchange_kind::handshake;
  steady_time exchange_begun_{};
  std::size_t subscribing_ = 0;
  std::vector<message> replies_;
  std::vector<message> unacknowledged_;  // events of a connect that the same session would send again
  std::optional<wall_time> server_time_;
  bool has_brought_events_ = false;
  bool has_found_damage_ = false;  // it holds what cannot be read
  bool is_damaged_ = false;        // and what follows is left for a replay

  // The session with the server.
  std::string client_id_;
  bool supports_replay_ = false;
  bool acknowledges_ = false;        // the acknowledgement extension is on
  std::optional<std::int64_t> ack_;  // the last batch that came whole
  bool asks_at_once_ = true;         // the next connect asks for an answer at once, to notice recovery early
  duration poll_timeout_{};
  duration max_interval_{};
  steady_time handshaken_at_{};
  steady_time last_good_poll_{};

  // Where the next handshakes go: servers that advice named, then the org's own again.
  std::vector<std::string> hosts_;
  std::string host_;

  // How it has been going.
  handshake_reason reason_ = handshake_reason::start;
  std::optional<steady_time> last_handshake_;
  duration handshake_delay_{};  // after the goodbye under way
  backoff handshake_backoff_;
  backoff poll_backoff_;
  backoff credentials_backoff_;
  unsigned forgotten_in_a_row_ = 0;  // unknown_client without a stable session in between
  unsigned idle_polls_in_a_row_ = 0;
  std::string damaged_place_;  // where a message could not be read last, when, and how often in a row
  steady_time damaged_at_{};
  unsigned damaged_in_a_row_ = 0;
  bool is_backlogged_ = false;
  bool waits_for_room_ = false;  // the pause before the next connect is for the consumer's sake alone
  bool has_told_live_ = false;
  std::string last_trouble_;  // the trouble logged last; empty while all is well
  std::string trouble_;       // the newest, in full
  std::uint64_t troubles_ = 0;
};

}  // namespace pushguard::cometd
