#include "base/tls_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/quick_time.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/tls_client.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string content_of(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

class TlsServer : public testing::Test {
 protected:
  tls_server_settings settings(const std::string& common_name = "first") {
    const certificate_chain chain = ca_.issue({.names = {"IP:127.0.0.1"}, .common_name = common_name});
    return {.certificate = chain.certificate, .key = secret(chain.key)};
  }

  /// Asks clients for certificates of `client_ca_`.
  tls_server_settings settings_for(client_certificates clients, std::vector<std::string> names = {}) {
    tls_server_settings made = settings();
    made.client_ca = content_of(client_ca_.file());
    made.clients = clients;
    made.client_names = std::move(names);
    return made;
  }

  void use(const tls_server_settings& wanted) {
    auto made = make_tls_server_context(wanted);
    ASSERT_TRUE(made) << made.error().front().message;
    context_ = std::move(*made);
  }

  void play(std::function<asio::awaitable<void>()> body) {
    listener_ =
        listen_secured(
            world_->context().get_executor(), "127.0.0.1", 0, [this] { return context_; }, time_, log_)
            .value();
    world_->run([](TlsServer& self, std::function<asio::awaitable<void>()> what) -> asio::awaitable<void> {
      task_group tasks(co_await asio::this_coro::executor);
      tasks.spawn(serve_http(*self.listener_, &TlsServer::answer, {}, self.time_, self.log_));
      co_await what();
      tasks.cancel();
      co_await tasks.join();
    }(*this, std::move(body)));
  }

  static asio::awaitable<http_reply> answer(const http_request&) {
    http_reply reply;
    reply.body = "hello";
    co_return reply;
  }

  asio::awaitable<result<tls_answer>> ask(tls_client_wish wish = {}) {
    wish.ca_file = ca_.file();
    return ask_over_tls(listener_->local(), std::move(wish), last_get("/"));
  }

  /// What one client gets; how it fails, where it does.
  std::string outcome(tls_client_wish wish = {}) {
    std::string got;
    play([&]() -> asio::awaitable<void> {
      const auto answered = co_await ask(std::move(wish));
      got = answered ? answered->text.substr(answered->text.rfind('\n') + 1)
                     : "failed: " + answered.error().text();
    });
    return got;
  }

  certificate_chain client(const std::vector<std::string>& names = {}) {
    return client_ca_.issue({.names = names, .use = certificate_use::client});
  }

  std::unique_ptr<net_world> world_ = make_socket_world();
  quick_time time_{20};
  recording_logger log_;
  certificate_authority ca_;
  certificate_authority client_ca_;
  std::shared_ptr<const tls_server_context> context_;
  std::unique_ptr<listener> listener_;
};

TEST_F(TlsServer, AnswersUnderTls) {
  use(settings());
  EXPECT_EQ(outcome(), "hello");
  EXPECT_EQ(listener_->local().security, security::tls);
}

TEST_F(TlsServer, IsReachedByOurOwnClient) {
  use(settings());
  play([&]() -> asio::awaitable<void> {
    const auto wire =
        co_await world_->net().connect(listener_->local(), {.trust = load_tls_trust(ca_.file()).value()});
    EXPECT_TRUE(wire) << wire.error().text();
    if (!wire)
      co_return;
    co_await (*wire)->write(last_get("/"));
    std::string text;
    std::array<char, 1000> piece{};
    for (;;) {
      const auto got = co_await (*wire)->read_some(piece);
      if (!got || *got == 0)
        break;
      text.append(piece.data(), *got);
    }
    EXPECT_THAT(text, EndsWith("hello"));
  });
}

TEST_F(TlsServer, SpeaksInTheClearWhereNothingIsGiven) {
  std::string text;
  play([&]() -> asio::awaitable<void> {
    EXPECT_EQ(listener_->local().security, security::plain);
    const auto wire = co_await world_->net().connect(listener_->local(), {});
    co_await wire.value()->write(last_get("/"));
    std::array<char, 1000> piece{};
    const auto got = co_await wire.value()->read_some(piece);
    text.assign(piece.data(), got.value());
  });
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 200 OK"));
}

