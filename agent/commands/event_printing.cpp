#include "agent/commands/event_printing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <cstdio>
#include <limits>

#include "agent/commands/render.hpp"
#include "agent/commands/terminal_session.hpp"
#include "base/text.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr duration usual_retry = std::chrono::seconds(2);
constexpr duration silence_max = std::chrono::seconds(20);  // the agent sends a ping every five seconds
constexpr duration look_interval = std::chrono::seconds(1);

/// One connection to the stream after the other.
class event_printer {
 public:
  event_printer(agent_channel& channel, time_source& time, int output)
      : channel_(channel), time_(time), output_(output) {}

  asio::awaitable<result<>> run() {
    for (;;) {
      const auto ended = co_await listen();
      if (is_over_)
        co_return ended;
      const std::string place = parser_.last_event_id().empty()
                                    ? ""
                                    : fmt::format(" after event {}", printable(parser_.last_event_id()));
      fmt::print(stderr, "pushguard: the stream of {} ended: {}; connecting again{}\n", channel_.address(),
                 ended ? "the agent closed it" : printable(ended.error().text()), place);
      const steady_time again = time_.steady_now() + parser_.retry().value_or(usual_retry);
      while (time_.steady_now() < again) {
        co_await time_.sleep_until(std::min(again, time_.steady_now() + look_interval));
        if (is_reader_gone(output_))
          co_return fail(errc::closed, "nobody reads the output any more");
      }
    }
  }

 private:
  /// Until the connection ends; `is_over_` says that there is to be no other.
  asio::awaitable<result<>> listen() {
    parser_.reset();
    heard_ = time_.steady_now();
    const auto executor = co_await asio::this_coro::executor;
    auto group = asio::experimental::make_parallel_group(asio::co_spawn(executor, receive(), asio::deferred),
                                                         asio::co_spawn(executor, guard(), asio::deferred));
    auto [order, receive_error, received, guard_error, guarded] =
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    const bool is_received = order[0] == 0;
    if (const auto& error = is_received ? receive_error : guard_error)
      std::rethrow_exception(error);
    co_return is_received ? std::move(received) : std::move(guarded);
  }

  asio::awaitable<result<>> receive() {
    http_request request{.method = "GET", .target = "/api/v1/stream", .headers = {}, .body = {}};
    request.headers.set("Accept", "text/event-stream");
    if (!parser_.last_event_id().empty())
      request.headers.set("Last-Event-ID", parser_.last_event_id());
    int status = 0;
    std::string refusal;
    http_call call;
    call.limits.body = std::chrono::hours(24 * 365);  // guard() watches over it
    call.limits.body_size = std::numeric_limits<std::size_t>::max();
    call.on_header = [&](const http_response& response) { status = response.status; };
    call.on_body = [&](std::string_view piece) -> result<> {
      heard_ = time_.steady_now();
      if (status != 200) {
        refusal += cut_at_character(piece, 4096 - std::min<std::size_t>(refusal.size(), 4096));
        return {};
      }
      return parser_.feed(piece, [this](const stream_event& event) { return print(event); });
    };
    auto answer = co_await channel_.send(std::move(request), std::move(call));
    if (!answer)
      co_return std::unexpected(answer.error());
    if (status == 200)
      co_return result<>{};
    is_over_ = status < 500 && status != 429;
    http_response refused{.status = status, .headers = {}, .body = std::move(refusal)};
    const auto text = text_of_answer(std::move(refused), channel_.address());
    co_return text ? fail(errc::rejected, fmt::format("{} answered {}", channel_.address(), status))
                   : std::unexpected(text.error());
  }

  result<> print(const stream_event& event) {
    auto written = write_all(output_, event_line(event));
    is_over_ = !written;
    return written;
  }

  asio::awaitable<result<>> guard() {
    for (;;) {
      co_await time_.sleep_for(look_interval);
      if (is_reader_gone(output_)) {
        is_over_ = true;
        co_return fail(errc::closed, "nobody reads the output any more");
      }
      if (time_.steady_now() - heard_ > silence_max)
        co_return fail(errc::timed_out, "nothing was heard for 20 s");
    }
  }

  agent_channel& channel_;
  time_source& time_;
  int output_;
  event_stream_parser parser_;
  steady_time heard_;
  bool is_over_ = false;
};

}  // namespace

std::string event_line(const stream_event& event) {
  boost::system::error_code ec;
  static_cast<void>(json::parse(event.data, ec));
  std::string out = "{\"event\":";
  append_json_string(out, event.type);
  out += ",\"id\":";
  append_json_string(out, event.id);
  out += ",\"data\":";
  if (ec) {
    append_json_string(out, event.data);
  } else {
    // As it came, so that no number changes; line ends stand between its parts only.
    std::string data = event.data;
    std::ranges::replace(data, '\n', ' ');
    out += data;
  }
  return out + "}\n";
}

asio::awaitable<result<>> print_events(agent_channel& channel, time_source& time, int output) {
  event_printer printer(channel, time, output);
  co_return co_await printer.run();
}

}  // namespace pushguard::agent
