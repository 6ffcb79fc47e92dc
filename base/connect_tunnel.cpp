#include "base/connect_tunnel.hpp"

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/http_parser.hpp"

namespace pushguard {

namespace asio = boost::asio;

namespace {

// Proxies answer in a few hundred bytes.
constexpr std::size_t answer_size_max = 16UZ * 1024;
// Interim answers (1xx) before the real one; more is a proxy gone mad.
constexpr int interim_answers_max = 8;
constexpr std::string_view answer_begin = "HTTP/1.";

/// `example.com:443`: with the port always, as CONNECT wants it.
std::string host_and_port(const origin& to) {
  const bool is_bracketed = to.host.find(':') != std::string::npos;
  return is_bracketed ? fmt::format("[{}]:{}", to.host, to.port) : fmt::format("{}:{}", to.host, to.port);
}

std::string render_connect(const proxy& through, const std::string& target) {
  std::string out = fmt::format("CONNECT {} HTTP/1.1\r\n", target);
  append_header(out, "Host", target);
  append_header(out, "User-Agent", http_user_agent());
  if (through.credentials) {
    const std::string pair =
        through.credentials->user.reveal() + ":" + through.credentials->password.reveal();
    append_header(out, "Proxy-Authorization", "Basic " + encode_base64(pair));
  }
  return out += "\r\n";
}

/// Reads one answer up to the end of its header. Byte by byte: what comes behind belongs to the other
/// server, which may speak first, and what is read here could not be put back.
asio::awaitable<result<std::string>> read_answer(transport& wire) {
  std::string text;
  while (!text.ends_with("\r\n\r\n")) {
    if (text.size() >= answer_size_max) {
      co_return fail(errc::too_large, fmt::format("its answer is larger than {} bytes", answer_size_max));
    }
    char next = 0;
    const auto got = co_await wire.read_some(std::span(&next, 1));
    if (!got) {
      co_return std::unexpected(got.error());
    }
    if (*got == 0) {
      co_return fail(errc::closed, text.empty() ? "it ended the connection without an answer"
                                                : "it ended the connection in the middle of its answer");
    }
    text += next;
    const std::size_t compared = std::min(text.size(), answer_begin.size());
    if (text.compare(0, compared, answer_begin.substr(0, compared)) != 0) {
      co_return fail(errc::malformed, "its answer is not HTTP/1");
    }
  }
  co_return text;
}

/// The status of the answer to CONNECT.
asio::awaitable<result<int>> read_status(transport& wire) {
  for (int interim = 0; interim <= interim_answers_max; ++interim) {
    const auto text = co_await read_answer(wire);
    if (!text) {
      co_return std::unexpected(text.error());
    }
    http_parser<false> parser(answer_size_max, 0);
    parser.skip(true);  // a body, or the length of one, means nothing behind a tunnel's 2xx
    const auto used = parser.feed(*text);
    if (!used) {
      co_return fail_in("its answer cannot be read", used.error());
    }
    if (!parser.is_header_done()) {
      co_return fail(errc::malformed, "its answer cannot be read");
    }
    if (parser.status >= 200) {
      co_return parser.status;
    }
  }
  co_return fail(errc::malformed, fmt::format("more than {} interim answers", interim_answers_max));
}

}  // namespace

std::string tunnel_phase(const proxy& through, const origin& to) {
  return fmt::format("{}: through the proxy {}", to.text(), through.at.text());
}

asio::awaitable<result<>> open_tunnel(transport& wire, const proxy& through, origin to) {
  const std::string target = host_and_port(to);
  const std::string phase = tunnel_phase(through, to);
  const std::string request = render_connect(through, target);
  // A proxy may answer, and close, before it has read the request: so the answer is read even where
  // writing failed.
  const auto written = co_await wire.write(request);
  const auto status = co_await read_status(wire);
  if (!status) {
    const failure& cause = written ? status.error() : written.error();
    co_return fail(errc::unreachable, phase + ": asking it to connect: " + cause.text());
  }
  if (*status >= 300) {
    const bool is_refusal = *status >= 400 && *status < 500;
    co_return fail(is_refusal ? errc::rejected : errc::unreachable,
                   fmt::format("{}: the proxy {} refused to connect to {}: {} {}", to.text(),
                               through.at.text(), target, *status, http_reason(*status)));
  }
  co_return result<>{};
}

}  // namespace pushguard