TEST_F(TlsServer, LooksAtCertificatesOfClientsAsItIsTold) {
  const certificate_authority stranger;
  const std::optional<certificate_chain> none;
  const std::optional<certificate_chain> right = client();
  const std::optional<certificate_chain> wrong = stranger.issue({.use = certificate_use::client});
  const std::optional<certificate_chain> of_a_server = client_ca_.issue({.use = certificate_use::server});
  const std::optional<certificate_chain> over =
      client_ca_.issue({.when = validity::over, .use = certificate_use::client});
  struct meeting {
    client_certificates clients;
    std::optional<certificate_chain> shown;
    bool is_let_in;
  };
  using clients = client_certificates;
  const meeting table[] = {
      {clients::ignored, none, true},
      {clients::ignored, wrong, true},
      {clients::requested, none, true},
      {clients::requested, wrong, true},
      {clients::required, none, false},
      {clients::required, wrong, true},
      {clients::verified_if_given, none, true},
      {clients::verified_if_given, wrong, false},
      {clients::verified_if_given, right, true},
      {clients::verified, none, false},
      {clients::verified, wrong, false},
      {clients::verified, over, false},
      {clients::verified, of_a_server, false},
      {clients::verified, right, true},
  };
  for (const tls_client_version version : {tls_client_version::any, tls_client_version::only_1_2}) {
    for (const meeting& each : table) {
      use(settings_for(each.clients));
      log_.clear();
      const std::string got = outcome({.ca_file = {}, .own = each.shown, .version = version});
      EXPECT_EQ(got == "hello", each.is_let_in) << &each - std::begin(table) << ": " << got;
      EXPECT_THAT(log_.lines_of("tls_handshake_failed"), SizeIs(each.is_let_in ? 0 : 1));
    }
  }
}

TEST_F(TlsServer, LogsWhoWasRefusedAndWhyAtDebug) {
  use(settings_for(client_certificates::verified));
  outcome();
  const certificate_authority stranger;
  outcome({.ca_file = {}, .own = stranger.issue({.use = certificate_use::client})});
  EXPECT_THAT(
      log_.lines_of("tls_handshake_failed"),
      ElementsAre(AllOf(HasSubstr("level=debug"), HasSubstr("peer=127.0.0.1:"), HasSubstr("certificate")),
                  HasSubstr("the client's certificate is refused: ")));
}

TEST_F(TlsServer, LetsInOnlyTheNamesItIsTold) {
  for (const char* name : {"DNS:a.example.com", "IP:10.0.0.1", "IP:fd00::1", "email:ann@example.com",
                           "URI:spiffe://example.com/prometheus"}) {
    const std::string value = std::string(name).substr(std::string_view(name).find(':') + 1);
    use(settings_for(client_certificates::verified, {"other", value}));
    EXPECT_EQ(outcome({.ca_file = {}, .own = client({"DNS:b.example.com", name})}), "hello") << name;
    use(settings_for(client_certificates::verified, {"other", value + "x"}));
    EXPECT_THAT(outcome({.ca_file = {}, .own = client({name})}), HasSubstr("failed")) << name;
  }
  use(settings_for(client_certificates::verified, {"a.example.com"}));
  EXPECT_THAT(outcome({.ca_file = {}, .own = client()}), HasSubstr("failed")) << "it has no name at all";
}

TEST_F(TlsServer, SpeaksTheVersionsItIsTold) {
  tls_server_settings wanted = settings();
  wanted.version_min = tls_protocol::tls_1_3;
  use(wanted);
  EXPECT_THAT(outcome({.ca_file = {}, .version = tls_client_version::only_1_2}), HasSubstr("failed"));
  EXPECT_EQ(outcome(), "hello");
  wanted.version_min = wanted.version_max = tls_protocol::tls_1_2;
  use(wanted);
  EXPECT_EQ(outcome({.ca_file = {}, .version = tls_client_version::only_1_2}), "hello");
  EXPECT_EQ(outcome(), "hello");
}

