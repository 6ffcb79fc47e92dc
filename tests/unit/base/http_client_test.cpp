#include "base/http_client.hpp"

#include "tests/unit/base/http_exchange.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// The client's deadlines, on simulated time; what needs no waiting is in http_exchange_cases.cpp.
class HttpClient : public testing::Test {
 protected:
  /// How long `task` takes.
  template <class T>
  asio::awaitable<duration> time_of(asio::awaitable<T> task, std::optional<T>& into) {
    const steady_time start = on_.time().steady_now();
    into.emplace(co_await std::move(task));
    co_return std::chrono::duration_cast<duration>(on_.time().steady_now() - start);
  }

  http_exchange on_{make_pipe_world()};
  std::optional<result<http_response>> got_;
};

TEST_F(HttpClient, GivesUpOnAPeerThatDoesNotRead) {
  on_.serve_bytes([&](transport&) -> asio::awaitable<void> { co_await on_.time().sleep_for(1h); });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const http_request large{.method = "POST", .body = std::string(200'000, 'x')};
    const duration took = co_await time_of(client->send(large, {.limits = {.write = 7s}}), got_);
    EXPECT_EQ(took, 7s);
    EXPECT_TRUE(got_->error().is(errc::timed_out));
    EXPECT_EQ(got_->error().text(), on_.server().text() + ": sending the request: timed out");
  });
}

TEST_F(HttpClient, GivesUpOnAPeerThatDoesNotAnswer) {
  on_.serve_bytes([&](transport& wire) -> asio::awaitable<void> {
    co_await wire.write("HTTP/1.1 200 OK\r\nContent-");
    co_await on_.time().sleep_for(1h);
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const duration took =
        co_await time_of(client->send({.target = "/x?token=hidden"}, {.limits = {.header = 9s}}), got_);
    EXPECT_EQ(took, 9s);
    EXPECT_TRUE(got_->error().is(errc::timed_out));
    EXPECT_EQ(got_->error().text(), on_.server().text() + ": waiting for the answer: timed out");
  });
}

TEST_F(HttpClient, BoundsTheTimeOfTheWholeBodyNotOfItsPieces) {
  on_.serve_bytes([&](transport& wire) -> asio::awaitable<void> {
    co_await wire.write("HTTP/1.1 200 OK\r\n\r\n");
    while (true) {
      const auto written = co_await wire.write(".");
      if (!written) {
        co_return;
      }
      co_await on_.time().sleep_for(1s);
    }
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const duration took = co_await time_of(client->send({}, {.limits = {.body = 30s}}), got_);
    EXPECT_EQ(took, 30s);
    EXPECT_TRUE(got_->error().is(errc::timed_out));
    EXPECT_EQ(got_->error().text(), on_.server().text() + ": reading the answer's body: timed out");
  });
}

TEST_F(HttpClient, AnAnswerJustInTimeIsAnAnswer) {
  on_.serve([&](const http_request&) -> asio::awaitable<http_reply> {
    co_await on_.time().sleep_for(8999ms);
    co_return http_reply{.body = "late"};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto response = co_await client->send({}, {.limits = {.header = 9s}});
    EXPECT_EQ(response.value().body, "late");
  });
}

TEST_F(HttpClient, UsesAKeptConnectionUntilItsTimeIsOver) {
  on_.serve(answer_with({}), {.idle = 1h});
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client({.idle_max = 60s});
    co_await client->send({});
    co_await on_.time().sleep_for(60s);
    co_await client->send({});
    EXPECT_EQ(on_.accepted(), 1);
    co_await on_.time().sleep_for(60s + 1ms);
    co_await client->send({});
    EXPECT_EQ(on_.accepted(), 2);
  });
}

TEST_F(HttpClient, DoesNotKeepAConnectionThatTimedOut) {
  int requests = 0;
  on_.serve([&](const http_request&) -> asio::awaitable<http_reply> {
    if (++requests == 1) {
      co_await on_.time().sleep_for(1h);
    }
    co_return http_reply{.body = "second"};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client({.connections_max = 1});
    const auto first = co_await client->send({});
    EXPECT_TRUE(first.error().is(errc::timed_out));
    const auto second = co_await client->send({});
    EXPECT_EQ(second.value().body, "second");
  });
  EXPECT_EQ(on_.accepted(), 2);
}

TEST_F(HttpClient, BoundsTheLineOfWaitingRequests) {
  on_.serve([&](const http_request&) -> asio::awaitable<http_reply> {
    co_await on_.time().sleep_for(1ms);
    co_return http_reply{};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client({.connections_max = 1});
    constexpr std::size_t one_too_many = 1 + 1024 + 1;
    std::vector<std::optional<result<http_response>>> got(one_too_many);
    task_group tasks(co_await asio::this_coro::executor);
    for (auto& each : got) {
      tasks.spawn(store(client->send({}), each));
    }
    co_await tasks.join();
    std::size_t answered = 0;
    for (const auto& each : got) {
      answered += each.value().has_value() ? 1 : 0;
    }
    EXPECT_EQ(answered, one_too_many - 1);
    EXPECT_TRUE(got.back().value().error().is(errc::unavailable));
  });
}

TEST_F(HttpClient, FailuresNameNoHeaderAndNoTarget) {
  on_.serve_bytes("nonsense\r\n\r\n");
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto response =
        co_await client->send({.target = "/x?hidden", .headers = {{"Authorization", "Bearer hidden"}}});
    EXPECT_THAT(response.error().text(), Not(HasSubstr("hidden")));
    const auto refused = co_await client->send({.headers = {{"Authorization", "Bearer hidden\r\n"}}});
    EXPECT_THAT(refused.error().text(), Not(HasSubstr("hidden")));
    EXPECT_THAT(refused.error().text(), HasSubstr("Authorization"));
  });
}

}  // namespace
}  // namespace pushguard::test
