#include "tests/support/connect_proxy.hpp"

#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <optional>

#include "base/condition.hpp"
#include "base/task_group.hpp"

namespace pushguard::test {

namespace asio = boost::asio;

namespace {

constexpr std::size_t request_size_max = 16UZ * 1024;
constexpr std::size_t buffer_size = 16UZ * 1024;

/// The request up to the empty line behind its header, and not a byte more; empty where none comes.
asio::awaitable<std::string> read_request(transport& client) {
  std::string text;
  while (!text.ends_with("\r\n\r\n")) {
    char next = 0;
    const auto got = co_await client.read_some(std::span(&next, 1));
    if (!got || *got == 0 || text.size() == request_size_max) {
      co_return "";
    }
    text += next;
  }
  co_return text;
}

/// `example.com:443` of `CONNECT example.com:443 HTTP/1.1`; empty for other requests.
std::string target_of(const std::string& request) {
  constexpr std::string_view begin = "CONNECT ";
  const std::size_t end = request.find(" HTTP/1.1\r\n");
  return request.starts_with(begin) && end != std::string::npos
             ? request.substr(begin.size(), end - begin.size())
             : "";
}

std::optional<origin> parse_target(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  origin made{.security = security::plain, .host = std::string(text.substr(0, colon)), .port = 0};
  if (made.host.starts_with('[') && made.host.ends_with(']')) {
    made.host = made.host.substr(1, made.host.size() - 2);
  }
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, made.port);
  return read.ec == std::errc() && read.ptr == end ? std::optional(made) : std::nullopt;
}

/// Hands on what `from` says until it has said everything, or one of them is gone.
asio::awaitable<void> carry(transport& from, transport& to) {
  std::string buffer(buffer_size, '\0');
  while (true) {
    const auto got = co_await from.read_some(buffer);
    if (!got || *got == 0) {
      to.end_writing();
      co_return;
    }
    const auto written = co_await to.write(std::string_view(buffer).substr(0, *got));
    if (!written) {
      co_return;
    }
  }
}

/// Both ends go with what the server says: TLS cannot tell the client that nothing more comes.
asio::awaitable<void> carry_back(transport& server, transport& client) {
  co_await carry(server, client);
  server.close();
  client.close();
}

asio::awaitable<void> stay_silent() {
  condition never;
  co_await never.wait();
}

}  // namespace

asio::awaitable<void> connect_proxy::run() {
  task_group tasks(co_await asio::this_coro::executor);
  const auto accept_all = [](connect_proxy& self, task_group& into) -> asio::awaitable<void> {
    while (true) {
      auto accepted = co_await self.from_.accept();
      if (!accepted) {
        co_return;
      }
      into.spawn(self.serve(std::move(*accepted)));
    }
  };
  tasks.spawn(accept_all(*this, tasks));
  co_await tasks.join();
}

asio::awaitable<void> connect_proxy::serve(std::unique_ptr<transport> client) {
  std::string request = co_await read_request(*client);
  if (request.empty()) {
    co_return;
  }
  const auto server = co_await open(*client, std::move(request));
  if (!server) {
    co_return;
  }
  task_group both(co_await asio::this_coro::executor);
  both.spawn(carry(*client, *server));
  both.spawn(carry_back(*server, *client));
  co_await both.join();
}

asio::awaitable<std::unique_ptr<transport>> connect_proxy::open(transport& client, std::string request) {
  asked_.push_back(target_of(request));
  if (options_.manner == proxy_manner::silent) {
    co_await stay_silent();
  }
  std::string refusal;
  std::unique_ptr<transport> server;
  const auto to = parse_target(asked_.back());
  if (!to) {
    refusal = "400 Bad Request";
  } else if (!options_.authorization.empty() &&
             !request.contains("\r\nProxy-Authorization: " + options_.authorization + "\r\n")) {
    refusal = "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"test\"";
  } else {
    auto made = co_await beyond_.connect(*to, {});
    if (made) {
      server = std::move(*made);
    } else {
      refusal = "502 Bad Gateway";
    }
  }
  tunnels_ += server ? 1 : 0;
  const std::string answer = "HTTP/1.1 " + (server ? "200 Connection established" : refusal) + "\r\n\r\n";
  const auto written = co_await client.write(answer);
  if (!written) {
    server = nullptr;
  }
  co_return server;
}

}  // namespace pushguard::test
