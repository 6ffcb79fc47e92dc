#include "base/http_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <set>

#include "base/condition.hpp"
#include "base/gzip.hpp"
#include "base/http_parser.hpp"

namespace pushguard {
namespace {

namespace asio = boost::asio;

// Callers that wait for a connection; more means that the peer is not keeping up.
constexpr std::size_t waiting_max = 1024;
// Interim answers (1xx) before the real one; more is a peer gone mad.
constexpr int interim_answers_max = 8;
// Below this, header and body are sent as one write, and so mostly as one packet.
constexpr std::size_t joined_write_max = 16UZ * 1024;

/// A caller waiting for its turn.
struct ticket {
  explicit ticket(const asio::any_io_executor& executor)
      : timer(executor, asio::steady_timer::time_point::max()) {}

  asio::steady_timer timer;
  bool is_granted = false;
};

struct connection {
  std::unique_ptr<transport> wire;
  std::string unread;  ///< bytes read but not used yet
  steady_time idle_since;
};

/// What the client and its exchanges share; it lives until the last of them has ended.
struct client_state {
  network& net;
  time_source& time;
  origin peer;
  http_client_options options;

  std::list<connection> idle;   ///< the latest used first
  std::set<transport*> active;  ///< connections that carry an exchange
  std::size_t running = 0;      ///< exchanges that have a slot
  std::list<ticket*> waiting;
  condition closing;
  bool is_closed = false;

  std::string where(std::string_view phase) const { return fmt::format("{}: {}", peer.text(), phase); }
  std::unexpected<failure> closed() const { return fail(errc::closed, where("the client was closed")); }

  void release_slot() {
    if (waiting.empty()) {
      --running;
      return;
    }
    ticket* const next = waiting.front();
    waiting.pop_front();
    next->is_granted = true;
    next->timer.cancel();
  }

  /// A kept connection that is young enough; older ones are closed.
  std::optional<connection> take_idle() {
    const steady_time oldest = time.steady_now() - options.idle_max;
    std::erase_if(idle, [oldest](const connection& each) { return each.idle_since < oldest; });
    if (idle.empty()) {
      return std::nullopt;
    }
    connection taken = std::move(idle.front());
    idle.pop_front();
    return taken;
  }

  void close() noexcept {
    is_closed = true;
    idle.clear();
    for (transport* each : active) {
      each->close();
    }
    for (ticket* each : waiting) {
      each->timer.cancel();
    }
    closing.notify_all();
  }
};

using state_pointer = std::shared_ptr<client_state>;

/// The right to run one exchange.
class slot {
 public:
  explicit slot(state_pointer state) : state_(std::move(state)) {}
  slot(slot&&) = default;
  slot& operator=(slot&&) = delete;
  ~slot() {
    if (state_) {
      state_->release_slot();
    }
  }

 private:
  state_pointer state_;
};

asio::awaitable<result<slot>> take_slot(state_pointer state) {
  if (state->is_closed) {
    co_return state->closed();
  }
  if (state->running < state->options.connections_max) {
    ++state->running;
    co_return slot(state);
  }
  if (state->waiting.size() >= waiting_max) {
    co_return fail(errc::unavailable,
                   state->where(fmt::format("more than {} requests wait for a connection", waiting_max)));
  }
  const auto executor = co_await asio::this_coro::executor;
  ticket mine(executor);
  struct place_in_line {
    std::list<ticket*>& line;
    ticket* mine;
    ~place_in_line() { line.remove(mine); }
  } const place{state->waiting, state->waiting.emplace_back(&mine)};
  boost::system::error_code ec;
  co_await mine.timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  if (mine.is_granted) {
    co_return slot(state);
  }
  if (state->is_closed) {
    co_return state->closed();
  }
  throw boost::system::system_error(asio::error::operation_aborted);
}

/// Marks a connection as one that close() must end.
class active_mark {
 public:
  active_mark(client_state& state, transport* wire) : state_(state), wire_(wire) {
    state_.active.insert(wire_);
  }
  ~active_mark() { state_.active.erase(wire_); }
  active_mark(const active_mark&) = delete;
  active_mark& operator=(const active_mark&) = delete;

