#include "simulator/bayeux_endpoint.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/deadline.hpp"
#include "simulator/answer_text.hpp"
#include "simulator/fault_effects.hpp"

namespace pushguard::simulator {
namespace {

namespace asio = boost::asio;

// Longer than any client waits for the end of an answer; then the connection is reset.
constexpr duration trickle_max = std::chrono::minutes(10);

answer_shape shape_of(const http_reply& reply) {
  const auto messages = split_answer(reply.body);
  return {messages.size(), static_cast<std::size_t>(std::ranges::count_if(messages, is_event))};
}

/// The client that a handshake's answer has made; empty where it has made none.
std::string made_client(const http_reply& reply) {
  const auto messages = split_answer(reply.body);
  if (messages.empty())
    return {};
  return std::string(text_of(boost::json::parse(messages.front()).get_object(), "clientId"));
}

bool ends_session(fault_kind kind) {
  using enum fault_kind;
  static constexpr fault_kind kinds[] = {disconnect_and_unknown_client,
                                         disconnect_and_unauthorized,
                                         bare_disconnect,
                                         unknown_client,
                                         unknown_client_none,
                                         expired_token,
                                         stale_handshake_advice};
  return std::ranges::find(kinds, kind) != std::end(kinds);
}

}  // namespace

bayeux_endpoint::bayeux_endpoint(const streaming_plan& plan, token_desk& tokens, channel_list& channels,
                                 clock now, time_source& time, logger& log)
    : seed_(plan.seed),
      tokens_(tokens),
      now_(std::move(now)),
      time_(time),
      log_(log),
      router_(plan.nodes, plan.routing_cookie_life),
      server_(plan, tokens, channels, router_),
      faults_(plan.seed, plan.faults, plan.chaos) {}

void bayeux_endpoint::stop() {
  is_stopping_ = true;
  changed_.notify_all();
}

void bayeux_endpoint::restart() {
  ++restarts_;
  server_.forget_all();
  changed_.notify_all();
}

asio::awaitable<http_reply> bayeux_endpoint::answer(const http_request& request) {
  const auto read = read_bayeux_request(request);
  if (!read) {
    http_reply refused = read.error();
    router_.complete(request, refused, time_.steady_now());
    co_return refused;
  }
  ++requests_[read->kind];
  if (tokens_.check(request, time_.steady_now()) != token_check::valid)
    ++unauthorized_;
  const fault_passage passage = faults_.admit(read->kind, read->subscriptions());
  if (const auto early = faults_.strike(passage)) {
    tell(*early, *read);
    http_reply under = co_await answer_under(*early, *read);
    co_return under;
  }
  http_reply reply = co_await answer_by_protocol(*read);
  if (faults_.is_idle() && !passage.drawn)
    co_return reply;
  if (const auto late = faults_.strike(passage, shape_of(reply))) {
    tell(*late, *read);
    http_reply spoiled = co_await spoil(*late, *read, std::move(reply));
    co_return spoiled;
  }
  co_return reply;
}

asio::awaitable<http_reply> bayeux_endpoint::log_in(const http_request& request) {
  login_answer made = tokens_.answer(request, now_());
  if (made.fault) {
    log_.info("simulated_fault", {{"fault", name_of(made.fault->kind)}, {"request", "login"}});
    co_await pause(made.fault->delay.value_or(duration::zero()));
  }
  co_return std::move(made.reply);
}

asio::awaitable<http_reply> bayeux_endpoint::answer_by_protocol(const bayeux_request& request) {
  auto received = receive(request);
  if (auto* reply = std::get_if<http_reply>(&received))
    co_return std::move(*reply);
  http_reply held = co_await hold(std::get<held_poll>(std::move(received)));
  co_return held;
}

/// With many clients, waking every poll for every request would be most of the work.
std::variant<http_reply, held_poll> bayeux_endpoint::receive(const bayeux_request& request) {
  const std::uint64_t before = server_.interruptions();
  auto received = server_.receive(request, now_());
  if (server_.interruptions() != before)
    changed_.notify_all();
  return received;
}

asio::awaitable<http_reply> bayeux_endpoint::hold(held_poll poll) {
  struct leaving {
    bayeux_endpoint& owner;
    const held_poll& poll;
    ~leaving() { owner.server_.abandon(poll, owner.time_.steady_now()); }
  } const at_end{*this, poll};
  const std::uint64_t restarts = restarts_;
  while (!is_stopping_) {
    if (restarts != restarts_)
      co_return http_reply{.status = 0, .after = after_reply::reset};
    if (auto reply = server_.resume(poll, time_.steady_now()))
      co_return std::move(*reply);
    const auto woken = co_await with_deadline(time_, poll.until, "holding a connect", next_change());
    (void)woken;
  }
  co_return http_reply{.status = 503, .after = after_reply::close};
}

asio::awaitable<result<>> bayeux_endpoint::next_change() {
  co_await changed_.wait();
  co_return result<>{};
}

asio::awaitable<void> bayeux_endpoint::pause(duration length) {
  const steady_time end = time_.steady_now() + length;
  while (!is_stopping_ && time_.steady_now() < end) {
    const auto woken = co_await with_deadline(time_, end, "waiting for a fault", next_change());
    (void)woken;
  }
}

// Faults

asio::awaitable<http_reply> bayeux_endpoint::answer_under(const fault& what, const bayeux_request& request) {
  if (what.plan.kind == fault_kind::slow_subscribe) {
    co_await pause(*what.plan.delay);
    http_reply reply = co_await answer_by_protocol(request);
    co_return reply;
  }
  if (what.plan.kind == fault_kind::empty_polls) {
    co_await pause(*what.plan.delay);
    co_return answer_at_once(request);
  }
  http_reply reply = co_await spoil(what, request, {});
  router_.complete(request.http, reply, time_.steady_now());
  co_return reply;
}

http_reply bayeux_endpoint::answer_at_once(const bayeux_request& request) {
  auto received = receive(request);
  if (auto* poll = std::get_if<held_poll>(&received)) {
    poll->until = time_.steady_now();
    return server_.resume(*poll, poll->until).value();
  }
  return std::get<http_reply>(std::move(received));
}

asio::awaitable<http_reply> bayeux_endpoint::spoil(const fault& what, const bayeux_request& request,
                                                   http_reply made) {
  if (what.plan.kind != fault_kind::trickle)
    co_await pause(*what.plan.delay);
  change_state(what, request, made);
  http_reply reply = spoil_answer(what, request, std::move(made), seed_);
  if (what.plan.kind == fault_kind::trickle)
    make_trickle(reply, *what.plan.delay);
  co_return reply;
}

void bayeux_endpoint::change_state(const fault& what, const bayeux_request& request, const http_reply& made) {
  const fault_kind kind = what.plan.kind;
  if (ends_session(kind))
    server_.forget(request.client_id());
  if (kind == fault_kind::disconnect_and_unauthorized || kind == fault_kind::expired_token)
    tokens_.revoke_all();
  if (kind == fault_kind::stale_handshake_advice)
    server_.withhold_advice();
  if (kind == fault_kind::disconnect_after_handshake)
    server_.forget(made_client(made));
  if (kind == fault_kind::quota)
    server_.drop_subscriptions(request.client_id());
  changed_.notify_all();
}

void bayeux_endpoint::make_trickle(http_reply& reply, duration between) {
  reply.stream = [this, whole = std::exchange(reply.body, {}),
                  between](body_writer& to) -> asio::awaitable<result<>> {
    const steady_time end = time_.steady_now() + trickle_max;
    for (const char& byte : whole) {
      const auto written = co_await to.write(std::string_view(&byte, 1));
      if (!written)
        co_return written;
      if (is_stopping_ || end <= time_.steady_now())
        co_return fail(errc::closed, "the trickle took too long");
      co_await pause(between);
    }
    co_return result<>{};
  };
}

void bayeux_endpoint::tell(const fault& what, const bayeux_request& request) {
  log_.info("simulated_fault", {{"fault", name_of(what.plan.kind)}, {"request", name_of(request.kind)}});
}

}  // namespace pushguard::simulator
