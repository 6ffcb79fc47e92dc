#include "cometd/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"

/// What a session makes of answers: each is brought down to a cause, and each cause has its way on.
namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;

// A session polled for so long counts as stable: the next trouble begins with short waits again.
constexpr duration stable_after = 1min;
// Routing cookies that lead to the wrong node are the likely cause from then on (facts F09).
constexpr unsigned forgotten_before_cookies_go = 3;
// A connect that is refused or answered without a reply is sent again so often, then a new session is made.
constexpr unsigned bad_polls_max = 3;
// So many empty answers in so short a time are a server that does not hold connects.
constexpr unsigned idle_polls_max = 5;
constexpr duration idle_poll_short = 500ms;
// Sessions die 40 s after a response; waits between polls stay well below.
constexpr duration between_polls_max = 20s;
constexpr duration server_disconnect_spread = 5s;
// Advice is bounded, so that a wrong number does not make the client deaf.
constexpr duration advised_interval_max = 5min;
constexpr duration advised_timeout_max = 10min;
constexpr std::size_t error_text_max = 300;
// An event may carry the time at which it was handed in, and be logged, and so delivered, a little later.
constexpr duration publication_lag_max = 5min;
// Servers that one advice may name.
constexpr std::size_t hosts_max = 8;
constexpr duration busy_least = 1min, busy_most = 3min;
constexpr duration limit_least = 10min, limit_most = 30min;
constexpr duration denied_least = 8min, denied_most = 12min;

bool is_channel_of(const message& reply, exchange_kind kind) {
  return reply.channel.starts_with("/meta/") &&
         std::string_view(reply.channel).substr(std::string_view("/meta/").size()) == to_string(kind);
}

std::string text_of(const message& reply) {
  std::string text = reply.failure_reason.empty() ? reply.error : reply.failure_reason;
  if (text.empty())
    text = "refused without a reason";
  return std::string(cut_at_character(text, error_text_max));
}

std::string_view to_string(replay_start start) noexcept {
  return start == replay_start::latest ? "latest" : "earliest";
}

}  // namespace

reply_outcome session::read_outcome(const input::exchange_ended& in) const {
  reply_outcome outcome;
  for (const auto& each : replies_) {
    // A reply is known by the request it came back on, then by its channel; an id proves nothing.
    const bool is_reply = each.successful.has_value() && (is_channel_of(each, kind_) || each.channel.empty());
    if (is_reply)
      outcome.reply = each;
    if (each.channel == "/meta/disconnect")
      outcome.server_disconnected = true;
  }
  if (outcome.reply && !*outcome.reply->successful) {
    outcome.cause = classify_reply(*outcome.reply, in.status);
    outcome.text = text_of(*outcome.reply);
  } else if (in.status != 0 && classify_status(in.status) != reply_cause::lost && !outcome.reply) {
    outcome.cause = classify_status(in.status);
    outcome.text = fmt::format("HTTP {}", in.status);
  } else if (is_damaged_) {
    outcome.cause = reply_cause::lost;
    outcome.text = "a message of the response cannot be read";
  } else if (in.trouble) {
    outcome.cause = in.trouble->is(errc::unauthorized) ? reply_cause::unauthorized : reply_cause::lost;
    outcome.text = std::string(cut_at_character(in.trouble->text(), error_text_max));
    if (in.status != 0 && in.status != 200)
      outcome.text = fmt::format("HTTP {}, {}", in.status, outcome.text);
  } else if (outcome.reply) {
    outcome.cause = reply_cause::accepted;
  } else if (in.status != 200) {
    outcome.cause = reply_cause::lost;
    outcome.text = fmt::format("HTTP {}", in.status);
  } else {
    outcome.cause = reply_cause::missing;
    outcome.text = "the response holds no reply to the request";
  }
  return outcome;
}

