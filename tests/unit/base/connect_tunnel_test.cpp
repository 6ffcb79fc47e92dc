#include "base/connect_tunnel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/deadline.hpp"
#include "base/task_group.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A proxy made of bare bytes: it reads a request's header, says its text, and closes or stays silent.
class ConnectTunnel : public testing::Test {
 protected:
  enum class afterwards { closes, waits };

  /// Connects through the proxy within a minute and keeps what was read behind its answer.
  result<> open(const std::string& answer, afterwards then = afterwards::closes) {
    asked_.clear();
    behind_.clear();
    std::optional<result<>> outcome;
    simulate(context_, time_, play(answer, then, outcome));
    return *outcome;
  }

  asio::awaitable<void> play(std::string answer, afterwards then, std::optional<result<>>& outcome) {
    const auto listening = net_->listen(context_.get_executor(), "proxy", 3128).value();
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(serve(*listening, std::move(answer), then));
    outcome.emplace(co_await with_deadline(time_, time_.steady_now() + 1min, "the proxy", use()));
    tasks.cancel();
    co_await tasks.join();
  }

  asio::awaitable<void> serve(listener& on, std::string answer, afterwards then) {
    const auto wire = co_await on.accept();
    char next = 0;
    while (!asked_.ends_with("\r\n\r\n")) {
      const auto got = co_await (*wire)->read_some(std::span(&next, 1));
      if (!got || *got == 0)
        co_return;
      asked_ += next;
    }
    const auto written = co_await (*wire)->write(answer);
    if (written && then == afterwards::waits)
      co_await time_.sleep_for(1h);
  }

  asio::awaitable<result<>> use() {
    connect_options options;
    options.proxies = std::make_shared<const proxy_rules>(proxy_rules{.via = through_});
    const auto made = co_await net_->connect(to_, options);
    if (!made)
      co_return std::unexpected(made.error());
    std::string piece(100, '\0');
    for (auto got = co_await (*made)->read_some(piece); got && *got > 0;
         got = co_await (*made)->read_some(piece))
      behind_.append(piece, 0, *got);
    co_return result<>{};
  }

  fake_time time_;
  asio::io_context context_;
  std::unique_ptr<network> net_ = make_pipe_network();
  proxy through_{.at = {security::plain, "proxy", 3128}};
  origin to_{security::tls, "example.com", 443};
  std::string asked_;
  std::string behind_;
};

TEST_F(ConnectTunnel, AsksForHostAndPortAndLeavesWhatTheServerSaysFirst) {
  for (const std::string answer :
       {"HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200 OK\r\nVia: x\r\n\r\n",
        "HTTP/1.1 204 \r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}) {
    const auto opened = open(answer + "220 ready\r\n\r\nHTTP");
    ASSERT_TRUE(opened.has_value()) << answer << opened.error().text();
    EXPECT_EQ(behind_, "220 ready\r\n\r\nHTTP") << answer;
    EXPECT_THAT(asked_, StartsWith("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n"
                                   "User-Agent: pushguard/"));
    EXPECT_THAT(asked_, Not(HasSubstr("Proxy-Authorization")));
  }
}

TEST_F(ConnectTunnel, PutsAnAddressOfIpv6InBrackets) {
  to_ = {security::plain, "2001:db8::1", 80};
  ASSERT_TRUE(open("HTTP/1.1 200 OK\r\n\r\n").has_value());
  EXPECT_THAT(asked_, StartsWith("CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n"));
}

TEST_F(ConnectTunnel, SendsCredentialsAndKeepsThemOutOfErrors) {
  through_ = parse_proxy("http://Aladdin:open%20sesame@proxy:3128").value();
  const auto opened = open("HTTP/1.1 407 open sesame\r\nProxy-Authenticate: Basic\r\n\r\nopen sesame");
  EXPECT_THAT(asked_, HasSubstr("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
  ASSERT_FALSE(opened.has_value());
  EXPECT_TRUE(opened.error().is(errc::rejected));
  EXPECT_EQ(opened.error().text(),
            "https://example.com: the proxy http://proxy:3128 refused to connect to example.com:443: "
            "407 Proxy Authentication Required");
}

TEST_F(ConnectTunnel, SaysWhatAHostileProxyDid) {
  struct hostility {
    std::string answer;
    errc kind;
    std::string_view says;
  };
  const hostility table[] = {
      {"HTTP/1.1 403 No\r\n\r\n", errc::rejected, "refused to connect to example.com:443: 403 Forbidden"},
      {"HTTP/1.1 502 Oh\r\nContent-Length: 13\r\n\r\n<html></html>", errc::unreachable, ": 502 Bad Gateway"},
      {"HTTP/1.1 302 Found\r\nLocation: http://evil\r\n\r\n", errc::unreachable, ": 302 Found"},
      {"", errc::unreachable, "it ended the connection without an answer"},
      {"HTTP/1.1 200 OK\r\nVia", errc::unreachable, "in the middle of its answer"},
      {"SSH-2.0-OpenSSH_9.2\r\n", errc::unreachable, "its answer is not HTTP/1"},
      {"HTTP/2 200\r\n\r\n", errc::unreachable, "its answer is not HTTP/1"},
      {"HTTP/1.1 two hundred\r\n\r\n", errc::unreachable, "its answer cannot be read"},
      {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", errc::unreachable, "its answer cannot be read"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), errc::unreachable, "larger than 16384 bytes"}};
  for (const auto& [answer, kind, says] : table) {
    const auto opened = open(answer);
    ASSERT_FALSE(opened.has_value()) << answer;
    EXPECT_TRUE(opened.error().is(kind)) << opened.error().text();
    EXPECT_THAT(opened.error().text(), HasSubstr(says));
    EXPECT_THAT(opened.error().text(), HasSubstr("proxy http://proxy:3128"));
  }
  std::string interim;
  for (int i = 0; i < 20; ++i)
    interim += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_THAT(open(interim).error().text(), HasSubstr("more than 8 interim answers"));
}

TEST_F(ConnectTunnel, GivesUpASilentProxyWithTheCaller) {
  for (const char* answer : {"", "HTTP/1.1 200 OK\r\n"}) {
    const auto opened = open(answer, afterwards::waits);
    ASSERT_FALSE(opened.has_value());
    EXPECT_TRUE(opened.error().is(errc::timed_out));
  }
}

TEST_F(ConnectTunnel, NamesTheProxyThatCannotBeReached) {
  through_.at.port = 1;
  EXPECT_EQ(open("").error().text(),
            "https://example.com: through the proxy http://proxy:1: http://proxy:1: connecting: nobody "
            "listens there");
}

}  // namespace
}  // namespace pushguard::test
