#include "cometd/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "base/condition.hpp"
#include "base/deadline.hpp"
#include "base/http_client.hpp"
#include "base/task_group.hpp"
#include "cometd/cookie_jar.hpp"

namespace pushguard::cometd {
namespace {

namespace asio = boost::asio;

// What an event costs beside its texts.
constexpr std::size_t event_overhead = sizeof(event) + 32;
// One exchange at a time; the second is for a goodbye while the first is being closed.
constexpr std::size_t connections_max = 2;
constexpr duration last_save_deadline = std::chrono::seconds(2);
constexpr duration watch_interval = std::chrono::seconds(15);
// A slow response tells the machine so often that it is alive.
constexpr duration progress_interval = std::chrono::seconds(1);
constexpr backoff_limits consumer_backoff{std::chrono::milliseconds(500), std::chrono::seconds(30)};
constexpr backoff_limits storage_backoff{std::chrono::seconds(1), std::chrono::seconds(30)};

class silent_observer final : public client_observer {
 public:
  void channel_changed(const channel_status&) override {}
  void handshake_begun(handshake_reason) override {}
  void gap_found(const gap&) override {}
  void event_delivered(std::string_view) override {}
  void duplicate_dropped(std::string_view) override {}
  void problem_found(problem_kind) override {}
  void trouble_changed(std::string_view) override {}
  void poll_ended(wall_time) override {}
};

std::size_t size_of(const event& each) {
  return each.channel.size() + each.subscription.size() + each.data.size() + each.replay_id.size() +
         each.event_uuid.size() + event_overhead;
}

// The Date of an answer, by the server's clock.
std::optional<wall_time> date_of(const http_response& response) {
  const auto field = response.headers.find("Date");
  if (!field)
    return std::nullopt;
  const auto date = parse_cookie_date(*field);  // reads every form that HTTP has, and more
  return date ? std::optional(*date) : std::nullopt;
}

// Another server that advice named, as `host` or `host:port`. A token goes to the org's own host, and from
// one of Salesforce's to another, but to nobody else.
result<origin> advised_origin(const std::string& host, const access& with) {
  const std::string_view scheme = with.endpoint.security == security::tls ? "https://" : "http://";
  const auto named = parse_url(std::string(scheme) + host);
  if (!named || named->target != "/")
    return fail(errc::invalid, "advice names a host that cannot be read");
  constexpr std::string_view salesforce = ".salesforce.com";
  const origin& to = named->origin;
  const bool is_kin = to.host == with.endpoint.host ||
                      (to.host.ends_with(salesforce) && with.endpoint.host.ends_with(salesforce));
  if (!with.bearer.empty() && !is_kin)
    return fail(errc::invalid, "advice names " + to.text() + ", where the token must not go");
  return to;
}

class durable_client final : public client {
 public:
  durable_client(client_options options, client_parts parts)
      : options_(std::move(options)), parts_(parts), session_(options_.session, parts_.random) {}

  asio::awaitable<void> run() override;
  client_snapshot snapshot() const override;

 private:
  asio::awaitable<void> drive();
  asio::awaitable<void> keep_ticking();
  asio::awaitable<result<>> wake_changed();
  asio::awaitable<void> watch();
  asio::awaitable<void> say_goodbye();
  asio::awaitable<result<>> goodbye(action::send send);
  asio::awaitable<input::start> load_positions();
  asio::awaitable<access> first_access();

  asio::awaitable<void> exchange(action::send send);
  asio::awaitable<result<http_response>> request(action::send send, http_call call);
  result<std::shared_ptr<http_client>> http_for(const action::send& send, const access& with);
  void renew_http(const origin& to);
  asio::awaitable<void> renew();
  void take_cookies(const http_response& response);
  void tell_garbage(const message_parser& parser, const std::optional<failure>& trouble);
  void count(problem_kind kind);
  void tell_once(problem_kind kind, const std::string& why);

