// Connections through a proxy over sockets, with TLS to the server, to the proxy, and one inside the other.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/deadline.hpp"
#include "base/http_client.hpp"
#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "tests/support/connect_proxy.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/tls_server.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A server on localhost that answers what it was sent, and a proxy on 127.0.0.1 before it: what a
/// certificate says tells one from the other.
class Proxy : public testing::Test {
 protected:
  void SetUp() override {
    use_server(listen_tls(executor(), ca_.issue({.names = {"DNS:localhost"}})));
    use_proxy(listen());
  }

  std::unique_ptr<listener> listen() { return world_->net().listen(executor(), "127.0.0.1", 0).value(); }
  asio::any_io_executor executor() { return world_->context().get_executor(); }

  void use_server(std::unique_ptr<listener> made) {
    server_ = std::move(made);
    to_ = server_->local();
    to_.host = "localhost";
  }

  void use_proxy(std::unique_ptr<listener> made) {
    entrance_ = std::move(made);
    through_.at = entrance_->local();
  }

  void use_tls_proxy(const std::string& name = "IP:127.0.0.1") {
    use_proxy(listen_tls(executor(), ca_.issue({.names = {name}})));
  }

  connect_options options() const {
    connect_options made;
    made.tunnel = patience_;
    made.trust = load_tls_trust(ca_.file()).value();
    made.proxies = std::make_shared<const proxy_rules>(proxy_rules{.via = through_});
    return made;
  }

  /// Runs `use` beside the proxy and the server.
  void play(const std::function<asio::awaitable<void>()>& use) {
    proxy_ = std::make_unique<connect_proxy>(*entrance_, world_->net(), manners_);
    world_->run(play_beside(use));
  }

  asio::awaitable<void> play_beside(std::function<asio::awaitable<void>()> use) {
    const auto echo = [](const http_request& request) -> asio::awaitable<http_reply> {
      co_return http_reply{.body = request.body};
    };
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(proxy_->run());
    tasks.spawn(serve_http(*server_, echo, {}, world_->time(), log_));
    co_await use();
    tasks.cancel();
    co_await tasks.join();
  }