void session::handshake_ended(const reply_outcome& outcome) {
  if (outcome.cause == reply_cause::accepted)
    return accept_handshake(*outcome.reply);
  troubled(outcome, "handshake");
  if (obeys_end(outcome))
    return;
  if (outcome.reply)
    take_hosts(*outcome.reply);
  reason_ = handshake_reason::failed_handshake;
  switch (outcome.cause) {
    case reply_cause::unauthorized:
    case reply_cause::moved:
      return renew_soon();
    case reply_cause::wrong_cookie:
      act(action::clear_cookies{});
      reason_ = handshake_reason::cookies;
      return handshake_after({});
    case reply_cause::busy:
      reason_ = handshake_reason::overload;
      return handshake_after(jittered(busy_least, busy_most));
    case reply_cause::limit:
      reason_ = handshake_reason::overload;
      return handshake_after(jittered(limit_least, limit_most));
    case reply_cause::unsupported:
      return handshake_after(jittered(denied_least, denied_most));
    case reply_cause::accepted:
    case reply_cause::missing:
    case reply_cause::lost:
    case reply_cause::unknown_client:
    case reply_cause::position_lost:
    case reply_cause::denied:
    case reply_cause::refused:
      return handshake_after({});
  }
}

void session::accept_handshake(const message& reply) {
  const auto& types = reply.supported_connection_types;
  const bool has_transport = types.empty() || std::ranges::find(types, "long-polling") != types.end();
  if (reply.client_id.empty() || !has_transport) {
    reply_outcome bad{.cause = has_transport ? reply_cause::missing : reply_cause::unsupported,
                      .text = has_transport ? "the handshake's reply holds no clientId"
                                            : "the server does not offer long-polling",
                      .reply = {}};
    return handshake_ended(bad);
  }
  client_id_ = reply.client_id;
  hosts_.clear();
  supports_replay_ = reply.supports_replay;
  acknowledges_ = reply.supports_ack && options_.profile == profile::generic;
  ack_.reset();
  if (acknowledges_)
    ack_ = 0;
  handshaken_at_ = now_.steady;
  last_good_poll_ = now_.steady;
  asks_at_once_ = true;
  poll_timeout_ = options_.poll_timeout;
  max_interval_ = options_.max_interval;
  idle_polls_in_a_row_ = 0;
  poll_backoff_.reset();
  begin_next();
}

void session::subscribe_ended(const reply_outcome& outcome) {
  subscription& sub = subscriptions_[subscribing_];
  if (outcome.cause == reply_cause::accepted)
    return accept_subscribe(sub, outcome);
  switch (outcome.cause) {
    case reply_cause::position_lost:
      return position_refused(sub, outcome);
    case reply_cause::busy:
      park(sub, jittered(busy_least, busy_most), outcome.text);
      return begin_next();
    case reply_cause::limit:
      park(sub, jittered(limit_least, limit_most), outcome.text);
      return begin_next();
    case reply_cause::denied:
    case reply_cause::unsupported:
    case reply_cause::refused:
      park(sub, jittered(denied_least, denied_most), outcome.text);
      return begin_next();
    case reply_cause::accepted:
    case reply_cause::missing:
    case reply_cause::lost:
    case reply_cause::unknown_client:
    case reply_cause::unauthorized:
    case reply_cause::moved:
    case reply_cause::wrong_cookie:
      set_phase(sub, channel_phase::wanted);
      return session_troubled(outcome);
  }
}

void session::accept_subscribe(subscription& sub, const reply_outcome& outcome) {
  set_phase(sub, channel_phase::live);
  const bool has_position = !sub.at.replay_id.empty() || sub.at.quiet_since;
  if (!has_position && sub.start == replay_start::latest && recovers_by_replay()) {
    sub.at.quiet_since = subscribed_since(server_time_);
    act(action::channel_quiet{sub.wanted.channel, *sub.at.quiet_since});
  }
  if (outcome.server_disconnected)
    return rehandshake(handshake_reason::server_disconnect, jittered(0s, server_disconnect_spread));
  begin_next();
}

// An instant that lies before the server took the subscription: nothing made later than it is older than
// the subscription. The server's clock counts, since it dates the events; our own only where it told none.
wall_time session::subscribed_since(std::optional<wall_time> server_time) const {
  const auto took = std::chrono::ceil<duration>(now_.steady - exchange_begun_);
  return server_time.value_or(now_.wall) - took - publication_lag_max;
}