  void feed(session_input in);
  void apply(action::send&& send);
  void apply(action::abandon&&);
  void apply(action::wait_until&& wait);
  void apply(action::deliver&& delivery);
  void apply(action::renew_credentials&&);
  void apply(action::clear_cookies&&) { cookies_.clear(); }
  void apply(action::handshake_begun&& begun) { parts_.observer.handshake_begun(begun.reason); }
  void apply(action::channel_changed&& changed) { parts_.observer.channel_changed(changed.status); }
  void apply(action::gap_found&& found) { parts_.observer.gap_found(found.gap); }
  void apply(action::channel_quiet&& quiet);
  void apply(action::duplicate_dropped&& dropped) { parts_.observer.duplicate_dropped(dropped.channel); }
  void apply(action::poll_ended&&);
  void apply(action::log&& entry);
  void apply(action::ended&&) {}

  asio::awaitable<void> feed_consumer();
  asio::awaitable<void> consume(std::vector<event> batch);
  [[nodiscard]] std::vector<checkpoint> checkpoints_after(const std::vector<event>& batch) const;
  void acknowledge(const std::vector<event>& batch, std::vector<checkpoint> reached);
  asio::awaitable<void> write_checkpoints();
  asio::awaitable<result<>> save_checkpoints();

  client_options options_;
  client_parts parts_;
  session session_;
  cookie_jar cookies_;
  std::shared_ptr<http_client> http_;
  std::string org_id_;

  std::deque<session_input> inputs_;
  bool is_feeding_ = false;
  std::optional<task_group> exchanges_;
  std::optional<action::send> goodbye_;
  steady_time wake_at_ = steady_time::max();
  steady_time armed_for_ = steady_time::max();
  condition wake_moved_;

  // Delivered, and not yet acknowledged; what the consumer has in hand is counted too.
  std::deque<event> backlog_;
  std::size_t backlog_events_ = 0;
  std::size_t backlog_bytes_ = 0;
  bool is_full_ = false;
  condition backlog_changed_;

  std::map<std::string, checkpoint> dirty_;  // acknowledged, and not yet stored
  bool is_first_dirty_ = false;              // without it a restart would not know that we were here
  condition dirty_changed_;

