// What only real sockets, certificates and names can do to a delivery.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/receiver_kinds.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/tls_server.hpp"

namespace pushguard::alerts {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ReceiversOnSockets : public testing::Test {
 protected:
  /// What telling each kind at `at` comes to, in their order. A server of `from`, where there is one, answers
  /// 200.
  std::vector<std::pair<std::string, delivery>> tell_all(const origin& at, listener* from = nullptr) {
    std::vector<std::pair<std::string, delivery>> out;
    world_->run(tell(at, from, out));
    return out;
  }
  asio::awaitable<void> tell(origin at, listener* from, std::vector<std::pair<std::string, delivery>>& out) {
    task_group servers(co_await asio::this_coro::executor);
    if (from != nullptr)
      servers.spawn(serve_http(
          *from,
          [this](const http_request&) -> asio::awaitable<http_reply> {
            ++answered_;
            co_return http_reply{};
          },
          {}, world_->time(), log_));
    const auto trust = load_tls_trust(ca_.file()).value();
    for (const auto& to : test::make_every_kind(at, world_->net(), world_->time(), log_, trust)) {
      outbox_row row;
      row.content.id = "a";
      row.content.name = "Trouble";
      row.content.starts_at = world_->time().wall_now();
      delivery got = co_await to->deliver(std::move(row));
      out.emplace_back(to->name(), std::move(got));
    }
    servers.cancel();
    co_await servers.join();
  }
  std::unique_ptr<listener> listen(const test::certificate_authority& by,
                                   const test::certificate_wish& wish) {
    return test::listen_tls(world_->context().get_executor(), by.issue(wish));
  }
  static origin named(const listener& from, std::string host) {
    origin out = from.local();
    out.security = security::tls;
    out.host = std::move(host);
    return out;
  }

  test::certificate_authority ca_;
  test::recording_logger log_;
  std::unique_ptr<test::net_world> world_ = test::make_socket_world();
  int answered_ = 0;
};

TEST_F(ReceiversOnSockets, AreToldThroughTls) {
  const auto server = listen(ca_, {.names = {"DNS:localhost"}});
  for (const auto& [name, got] : tell_all(named(*server, "localhost"), server.get()))
    EXPECT_EQ(got.verdict, delivery_verdict::sent) << name << ": " << got.detail;
  EXPECT_EQ(answered_, 4);
}

TEST_F(ReceiversOnSockets, AreToldNothingWhereTheyCannotBeVerified) {
  const test::certificate_authority stranger;
  struct doubt {
    std::unique_ptr<listener> server;
    const char* why;
  };
  doubt table[] = {{listen(stranger, {.names = {"DNS:localhost"}}), "not trusted"},
                   {listen(ca_, {.names = {"DNS:example.com"}}), "hostname mismatch"},
                   {listen(ca_, {.names = {"DNS:localhost"}, .when = test::validity::over}), "expired"}};
  for (const auto& [server, why] : table) {
    for (const auto& [name, got] : tell_all(named(*server, "localhost"), server.get())) {
      EXPECT_EQ(got.verdict, delivery_verdict::retry) << name << " " << why;
      EXPECT_EQ(got.reason, delivery_reason::network) << name << " " << why;
      EXPECT_THAT(got.detail, AllOf(HasSubstr("TLS handshake"), HasSubstr(why),
                                    HasSubstr("https://localhost"), Not(HasSubstr("s3cret"))))
          << name;
    }
  }
  EXPECT_EQ(answered_, 0);
}

TEST_F(ReceiversOnSockets, AreTriedAgainWhereNobodyListens) {
  auto gone = std::move(world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0).value());
  const origin at = gone->local();
  gone->close();
  gone.reset();
  for (const auto& [name, got] : tell_all(at)) {
    EXPECT_EQ(got.verdict, delivery_verdict::retry) << name;
    EXPECT_EQ(got.reason, delivery_reason::network) << name;
    EXPECT_THAT(got.detail, AllOf(HasSubstr(at.text()), HasSubstr("refused"), Not(HasSubstr("s3cret"))))
        << name;
  }
}

// The name is reserved for what does not exist (RFC 6761 §6.4). Where the resolver is silent, it is a
// timeout.
TEST_F(ReceiversOnSockets, AreTriedAgainWhereTheNameDoesNotResolve) {
  for (const auto& [name, got] : tell_all({security::plain, "receiver.invalid", 80})) {
    EXPECT_EQ(got.verdict, delivery_verdict::retry) << name;
    EXPECT_THAT(got.reason, testing::AnyOf(delivery_reason::network, delivery_reason::timed_out)) << name;
    EXPECT_THAT(got.detail, AllOf(HasSubstr("receiver.invalid"), Not(HasSubstr("s3cret")))) << name;
  }
}

}  // namespace
}  // namespace pushguard::alerts
