#include "base/http_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/system/system_error.hpp>
#include <set>

#include "base/deadline.hpp"
#include "base/http_date.hpp"
#include "base/http_parser.hpp"
#include "base/task_group.hpp"
#include "base/url.hpp"

namespace pushguard {
namespace {

namespace asio = boost::asio;

// Bodies are written in pieces of this size, each with its own deadline, so that a slow but living
// peer gets all of a large one.
constexpr std::size_t piece_size = 256UZ * 1024;
// Peers that are being told "503" at once; beyond that, connections are closed without a word.
constexpr std::size_t refusals_max = 64;
// Where a peer is told off while it still sends, what it sends is read away for a little, so that the
// system does not answer it with a reset that overtakes our answer.
constexpr std::size_t linger_size = 1024UZ * 1024;
constexpr duration linger_time = std::chrono::seconds(2);

/// What the connections of one serve_http share.
struct server {
  http_handler handler;
  http_server_limits limits;
  time_source& time;
  logger& log;
  std::set<transport*> idle;  ///< connections that wait for a request
  std::size_t connections = 0;
  std::size_t refusals = 0;
  bool is_draining = false;

  steady_time after(duration length) const { return time.steady_now() + length; }

  void drain() {
    is_draining = true;
    for (transport* each : idle) {
      each->close();
    }
  }
};

using server_pointer = std::shared_ptr<server>;

class count_of {
 public:
  explicit count_of(std::size_t& counter) : counter_(counter) { ++counter_; }
  ~count_of() { --counter_; }
  count_of(const count_of&) = delete;
  count_of& operator=(const count_of&) = delete;

 private:
  std::size_t& counter_;
};

class idle_mark {
 public:
  idle_mark(server& in, transport* wire) : server_(in), wire_(wire) { server_.idle.insert(wire_); }
  ~idle_mark() { server_.idle.erase(wire_); }
  idle_mark(const idle_mark&) = delete;
  idle_mark& operator=(const idle_mark&) = delete;