  bool has_ended_ = false;
  bool is_drained_ = false;
  std::optional<wall_time> last_poll_ended_;
  std::map<problem_kind, std::uint64_t> problems_;
  std::string told_trouble_;
};

// ---- Life

asio::awaitable<void> durable_client::run() {
  const auto executor = co_await asio::this_coro::executor;
  task_group workers(executor);
  workers.spawn(drive());
  workers.spawn(feed_consumer());
  workers.spawn(write_checkpoints());
  co_await workers.join();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const steady_time deadline = parts_.time.steady_now() + last_save_deadline;
  auto saved = co_await with_deadline(parts_.time, deadline, "storing checkpoints", save_checkpoints());
  if (!saved)
    parts_.log.warning("stream_checkpoint_failed", {{"reason", saved.error().text()}});
}

// The session with the server, from its first word to its last.
asio::awaitable<void> durable_client::drive() {
  const auto executor = co_await asio::this_coro::executor;
  exchanges_.emplace(executor);
  std::exception_ptr error;
  try {
    input::start start = co_await load_positions();
    exchanges_->spawn(watch());
    feed(std::move(start));
    co_await keep_ticking();
  } catch (...) {
    error = std::current_exception();
  }
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  exchanges_->cancel();
  co_await exchanges_->join();
  if (error && !is_cancellation(error))
    std::rethrow_exception(error);
  co_await say_goodbye();
  has_ended_ = true;
  backlog_changed_.notify_all();
}

asio::awaitable<void> durable_client::keep_ticking() {
  while (session_.phase() != session_phase::ended) {
    armed_for_ = wake_at_;
    auto moved = co_await with_deadline(parts_.time, armed_for_, "waiting", wake_changed());
    if (!moved && parts_.time.steady_now() >= wake_at_)
      feed(input::tick{});
  }
}

asio::awaitable<result<>> durable_client::wake_changed() {
  // It may have moved between the arming and now, when nobody waited yet.
  while (wake_at_ >= armed_for_ && session_.phase() != session_phase::ended)
    co_await wake_moved_.wait();
  co_return result<>{};
}

// A second line behind the machine's own ticks: it has a timer of its own, and knows when the last poll
// ended, whatever the exchange under way thinks.
asio::awaitable<void> durable_client::watch() {
  for (;;) {
    const steady_time due = std::min(session_.overdue_at(), parts_.time.steady_now() + watch_interval);
    co_await parts_.time.sleep_until(due);
    if (parts_.time.steady_now() < session_.overdue_at())
      continue;
    feed(input::stalled{});
    armed_for_ = steady_time::max();  // the ticker's own timer may be what was lost: it arms a new one
    wake_moved_.notify_all();
  }
}

asio::awaitable<void> durable_client::say_goodbye() {
  feed(input::stop{});
  if (!goodbye_)
    co_return;
  action::send send = std::move(*goodbye_);
  const std::uint64_t generation = send.generation;
  const steady_time deadline = parts_.time.steady_now() + send.deadline;
  auto said = co_await with_deadline(parts_.time, deadline, "disconnecting", goodbye(std::move(send)));
  if (!said)
    feed(input::exchange_ended{.generation = generation, .status = 0, .trouble = said.error()});
}

asio::awaitable<result<>> durable_client::goodbye(action::send send) {
  co_await exchange(std::move(send));
  co_return result<>{};
}

asio::awaitable<input::start> durable_client::load_positions() {
  backoff pause(storage_backoff);
  auto loaded = co_await parts_.checkpoints.load();
  while (!loaded) {
    tell_once(problem_kind::checkpoints, loaded.error().text());
    co_await parts_.time.sleep_for(pause.next(parts_.random));
    loaded = co_await parts_.checkpoints.load();
  }
  access first = co_await first_access();
  org_id_ = first.org_id;
  input::start start;
  for (auto& each : *loaded) {
    const bool is_elsewhere = !each.org_id.empty() && !org_id_.empty() && each.org_id != org_id_;
    if (is_elsewhere && !each.replay_id.empty()) {
      start.foreign.emplace(std::move(each.channel), std::move(each.replay_id));
    } else {
      start.positions.emplace(std::move(each.channel), position{std::move(each.replay_id), each.quiet_since});
    }
  }
  co_return start;
}

asio::awaitable<access> durable_client::first_access() {
  backoff pause(options_.session.credentials_backoff);
  auto got = co_await parts_.tokens.current();
  while (!got) {
    tell_once(problem_kind::login, got.error().text());
    co_await parts_.time.sleep_for(pause.next(parts_.random));
    got = co_await parts_.tokens.current();
  }
  co_return std::move(*got);
}

client_snapshot durable_client::snapshot() const {
  return {.phase = session_.phase(),
          .is_live = session_.is_live(),
          .channels = session_.channels(),
          .last_poll_ended = last_poll_ended_,
          .backlog_events = backlog_events_,
          .problems = problems_};
}

// ---- One exchange

asio::awaitable<void> durable_client::exchange(action::send send) {
  const std::uint64_t generation = send.generation;
  message_parser parser;
  std::optional<failure> trouble;
  input::exchange_ended ended{.generation = generation, .status = 0, .trouble = {}};
  http_call call;
  call.limits.header = send.deadline;
  call.limits.body = options_.session.body_longest;
  // Whatever becomes of the body: its cookies count for the very next request.
  call.on_header = [&](const http_response& response) {
    ended.status = response.status;
    ended.server_time = date_of(response);
    if (generation == session_.generation())
      take_cookies(response);
  };
  // The cap is counted here, so that a body declared larger is still read as far as it goes: events
  // delivered move the position on, and the replay brings the rest.
  call.limits.body_size = std::numeric_limits<std::size_t>::max();
  std::size_t room = options_.body_size;
  steady_time next_progress{};
  call.on_body = [&](std::string_view piece) -> result<> {
    if (const steady_time now = parts_.time.steady_now(); now >= next_progress) {
      next_progress = now + progress_interval;
      feed(input::progress{generation});
    }
    const bool is_over = piece.size() > room;
    piece = piece.substr(0, room);
    room -= piece.size();
    std::vector<message> messages;
    if (!trouble) {
      // After garbage the rest is read away: the status and the cookies still matter.
      if (auto fed = parser.feed(piece, messages); !fed)
        trouble = fed.error();
    }
    if (!messages.empty())
      feed(input::received{.generation = generation, .messages = std::move(messages)});
    if (is_over)
      return fail(errc::too_large, fmt::format("the response is larger than {} bytes", options_.body_size));
    return {};
  };
  auto response = co_await request(std::move(send), std::move(call));
  if (generation != session_.generation())
    co_return;
  if (response) {
    if (!trouble) {
      if (auto finished = parser.finish(); !finished)
        trouble = finished.error();
    }
  } else {
    trouble = response.error();
  }
  tell_garbage(parser, trouble);
  ended.has_skipped = parser.skipped() > 0;
  ended.trouble = std::move(trouble);
  feed(std::move(ended));
}

asio::awaitable<result<http_response>> durable_client::request(action::send send, http_call call) {
  auto current = co_await parts_.tokens.current();
  if (!current)
    co_return fail_in("logging in", current.error());
  if (send.generation != session_.generation())
    co_return fail(errc::closed, "given up meanwhile");
  auto body = serialize(send.messages);
  if (!body)
    co_return std::unexpected(body.error());
  auto http = http_for(send, *current);
  if (!http)
    co_return std::unexpected(http.error());
  org_id_ = current->org_id;
  http_request request;
  request.method = "POST";
  request.target = options_.path;
  request.headers.add("Content-Type", "application/json;charset=UTF-8");
  if (!current->bearer.empty())
    request.headers.add("Authorization", "Bearer " + current->bearer.reveal());
  std::string cookies = cookies_.header(current->endpoint, options_.path, parts_.time.wall_now());
  if (!cookies.empty())
    request.headers.add("Cookie", std::move(cookies));
  request.body = std::move(*body);
  const std::shared_ptr<http_client> kept = *http;  // outlives the exchange, also when it is given up
  auto response = co_await kept->send(std::move(request), std::move(call));
  co_return response;
}

// A session stays where its handshake was; each handshake begins on a new connection.
result<std::shared_ptr<http_client>> durable_client::http_for(const action::send& send, const access& with) {
  auto to = send.host.empty() ? result<origin>(with.endpoint) : advised_origin(send.host, with);
  if (!to)
    return std::unexpected(to.error());
  const bool is_safe = to->security == security::tls || to->is_loopback();
  if (!with.bearer.empty() && !is_safe)
    return fail(errc::invalid, "a token is not sent to " + to->text() + ": it is not https");
  const bool is_elsewhere = http_ && http_->peer() != *to;
  if (is_elsewhere && send.kind != exchange_kind::handshake)
    return fail(errc::conflict, "the org has moved to " + to->text());
  if (!http_ || send.kind == exchange_kind::handshake)
    renew_http(*to);
  return http_;
}

void durable_client::renew_http(const origin& to) {
  http_client_options options;
  options.connect = options_.connect;
  options.connections_max = connections_max;
  http_ = make_http_client(parts_.network, parts_.time, to, options);
}

asio::awaitable<void> durable_client::renew() {
  auto renewed = co_await parts_.tokens.renew();
  if (renewed) {
    feed(input::credentials_renewed{});
  } else {
    feed(input::credentials_failed{renewed.error()});
  }
}

void durable_client::take_cookies(const http_response& response) {
  const wall_time now = parts_.time.wall_now();
  for (const std::string_view each : response.headers.all("Set-Cookie")) {
    if (cookies_.store(http_->peer(), options_.path, each, now) == cookie_jar::stored::skipped)
      tell_once(problem_kind::cookie, "a cookie that cannot be read or belongs elsewhere was skipped");
  }
}

void durable_client::tell_garbage(const message_parser& parser, const std::optional<failure>& trouble) {
  if (parser.skipped() > 0)
    tell_once(problem_kind::message, "a message that cannot be read was skipped");
  if (parser.repaired() > 0)
    tell_once(problem_kind::text, "invalid characters in a message were replaced");
  if (trouble && (trouble->is(errc::malformed) || trouble->is(errc::too_large)))
    tell_once(problem_kind::body, trouble->text());
}

void durable_client::count(problem_kind kind) {
  ++problems_[kind];
  parts_.observer.problem_found(kind);
}

void durable_client::tell_once(problem_kind kind, const std::string& why) {
  count(kind);
  if (problems_[kind] == 1)
    parts_.log.warning("stream_problem", {{"kind", to_string(kind)}, {"reason", why}});
}

// ---- The machine's shell

// Carrying out an action can bring the next input at once. It waits until all actions are carried out, or the
// rest of them would undo what it asked for.
void durable_client::feed(session_input in) {
  inputs_.push_back(std::move(in));
  if (std::exchange(is_feeding_, true))
    return;
  while (!inputs_.empty()) {
    session_input next = std::move(inputs_.front());
    inputs_.pop_front();
    auto actions = session_.resume(std::move(next), parts_.time.now());
    for (auto& each : actions)
      std::visit([this](auto& action) { apply(std::move(action)); }, each);
    if (session_.trouble() != told_trouble_) {
      told_trouble_ = session_.trouble();
      parts_.observer.trouble_changed(told_trouble_);
    }
  }
  is_feeding_ = false;
  if (session_.phase() == session_phase::ended)
    wake_moved_.notify_all();
}

void durable_client::apply(action::send&& send) {
  if (session_.phase() == session_phase::stopping) {
    goodbye_ = std::move(send);  // its sender waits for it
  } else {
    exchanges_->spawn(exchange(std::move(send)));
  }
}

void durable_client::apply(action::abandon&&) {
  if (!http_)
    return;
  const origin peer = http_->peer();
  http_->close();
  renew_http(peer);
}

void durable_client::apply(action::wait_until&& wait) {
  wake_at_ = wait.when;
  // A later instant need not wake the ticker: it looks again when the earlier one has come.
  if (wake_at_ < armed_for_)
    wake_moved_.notify_all();
}

void durable_client::apply(action::deliver&& delivery) {
  for (event& each : delivery.events) {
    parts_.observer.event_delivered(each.subscription);
    backlog_bytes_ += size_of(each);
    ++backlog_events_;
    backlog_.push_back(std::move(each));
  }
  backlog_changed_.notify_all();
  const bool is_over = backlog_events_ >= options_.backlog_events || backlog_bytes_ >= options_.backlog_bytes;
  if (is_over && !std::exchange(is_full_, true)) {
    parts_.log.warning("stream_backlog_full", {{"events", backlog_events_}, {"bytes", backlog_bytes_}});
    feed(input::backlog{.is_full = true});
  }
}

void durable_client::apply(action::channel_quiet&& quiet) {
  checkpoint at{quiet.channel, {}, {}, org_id_, parts_.time.wall_now(), quiet.since};
  dirty_.insert_or_assign(std::move(quiet.channel), std::move(at));
  is_first_dirty_ = true;
  dirty_changed_.notify_all();
}

void durable_client::apply(action::renew_credentials&&) {
  exchanges_->spawn(renew());
}

void durable_client::apply(action::poll_ended&&) {
  last_poll_ended_ = parts_.time.wall_now();
  parts_.observer.poll_ended(*last_poll_ended_);
}

void durable_client::apply(action::log&& entry) {
  std::vector<log_field> fields;
  fields.reserve(entry.fields.size());
  for (const auto& [key, value] : entry.fields)
    fields.emplace_back(key, value);
  parts_.log.write(entry.level, entry.event, fields);
}

// ---- Delivery and checkpoints

asio::awaitable<void> durable_client::feed_consumer() {
  for (;;) {
    while (backlog_.empty() && !has_ended_)
      co_await backlog_changed_.wait();
    if (backlog_.empty())
      break;
    const std::size_t count = std::min(options_.batch_events, backlog_.size());
    const auto end = backlog_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<event> batch(std::make_move_iterator(backlog_.begin()), std::make_move_iterator(end));
    backlog_.erase(backlog_.begin(), end);
    co_await consume(std::move(batch));
  }
  is_drained_ = true;
  dirty_changed_.notify_all();
}

asio::awaitable<void> durable_client::consume(std::vector<event> batch) {
  backoff pause(consumer_backoff);
  std::vector<checkpoint> reached = checkpoints_after(batch);
  const delivery offered{batch, reached};
  auto done = co_await parts_.consumer.consume(offered);
  while (!done) {
    if (pause.failures() == 0)
      parts_.log.warning("stream_consumer_failed", {{"reason", done.error().text()}});
    co_await parts_.time.sleep_for(pause.next(parts_.random));
    done = co_await parts_.consumer.consume(offered);
  }
  acknowledge(batch, std::move(reached));
}

std::vector<checkpoint> durable_client::checkpoints_after(const std::vector<event>& batch) const {
  std::vector<checkpoint> reached;
  for (auto each = batch.rbegin(); each != batch.rend(); ++each) {
    const bool is_there =
        std::ranges::find(reached, each->subscription, &checkpoint::channel) != reached.end();
    if (!is_there && is_replay_token(each->replay_id))
      reached.push_back(
          {each->subscription, each->replay_id, each->event_uuid, org_id_, parts_.time.wall_now()});
  }
  return reached;
}

void durable_client::acknowledge(const std::vector<event>& batch, std::vector<checkpoint> reached) {
  for (const auto& each : batch)
    backlog_bytes_ -= size_of(each);
  backlog_events_ -= batch.size();
  for (auto& each : reached) {
    auto channel = each.channel;
    dirty_.insert_or_assign(std::move(channel), std::move(each));
  }
  dirty_changed_.notify_all();
  const bool has_room =
      backlog_events_ <= options_.backlog_events / 2 && backlog_bytes_ <= options_.backlog_bytes / 2;
  if (is_full_ && has_room) {
    is_full_ = false;
    feed(input::backlog{.is_full = false});
  }
}

asio::awaitable<void> durable_client::write_checkpoints() {
  backoff pause(storage_backoff);
  for (;;) {
    while (dirty_.empty() && !is_drained_)
      co_await dirty_changed_.wait();
    if (is_drained_)
      break;  // run() stores the rest
    if (!std::exchange(is_first_dirty_, false))
      co_await parts_.time.sleep_for(options_.checkpoint_delay);
    auto saved = co_await save_checkpoints();
    if (saved) {
      pause.reset();
      continue;
    }
    count(problem_kind::checkpoints);
    if (pause.failures() == 0)
      parts_.log.warning("stream_checkpoint_failed", {{"reason", saved.error().text()}});
    co_await parts_.time.sleep_for(pause.next(parts_.random));
  }
}

asio::awaitable<result<>> durable_client::save_checkpoints() {
  std::vector<checkpoint> batch;
  batch.reserve(dirty_.size());
  for (const auto& [channel, each] : dirty_)
    batch.push_back(each);
  if (batch.empty())
    co_return result<>{};
  auto saved = co_await parts_.checkpoints.save(batch);
  if (saved) {
    // What was acknowledged meanwhile stays for the next time.
    for (const auto& each : batch) {
      const auto place = dirty_.find(each.channel);
      if (place != dirty_.end() && place->second == each)
        dirty_.erase(place);
    }
  }
  co_return saved;
}

}  // namespace

std::string_view to_string(problem_kind kind) noexcept {
  switch (kind) {
    case problem_kind::body:
      return "body";
    case problem_kind::message:
      return "message";
    case problem_kind::text:
      return "text";
    case problem_kind::cookie:
      return "cookie";
    case problem_kind::checkpoints:
      return "checkpoints";
    case problem_kind::login:
      return "login";
  }
  return "body";
}

client_observer& null_observer() noexcept {
  static silent_observer observer;
  return observer;
}

std::unique_ptr<client> make_client(client_options options, client_parts parts) {
  return std::make_unique<durable_client>(std::move(options), parts);
}

}  // namespace pushguard::cometd
