// Connections through tinyproxy, a proxy that others wrote.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http_client.hpp"
#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "tests/interop/tinyproxy.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/tls_server.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// A server on localhost that answers what it was sent, beyond the proxy.
class Tinyproxy : public testing::Test {
 protected:
  void start(const std::string& lines, std::optional<basic_credentials> credentials = std::nullopt) {
    proxy_ = std::make_unique<tinyproxy>(lines);
    through_ = {.at = proxy_->address(), .credentials = std::move(credentials)};
    server_ = listen_tls(executor(), ca_.issue({.names = {"DNS:localhost"}}));
    to_ = server_->local();
    to_.host = "localhost";
  }

  asio::any_io_executor executor() { return world_->context().get_executor(); }

  connect_options options() const {
    connect_options made;
    made.trust = load_tls_trust(ca_.file()).value();
    made.proxies = std::make_shared<const proxy_rules>(proxy_rules{.via = through_});
    return made;
  }

  asio::awaitable<void> play(std::function<asio::awaitable<void>()> use) {
    const auto echo = [](const http_request& request) -> asio::awaitable<http_reply> {
      co_return http_reply{.body = request.body};
    };
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(serve_http(*server_, echo, {}, world_->time(), log_));
    co_await use();
    tasks.cancel();
    co_await tasks.join();
  }

  /// Sends three large bodies one after the other over one client, and expects them back.
  void exchange() {
    world_->run(play([&]() -> asio::awaitable<void> {
      const std::string body(300'000, 'x');
      const auto client = make_http_client(world_->net(), world_->time(), to_, {.connect = options()});
      for (int i = 0; i < 3; ++i) {
        const auto response = co_await client->send({.method = "POST", .body = body});
        EXPECT_TRUE(response.has_value()) << response.error().text();
        EXPECT_TRUE(!response || response->body == body);
      }
    }));
  }

  failure refusal() {
    failure met{{}, "the connection was made"};
    world_->run(play([&]() -> asio::awaitable<void> {
      const auto made = co_await world_->net().connect(to_, options());
      if (!made) {
        met = made.error();
      }
    }));
    return met;
  }

  std::string target() const { return fmt::format("localhost:{}", to_.port); }

  certificate_authority ca_;
  recording_logger log_;
  std::unique_ptr<net_world> world_ = make_socket_world();
  std::unique_ptr<listener> server_;
  std::unique_ptr<tinyproxy> proxy_;
  origin to_;
  proxy through_;
};

TEST_F(Tinyproxy, CarriesTlsAndOneConnectionSeveralRequests) {
  start("");
  exchange();
  EXPECT_THAT(proxy_->finish(), ElementsAre(target()));
}

TEST_F(Tinyproxy, CarriesPlainHttp) {
  start("");
  server_ = world_->net().listen(executor(), "127.0.0.1", 0).value();
  to_ = {.security = security::plain, .host = "localhost", .port = server_->local().port};
  exchange();
  EXPECT_THAT(proxy_->finish(), ElementsAre(target()));
}

TEST_F(Tinyproxy, DoesNotSpeakForAServerOfAnotherName) {
  start("");
  to_.host = "127.0.0.1";
  const failure refused = refusal();
  EXPECT_TRUE(refused.is(errc::untrusted)) << refused.text();
  EXPECT_THAT(refused.text(), HasSubstr(to_.text() + ": TLS handshake"));
  EXPECT_THAT(proxy_->finish(), ElementsAre(to_.authority()));
}

TEST_F(Tinyproxy, ThatWantsCredentialsGetsThem) {
  start("BasicAuth me s3cret\n", basic_credentials{.user = secret("me"), .password = secret("s3cret")});
  exchange();
  EXPECT_THAT(proxy_->finish(), ElementsAre(target()));
}

TEST_F(Tinyproxy, ThatMissesCredentialsRefuses) {
  start("BasicAuth me s3cret\n");
  const failure refused = refusal();
  EXPECT_TRUE(refused.is(errc::rejected)) << refused.text();
  EXPECT_EQ(refused.text(), fmt::format("https://{}: the proxy {} refused to connect to {}: 407 Proxy "
                                        "Authentication Required",
                                        target(), through_.at.text(), target()));
}

TEST_F(Tinyproxy, ThatIsToldWrongCredentialsRefuses) {
  start("BasicAuth me s3cret\n", basic_credentials{.user = secret("me"), .password = secret("gue55")});
  const failure refused = refusal();
  EXPECT_TRUE(refused.is(errc::rejected)) << refused.text();
  EXPECT_THAT(refused.text(), AllOf(HasSubstr(": 401 Unauthorized"), Not(HasSubstr("gue55"))));
}

TEST_F(Tinyproxy, ThatAllowsOtherPortsOnlyRefuses) {
  start("ConnectPort 443\n");
  const failure refused = refusal();
  EXPECT_TRUE(refused.is(errc::rejected)) << refused.text();
  EXPECT_THAT(refused.text(), HasSubstr("refused to connect to " + target() + ": 403 Forbidden"));
}

TEST_F(Tinyproxy, ThatCannotReachTheServerSaysSo) {
  start("");
  const auto gone = world_->net().listen(executor(), "127.0.0.1", 0).value();
  to_.port = gone->local().port;
  gone->close();
  const failure refused = refusal();
  EXPECT_TRUE(refused.is(errc::unreachable)) << refused.text();
  EXPECT_THAT(refused.text(), HasSubstr("refused to connect to " + target() + ": 500 "));
}

}  // namespace
}  // namespace pushguard::test