 private:
  server& server_;
  transport* wire_;
};

/// A request with what its answer depends on.
struct exchange {
  http_request request;
  bool is_http11 = true;
  bool is_head = false;
  bool may_keep_alive = false;
};

/// Why a request does not reach the handler. Status 0: the peer is gone, nothing is answered.
struct refusal {
  int status = 0;
  std::string_view code;
  std::string_view message;
};

using request_parser = http_parser<true>;

refusal refusal_of(const request_parser& parser, const failure& why) {
  switch (parser.fault()) {
    case parse_fault::header_too_large:
      return {431, "header_too_large", "the request's header is larger than allowed"};
    case parse_fault::body_too_large:
    case parse_fault::refused_by_sink:
      return {413, "body_too_large", "the request's body is larger than allowed"};
    case parse_fault::malformed:
      return {400, "bad_request", "the request is not valid HTTP"};
    case parse_fault::none:
      break;
  }
  if (why.is(errc::timed_out)) {
    return {408, "timed_out", "the request did not come in time"};
  }
  return {};
}

/// What RFC 9112 §3.2 wants: exactly one Host in HTTP/1.1. An absolute target is cut to its path.
std::optional<refusal> complete_request(request_parser& parser, exchange& into) {
  const std::size_t hosts = parser.headers.all("Host").size();
  if (hosts > 1 || (hosts == 0 && parser.version == 11)) {
    return refusal{400, "bad_request", "the request does not have one Host header"};
  }
  into.request.target = std::move(parser.target);
  if (!is_request_target(into.request.target)) {
    return refusal{400, "bad_request", "the request's target has characters that must be escaped"};
  }
  if (!into.request.target.starts_with('/') && into.request.target != "*") {
    auto absolute = parse_url(into.request.target);
    if (!absolute) {
      return refusal{400, "bad_request", "the request's target is neither a path nor a URL"};
    }
    into.request.target = std::move(absolute->target);
  }
  into.is_http11 = parser.version == 11;
  into.is_head = parser.method == "HEAD";
  into.may_keep_alive = parser.keep_alive();
  into.request.method = into.is_head ? "GET" : std::move(parser.method);
  into.request.headers = std::move(parser.headers);
  return std::nullopt;
}

/// Answers `Expect: 100-continue` where the body has not come by itself.
asio::awaitable<std::optional<refusal>> meet_expectation(server& in, transport& wire, const exchange& got,
                                                         bool is_body_due) {
  const auto expected = got.request.headers.find("Expect");
  if (!expected || !got.is_http11) {
    co_return std::nullopt;
  }
  if (!equals_ignoring_case(*expected, "100-continue")) {
    co_return refusal{417, "expectation_failed", "only 100-continue can be expected"};
  }
  if (is_body_due) {
    const auto written = co_await with_deadline(in.time, in.after(in.limits.write), "writing",
                                                wire.write("HTTP/1.1 100 Continue\r\n\r\n"));
    if (!written) {
      co_return refusal{};
    }
  }
  co_return std::nullopt;
}

asio::awaitable<std::expected<exchange, refusal>> read_request(server& in, transport& wire,
                                                               std::string& buffer) {
  request_parser parser(in.limits.header_size, in.limits.body_size);
  const auto header = co_await with_deadline(in.time, in.after(in.limits.header), "reading a request",
                                             read_header(wire, buffer, parser));
  if (!header) {
    co_return std::unexpected(refusal_of(parser, header.error()));
  }
  exchange got;
  if (const auto refused = complete_request(parser, got)) {
    co_return std::unexpected(*refused);
  }
  const auto unmet = co_await meet_expectation(in, wire, got, !parser.is_done() && buffer.empty());
  if (unmet) {
    co_return std::unexpected(*unmet);
  }
  if (parser.is_done()) {
    co_return got;
  }
  parser.on_body([&got](std::string_view piece) -> result<> {
    got.request.body += piece;
    return {};
  });
  const auto body = co_await with_deadline(in.time, in.after(in.limits.body), "reading a request",
                                           read_body(wire, buffer, parser));
  if (!body) {
    co_return std::unexpected(refusal_of(parser, body.error()));
  }
  co_return got;
}

bool has_body(int status) noexcept {
  return status >= 200 && status != 204 && status != 304;
}

bool is_own_header(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> names = {"Date", "Connection", "Content-Length",
                                                     "Transfer-Encoding"};
  return std::ranges::any_of(names, [name](std::string_view own) { return equals_ignoring_case(own, name); });
}

bool is_sendable(const http_reply& reply) {
  return reply.status >= 200 && reply.status <= 999 &&
         std::ranges::all_of(reply.headers, [](const http_headers::field& field) {
           return is_http_token(field.first) && is_header_value(field.second);
         });
}

enum class going_on { keep_alive, close };

std::string render_header(const server& in, const exchange& asked, const http_reply& reply, going_on next) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", reply.status, http_reason(reply.status));
  const auto date = reply.headers.find("Date");
  append_header(out, "Date", date ? std::string(*date) : format_http_date(in.time.wall_now()));
  for (const auto& [name, value] : reply.headers) {
    if (!is_own_header(name)) {
      append_header(out, name, value);
    }
  }
  if (has_body(reply.status)) {
    if (!reply.stream) {
      append_header(out, "Content-Length", fmt::format_int(reply.body.size()).str());
    } else if (asked.is_http11) {
      append_header(out, "Transfer-Encoding", "chunked");
    }
  }
  append_header(out, "Connection", next == going_on::close ? "close" : "keep-alive");
  return out += "\r\n";
}

/// Writes piece by piece, each with a deadline of its own.
asio::awaitable<result<>> write_pieces(server& in, transport& wire, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, piece_size);
    const auto written = co_await with_deadline(in.time, in.after(in.limits.write),
                                                "writing to " + wire.peer(), wire.write(piece));
    if (!written) {
      co_return written;
    }
    bytes.remove_prefix(piece.size());
  }
  co_return result<>{};
}

enum class framing { chunked, until_close };

class piece_writer final : public body_writer {
 public:
  piece_writer(server& in, transport& wire, framing how) : server_(in), wire_(wire), framing_(how) {}

  asio::awaitable<result<>> write_joined(std::span<const std::string_view> pieces) override {
    std::size_t size = 0;
    for (const std::string_view piece : pieces)
      size += piece.size();
    if (size == 0) {  // an empty chunk would end the body
      co_return result<>{};
    }
    const bool is_chunked = framing_ == framing::chunked;
    std::string bytes = is_chunked ? fmt::format("{:x}\r\n", size) : std::string();
    constexpr std::string_view chunk_end = "\r\n";
    bytes.reserve(bytes.size() + size + chunk_end.size());
    for (const std::string_view piece : pieces)
      bytes += piece;
    if (is_chunked)
      bytes += chunk_end;
    co_return co_await write_pieces(server_, wire_, bytes);
  }

