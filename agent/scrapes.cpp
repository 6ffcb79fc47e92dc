#include "agent/scrapes.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "base/gzip.hpp"
#include "base/http_accept.hpp"
#include "base/yield_turn.hpp"
#include "metrics/text_format.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

using metrics::exposition_format;

struct wanted {
  exposition_format format = exposition_format::text;
  bool is_compressed = false;
};

std::string_view header(const http_request& request, std::string_view name) {
  return request.headers.find(name).value_or("");
}

wanted read_wanted(const http_request& request) {
  return {.format = metrics::choose_format(header(request, "Accept")),
          .is_compressed = accepts_coding(header(request, "Accept-Encoding"), "gzip")};
}

/// Until when an answer is of use to who asks for it.
duration patience_of(const http_request& request) {
  constexpr double without_header = 120;
  constexpr double seconds_min = 1;
  constexpr double seconds_max = 600;
  const std::string_view text = header(request, "X-Prometheus-Scrape-Timeout-Seconds");
  double seconds = without_header;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds > 0))
    seconds = without_header;
  return std::chrono::duration_cast<duration>(
      std::chrono::duration<double>(std::clamp(seconds, seconds_min, seconds_max)));
}

http_reply make_reply(wanted what) {
  http_reply reply;
  reply.headers.set("Content-Type", std::string(metrics::content_type(what.format)));
  reply.headers.set("Vary", "Accept, Accept-Encoding");
  if (what.is_compressed)
    reply.headers.set("Content-Encoding", "gzip");
  return reply;
}

/// Hands pieces on, compressed where that is wanted, and gives up in time.
class scrape_writer {
 public:
  scrape_writer(body_writer& out, bool is_compressed, time_source& time, steady_time until)
      : out_(out), time_(time), until_(until) {
    if (is_compressed)
      encoder_.emplace();
  }

  asio::awaitable<result<>> write(std::span<const std::string_view> pieces) {
    if (time_.steady_now() > until_)
      co_return fail(errc::timed_out, "the scrape took longer than its client waits");
    if (!encoder_)
      co_return co_await out_.write_joined(pieces);
    for (const std::string_view piece : pieces)
      encoder_->feed(piece, ready_);
    constexpr std::size_t worth_writing = std::size_t{16} * 1024;
    if (ready_.size() >= worth_writing)
      co_return co_await write_ready();
    co_await yield_turn();  // compressing is work: others have their turns in between
    co_return result<>{};
  }
  asio::awaitable<result<>> finish() {
    if (!encoder_)
      co_return result<>{};
    encoder_->finish(ready_);
    co_return co_await write_ready();
  }

 private:
  asio::awaitable<result<>> write_ready() {
    const auto written = co_await out_.write(ready_);
    ready_.clear();
    co_return written;
  }

  body_writer& out_;
  time_source& time_;
  steady_time until_;
  std::optional<gzip_encoder> encoder_;
  std::string ready_;
};

asio::awaitable<result<>> write_all(scrape_writer& out, const std::vector<metrics::line_snapshot>& lines,
                                    std::string rest, exposition_format format) {
  for (const metrics::line_snapshot& each : lines) {
    metrics::line_cursor cursor(each, format);
    for (auto pieces = cursor.next(); !pieces.empty(); pieces = cursor.next()) {
      if (const auto written = co_await out.write(pieces); !written)
        co_return written;
    }
  }
  const std::string_view end = rest;
  if (const auto written = co_await out.write(std::span(&end, 1)); !written)
    co_return written;
  co_return co_await out.finish();
}

}  // namespace

http_reply scrapes::small(const http_request& request,
                          const std::vector<prometheus::MetricFamily>& families) {
  const wanted what = read_wanted(request);
  http_reply reply = make_reply(what);
  reply.body = metrics::to_text(families, what.format);
  if (what.is_compressed)
    reply.body = gzip(reply.body);
  return reply;
}

http_reply scrapes::large(const http_request& request, std::vector<metrics::line_snapshot> lines,
                          std::vector<prometheus::MetricFamily> rest) {
  if (*running_ >= large_max) {
    http_reply busy = error_reply(503, "too_many_scrapes", "too many scrapes of this path are under way");
    busy.headers.set("Retry-After", "5");
    return busy;
  }
  ++*running_;
  const std::shared_ptr<void> counted(nullptr, [running = running_](void*) { --*running; });
  const wanted what = read_wanted(request);
  http_reply reply = make_reply(what);
  reply.stream = [&time = time_, until = time_.steady_now() + patience_of(request), what, counted,
                  lines = std::move(lines),
                  rest = metrics::to_text(rest, what.format)](body_writer& out) -> asio::awaitable<result<>> {
    scrape_writer writer(out, what.is_compressed, time, until);
    co_return co_await write_all(writer, lines, rest, what.format);
  };
  return reply;
}

}  // namespace pushguard::agent
