#include "agent/event_stream.hpp"

namespace pushguard::agent {
namespace {

namespace asio = boost::asio;

asio::awaitable<result<>> send_events(event_feed* feed, event_types wanted, std::string last_id,
                                      body_writer* out) {
  constexpr std::size_t piece = 64UZ * 1024;
  event_feed::reader reader(*feed, wanted, last_id);
  std::string text = "retry: 2000\n\n";
  while (!reader.is_over()) {
    text += reader.take(piece);
    if (text.empty()) {
      co_await reader.wait();
      continue;
    }
    if (const auto written = co_await out->write(text); !written)
      co_return written;
    text.clear();
  }
  co_return result<>{};
}

http_reply answer(event_feed& feed, const http_request& request) {
  const auto names = request.query("types");
  const auto wanted = names ? event_types::parse(*names) : event_types::all();
  if (!wanted || *wanted == event_types())
    return error_reply(400, "bad_request",
                       "types must be some of hub, rollout, rule, job, decision, hold, alert and agent, with "
                       "commas between");
  if (feed.readers() >= event_streams_max) {
    http_reply busy = error_reply(503, "too_many_streams", "too many event streams are open");
    busy.headers.set("Retry-After", "5");
    return busy;
  }
  http_reply reply;
  reply.headers.set("Content-Type", "text/event-stream");
  reply.headers.set("Cache-Control", "no-store");
  reply.headers.set("X-Accel-Buffering", "no");  // proxies of nginx' kind would keep events back
  std::string last_id(request.headers.find("Last-Event-ID").value_or(""));
  if (last_id.empty())
    last_id = request.query("last_event_id").value_or("");
  reply.stream = [&feed, wanted = *wanted, last_id](body_writer& out) {
    return send_events(&feed, wanted, last_id, &out);
  };
  return reply;
}

}  // namespace

void add_event_stream(http_router& router, event_feed& feed) {
  router.add("GET", "/api/v1/stream",
             [&feed](const http_request& request, const path_parts&) -> asio::awaitable<http_reply> {
               co_return answer(feed, request);
             });
}

}  // namespace pushguard::agent
