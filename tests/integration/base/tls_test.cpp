#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/http_client.hpp"
#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/tls_server.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Tls : public testing::Test {
 protected:
  /// How one connection to a server with that certificate ends.
  result<std::unique_ptr<transport>> connect(const certificate_chain& chain, std::string host,
                                             std::shared_ptr<tls_trust> trust) {
    server_ = listen_tls(world_->context().get_executor(), chain, version_);
    std::optional<result<std::unique_ptr<transport>>> outcome;
    world_->run(connect_once(std::move(host), std::move(trust), outcome));
    return std::move(outcome.value());
  }

  /// What that ends with, where it must fail.
  failure refusal(const certificate_wish& wish, std::string host) {
    auto outcome = connect(ca_.issue(wish), std::move(host), trust());
    return outcome ? failure{{}, "the connection was made"} : outcome.error();
  }

  asio::awaitable<void> connect_once(std::string host, std::shared_ptr<tls_trust> trust,
                                     std::optional<result<std::unique_ptr<transport>>>& outcome) {
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(accept_one());
    origin to = server_->local();
    to.host = std::move(host);
    outcome.emplace(co_await world_->net().connect(to, {.trust = std::move(trust)}));
    if (!*outcome) {
      tasks.cancel();
    }
    co_await tasks.join();
  }

  asio::awaitable<void> accept_one() {
    auto accepted = co_await server_->accept();
    accepted_ = std::move(accepted.value());
  }

  void play(const std::function<asio::awaitable<void>()>& body) { world_->run(body()); }

  std::shared_ptr<tls_trust> trust() { return load_tls_trust(ca_.file()).value(); }

  certificate_authority ca_;
  tls_version version_ = tls_version::any;
  std::unique_ptr<net_world> world_ = make_socket_world();
  std::unique_ptr<listener> server_;
  std::unique_ptr<transport> accepted_;
};

TEST_F(Tls, ConnectsToATrustedPeerByNameAndNamesIt) {
  const auto outcome = connect(ca_.issue({.names = {"DNS:localhost"}}), "localhost", trust());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().text();
  EXPECT_EQ(asked_name(*accepted_), "localhost");
}

TEST_F(Tls, ConnectsToATrustedPeerByAddressWithoutNamingIt) {
  const auto outcome = connect(ca_.issue({.names = {"IP:127.0.0.1"}}), "127.0.0.1", trust());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().text();
  EXPECT_EQ(asked_name(*accepted_), "");
}

TEST_F(Tls, RefusesWhatCannotBeVerified) {
  struct doubt {
    certificate_wish wish;
    std::string host;
    std::string_view why;
  };
  const doubt table[] = {
      {{.names = {"DNS:example.com"}}, "localhost", "hostname mismatch"},
      {{.names = {"DNS:*ocalhost"}}, "localhost", "hostname mismatch"},
      {{.names = {}, .common_name = "localhost"}, "localhost", "hostname mismatch"},
      {{.names = {"DNS:localhost"}}, "127.0.0.1", "IP address mismatch"},
      {{.names = {"DNS:127.0.0.1"}}, "127.0.0.1", "IP address mismatch"},
      {{.names = {"IP:127.0.0.2"}}, "127.0.0.1", "IP address mismatch"},
      {{.names = {"IP:127.0.0.1"}, .when = validity::over}, "127.0.0.1", "expired"},
      {{.names = {"IP:127.0.0.1"}, .when = validity::not_yet}, "127.0.0.1", "not yet valid"}};
  for (const auto& [wish, host, why] : table) {
    const failure refused = refusal(wish, host);
    EXPECT_TRUE(refused.is(errc::untrusted)) << why << ": " << refused.text();
    EXPECT_THAT(refused.text(),
                AllOf(StartsWith("https://" + host), HasSubstr("TLS handshake"), HasSubstr(why)));
  }
}

TEST_F(Tls, RefusesAnUnknownAuthority) {
  const certificate_authority stranger;
  const certificate_chain chain = stranger.issue({.names = {"IP:127.0.0.1"}});
  for (const auto& trusted : {trust(), load_tls_trust(std::nullopt).value()}) {
    const auto outcome = connect(chain, "127.0.0.1", trusted);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_TRUE(outcome.error().is(errc::untrusted)) << outcome.error().text();
  }
}

TEST_F(Tls, RefusesOldVersions) {
  version_ = tls_version::only_1_1;
  const failure refused = refusal({.names = {"IP:127.0.0.1"}}, "127.0.0.1");
  EXPECT_TRUE(refused.is(errc::unreachable)) << refused.text();
  EXPECT_THAT(refused.text(), HasSubstr("TLS handshake"));
}

TEST_F(Tls, SaysSoWhenThePeerSpeaksNoTls) {
  auto plain = std::move(world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0).value());
  std::optional<failure> refused;
  play([&]() -> asio::awaitable<void> {
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn([](listener& from) -> asio::awaitable<void> {
      auto wire = co_await from.accept();
      std::array<char, 16> scrap;
      co_await wire.value()->read_some(scrap);
      co_await wire.value()->write("HTTP/1.1 400 Bad Request\r\n\r\n");
      co_await wire.value()->read_some(scrap);
    }(*plain));
    origin to = plain->local();
    to.security = security::tls;
    const auto outcome = co_await world_->net().connect(to, {.trust = trust()});
    refused = outcome.error();
    tasks.cancel();
    co_await tasks.join();
  });
  EXPECT_TRUE(refused.value().is(errc::unreachable)) << refused->text();
  EXPECT_THAT(refused->text(), HasSubstr("TLS handshake: wrong version number"));
}