  asio::awaitable<result<>> finish() {
    if (framing_ == framing::until_close) {
      co_return result<>{};
    }
    co_return co_await write_pieces(server_, wire_, "0\r\n\r\n");
  }

 private:
  server& server_;
  transport& wire_;
  framing framing_;
};

/// Why a handler or a body's producer ended by an exception, for the log.
std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

/// Logs an exception that is a bug; rethrows it where it is this coroutine's own cancellation.
asio::awaitable<void> report_exception(server& in, const exchange& asked, std::exception_ptr error) {
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (is_cancellation(error) && cancellation.cancelled() != asio::cancellation_type::none) {
    std::rethrow_exception(error);
  }
  in.log.error(
      "http_handler_failed",
      {{"method", asked.request.method}, {"path", asked.request.path()}, {"reason", describe(error)}});
}

asio::awaitable<result<>> write_stream(server& in, transport& wire, const exchange& asked,
                                       const http_reply& reply) {
  piece_writer writer(in, wire, asked.is_http11 ? framing::chunked : framing::until_close);
  std::exception_ptr error;
  result<> produced;
  try {
    produced = co_await reply.stream(writer);
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    co_await report_exception(in, asked, error);
    co_return fail(errc::closed, "the producer of the body failed");
  }
  if (!produced) {
    co_return produced;
  }
  co_return co_await writer.finish();
}

asio::awaitable<result<>> write_reply(server& in, transport& wire, const exchange& asked,
                                      const http_reply& reply, going_on next) {
  if (reply.raw) {
    co_return co_await write_pieces(in, wire, *reply.raw);
  }
  std::string header = render_header(in, asked, reply, next);
  const bool is_bare = asked.is_head || !has_body(reply.status);
  if (is_bare || reply.stream) {
    const auto written = co_await write_pieces(in, wire, header);
    if (!written || is_bare) {
      co_return written;
    }
    co_return co_await write_stream(in, wire, asked, reply);
  }
  if (reply.body.size() <= piece_size) {
    header += reply.body;
    co_return co_await write_pieces(in, wire, header);
  }
  const auto written = co_await write_pieces(in, wire, header);
  if (!written) {
    co_return written;
  }
  co_return co_await write_pieces(in, wire, reply.body);
}

asio::awaitable<result<>> read_away(transport& wire) {
  std::array<char, 4096> scrap{};
  std::size_t total = 0;
  while (total < linger_size) {
    const auto got = co_await wire.read_some(scrap);
    if (!got || *got == 0) {
      break;
    }
    total += *got;
  }
  co_return result<>{};
}

asio::awaitable<void> refuse(server& in, transport& wire, const refusal& why) {
  if (why.status == 0) {
    co_return;
  }
  const std::string peer = wire.peer();
  in.log.debug("http_request_refused", {{"peer", peer}, {"status", why.status}, {"reason", why.message}});
  http_reply reply = error_reply(why.status, why.code, why.message);
  if (why.status == 503) {
    reply.headers.add("Retry-After", "1");
  }
  const exchange nothing_known;
  const auto written = co_await write_reply(in, wire, nothing_known, reply, going_on::close);
  if (written) {
    wire.end_writing();
    co_await with_deadline(in.time, in.after(linger_time), "lingering", read_away(wire));
  }
}

asio::awaitable<http_reply> call_handler(server& in, const exchange& asked) {
  std::exception_ptr error;
  http_reply reply;
  try {
    reply = co_await in.handler(asked.request);
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    co_await report_exception(in, asked, error);
    reply = error_reply(500, "internal_error", "the request could not be handled");
  } else if (reply.status != 0 && !reply.raw && !is_sendable(reply)) {
    in.log.error("http_handler_failed", {{"method", asked.request.method},
                                         {"path", asked.request.path()},
                                         {"reason", "its reply has a wrong status or header"}});
    reply = error_reply(500, "internal_error", "the request could not be handled");
  }
  co_return reply;
}

/// Resets a connection whose answer was not finished, so that a part is not taken for the whole.
class unfinished_answer {
 public:
  explicit unfinished_answer(transport& wire) : wire_(&wire) {}
  ~unfinished_answer() {
    if (wire_) {
      wire_->reset();
    }
  }
  unfinished_answer(const unfinished_answer&) = delete;
  unfinished_answer& operator=(const unfinished_answer&) = delete;
  void is_finished() noexcept { wire_ = nullptr; }

