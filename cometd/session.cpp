#include "cometd/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;

// After the client's own deadline, the watchdog gives an exchange this long to end.
constexpr duration watchdog_grace = 5s;
// Logging in goes through several requests, each with a deadline of its own.
constexpr duration renewal_deadline = 2min;
// A storm of handshakes uses up the org's limit of clients (20 on a Developer Edition).
constexpr duration between_handshakes_min = 1s;
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
// The watchdog steps in where the machine's own tick is so late.
constexpr duration overdue_after = 30s;
// An event may carry the time at which it was handed in, and be logged, and so delivered, a little later.
constexpr duration publication_lag_max = 5min;
// Servers that one advice may name.
constexpr std::size_t hosts_max = 8;
// Meta replies of one response that are kept; one is expected, two with a disconnect.
constexpr std::size_t replies_max = 16;

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

// Bayeux patterns: `/a/*` matches one further segment, `/a/**` any number.
bool matches_pattern(std::string_view pattern, std::string_view channel) {
  if (pattern.ends_with("/**"))
    return channel.starts_with(pattern.substr(0, pattern.size() - 2));
  if (!pattern.ends_with("/*"))
    return false;
  const std::string_view prefix = pattern.substr(0, pattern.size() - 1);
  return channel.starts_with(prefix) && channel.find('/', prefix.size()) == std::string_view::npos;
}

constexpr std::string_view tip = "-1";
constexpr std::string_view all_retained = "-2";

// What to ask for in a subscribe.
std::string replay_token(const position& at, replay_start start) {
  if (!at.replay_id.empty())
    return at.replay_id;
  if (at.quiet_since || start == replay_start::earliest)
    return std::string(all_retained);
  return std::string(tip);
}

std::string_view to_string(replay_start start) noexcept {
  return start == replay_start::latest ? "latest" : "earliest";
}

std::string seconds_text(duration length) {
  return fmt::format("{:.1f}", static_cast<double>(length.count()) / 1000.0);
}

}  // namespace

std::string_view to_string(handshake_reason reason) noexcept {
  switch (reason) {
    case handshake_reason::start:
      return "start";
    case handshake_reason::failed_handshake:
      return "failed_handshake";
    case handshake_reason::unknown_client:
      return "unknown_client";
    case handshake_reason::credentials:
      return "credentials";
    case handshake_reason::server_disconnect:
      return "server_disconnect";
    case handshake_reason::lost_poll:
      return "lost_poll";
    case handshake_reason::advice:
      return "advice";
    case handshake_reason::cookies:
      return "cookies";
    case handshake_reason::overload:
      return "overload";
    case handshake_reason::backlog:
      return "backlog";
    case handshake_reason::stalled:
      return "stalled";
  }
  return "start";
}

std::string_view to_string(exchange_kind kind) noexcept {
  switch (kind) {
    case exchange_kind::handshake:
      return "handshake";
    case exchange_kind::subscribe:
      return "subscribe";
    case exchange_kind::connect:
      return "connect";
    case exchange_kind::disconnect:
      return "disconnect";
  }
  return "handshake";
}

std::string_view to_string(session_phase phase) noexcept {
  switch (phase) {
    case session_phase::idle:
      return "idle";
    case session_phase::waiting:
      return "waiting";
    case session_phase::renewing:
      return "renewing";
    case session_phase::handshaking:
      return "handshaking";
    case session_phase::subscribing:
      return "subscribing";
    case session_phase::polling:
      return "polling";
    case session_phase::abandoning:
      return "abandoning";
    case session_phase::stopping:
      return "stopping";
    case session_phase::ended:
      return "ended";
  }
  return "idle";
}

std::string_view to_string(channel_phase phase) noexcept {
  switch (phase) {
    case channel_phase::wanted:
      return "wanted";
    case channel_phase::subscribing:
      return "subscribing";
    case channel_phase::live:
      return "live";
    case channel_phase::parked:
      return "parked";
  }
  return "wanted";
}