TEST_F(Tls, GivesUpOnAPeerThatDoesNotShakeHands) {
  auto silent = std::move(world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0).value());
  play([&]() -> asio::awaitable<void> {
    origin to = silent->local();
    to.security = security::tls;
    const auto outcome = co_await world_->net().connect(to, {.handshake = 50ms, .trust = trust()});
    EXPECT_TRUE(outcome.error().is(errc::timed_out));
    EXPECT_THAT(outcome.error().text(), HasSubstr("TLS handshake: timed out"));
  });
}

TEST_F(Tls, NeedsToBeToldWhomToTrust) {
  play([&]() -> asio::awaitable<void> {
    const auto outcome = co_await world_->net().connect({.host = "127.0.0.1", .port = 1}, {});
    EXPECT_TRUE(outcome.error().is(errc::invalid));
  });
}

TEST_F(Tls, TellsAnOrderlyEndFromACutOne) {
  auto cut = connect(ca_.issue({.names = {"IP:127.0.0.1"}}), "127.0.0.1", trust());
  play([&]() -> asio::awaitable<void> {
    transport& wire = **cut;
    std::array<char, 16> into;
    co_await accepted_->write("abc");
    const auto got = co_await wire.read_some(into);
    EXPECT_EQ(got.value(), 3U);
    accepted_->close();
    const auto end = co_await wire.read_some(into);
    EXPECT_FALSE(end.has_value()) << "a cut stream was taken for a whole one";
    EXPECT_TRUE(end.error().is(errc::closed));
  });

  auto whole = connect(ca_.issue({.names = {"IP:127.0.0.1"}}), "127.0.0.1", trust());
  play([&]() -> asio::awaitable<void> {
    std::unique_ptr<transport> wire = std::move(*whole);
    std::array<char, 16> into;
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(say_goodbye(*accepted_));
    const auto end = co_await wire->read_some(into);
    EXPECT_EQ(end.value(), 0U);
    wire.reset();
    co_await tasks.join();
  });
}

TEST_F(Tls, AReadAndAWriteMayBeUnderWayAtOnceAndEndWithClose) {
  auto made = connect(ca_.issue({.names = {"IP:127.0.0.1"}}), "127.0.0.1", trust());
  play([&]() -> asio::awaitable<void> {
    transport& wire = **made;
    std::string too_much;
    too_much.resize(20'000'000, 'x');  // more than any socket's buffers hold
    std::array<char, 16> into;
    std::optional<result<std::size_t>> read;
    std::optional<result<>> written;
    const auto keep_read = [](transport& from, std::span<char> to,
                              std::optional<result<std::size_t>>& outcome) -> asio::awaitable<void> {
      outcome.emplace(co_await from.read_some(to));
    };
    const auto keep_write = [](transport& to, std::string_view bytes,
                               std::optional<result<>>& outcome) -> asio::awaitable<void> {
      outcome.emplace(co_await to.write(bytes));
    };
    task_group reading(co_await asio::this_coro::executor);
    task_group writing(co_await asio::this_coro::executor);
    reading.spawn(keep_read(wire, into, read));
    writing.spawn(keep_write(wire, too_much, written));
    co_await world_->time().sleep_for(50ms);
    co_await accepted_->write("hello");
    co_await reading.join();
    EXPECT_EQ(read.value().value(), 5U);
    EXPECT_FALSE(written.has_value());
    wire.close();
    co_await writing.join();
    EXPECT_TRUE(written.value().error().is(errc::closed));
  });
}

TEST_F(Tls, CarriesHttp) {
  recording_logger log;
  server_ = listen_tls(world_->context().get_executor(), ca_.issue({.names = {"DNS:localhost"}}));
  const auto answer = [](const http_request& request) -> asio::awaitable<http_reply> {
    co_return http_reply{.body = request.body};
  };
  play([&]() -> asio::awaitable<void> {
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(serve_http(*server_, answer, {}, world_->time(), log));
    origin at = server_->local();
    at.host = "localhost";
    const auto client = make_http_client(world_->net(), world_->time(), at, {.connect = {.trust = trust()}});
    const std::string body(300'000, 'x');
    for (int i = 0; i < 3; ++i) {
      const auto response = co_await client->send({.method = "POST", .body = body});
      EXPECT_TRUE(response.value().body == body);
    }
    tasks.cancel();
    co_await tasks.join();
  });
}

TEST(LoadTlsTrust, NamesTheFileThatIsWrong) {
  const temporary_directory directory;
  const auto missing = directory.path() / "missing.pem";
  const auto garbage = directory.path() / "garbage.pem";
  const auto empty = directory.path() / "empty.pem";
  std::ofstream(garbage) << "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
  std::ofstream(empty) << "";
  for (const auto& file : {missing, garbage, empty, directory.path()}) {
    const auto loaded = load_tls_trust(file);
    ASSERT_FALSE(loaded.has_value()) << file;
    EXPECT_TRUE(loaded.error().is(errc::invalid));
    EXPECT_THAT(loaded.error().text(), StartsWith(file.string() + ": "));
  }
}

TEST(LoadTlsTrust, TakesAFileOfSeveralCertificates) {
  const certificate_authority one;
  const certificate_authority two;
  const temporary_directory directory;
  const auto both = directory.path() / "both.pem";
  std::ofstream(both) << std::ifstream(one.file()).rdbuf() << std::ifstream(two.file()).rdbuf();
  EXPECT_TRUE(load_tls_trust(both).has_value());
}

}  // namespace
}  // namespace pushguard::test
