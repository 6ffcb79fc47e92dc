#include "base/http_server.hpp"

#include "tests/unit/base/http_exchange.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

/// The server's deadlines, on simulated time; what needs no waiting is in http_exchange_cases.cpp.
class HttpServer : public testing::Test {
 protected:
  [[nodiscard]] duration since(steady_time start) {
    return std::chrono::duration_cast<duration>(on_.time().steady_now() - start);
  }

  http_exchange on_{make_pipe_world()};
};

TEST_F(HttpServer, GivesUpOnAHeaderThatTricklesIn) {
  on_.serve(answer_with({}), {.header = 10s});
  on_.play([&]() -> asio::awaitable<void> {
    const auto wire = co_await on_.connect();
    co_await on_.time().sleep_for(9s);  // a pause before the first byte does not count
    const steady_time start = on_.time().steady_now();
    task_group reading(co_await asio::this_coro::executor);
    std::optional<std::string> answer;
    reading.spawn(store(http_exchange::read_all(*wire), answer));
    co_await wire->write("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    while (!answer && since(start) < 1h) {
      co_await wire->write("y");
      co_await on_.time().sleep_for(1s);
    }
    co_await reading.join();
    EXPECT_THAT(answer.value(), StartsWith("HTTP/1.1 408 "));
    EXPECT_GE(since(start), 10s);
    EXPECT_LE(since(start), 14s) << "lingering included";
  });
}

TEST_F(HttpServer, GivesUpOnABodyThatTricklesIn) {
  on_.serve(answer_with({}), {.body = 30s});
  on_.play([&]() -> asio::awaitable<void> {
    const steady_time start = on_.time().steady_now();
    const std::string got = co_await on_.talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfour");
    EXPECT_THAT(got, StartsWith("HTTP/1.1 408 "));
    EXPECT_EQ(since(start), 30s);
  });
}