session::session(session_options options, random_engine& random)
    : options_(std::move(options)),
      random_(random),
      handshake_backoff_(options_.reconnect_backoff),
      poll_backoff_(options_.reconnect_backoff),
      credentials_backoff_(options_.credentials_backoff) {
  for (const auto& wanted : options_.channels) {
    subscription& made = subscriptions_.emplace_back();
    made.wanted = wanted;
    made.start = wanted.first;
  }
}

std::vector<session_action> session::resume(session_input input, instant now) {
  now_ = now;
  actions_.clear();
  if (phase_ != session_phase::ended)
    std::visit([this](auto& in) { on(in); }, input);
  return std::exchange(actions_, {});
}

bool session::is_live() const noexcept {
  return !subscriptions_.empty() && std::ranges::all_of(subscriptions_, [](const subscription& sub) {
    return sub.phase == channel_phase::live;
  });
}

std::vector<channel_status> session::channels() const {
  std::vector<channel_status> all;
  all.reserve(subscriptions_.size());
  for (const auto& sub : subscriptions_)
    all.push_back({sub.wanted.channel, sub.phase, sub.reason});
  return all;
}

// ---- Inputs

void session::on(input::start& in) {
  if (phase_ != session_phase::idle)
    return;
  for (auto& sub : subscriptions_) {
    const auto found = in.positions.find(sub.wanted.channel);
    const bool is_usable = found != in.positions.end() &&
                           (found->second.replay_id.empty() || is_replay_token(found->second.replay_id));
    if (is_usable)
      sub.at = std::move(found->second);
    const auto foreign = in.foreign.find(sub.wanted.channel);
    if (foreign != in.foreign.end())
      lose_position(sub, std::move(foreign->second), "the position was taken in another org");
  }
  begin_handshake();
}

void session::on(input::received& in) {
  // Events that ride on a goodbye came after what was lost: taking them would step over it.
  const bool is_current = is_exchanging() && in.generation == generation_ &&
                          phase_ != session_phase::abandoning && phase_ != session_phase::stopping;
  if (!is_current)
    return;
  const bool comes_again = acknowledges_ && kind_ == exchange_kind::connect;
  for (auto& each : in.messages) {
    if (each.is_event() && comes_again) {
      unacknowledged_.push_back(std::move(each));
    } else if (each.is_event()) {
      take_event(each);
    } else if (replies_.size() < replies_max) {
      replies_.push_back(std::move(each));
    }
  }
}

void session::on(input::progress& in) {
  if (!is_exchanging() || in.generation != generation_)
    return;
  const steady_time longest = exchange_begun_ + options_.body_longest;
  const steady_time patient = now_.steady + options_.body_idle + watchdog_grace;
  if (const steady_time until = std::min(patient, longest); until > wake_at_)
    wake_at(until);
}

void session::on(input::exchange_ended& in) {
  if (!is_exchanging() || in.generation != generation_)
    return;
  server_time_ = in.server_time;
  if (phase_ == session_phase::stopping)
    return finish("stopped");
  if (phase_ == session_phase::abandoning)
    return wait(next_step::handshake, handshake_delay_);
  const reply_outcome outcome = read_outcome(in);
  replies_.clear();
  switch (kind_) {
    case exchange_kind::handshake:
      return handshake_ended(outcome);
    case exchange_kind::subscribe:
      return subscribe_ended(outcome);
    case exchange_kind::connect:
      return connect_ended(outcome);
    case exchange_kind::disconnect:
      return;
  }
}

void session::on(input::tick&) {
  if (phase_ == session_phase::idle || now_.steady < wake_at_)
    return;
  if (phase_ == session_phase::waiting)
    return take_step();
  const failure late{make_error_code(errc::timed_out), "no end came in time"};
  if (phase_ == session_phase::renewing) {
    input::credentials_failed failed{late};
    return on(failed);
  }
  act(action::abandon{generation_});
  input::exchange_ended ended{.generation = generation_, .status = 0, .trouble = late};
  on(ended);
}