  /// Sends that many large bodies one after the other over one client, and expects them back.
  void exchange(int count) {
    play([&]() -> asio::awaitable<void> {
      const std::string body(300'000, 'x');
      const auto client = make_http_client(world_->net(), world_->time(), to_, {.connect = options()});
      for (int i = 0; i < count; ++i) {
        const auto response = co_await client->send({.method = "POST", .body = body});
        EXPECT_TRUE(response.has_value()) << response.error().text();
        EXPECT_TRUE(!response || response->body == body);
      }
    });
  }

  /// How connecting to the server ends: the peer's name where it succeeds.
  result<std::string> connect() {
    result<std::string> outcome;
    play([&]() -> asio::awaitable<void> {
      const auto made = co_await world_->net().connect(to_, options());
      outcome = made ? result<std::string>((*made)->peer()) : std::unexpected(made.error());
    });
    return outcome;
  }

  failure refusal() {
    const auto outcome = connect();
    return outcome ? failure{{}, "the connection was made"} : outcome.error();
  }

  std::string target() const { return fmt::format("localhost:{}", to_.port); }

  certificate_authority ca_;
  recording_logger log_;
  std::unique_ptr<net_world> world_ = make_socket_world();
  std::unique_ptr<listener> server_;
  std::unique_ptr<listener> entrance_;
  std::unique_ptr<connect_proxy> proxy_;
  origin to_;
  proxy through_;
  connect_proxy_options manners_;
  duration patience_ = 30s;
};

TEST_F(Proxy, CarriesTlsWithTheServerAndOneConnectionSeveralRequests) {
  exchange(3);
  EXPECT_THAT(proxy_->asked(), ElementsAre(target()));
  EXPECT_EQ(proxy_->tunnels(), 1U);
}

TEST_F(Proxy, CarriesTlsWithTheServerInsideTlsWithTheProxy) {
  use_tls_proxy();
  exchange(3);
  EXPECT_THAT(proxy_->asked(), ElementsAre(target()));
  EXPECT_EQ(proxy_->tunnels(), 1U);
}

TEST_F(Proxy, CarriesPlainHttpToo) {
  use_server(listen());
  exchange(2);
  EXPECT_THAT(proxy_->asked(), ElementsAre(target()));
  use_server(listen());
  use_tls_proxy();
  exchange(2);
  EXPECT_THAT(proxy_->asked(), ElementsAre(target()));
}

TEST_F(Proxy, IsThePeerOfTheConnection) {
  EXPECT_EQ(connect().value_or("none"), through_.at.authority());
  use_tls_proxy();
  use_server(listen());
  EXPECT_EQ(connect().value_or("none"), through_.at.authority());
}

TEST_F(Proxy, DoesNotSpeakForAServerOfAnotherName) {
  for (const bool is_secured : {false, true}) {
    use_server(listen_tls(executor(), ca_.issue({.names = {"IP:127.0.0.1"}})));
    is_secured ? use_tls_proxy() : use_proxy(listen());
    const failure refused = refusal();
    EXPECT_TRUE(refused.is(errc::untrusted)) << refused.text();
    EXPECT_THAT(refused.text(), AllOf(StartsWith("https://" + target() + ": TLS handshake"),
                                      HasSubstr("hostname mismatch"), Not(HasSubstr("127.0.0.1"))));
    EXPECT_EQ(proxy_->tunnels(), 1U);
  }
}

TEST_F(Proxy, OfAnotherNameIsAskedNothing) {
  use_tls_proxy("DNS:localhost");
  const failure refused = refusal();
  EXPECT_TRUE(refused.is(errc::untrusted)) << refused.text();
  EXPECT_EQ(
      refused.text(),
      fmt::format("https://{}: through the proxy {}: {}: TLS handshake: the certificate is not trusted: "
                  "IP address mismatch",
                  target(), through_.at.text(), through_.at.text()));
  EXPECT_TRUE(proxy_->asked().empty());
}

TEST_F(Proxy, UnderTlsMustBeTrustedAlsoBeforeAPlainServer) {
  use_server(listen());
  use_tls_proxy();
  play([&]() -> asio::awaitable<void> {
    connect_options without = options();
    without.trust = nullptr;
    const auto made = co_await world_->net().connect(to_, without);
    EXPECT_TRUE(!made && made.error().is(errc::invalid));
  });
}

TEST_F(Proxy, ThatStaysSilentIsGivenUp) {
  manners_.manner = proxy_manner::silent;
  patience_ = 50ms;
  for (const bool is_secured : {false, true}) {
    is_secured ? use_tls_proxy() : use_proxy(listen());
    const failure refused = refusal();
    EXPECT_TRUE(refused.is(errc::timed_out)) << refused.text();
    EXPECT_EQ(refused.text(),
              fmt::format("https://{}: through the proxy {}: waiting for its answer: timed out", target(),
                          through_.at.text()));
  }
}

TEST_F(Proxy, ThatStaysSilentIsGivenUpWithTheCaller) {
  manners_.manner = proxy_manner::silent;
  play([&]() -> asio::awaitable<void> {
    const auto made = co_await with_deadline(world_->time(), world_->time().steady_now() + 50ms, "the caller",
                                             world_->net().connect(to_, options()));
    EXPECT_FALSE(made.has_value());
    EXPECT_EQ(made.error().text(), "the caller: timed out");
  });
}

TEST_F(Proxy, ThatIsNotThereIsNamed) {
  play([&]() -> asio::awaitable<void> {
    auto gone = listen();
    through_.at = gone->local();
    gone->close();
    const auto made = co_await world_->net().connect(to_, options());
    EXPECT_FALSE(made.has_value());
    EXPECT_TRUE(made.error().is(errc::unreachable));
    EXPECT_EQ(made.error().text(),
              fmt::format("https://{}: through the proxy {}: {}: connecting to {}: Connection refused",
                          target(), through_.at.text(), through_.at.text(), through_.at.authority()));
  });
}

TEST_F(Proxy, ThatCannotReachTheServerSaysSo) {
  auto gone = listen();
  to_.port = gone->local().port;
  gone->close();
  const failure refused = refusal();
  EXPECT_TRUE(refused.is(errc::unreachable)) << refused.text();
  EXPECT_EQ(refused.text(), fmt::format("https://{}: the proxy {} refused to connect to {}: 502 Bad Gateway",
                                        target(), through_.at.text(), target()));
}

TEST_F(Proxy, ThatWantsCredentialsGetsThem) {
  manners_.authorization = "Basic bWU6czNjcmV0";
  through_.credentials = basic_credentials{.user = secret("me"), .password = secret("s3cret")};
  exchange(2);
  EXPECT_EQ(proxy_->tunnels(), 1U);
}

TEST_F(Proxy, ThatMissesCredentialsIsTheOneThatRefusesAndTheOneThatResolves) {
  manners_.authorization = "Basic bWU6czNjcmV0";
  to_.host = "hub.invalid";  // were it resolved here, the failure would be that
  through_.credentials = basic_credentials{.user = secret("me"), .password = secret("wrong-s3cret")};
  const failure refused = refusal();
  EXPECT_TRUE(refused.is(errc::rejected)) << refused.text();
  EXPECT_THAT(refused.text(),
              AllOf(HasSubstr("407 Proxy Authentication Required"), Not(HasSubstr("s3cret"))));
  EXPECT_THAT(proxy_->asked(), ElementsAre(fmt::format("hub.invalid:{}", to_.port)));
  EXPECT_EQ(proxy_->tunnels(), 0U);
}

}  // namespace
}  // namespace pushguard::test