void session::position_refused(subscription& sub, const reply_outcome& outcome) {
  if (sub.at.replay_id.empty()) {  // even -1 or -2 was refused
    park(sub, jittered(denied_least, denied_most), outcome.text);
    return begin_next();
  }
  if (sub.at.quiet_since) {  // only events from before the subscription have been seen: nothing is lost
    sub.at.replay_id.clear();
  } else {
    lose_position(sub, sub.at.replay_id, outcome.text);
  }
  begin_subscribe(subscribing_);
}

void session::lose_position(subscription& sub, std::string lost, const std::string& why) {
  note(log_level::warning, "stream_gap",
       {{"channel", sub.wanted.channel},
        {"lost_replay_id", lost},
        {"resumed_at", std::string(to_string(sub.wanted.when_lost))},
        {"reason", why}});
  act(action::gap_found{{sub.wanted.channel, std::move(lost), sub.wanted.when_lost, why}});
  sub.at = {};
  sub.start = sub.wanted.when_lost;
}

// Where the server does not replay, what it had for a session that is gone, and what is published until the
// next one, is lost.
void session::tell_possible_loss(const std::string& why) {
  if (recovers_by_replay())
    return;
  for (const auto& sub : subscriptions_) {
    if (sub.phase != channel_phase::live)
      continue;
    note(log_level::warning, "stream_gap",
         {{"channel", sub.wanted.channel}, {"resumed_at", "latest"}, {"reason", why}});
    act(action::gap_found{{sub.wanted.channel, {}, replay_start::latest, why}});
  }
}

void session::connect_ended(const reply_outcome& outcome) {
  act(action::poll_ended{});
  if (outcome.cause == reply_cause::accepted || outcome.server_disconnected)
    take_unacknowledged();
  const bool needs_login = outcome.cause == reply_cause::unauthorized || outcome.cause == reply_cause::moved;
  if (outcome.server_disconnected && !needs_login) {
    if (obeys_end(outcome))
      return;
    troubled({.cause = reply_cause::unknown_client, .text = "the server ended the session"}, "disconnect");
    return rehandshake(handshake_reason::server_disconnect, jittered(0s, server_disconnect_spread));
  }
  if (outcome.cause == reply_cause::accepted)
    return accept_connect(*outcome.reply);
  session_troubled(outcome);
}

void session::accept_connect(const message& reply) {
  if (troubles_ > 0)
    note(log_level::info, "stream_recovered", {{"failures", std::to_string(troubles_)}});
  troubles_ = 0;
  last_trouble_.clear();
  trouble_.clear();
  poll_backoff_.reset();
  credentials_backoff_.reset();
  last_good_poll_ = now_.steady;
  asks_at_once_ = false;
  if (acknowledges_ && reply.ack)
    ack_ = reply.ack;
  if (now_.steady - handshaken_at_ >= stable_after) {
    handshake_backoff_.reset();
    forgotten_in_a_row_ = 0;
  }
  const bool is_idle = !has_brought_events_ && now_.steady - exchange_begun_ < idle_poll_short;
  idle_polls_in_a_row_ = is_idle ? idle_polls_in_a_row_ + 1 : 0;

  const advice given = reply.advice.value_or(advice{});
  if (given.timeout && *given.timeout > 0ms)
    poll_timeout_ = std::min<duration>(*given.timeout, advised_timeout_max);
  if (given.max_interval && *given.max_interval > 0ms)
    max_interval_ = std::min<duration>(*given.max_interval, advised_timeout_max);
  if (obeys_end({.cause = reply_cause::accepted, .text = "advice given with a connect", .reply = reply}))
    return;
  if (given.reconnect == reconnect::handshake) {
    take_hosts(reply);
    return rehandshake(handshake_reason::advice);
  }
  duration pause = std::clamp<duration>(given.interval.value_or(0ms), 0ms, advised_interval_max);
  if (idle_polls_in_a_row_ > idle_polls_max)
    pause = std::max(pause, jittered(1s, 5s));
  const bool is_own_pause = pause == 0ms && is_backlogged_;
  wait(next_step::connect, is_own_pause ? between_polls_max : pause);
  waits_for_room_ = is_own_pause;
}