void session::on(input::credentials_renewed&) {
  if (phase_ != session_phase::renewing)
    return;
  handshake_after({});
}

void session::on(input::credentials_failed& in) {
  if (phase_ != session_phase::renewing)
    return;
  troubled({.cause = reply_cause::unauthorized, .text = in.cause.text()}, "login");
  wait(next_step::renew, std::max<duration>(between_handshakes_min, credentials_backoff_.next(random_)));
}

void session::on(input::backlog& in) {
  is_backlogged_ = in.is_full;
  if (in.is_full)
    return;
  if (phase_ == session_phase::polling && is_behind()) {
    act(action::abandon{generation_});
    return rehandshake(handshake_reason::backlog);
  }
  if (phase_ == session_phase::waiting && waits_for_room_)
    take_step();
}

void session::on(input::stalled&) {
  if (phase_ == session_phase::idle || phase_ == session_phase::stopping)
    return;
  if (is_exchanging())
    act(action::abandon{generation_});
  note(log_level::error, "stream_stalled", {{"phase", std::string(to_string(phase_))}});
  client_id_.clear();  // no goodbye: whatever hung must not hang again
  rehandshake(handshake_reason::stalled);
}

void session::on(input::stop&) {
  if (phase_ == session_phase::stopping)
    return;
  if (is_exchanging())
    act(action::abandon{generation_});
  if (client_id_.empty())
    return finish("stopped");
  send(exchange_kind::disconnect, {.channel = "/meta/disconnect", .client_id = client_id_},
       options_.disconnect_deadline);
  phase_ = session_phase::stopping;
}

// ---- What the server answered

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