 private:
  transport* wire_;
};

/// Answers one request; says whether the connection goes on.
asio::awaitable<going_on> answer(server& in, transport& wire, const exchange& asked) {
  unfinished_answer unfinished(wire);
  const http_reply reply = co_await call_handler(in, asked);
  const bool is_delimited = asked.is_http11 || !reply.stream || asked.is_head;
  const bool may_go_on = reply.after == after_reply::keep_alive && (reply.status != 0 || reply.raw) &&
                         asked.may_keep_alive && is_delimited && !in.is_draining;
  const going_on next = may_go_on ? going_on::keep_alive : going_on::close;
  result<> written;
  if (reply.status != 0 || reply.raw) {
    written = co_await write_reply(in, wire, asked, reply, next);
  }
  if (written && reply.after != after_reply::reset) {
    unfinished.is_finished();
    co_return next;
  }
  co_return going_on::close;
}

/// Waits for the first byte of a request; false where none comes.
asio::awaitable<bool> await_request(server& in, transport& wire, std::string& buffer, duration patience) {
  if (!buffer.empty()) {
    co_return true;
  }
  const idle_mark mark(in, &wire);
  const auto got =
      co_await with_deadline(in.time, in.after(patience), "waiting for a request", read_behind(wire, buffer));
  co_return got && *got > 0;
}

/// `counted` is made before the coroutine is queued, so that the limit holds for a burst too.
asio::awaitable<void> serve_connection(server_pointer in, std::unique_ptr<transport> wire,
                                       std::unique_ptr<count_of> counted) {
  std::string buffer;
  duration patience = in->limits.header;  // who connects wants something; later it may pause
  while (!in->is_draining) {
    const bool is_asked = co_await await_request(*in, *wire, buffer, patience);
    if (!is_asked) {
      break;
    }
    const auto asked = co_await read_request(*in, *wire, buffer);
    if (!asked) {
      co_await refuse(*in, *wire, asked.error());
      break;
    }
    const going_on next = co_await answer(*in, *wire, *asked);
    if (next == going_on::close) {
      break;
    }
    patience = in->limits.idle;
  }
}

asio::awaitable<void> turn_away(server_pointer in, std::unique_ptr<transport> wire,
                                std::unique_ptr<count_of> counted) {
  co_await refuse(*in, *wire, {503, "too_many_connections", "the server has too many connections"});
}

asio::awaitable<void> accept_all(server_pointer in, listener& from, task_group& tasks) {
  while (true) {
    auto accepted = co_await from.accept();
    if (!accepted) {
      co_return;
    }
    if (in->connections < in->limits.connections_max) {
      tasks.spawn(serve_connection(in, std::move(*accepted), std::make_unique<count_of>(in->connections)));
    } else if (in->refusals < refusals_max) {
      tasks.spawn(turn_away(in, std::move(*accepted), std::make_unique<count_of>(in->refusals)));
    }
  }
}

asio::awaitable<result<>> join(task_group& tasks) {
  co_await tasks.join();
  co_return result<>{};
}

asio::awaitable<void> run_server(server_pointer in, listener& from) {
  const auto executor = co_await asio::this_coro::executor;
  task_group tasks(executor);
  std::exception_ptr ended;
  try {
    co_await accept_all(in, from, tasks);
  } catch (...) {
    ended = std::current_exception();
  }
  // From here on this coroutine is past cancelling: it takes `drain` at most.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  from.close();
  in->drain();
  co_await with_deadline(in->time, in->after(in->limits.drain), "draining", join(tasks));
  if (ended && !is_cancellation(ended)) {
    std::rethrow_exception(ended);
  }
}

}  // namespace

asio::awaitable<result<>> body_writer::write(std::string_view piece) {
  co_return co_await write_joined(std::span(&piece, 1));
}

asio::awaitable<void> serve_http(listener& from, http_handler handler, http_server_limits limits,
                                 time_source& time, logger& log) {
  const auto executor = co_await asio::this_coro::executor;
  const server_pointer shared(
      new server{.handler = std::move(handler), .limits = limits, .time = time, .log = log, .idle = {}});
  // A coroutine of its own, so that the caller's cancellation state stays as it is.
  co_await asio::co_spawn(executor, run_server(shared, from), asio::use_awaitable);
}

}  // namespace pushguard