void session::session_troubled(const reply_outcome& outcome) {
  troubled(outcome, to_string(kind_));
  if (obeys_end(outcome))
    return;
  if (outcome.reply)
    take_hosts(*outcome.reply);
  switch (outcome.cause) {
    case reply_cause::unauthorized:
    case reply_cause::moved:
      drop_session();
      return renew_soon();
    case reply_cause::unknown_client:
      tell_possible_loss("the server forgot the session, and replays nothing");
      client_id_.clear();  // nobody to say goodbye to
      if (++forgotten_in_a_row_ >= forgotten_before_cookies_go) {
        forgotten_in_a_row_ = 0;
        act(action::clear_cookies{});
      }
      return rehandshake(handshake_reason::unknown_client);
    case reply_cause::wrong_cookie:
      client_id_.clear();
      act(action::clear_cookies{});
      return rehandshake(handshake_reason::cookies);
    case reply_cause::busy:
      return rehandshake(handshake_reason::overload, jittered(busy_least, busy_most));
    case reply_cause::limit:
      return rehandshake(handshake_reason::overload, jittered(limit_least, limit_most));
    case reply_cause::lost:
      return poll_lost();
    case reply_cause::missing:  // whole, and yet not what was sent: events may be missing as well
      return recovers_by_replay() ? poll_lost() : poll_refused(outcome);
    case reply_cause::accepted:
    case reply_cause::position_lost:
    case reply_cause::denied:
    case reply_cause::unsupported:
    case reply_cause::refused:
      return poll_refused(outcome);
  }
}

// What the response carried is gone. With replay a new session brings it back; without, the server may
// have kept it, and the same session goes on for as long as the server remembers it.
void session::poll_lost() {
  if (recovers_by_replay())
    return rehandshake(handshake_reason::lost_poll);
  if (!acknowledges_)
    tell_possible_loss("a response was lost, and the server replays nothing");
  const duration pause = std::min<duration>(poll_backoff_.next(random_), between_polls_max);
  const bool is_forgotten = now_.steady + pause - last_good_poll_ > poll_timeout_ + max_interval_;
  if (is_forgotten)
    return rehandshake(handshake_reason::lost_poll);
  asks_at_once_ = true;
  wait(next_step::connect, pause);
}

// The response came whole, but without a reply, or with one that names no known cause.
void session::poll_refused(const reply_outcome& outcome) {
  const advice given = outcome.reply && outcome.reply->advice ? *outcome.reply->advice : advice{};
  const bool wants_handshake = given.reconnect == reconnect::handshake || given.reconnect == reconnect::none;
  if (wants_handshake || poll_backoff_.failures() >= bad_polls_max)
    return rehandshake(handshake_reason::advice);
  asks_at_once_ = true;
  const duration pause = std::clamp<duration>(given.interval.value_or(0ms), 0ms, advised_interval_max);
  wait(next_step::connect,
       std::max(pause, std::min<duration>(poll_backoff_.next(random_), between_polls_max)));
}

// On a generic server, the advice to stop is an order.
bool session::obeys_end(const reply_outcome& outcome) {
  if (options_.profile != profile::generic || !outcome.reply || !outcome.reply->advice)
    return false;
  const advice& given = *outcome.reply->advice;
  const bool is_told = given.reconnect == reconnect::none || given.interval.value_or(0ms) < 0ms;
  if (is_told)
    finish("the server advised to stop: " + outcome.text);
  return is_told;
}

// Servers to try at the next handshakes, one after the other. Whether the token may go there is for the
// client to say.
void session::take_hosts(const message& reply) {
  if (!reply.advice || reply.advice->hosts.empty())
    return;
  const auto& named = reply.advice->hosts;
  const auto count = static_cast<std::ptrdiff_t>(std::min(named.size(), hosts_max));
  hosts_.assign(named.begin(), named.begin() + count);
}

}  // namespace pushguard::cometd
