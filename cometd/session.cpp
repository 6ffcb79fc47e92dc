#include "cometd/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;

// After the client's own deadline, the watchdog gives an exchange this long to end.
constexpr duration watchdog_grace = 5s;
// Logging in goes through several requests, each with a deadline of its own.
constexpr duration renewal_deadline = 2min;
// A storm of handshakes uses up the org's limit of clients (20 on a Developer Edition).
constexpr duration between_handshakes_min = 1s;
// The watchdog steps in where the machine's own tick is so late.
constexpr duration overdue_after = 30s;
// A message that cannot be read is replayed so often.
constexpr unsigned damage_replays_max = 3;
constexpr duration damage_forgotten_after = 10min;
// Meta replies of one response that are kept; one is expected, two with a disconnect.
constexpr std::size_t replies_max = 16;

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

std::string seconds_text(duration length) {
  return fmt::format("{:.1f}", static_cast<double>(length.count()) / 1000.0);
}

}  // namespace

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
    if (is_damaged_before(each) && each.is_event())
      continue;
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
  if (in.has_skipped && !has_found_damage_)
    find_damage();
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
  take_unacknowledged();
  send(exchange_kind::disconnect, {.channel = "/meta/disconnect", .client_id = client_id_},
       options_.disconnect_deadline);
  phase_ = session_phase::stopping;
}

// ---- What is done

// Whether something before or in `in` was spoilt on its way. Events behind it would move the position past
// what was lost, so they are left for the replay, which brings everything whole.
bool session::is_damaged_before(const message& in) {
  const bool is_misnamed = in.is_repaired && in.is_event() && find(in.channel) == nullptr;
  if (!is_damaged_ && (in.follows_skipped || is_misnamed))
    find_damage();
  return is_damaged_;
}

// What cannot be read at the same place again and again is not spoilt on its way, but at its source. It is
// passed over then, or nothing would ever follow it.
void session::find_damage() {
  has_found_damage_ = true;
  if (!recovers_by_replay())
    return;
  const bool is_same = place() == damaged_place_ && now_.steady - damaged_at_ < damage_forgotten_after;
  damaged_in_a_row_ = is_same ? damaged_in_a_row_ + 1 : 1;
  damaged_place_ = place();
  damaged_at_ = now_.steady;
  is_damaged_ = damaged_in_a_row_ <= damage_replays_max;
}

// Every position, as one text.
std::string session::place() const {
  std::string all;
  for (const auto& sub : subscriptions_)
    all.append(sub.at.replay_id).append(" ");
  return all;
}

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
  if (is_known(in))
    return act(action::duplicate_dropped{sub->wanted.channel});
  if (actions_.empty() || !std::holds_alternative<action::deliver>(actions_.back()))
    act(action::deliver{});
  std::get<action::deliver>(actions_.back())
      .events.push_back({.channel = std::move(in.channel),
                         .subscription = sub->wanted.channel,
                         .data = std::move(*in.data),
                         .replay_id = std::move(in.replay_id),
                         .event_uuid = std::move(in.event_uuid)});
}

bool session::is_known(const message& in) {
  if (!in.event_uuid.empty())
    return !seen_.insert(in.event_uuid);
  const std::string key = duplicate_key(in.channel, in.replay_id, in.event_uuid);
  return !key.empty() && !seen_.insert(key);
}

// A batch is acknowledged by its reply. Without one it comes again, but only in the same session: where that
// is left, what is in hand is all there will be.
void session::take_unacknowledged() {
  for (auto& each : std::exchange(unacknowledged_, {}))
    take_event(each);
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
  has_found_damage_ = false;
  is_damaged_ = false;
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
  take_unacknowledged();
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
  trouble_ = fmt::format("{}: {}", during, outcome.text.empty() ? to_string(outcome.cause) : outcome.text);
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