TEST_F(TlsServer, TakesCipherSuitesInItsOwnOrderOrThePeers) {
  const std::string first = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
  const std::string second = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
  for (const bool prefers_own : {true, false}) {
    tls_server_settings wanted = settings();
    wanted.version_max = tls_protocol::tls_1_2;
    wanted.cipher_suites = {first, second};
    wanted.curves = {"P-256"};
    wanted.prefers_own_order = prefers_own;
    use(wanted);
    play([&]() -> asio::awaitable<void> {
      const auto got = co_await ask(
          {.ca_file = {}, .cipher_suites = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"});
      EXPECT_EQ(got ? got->cipher_suite : got.error().text(), prefers_own ? first : second);
    });
    EXPECT_THAT(outcome({.ca_file = {}, .cipher_suites = "ECDHE-ECDSA-CHACHA20-POLY1305"}),
                HasSubstr("failed"));
  }
}

TEST_F(TlsServer, PresentsToTheNextConnectionWhatItIsGivenMeanwhile) {
  use(settings("first"));
  std::vector<std::string> seen;
  play([&]() -> asio::awaitable<void> {
    for (const char* next : {"second", "third", ""}) {
      const auto got = co_await ask();
      seen.push_back(got ? got->common_name : got.error().text());
      if (*next != '\0')
        use(settings(next));
    }
  });
  EXPECT_THAT(seen, ElementsAre("first", "second", "third"));
}

TEST_F(TlsServer, LetsASilentPeerDelayNobodyAndGivesItUp) {
  use(settings());
  play([&]() -> asio::awaitable<void> {
    origin plain = listener_->local();
    plain.security = security::plain;
    const steady_time start = time_.steady_now();
    const auto silent = co_await world_->net().connect(plain, {});
    const auto slow = co_await world_->net().connect(plain, {});
    co_await slow.value()->write(std::string_view("\x16\x03\x01", 3));
    for (int i = 0; i < 3; ++i) {
      const auto got = co_await ask();
      EXPECT_TRUE(got) << got.error().text();
    }
    EXPECT_THAT(log_.lines_of("tls_handshake_failed"), IsEmpty());
    std::array<char, 100> piece{};
    const auto ended = co_await silent.value()->read_some(piece);
    EXPECT_TRUE(!ended || *ended == 0);
    EXPECT_GE(time_.steady_now() - start, 10s);
    const auto ended_too = co_await slow.value()->read_some(piece);
    EXPECT_TRUE(!ended_too || *ended_too == 0);
  });
  EXPECT_THAT(log_.lines_of("tls_handshake_failed"),
              Contains(HasSubstr("did not finish the TLS handshake in time")));
}

TEST_F(TlsServer, IsNotHarmedByThoseWhoSpeakNoTls) {
  use(settings());
  play([&]() -> asio::awaitable<void> {
    origin plain = listener_->local();
    plain.security = security::plain;
    for (const std::string& noise :
         {last_get("/metrics"), std::string(5000, '\0'), std::string("\x16\x03\x01\xff\xff")}) {
      const auto wire = co_await world_->net().connect(plain, {});
      co_await wire.value()->write(noise);
      wire.value()->end_writing();
      std::array<char, 1000> piece{};
      for (;;) {
        const auto got = co_await wire.value()->read_some(piece);
        if (!got || *got == 0)
          break;
        EXPECT_EQ(std::string(piece.data(), *got).find("hello"), std::string::npos);
      }
    }
    const auto got = co_await ask();
    EXPECT_TRUE(got) << got.error().text();
  });
  EXPECT_THAT(log_.lines_of("tls_handshake_failed"), SizeIs(3));
}

TEST(TlsServerContext, SaysWhatIsWrong) {
  const certificate_authority ca;
  const certificate_chain chain = ca.issue({});
  const auto problems_of = [](const tls_server_settings& settings) {
    const auto made = make_tls_server_context(settings);
    std::vector<tls_setting> wrong;
    if (!made) {
      for (const tls_setting_problem& each : made.error())
        wrong.push_back(each.setting);
    }
    return wrong;
  };
  const tls_server_settings right{.certificate = chain.certificate, .key = secret(chain.key)};
  EXPECT_THAT(problems_of(right), IsEmpty());
  tls_server_settings wrong = right;
  wrong.certificate =
      wrong.certificate + "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(problems_of(wrong), ElementsAre(tls_setting::certificate)) << "one of a chain is enough";
  wrong = right;
  wrong.key = secret(ca.issue({}).key);
  EXPECT_THAT(problems_of(wrong), ElementsAre(tls_setting::key));
  wrong = right;
  wrong.client_ca = "nothing";
  wrong.cipher_suites = {"TLS_NULL_WITH_NULL_NULL"};
  wrong.curves = {"P-1"};
  EXPECT_THAT(problems_of(wrong),
              ElementsAre(tls_setting::client_ca, tls_setting::cipher_suites, tls_setting::curves));
  EXPECT_THAT(known_cipher_suites(), Contains("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"));
  EXPECT_FALSE(make_tls_server_context(right).value()->is_expired());
}

}  // namespace
}  // namespace pushguard::test