TEST_F(HttpServer, ClosesAConnectionOnWhichNothingIsAsked) {
  on_.serve(answer_with({}), {.header = 10s, .idle = 120s});
  on_.play([&]() -> asio::awaitable<void> {
    steady_time start = on_.time().steady_now();
    const std::string nothing = co_await on_.talk("");
    EXPECT_EQ(nothing, "");
    EXPECT_EQ(since(start), 10s);

    start = on_.time().steady_now();
    const std::string one = co_await on_.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(one, HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_EQ(since(start), 120s);
  });
}

TEST_F(HttpServer, GivesUpOnAPeerThatDoesNotReadAndTellsTheProducer) {
  std::optional<failure> told;
  on_.serve(
      [&](const http_request&) -> asio::awaitable<http_reply> {
        http_reply reply;
        reply.stream = [&](body_writer& to) -> asio::awaitable<result<>> {
          while (true) {
            const auto written = co_await to.write(std::string(10'000, 'x'));
            if (!written) {
              told = written.error();
              co_return written;
            }
          }
        };
        co_return reply;
      },
      {.write = 30s});
  on_.play([&]() -> asio::awaitable<void> {
    const auto wire = co_await on_.connect();
    co_await wire->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await on_.time().sleep_for(29s);
    EXPECT_FALSE(told.has_value());
    co_await on_.time().sleep_for(2s);
    EXPECT_TRUE(told.value().is(errc::timed_out));
  });
}

TEST_F(HttpServer, GivesASlowButLivingPeerTheWholeOfALargeBody) {
  const std::string body(2'000'000, 'x');
  on_.serve(answer_with({.body = body}), {.write = 30s});
  on_.play([&]() -> asio::awaitable<void> {
    const auto wire = co_await on_.connect();
    co_await wire->write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    std::string got;
    std::vector<char> piece(64UZ * 1024);
    while (true) {
      co_await on_.time().sleep_for(5s);
      const auto size = co_await wire->read_some(piece);
      if (!size || *size == 0) {
        break;
      }
      got.append(piece.data(), *size);
    }
    EXPECT_EQ(got.size() - got.find("\r\n\r\n") - 4, body.size());
  });
}

TEST_F(HttpServer, EndsWhenItsListenerIsClosed) {
  auto listener =
      std::move(on_.world().net().listen(on_.world().context().get_executor(), "127.0.0.1", 0).value());
  on_.play([&]() -> asio::awaitable<void> {
    task_group tasks(co_await asio::this_coro::executor);
    tasks.spawn(serve_http(*listener, answer_with({}), {}, on_.time(), on_.log()));
    co_await on_.time().sleep_for(1s);
    listener->close();
    co_await tasks.join();
  });
}

TEST_F(HttpServer, DatesItsAnswers) {
  on_.serve(answer_with({}));
  on_.play([&]() -> asio::awaitable<void> {
    const std::string got = co_await on_.talk("GET / HTTP/1.0\r\n\r\n");
    // Simulated time begins 365 · 55 days after the epoch.
    EXPECT_THAT(got, HasSubstr("\r\nDate: Wed, 18 Dec 2024 00:00:00 GMT\r\n"));
  });
}

class HttpRouter : public testing::Test {
 protected:
  static route_handler say(const std::string& text) {
    return [text](const http_request&, const path_parts& parts) -> asio::awaitable<http_reply> {
      http_reply reply{.body = text};
      for (const std::string& part : parts) {
        reply.body += "|" + part;
      }
      co_return reply;
    };
  }

  http_reply ask(std::string method, std::string target) {
    std::optional<http_reply> reply;
    const http_request request{.method = std::move(method), .target = std::move(target)};
    world_->run(store(router_(request), reply));
    return std::move(reply.value());
  }

  std::unique_ptr<net_world> world_ = make_pipe_world();
  http_router router_;
};

TEST_F(HttpRouter, FindsLiteralPathsAndNamedParts) {
  router_.add("GET", "/", say("root"));
  router_.add("GET", "/a/b", say("literal"));
  router_.add("GET", "/a/{name}", say("named"));
  router_.add("POST", "/{x}/{y}/end", say("two"));
  EXPECT_EQ(ask("GET", "/").body, "root");
  EXPECT_EQ(ask("GET", "/a/b").body, "literal");
  EXPECT_EQ(ask("GET", "/a/c?d=e").body, "named|c");
  EXPECT_EQ(ask("GET", "/a/x%2Fy%20z+").body, "named|x/y z+");
  EXPECT_EQ(ask("GET", "/%61/%62").body, "literal");
  EXPECT_EQ(ask("POST", "/1/2/end").body, "two|1|2");
  EXPECT_EQ(ask("HEAD", "/a/b").body, "literal");
}

TEST_F(HttpRouter, Answers404WhereNoPathMatches) {
  router_.add("GET", "/a/{name}", say("named"));
  for (const char* target : {"/", "/a", "/a/", "/a/b/c", "/a/b/", "/A/b", "//a/b", "", "/a%2Fb"}) {
    const http_reply reply = ask("GET", target);
    EXPECT_EQ(reply.status, 404) << target;
    EXPECT_THAT(reply.body, StartsWith(R"({"error":{"code":"not_found","message":")")) << target;
  }
}

TEST_F(HttpRouter, Answers405WithTheMethodsThatArePossible) {
  router_.add("GET", "/a", say("get"));
  router_.add("POST", "/a", say("post"));
  router_.add("POST", "/b", say("post"));
  const http_reply a = ask("DELETE", "/a");
  EXPECT_EQ(a.status, 405);
  EXPECT_EQ(a.headers.find("Allow"), "GET, HEAD, POST");
  const http_reply b = ask("HEAD", "/b");
  EXPECT_EQ(b.status, 405);
  EXPECT_EQ(b.headers.find("Allow"), "POST");
}

TEST_F(HttpRouter, TellsItsRoutesInTheOrderInWhichTheyCame) {
  EXPECT_THAT(router_.routes(), testing::IsEmpty());
  router_.add("POST", "/a/{name}", say("post"));
  router_.add("GET", "/", say("get"));
  EXPECT_THAT(router_.routes(), testing::ElementsAre("POST /a/{name}", "GET /"));
}

TEST(ErrorReply, IsJsonWhateverTheTextHolds) {
  const http_reply reply = error_reply(409, "con\"flict", "line\nbreak \xff");
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(reply.headers.find("Content-Type"), "application/json");
  EXPECT_EQ(reply.body, "{\"error\":{\"code\":\"con\\\"flict\",\"message\":\"line\\nbreak \xEF\xBF\xBD\"}}");
}

}  // namespace
}  // namespace pushguard::test