void session::connect_ended(const reply_outcome& outcome) {
  act(action::poll_ended{});
  const bool is_whole = outcome.cause != reply_cause::lost;
  for (auto& each : std::exchange(unacknowledged_, {})) {
    if (is_whole)
      take_event(each);
  }
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
    case reply_cause::accepted:
    case reply_cause::missing:
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

// ---- What is done

void session::take_event(message& in) {
  has_brought_events_ = true;
  subscription* sub = find(in.channel);
  if (sub == nullptr)
    return note(log_level::debug, "stream_event_unrequested", {{"channel", in.channel}});
  const bool can_come_again = recovers_by_replay() && !in.replay_id.empty();
  if (is_backlogged_ && can_come_again)
    sub->is_behind = true;
  if (sub->is_behind)
    return;
  if (is_replay_token(in.replay_id))
    sub->at.replay_id = in.replay_id;
  if (is_older_than_subscription(*sub, in))
    return;
  std::string key = duplicate_key(in.channel, in.replay_id, in.event_uuid);
  if (!key.empty() && !seen_.insert(std::move(key)))
    return act(action::duplicate_dropped{sub->wanted.channel});
  act(action::deliver{{.channel = std::move(in.channel),
                       .subscription = sub->wanted.channel,
                       .data = std::move(*in.data),
                       .replay_id = std::move(in.replay_id),
                       .event_uuid = std::move(in.event_uuid)}});
}

// A quiet channel has no replay id to go on from, so after a new handshake all of it is read once, and what
// was there before the subscription is passed over. What cannot be dated is delivered.
bool session::is_older_than_subscription(subscription& sub, const message& in) {
  if (!sub.at.quiet_since)
    return false;
  if (in.created && *in.created < *sub.at.quiet_since)
    return true;
  sub.at.quiet_since.reset();
  return false;
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

void session::begin_handshake() {
  drop_session();
  last_handshake_ = now_.steady;
  host_.clear();
  if (!hosts_.empty()) {
    host_ = std::move(hosts_.front());
    hosts_.erase(hosts_.begin());
  }
  note(log_level::info, "stream_handshake", {{"reason", std::string(to_string(reason_))}});
  act(action::handshake_begun{reason_});
  const bool is_salesforce = options_.profile == profile::salesforce;
  send(exchange_kind::handshake,
       {.channel = "/meta/handshake", .wants_replay = is_salesforce, .wants_ack = !is_salesforce},
       options_.request_deadline);
  phase_ = session_phase::handshaking;
}

void session::begin_next() {
  if (is_behind() && !is_backlogged_)
    return rehandshake(handshake_reason::backlog);
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    const subscription& sub = subscriptions_[i];
    const bool is_due = sub.phase == channel_phase::parked && sub.retry_at <= now_.steady;
    if (sub.phase == channel_phase::wanted || is_due)
      return begin_subscribe(i);
  }
  begin_connect();
}

void session::begin_subscribe(std::size_t index) {
  subscription& sub = subscriptions_[index];
  subscribing_ = index;
  set_phase(sub, channel_phase::subscribing, sub.reason);
  request_message request{
      .channel = "/meta/subscribe", .client_id = client_id_, .subscription = sub.wanted.channel};
  if (recovers_by_replay())
    request.replay_from = replay_token(sub.at, sub.start);
  send(exchange_kind::subscribe, std::move(request), options_.request_deadline);
  phase_ = session_phase::subscribing;
}

void session::begin_connect() {
  if (is_live() && !std::exchange(has_told_live_, true))
    note(log_level::info, "stream_live", {{"channels", std::to_string(subscriptions_.size())}});
  request_message request{.channel = "/meta/connect", .client_id = client_id_};
  if (asks_at_once_)
    request.timeout = duration(0);
  request.ack = ack_;
  send(exchange_kind::connect, std::move(request), poll_timeout_ + options_.network_allowance);
  phase_ = session_phase::polling;
}

// The first renewal comes at once; where a new token is refused too, they come ever more slowly.
void session::renew_soon() {
  reason_ = handshake_reason::credentials;
  const bool is_first = credentials_backoff_.failures() == 0;
  const duration pause = credentials_backoff_.next(random_);
  if (is_first)
    return begin_renewal();
  wait(next_step::renew, std::max<duration>(between_handshakes_min, pause));
}

void session::begin_renewal() {
  phase_ = session_phase::renewing;
  act(action::renew_credentials{});
  wake_at(now_.steady + renewal_deadline);
}

void session::send(exchange_kind kind, request_message request, duration deadline) {
  kind_ = kind;
  ++generation_;
  exchange_begun_ = now_.steady;
  replies_.clear();
  unacknowledged_.clear();
  has_brought_events_ = false;
  request.id = std::to_string(++next_message_id_);
  act(action::send{kind, generation_, {std::move(request)}, deadline, host_});
  wake_at(now_.steady + deadline + watchdog_grace);
}

void session::wait(next_step step, duration length) {
  phase_ = session_phase::waiting;
  next_step_ = step;
  waits_for_room_ = false;
  if (length > 0ms)
    return wake_at(now_.steady + length);
  take_step();
}

void session::take_step() {
  switch (next_step_) {
    case next_step::handshake:
      return begin_handshake();
    case next_step::connect:
      return begin_next();
    case next_step::renew:
      return begin_renewal();
  }
}

void session::wake_at(steady_time when) {
  wake_at_ = when;
  act(action::wait_until{when});
}

// Waits before the next handshake: at least `least`, longer the more often it has failed, and never so
// short that handshakes come in a storm.
void session::handshake_after(duration least) {
  duration pause = least;
  const bool is_first_renewal =
      reason_ == handshake_reason::credentials && credentials_backoff_.failures() <= 1;
  if (!is_first_renewal)
    pause = std::max(pause, handshake_backoff_.next(random_));
  if (last_handshake_) {
    const auto since = std::chrono::floor<duration>(now_.steady - *last_handshake_);
    pause = std::max(pause, between_handshakes_min - since);
  }
  wait(next_step::handshake, pause);
}

void session::rehandshake(handshake_reason reason, duration least) {
  reason_ = reason;
  const std::string abandoned = client_id_;
  drop_session();
  handshake_after(least);
  const bool may_be_alive = reason == handshake_reason::lost_poll || reason == handshake_reason::backlog ||
                            reason == handshake_reason::advice || reason == handshake_reason::overload;
  if (!may_be_alive || abandoned.empty() || phase_ != session_phase::waiting)
    return;
  // Clients left behind count against the org's limit until they expire.
  handshake_delay_ = std::chrono::ceil<duration>(wake_at_ - now_.steady);
  send(exchange_kind::disconnect, {.channel = "/meta/disconnect", .client_id = abandoned},
       options_.disconnect_deadline);
  phase_ = session_phase::abandoning;
}

void session::drop_session() {
  client_id_.clear();
  has_told_live_ = false;
  for (auto& sub : subscriptions_) {
    sub.is_behind = false;
    if (sub.phase != channel_phase::parked)
      set_phase(sub, channel_phase::wanted, sub.reason);
  }
}

void session::finish(std::string reason) {
  drop_session();
  phase_ = session_phase::ended;
  note(log_level::info, "stream_ended", {{"reason", reason}});
  act(action::ended{std::move(reason)});
}

// ---- Helpers

void session::set_phase(subscription& sub, channel_phase phase, std::string reason) {
  const bool is_worth_telling =
      (sub.phase == channel_phase::live) != (phase == channel_phase::live) || phase == channel_phase::parked;
  sub.phase = phase;
  sub.reason = phase == channel_phase::live ? std::string() : std::move(reason);
  if (is_worth_telling)
    act(action::channel_changed{{sub.wanted.channel, sub.phase, sub.reason}});
}

void session::park(subscription& sub, duration length, const std::string& reason) {
  if (sub.reason != reason) {
    note(log_level::warning, "stream_channel_parked",
         {{"channel", sub.wanted.channel}, {"reason", reason}, {"retry_seconds", seconds_text(length)}});
  }
  sub.retry_at = now_.steady + length;
  set_phase(sub, channel_phase::parked, reason);
}

// Logs a trouble when it is another than the last one; in between they are only counted.
void session::troubled(const reply_outcome& outcome, std::string_view during) {
  ++troubles_;
  std::string kind = fmt::format("{}/{}", during, to_string(outcome.cause));
  if (kind == last_trouble_)
    return;
  last_trouble_ = std::move(kind);
  const bool is_normal = outcome.cause == reply_cause::unknown_client;
  note(is_normal ? log_level::info : log_level::warning, "stream_trouble",
       {{"during", std::string(during)},
        {"cause", std::string(to_string(outcome.cause))},
        {"reason", outcome.text}});
}

void session::note(log_level level, std::string event,
                   std::vector<std::pair<std::string, std::string>> fields) {
  act(action::log{level, std::move(event), std::move(fields)});
}

session::subscription* session::find(std::string_view channel) {
  for (auto& sub : subscriptions_) {
    const std::string_view wanted = sub.wanted.channel;
    if (wanted == channel || replay_key(wanted) == channel || matches_pattern(wanted, channel))
      return &sub;
  }
  return nullptr;
}

duration session::jittered(duration least, duration most) {
  std::uniform_int_distribution<duration::rep> spread(least.count(), most.count());
  return duration(spread(random_));
}

steady_time session::overdue_at() const noexcept {
  const bool is_at_rest = phase_ == session_phase::idle || phase_ == session_phase::ended;
  return is_at_rest ? steady_time::max() : wake_at_ + overdue_after;
}

bool session::is_exchanging() const noexcept {
  switch (phase_) {
    case session_phase::handshaking:
    case session_phase::subscribing:
    case session_phase::polling:
    case session_phase::abandoning:
    case session_phase::stopping:
      return true;
    case session_phase::idle:
    case session_phase::waiting:
    case session_phase::renewing:
    case session_phase::ended:
      return false;
  }
  return false;
}

bool session::is_behind() const noexcept {
  return std::ranges::any_of(subscriptions_, &subscription::is_behind);
}

bool session::recovers_by_replay() const noexcept {
  return options_.profile == profile::salesforce || supports_replay_;
}

}  // namespace pushguard::cometd