 private:
  client_state& state_;
  transport* wire_;
};

asio::awaitable<result<connection>> open_connection(state_pointer state) {
  const auto executor = co_await asio::this_coro::executor;
  auto group = asio::experimental::make_parallel_group(
      asio::co_spawn(executor, state->net.connect(state->peer, state->options.connect), asio::deferred),
      asio::co_spawn(executor, state->closing.wait(), asio::deferred));
  auto [order, error, made, closing_error] =
      co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (state->is_closed) {
    co_return state->closed();
  }
  if (const auto& first_error = order[0] == 0 ? error : closing_error) {
    std::rethrow_exception(first_error);
  }
  if (!made) {
    co_return std::unexpected(made.error());
  }
  co_return connection{.wire = std::move(*made), .unread = {}, .idle_since = {}};
}

constexpr std::array<std::string_view, 6> own_headers = {"Host",       "Content-Length", "Transfer-Encoding",
                                                         "Connection", "User-Agent",     "Expect"};

result<> check_request(const client_state& state, const http_request& request, const http_call& call) {
  if (!is_http_token(request.method)) {
    return fail(errc::invalid, state.where("the request's method is not a token"));
  }
  if (!is_request_target(request.target)) {
    return fail(errc::invalid, state.where("the request's target is empty or has characters to be escaped"));
  }
  for (const auto& [name, value] : request.headers) {
    if (!is_http_token(name)) {
      return fail(errc::invalid, state.where("the name of a header is not a token"));
    }
    if (!is_header_value(value)) {
      return fail(errc::invalid, state.where("the header " + name + " has control characters"));
    }
    const auto is_same = [&name](std::string_view own) { return equals_ignoring_case(own, name); };
    const bool is_own = std::ranges::any_of(own_headers, is_same) ||
                        (call.accept == compression::gzip && is_same("Accept-Encoding"));
    if (is_own) {
      return fail(errc::invalid, state.where("the header " + name + " is not the caller's to set"));
    }
  }
  return {};
}

bool promises_body(std::string_view method) noexcept {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

bool is_idempotent(std::string_view method) noexcept {
  constexpr std::array<std::string_view, 6> methods = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::ranges::find(methods, method) != methods.end();
}

std::string render_header(const client_state& state, const http_request& request, const http_call& call) {
  std::string out = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  append_header(out, "Host", state.peer.authority());
  append_header(out, "User-Agent", http_user_agent());
  append_header(out, "Connection", "keep-alive");
  if (call.accept == compression::gzip) {
    append_header(out, "Accept-Encoding", "gzip");
  }
  for (const auto& [name, value] : request.headers) {
    append_header(out, name, value);
  }
  if (!request.body.empty() || promises_body(request.method)) {
    append_header(out, "Content-Length", fmt::format_int(request.body.size()).str());
  }
  return out += "\r\n";
}

asio::awaitable<result<>> write_request(transport& wire, std::string_view header, std::string_view body) {
  if (header.size() + body.size() <= joined_write_max) {
    const std::string joined = std::string(header).append(body);
    co_return co_await wire.write(joined);
  }
  auto written = co_await wire.write(header);
  if (written && !body.empty()) {
    written = co_await wire.write(body);
  }
  co_return written;
}

using answer_parser = http_parser<false>;

/// An answer as far as it has been read.
struct answer {
  std::optional<answer_parser> parser;
  bool has_begun = false;  ///< at least one byte came
};

/// Reads header after header until one belongs to the answer itself.
asio::awaitable<result<>> read_answer_header(connection& on, answer& into, const http_request& request,
                                             const http_limits& limits) {
  for (int interim = 0; interim <= interim_answers_max; ++interim) {
    answer_parser& parser = into.parser.emplace(limits.header_size, limits.body_size);
    parser.skip(request.method == "HEAD");
    const auto read = co_await read_header(*on.wire, on.unread, parser);
    into.has_begun = into.has_begun || parser.got_some();
    if (!read) {
      co_return read;
    }
    if (parser.status >= 200) {
      co_return result<>{};
    }
    if (parser.status == 101 || parser.status < 100) {
      co_return fail(errc::malformed, fmt::format("status {} was not asked for", parser.status));
    }
  }
  co_return fail(errc::malformed, fmt::format("more than {} interim answers", interim_answers_max));
}

/// Takes the body off the wire: undoes gzip, bounds the size, and hands it where the caller wants it.
class body_collector {
 public:
  body_collector(const http_call& call, http_response& into, compression how) : call_(call), into_(into) {
    if (how == compression::gzip) {
      decoder_.emplace([this](std::string_view piece) { return deliver(piece); });
    }
  }
  body_collector(const body_collector&) = delete;
  body_collector& operator=(const body_collector&) = delete;

  result<> take(std::string_view piece) { return decoder_ ? decoder_->feed(piece) : deliver(piece); }
  result<> finish() { return decoder_ ? decoder_->finish() : result<>{}; }

 private:
  result<> deliver(std::string_view piece) {
    size_ += piece.size();
    if (size_ > call_.limits.body_size) {
      return fail(errc::too_large, fmt::format("the body is larger than {} bytes", call_.limits.body_size));
    }
    if (call_.on_body) {
      return call_.on_body(piece);
    }
    into_.body += piece;
    return {};
  }

  const http_call& call_;
  http_response& into_;
  std::size_t size_ = 0;
  std::optional<gzip_decoder> decoder_;
};

/// The answer's status and headers, without those that told of a compression now undone.
result<compression> take_header(const http_call& call, answer_parser& parser, http_response& into) {
  into.status = parser.status;
  const auto coding = parser.headers.find("Content-Encoding");
  const bool is_encoded = call.accept == compression::gzip && coding && !coding->empty() &&
                          !equals_ignoring_case(*coding, "identity");
  if (!is_encoded) {
    into.headers = std::move(parser.headers);
    return compression::none;
  }
  if (!equals_ignoring_case(*coding, "gzip") && !equals_ignoring_case(*coding, "x-gzip")) {
    return fail(errc::malformed, "the body's content encoding was not asked for");
  }
  for (const auto& [name, value] : parser.headers) {
    if (!equals_ignoring_case(name, "Content-Encoding") && !equals_ignoring_case(name, "Content-Length")) {
      into.headers.add(name, value);
    }
  }
  return compression::gzip;
}

struct attempt {
  result<http_response> outcome;
  bool is_stale = false;  ///< it ended before a byte of the answer: on a kept connection, closed before
};

attempt failed(const client_state& state, std::string_view phase, const failure& why) {
  return {.outcome = fail_in(state.where(phase), why)};
}

/// The phase that an exchange is in, and when it must be over. One clock watches over all phases: a timer for
/// each would cost more than the exchange itself.
class phase_clock {
 public:
  phase_clock(time_source& time, const http_limits& limits)
      : time_(time), shortest_(std::min({limits.write, limits.header, limits.body})) {}

  void enter(std::string_view phase, duration length) {
    phase_ = phase;
    until_ = time_.steady_now() + length;
  }
  [[nodiscard]] std::string_view phase() const noexcept { return phase_; }

  /// Completes once the phase under way has taken too long. No phase that begins meanwhile can be over before
  /// the shortest has passed, so it looks again by then.
  asio::awaitable<void> run_out() {
    for (steady_time now = time_.steady_now(); now < until_; now = time_.steady_now()) {
      co_await time_.sleep_until(std::min<steady_time>(until_, now + shortest_));
    }
  }

 private:
  time_source& time_;
  duration shortest_;
  std::string_view phase_;
  steady_time until_;
};

/// Reads the body that belongs to the header in `parser`.
asio::awaitable<result<http_response>> read_answer_body(connection& on, answer_parser& parser,
                                                        const http_call& call) {
  http_response response;
  const auto coding = take_header(call, parser, response);
  if (!coding) {
    co_return std::unexpected(coding.error());
  }
  if (call.on_header) {
    call.on_header(response);
  }
  body_collector collector(call, response, *coding);
  if (!parser.is_done()) {
    parser.on_body([&collector](std::string_view piece) { return collector.take(piece); });
    const auto read = co_await read_body(*on.wire, on.unread, parser);
    if (!read) {
      co_return std::unexpected(read.error());
    }
  }
  if (auto finished = collector.finish(); !finished) {
    co_return std::unexpected(finished.error());
  }
  co_return response;
}

/// Sends the request and reads its answer. A connection that can be used again is kept.
asio::awaitable<attempt> talk(client_state& state, connection& on, phase_clock& clock,
                              const http_request& request, std::string_view header, const http_call& call) {
  clock.enter("sending the request", call.limits.write);
  const auto written = co_await write_request(*on.wire, header, request.body);
  if (!written && !written.error().is(errc::closed)) {
    co_return failed(state, clock.phase(), written.error());
  }
  // A peer may answer, and close, before it has read the whole request: so the answer is read even
  // where writing failed.
  clock.enter("waiting for the answer", call.limits.header);
  answer got;
  const auto read = co_await read_answer_header(on, got, request, call.limits);
  if (!read) {
    attempt made = failed(state, clock.phase(), written ? read.error() : written.error());
    made.is_stale = !got.has_begun && read.error().is(errc::closed) && !state.is_closed;
    co_return made;
  }
  clock.enter("reading the answer's body", call.limits.body);
  auto response = co_await read_answer_body(on, *got.parser, call);
  if (!response) {
    co_return failed(state, clock.phase(), response.error());
  }
  const bool is_reusable = written && got.parser->keep_alive() && on.unread.empty() && !state.is_closed;
  if (is_reusable) {
    on.idle_since = state.time.steady_now();
    state.idle.push_front(std::move(on));
  }
  co_return attempt{.outcome = std::move(response)};
}

/// Talks until it is done or a phase has taken too long.
asio::awaitable<attempt> exchange(client_state& state, connection on, const http_request& request,
                                  std::string_view header, const http_call& call) {
  const auto executor = co_await asio::this_coro::executor;
  const active_mark mark(state, on.wire.get());
  phase_clock clock(state.time, call.limits);
  clock.enter("sending the request", call.limits.write);
  auto group = asio::experimental::make_parallel_group(
      asio::co_spawn(executor, talk(state, on, clock, request, header, call), asio::deferred),
      asio::co_spawn(executor, clock.run_out(), asio::deferred));
  auto [order, talk_error, made, clock_error] =
      co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (order[0] == 0) {
    if (talk_error) {
      std::rethrow_exception(talk_error);
    }
    co_return std::move(made);
  }
  if (clock_error) {
    std::rethrow_exception(clock_error);
  }
  co_return attempt{.outcome = fail(errc::timed_out, state.where(clock.phase()) + ": timed out")};
}

asio::awaitable<result<http_response>> run_call(state_pointer state, http_request request, http_call call) {
  if (auto checked = check_request(*state, request, call); !checked) {
    co_return std::unexpected(checked.error());
  }
  const auto turn = co_await take_slot(state);
  if (!turn) {
    co_return std::unexpected(turn.error());
  }
  const std::string header = render_header(*state, request, call);
  if (auto kept = state->take_idle()) {
    attempt made = co_await exchange(*state, std::move(*kept), request, header, call);
    const bool may_repeat = call.retry_stale == stale_retry::always || is_idempotent(request.method);
    if (!made.is_stale || !may_repeat) {
      co_return std::move(made.outcome);
    }
  }
  auto fresh = co_await open_connection(state);
  if (!fresh) {
    co_return std::unexpected(fresh.error());
  }
  attempt made = co_await exchange(*state, std::move(*fresh), request, header, call);
  co_return std::move(made.outcome);
}

class origin_client final : public http_client {
 public:
  origin_client(network& net, time_source& time, origin peer, http_client_options options)
      : state_(new client_state{.net = net,
                                .time = time,
                                .peer = std::move(peer),
                                .options = std::move(options),
                                .idle = {},
                                .active = {},
                                .waiting = {},
                                .closing = {}}) {}
  ~origin_client() override { state_->close(); }
  origin_client(const origin_client&) = delete;
  origin_client& operator=(const origin_client&) = delete;

  using http_client::send;
  asio::awaitable<result<http_response>> send(http_request request, http_call call) override {
    return run_call(state_, std::move(request), std::move(call));
  }
  const origin& peer() const noexcept override { return state_->peer; }
  void close() noexcept override { state_->close(); }

 private:
  state_pointer state_;
};

}  // namespace

std::unique_ptr<http_client> make_http_client(network& network, time_source& time, origin peer,
                                              http_client_options options) {
  return std::make_unique<origin_client>(network, time, std::move(peer), std::move(options));
}

}  // namespace pushguard
