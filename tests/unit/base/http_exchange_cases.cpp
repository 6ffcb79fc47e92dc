// What client and server promise on any carrier. The cases run over pipes in the unit tests and over
// loopback sockets in the integration tests.

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "base/condition.hpp"
#include "base/gzip.hpp"
#include "tests/unit/base/http_exchange.hpp"

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string pattern_text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>('a' + i % 23);
  }
  return text;
}

http_reply echo(const http_request& request) {
  http_reply reply{.status = 201, .headers = {{"X-Target", request.target}, {"X-Method", request.method}}};
  reply.body = request.body;
  return reply;
}

asio::awaitable<http_reply> echo_handler(const http_request& request) {
  co_return echo(request);
}

TEST_P(HttpExchange, CarriesMethodTargetHeadersAndBodiesBothWays) {
  http_request seen;
  on_.serve([&](const http_request& request) -> asio::awaitable<http_reply> {
    seen = request;
    co_return echo(request);
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto response = co_await client->send({.method = "PATCH",
                                                 .target = "/services/data?q=a%20b",
                                                 .headers = {{"Authorization", "Bearer x"}},
                                                 .body = "{\"a\":1}"});
    EXPECT_EQ(response.value().status, 201);
    EXPECT_EQ(response->body, "{\"a\":1}");
    EXPECT_EQ(response->headers.find("x-method"), "PATCH");
    EXPECT_TRUE(response->headers.find("Date").has_value());
  });
  EXPECT_EQ(seen.path(), "/services/data");
  EXPECT_EQ(seen.query("q"), "a b");
  EXPECT_EQ(seen.headers.find("authorization"), "Bearer x");
  EXPECT_EQ(seen.headers.find("host"), on_.server().authority());
  EXPECT_EQ(seen.headers.find("content-length"), "7");
  EXPECT_THAT(std::string(seen.headers.find("user-agent").value()), StartsWith("pushguard/"));
}

TEST_P(HttpExchange, KeepsAConnectionForTheNextRequest) {
  on_.serve(echo_handler);
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (int i = 0; i < 5; ++i) {
      const auto response = co_await client->send({.method = "POST", .body = pattern_text(100)});
      EXPECT_EQ(response.value().body.size(), 100U);
    }
  });
  EXPECT_EQ(on_.accepted(), 1);
}

TEST_P(HttpExchange, CarriesBodiesLargerThanAnyBuffer) {
  const std::string body = pattern_text(900'000);
  on_.serve(echo_handler);
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto response = co_await client->send({.method = "POST", .body = body});
    EXPECT_TRUE(response.value().body == body);
  });
}

TEST_P(HttpExchange, StreamsABodyInChunks) {
  on_.serve([](const http_request&) -> asio::awaitable<http_reply> {
    http_reply reply;
    reply.stream = [](body_writer& to) -> asio::awaitable<result<>> {
      for (const std::string_view piece : {"first,", "", "second,", "third"}) {
        const auto written = co_await to.write(piece);
        if (!written) {
          co_return written;
        }
      }
      co_return co_await to.write(pattern_text(300'000));
    };
    co_return reply;
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto whole = co_await client->send({});
    EXPECT_TRUE(whole.value().body == "first,second,third" + pattern_text(300'000));
    EXPECT_EQ(whole->headers.find("Transfer-Encoding"), "chunked");

    std::string pieces;
    http_call call;
    call.on_body = [&pieces](std::string_view piece) -> result<> {
      pieces += piece;
      return {};
    };
    const auto streamed = co_await client->send({}, call);
    EXPECT_EQ(streamed.value().body, "");
    EXPECT_TRUE(pieces == whole->body);
  });
  EXPECT_EQ(on_.accepted(), 1);
}

TEST_P(HttpExchange, EndsTheExchangeWithTheFailureOfOnBody) {
  on_.serve(echo_handler);
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    http_call call;
    call.on_body = [](std::string_view) -> result<> { return fail(errc::conflict, "enough"); };
    const auto refused = co_await client->send({.method = "POST", .body = "text"}, call);
    EXPECT_TRUE(refused.error().is(errc::conflict));
    EXPECT_THAT(refused.error().text(), EndsWith("enough"));
    const auto next = co_await client->send({.method = "POST", .body = "text"});
    EXPECT_EQ(next.value().body, "text");
  });
}

TEST_P(HttpExchange, AnswersHeadAsGetWithoutTheBody) {
  on_.serve(echo_handler);
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto response = co_await client->send({.method = "HEAD"});
    EXPECT_EQ(response.value().headers.find("X-Method"), "GET");
    EXPECT_EQ(response->headers.find("Content-Length"), "0");
    EXPECT_EQ(response->body, "");
    co_await client->send({.method = "HEAD"});
  });
  EXPECT_EQ(on_.accepted(), 1);
}

TEST_P(HttpExchange, ReadsAnswersThatHaveNoBodyByTheirStatus) {
  on_.serve([](const http_request& request) -> asio::awaitable<http_reply> {
    co_return http_reply{.status = request.target == "/204" ? 204 : 304, .body = "never sent"};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (const char* target : {"/204", "/304"}) {
      const auto response = co_await client->send({.target = target});
      EXPECT_EQ(response.value().body, "") << target;
    }
  });
  EXPECT_EQ(on_.accepted(), 1);
}

TEST_P(HttpExchange, ReadsABodyThatEndsWithTheConnection) {
  on_.serve_bytes("HTTP/1.1 200 OK\r\n\r\nall of it");
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (int i = 0; i < 2; ++i) {
      const auto response = co_await client->send({});
      EXPECT_EQ(response.value().body, "all of it");
    }
  });
  EXPECT_EQ(on_.accepted(), 2);
}

TEST_P(HttpExchange, SkipsInterimAnswers) {
  on_.serve_bytes(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto response = co_await client->send({});
    EXPECT_EQ(response.value().status, 200);
    EXPECT_EQ(response->body, "ok");
    EXPECT_FALSE(response->headers.find("Link").has_value());
  });
}

TEST_P(HttpExchange, RefusesWhatIsNoAnswer) {
  struct garbage {
    std::string bytes;
    errc kind;
  };
  const std::string interim = "HTTP/1.1 102 Processing\r\n\r\n";
  std::string many_interim;
  for (int i = 0; i < 20; ++i) {
    many_interim += interim;
  }
  const std::vector<garbage> table = {
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n", errc::malformed},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", errc::closed},
      {"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\nab", errc::malformed},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", errc::closed},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", errc::malformed},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", errc::malformed},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       errc::malformed},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", errc::malformed},
      {"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", errc::malformed},
      {"HTTP/1.1 200 OK\r\nHalf: a head", errc::closed},
      {"HTTP/3.0 200 OK\r\n\r\n", errc::malformed},
      {many_interim, errc::malformed},
      {"", errc::closed}};
  std::size_t at = 0;
  on_.serve_bytes([&](transport& wire) -> asio::awaitable<void> {
    co_await http_exchange::read_through(wire, "\r\n\r\n");
    co_await wire.write(table[at].bytes);
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (at = 0; at < table.size(); ++at) {
      const auto response = co_await client->send({});
      EXPECT_FALSE(response.has_value()) << table[at].bytes;
      if (!response) {
        EXPECT_TRUE(response.error().is(table[at].kind)) << table[at].bytes << response.error().text();
        EXPECT_THAT(response.error().text(), StartsWith(on_.server().text() + ": ")) << table[at].bytes;
      }
    }
  });
}

TEST_P(HttpExchange, BoundsTheAnswersHeaderHoweverItComes) {
  const std::string long_line = "HTTP/1.1 200 OK\r\nA: " + std::string(5000, 'a') + "\r\n\r\n";
  std::string many_lines = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 100; ++i) {
    many_lines += "A: " + std::string(50, 'a') + "\r\n";
  }
  many_lines += "\r\n";
  const std::string endless = many_lines.substr(0, many_lines.size() - 2);
  const std::string endless_chunk =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + std::string(10'000, 'a');
  std::string bytes;
  std::size_t piece = 0;
  on_.serve_bytes([&](transport& wire) -> asio::awaitable<void> {
    co_await http_exchange::read_through(wire, "\r\n\r\n");
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      const auto written = co_await wire.write(std::string_view(bytes).substr(i, piece));
      if (!written) {
        break;
      }
      co_await on_.time().sleep_for(1ms);
    }
  });
  on_.play([&]() -> asio::awaitable<void> {
    http_call call;
    call.limits.header_size = 4096;
    const auto client = on_.client();
    for (const std::string& each : {long_line, many_lines, endless, endless_chunk}) {
      for (const std::size_t size : {100UZ, 3000UZ, 100'000UZ}) {
        bytes = each;
        piece = size;
        const auto response = co_await client->send({}, call);
        EXPECT_FALSE(response.has_value());
        if (!response) {
          EXPECT_TRUE(response.error().is(errc::too_large)) << response.error().text();
        }
      }
    }
    bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: " + std::string(4000, 'a') + "\r\n\r\n";
    const auto fits = co_await client->send({}, call);
    EXPECT_TRUE(fits.has_value());
  });
}

TEST_P(HttpExchange, BoundsTheAnswersBodyInEveryFraming) {
  const std::vector<std::string> oversized = {
      "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890", "HTTP/1.1 200 OK\r\n\r\n01234567890",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n0"};
  std::string bytes;
  on_.serve_bytes([&](transport& wire) -> asio::awaitable<void> {
    co_await http_exchange::read_through(wire, "\r\n\r\n");
    co_await wire.write(bytes);
  });
  on_.play([&]() -> asio::awaitable<void> {
    http_call call;
    call.limits.body_size = 10;
    const auto client = on_.client();
    for (const std::string& each : oversized) {
      bytes = each;
      const auto response = co_await client->send({}, call);
      EXPECT_FALSE(response.has_value()) << each;
      if (!response) {
        EXPECT_TRUE(response.error().is(errc::too_large)) << each << response.error().text();
      }
    }
    bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
    const auto fits = co_await client->send({}, call);
    EXPECT_EQ(fits.value().body.size(), 10U);
  });
}

http_handler compressing_handler(const std::string& compressed) {
  return [compressed](const http_request& request) -> asio::awaitable<http_reply> {
    http_reply reply{.headers = {{"Content-Encoding", "gzip"}}, .body = compressed};
    reply.headers.add("X-Asked", std::string(request.headers.find("Accept-Encoding").value_or("nothing")));
    co_return reply;
  };
}

TEST_P(HttpExchange, AsksForAndUndoesGzipOnlyWhenToldTo) {
  const std::string text = pattern_text(200'000);
  const std::string two_members = gzip(text) + gzip("and more");
  on_.serve(compressing_handler(two_members));
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto raw = co_await client->send({});
    EXPECT_EQ(raw.value().headers.find("X-Asked"), "nothing");
    EXPECT_TRUE(raw->body == two_members);
    EXPECT_EQ(raw->headers.find("Content-Encoding"), "gzip");

    const auto plain = co_await client->send({}, {.accept = compression::gzip});
    EXPECT_EQ(plain.value().headers.find("X-Asked"), "gzip");
    EXPECT_TRUE(plain->body == text + "and more");
    EXPECT_FALSE(plain->headers.find("Content-Encoding").has_value());
    EXPECT_FALSE(plain->headers.find("Content-Length").has_value());
  });
}

TEST_P(HttpExchange, EndsADecompressionBombAtTheLimit) {
  on_.serve(compressing_handler(gzip(std::string(8'000'000, 'x'))));
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    std::size_t delivered = 0;
    http_call call{.accept = compression::gzip};
    call.limits.body_size = 1'000'000;
    call.on_body = [&delivered](std::string_view piece) -> result<> {
      delivered += piece.size();
      return {};
    };
    const auto response = co_await client->send({}, call);
    EXPECT_TRUE(response.error().is(errc::too_large)) << response.error().text();
    EXPECT_LE(delivered, 1'000'000U);
  });
}

TEST_P(HttpExchange, RefusesDamagedAndTruncatedGzip) {
  const std::string good = gzip(pattern_text(50'000));
  std::string flipped = good;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x55);
  const std::vector<std::string> table = {good.substr(0, good.size() - 1), flipped, "plain text", good + "x"};
  std::size_t at = 0;
  on_.serve([&](const http_request&) -> asio::awaitable<http_reply> {
    co_return http_reply{.headers = {{"Content-Encoding", "gzip"}}, .body = table[at]};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (at = 0; at < table.size(); ++at) {
      const auto response = co_await client->send({}, {.accept = compression::gzip});
      EXPECT_FALSE(response.has_value()) << at;
      if (!response) {
        EXPECT_TRUE(response.error().is(errc::malformed)) << at << response.error().text();
      }
    }
  });
}

TEST_P(HttpExchange, RefusesACompressionItDidNotAskFor) {
  on_.serve(answer_with({.headers = {{"Content-Encoding", "br"}}, .body = "?"}));
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto response = co_await client->send({}, {.accept = compression::gzip});
    EXPECT_TRUE(response.error().is(errc::malformed));
  });
}

TEST_P(HttpExchange, RefusesRequestsThatWouldForgeHeaders) {
  on_.serve(echo_handler);
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const std::vector<http_request> table = {{.target = "/a b"},
                                             {.target = "/a\r\nX: y"},
                                             {.target = ""},
                                             {.method = "GET /x HTTP/1.1\r\nX"},
                                             {.method = ""},
                                             {.headers = {{"X", "a\r\nY: b"}}},
                                             {.headers = {{"X", "a\nY: b"}}},
                                             {.headers = {{"X", std::string("a\0b", 3)}}},
                                             {.headers = {{"X: a\r\nY", "b"}}},
                                             {.headers = {{"", "b"}}},
                                             {.headers = {{"Content-Length", "3"}}},
                                             {.headers = {{"host", "elsewhere"}}},
                                             {.headers = {{"Transfer-Encoding", "chunked"}}}};
    for (const http_request& each : table) {
      const auto response = co_await client->send(each);
      EXPECT_FALSE(response.has_value());
      if (!response) {
        EXPECT_TRUE(response.error().is(errc::invalid)) << response.error().text();
        EXPECT_THAT(response.error().text(), Not(HasSubstr("\n")));
      }
    }
  });
  EXPECT_EQ(on_.accepted(), 0);
}

TEST_P(HttpExchange, RunsNoMoreExchangesAtOnceThanAllowedAndServesInOrder) {
  int running = 0;
  int running_most = 0;
  std::vector<std::string> order;
  on_.serve([&](const http_request& request) -> asio::awaitable<http_reply> {
    order.push_back(request.target);
    running_most = std::max(running_most, ++running);
    co_await on_.time().sleep_for(20ms);
    --running;
    co_return http_reply{};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client({.connections_max = 2});
    std::vector<std::optional<result<http_response>>> got(6);
    task_group tasks(co_await asio::this_coro::executor);
    for (std::size_t i = 0; i < got.size(); ++i) {
      tasks.spawn(store(client->send({.target = "/" + std::to_string(i)}), got[i]));
    }
    co_await tasks.join();
    for (const auto& each : got) {
      EXPECT_TRUE(each.value().has_value());
    }
  });
  EXPECT_EQ(running_most, 2);
  EXPECT_EQ(on_.accepted(), 2);
  // Two run at once, so neighbours may swap, but nobody is overtaken by more.
  EXPECT_THAT((std::vector(order.begin() + 2, order.end())),
              testing::AnyOf(ElementsAre("/2", "/3", "/4", "/5"), ElementsAre("/3", "/2", "/4", "/5"),
                             ElementsAre("/2", "/3", "/5", "/4"), ElementsAre("/3", "/2", "/5", "/4")));
}

/// Answers one request on each connection as if it were kept, then closes it.
http_exchange::script forgetful(int& requests) {
  return [&requests](transport& wire) -> asio::awaitable<void> {
    const std::string header = co_await http_exchange::read_through(wire, "\r\n\r\n");
    if (!header.empty()) {
      ++requests;
    }
    co_await wire.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  };
}

TEST_P(HttpExchange, SendsIdempotentRequestsAgainWhenTheKeptConnectionWasClosed) {
  int requests = 0;
  on_.serve_bytes(forgetful(requests));
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (const char* method : {"GET", "DELETE", "PUT", "HEAD", "GET"}) {
      const auto response = co_await client->send({.method = method});
      EXPECT_EQ(response.value().status, 200) << method;
      co_await on_.time().sleep_for(20ms);  // until the close has arrived
    }
  });
  EXPECT_EQ(requests, 5);
}

TEST_P(HttpExchange, SendsOtherRequestsAgainOnlyWhenAllowed) {
  int requests = 0;
  on_.serve_bytes(forgetful(requests));
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    co_await client->send({});
    co_await on_.time().sleep_for(20ms);
    const auto refused = co_await client->send({.method = "POST", .body = "x"});
    EXPECT_TRUE(refused.error().is(errc::closed)) << refused.error().text();
    EXPECT_EQ(requests, 1);

    co_await client->send({});
    co_await on_.time().sleep_for(20ms);
    const auto repeated =
        co_await client->send({.method = "POST", .body = "x"}, {.retry_stale = stale_retry::always});
    EXPECT_EQ(repeated.value().status, 200);
  });
  EXPECT_EQ(requests, 3);
}

TEST_P(HttpExchange, DoesNotRepeatARequestOnANewConnection) {
  int connections = 0;
  on_.serve_bytes([&](transport& wire) -> asio::awaitable<void> {
    ++connections;
    co_await http_exchange::read_through(wire, "\r\n\r\n");
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto response = co_await client->send({});
    EXPECT_TRUE(response.error().is(errc::closed)) << response.error().text();
  });
  EXPECT_EQ(connections, 1);
}

TEST_P(HttpExchange, DoesNotKeepAConnectionWithBytesBehindTheAnswer) {
  on_.serve_bytes([](transport& wire) -> asio::awaitable<void> {
    co_await http_exchange::read_through(wire, "\r\n\r\n");
    co_await wire.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nforged");
    co_await http_exchange::read_through(wire, "\r\n\r\n");
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (int i = 0; i < 3; ++i) {
      const auto response = co_await client->send({});
      EXPECT_EQ(response.value().body, "ok");
    }
  });
  EXPECT_EQ(on_.accepted(), 3);
}

TEST_P(HttpExchange, ReadsTheAnswerOfAPeerThatDoesNotWaitForTheWholeRequest) {
  on_.serve(echo_handler, {.body_size = 1000});
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    const auto response = co_await client->send({.method = "POST", .body = pattern_text(500'000)});
    EXPECT_EQ(response.value().status, 413);
    EXPECT_THAT(response->body, HasSubstr("body_too_large"));
    const auto next = co_await client->send({.method = "POST", .body = pattern_text(1000)});
    EXPECT_EQ(next.value().status, 201);
  });
}

TEST_P(HttpExchange, ACancelledSendDropsItsConnectionAndFreesItsSlot) {
  condition asked;
  on_.serve(
      [&](const http_request& request) -> asio::awaitable<http_reply> {
        if (request.target == "/slow") {
          asked.notify_all();
          co_await on_.time().sleep_for(10s);
        }
        co_return http_reply{.body = request.target};
      },
      {.drain = 50ms});
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client({.connections_max = 1});
    const auto executor = co_await asio::this_coro::executor;
    task_group slow(executor);
    task_group next(executor);
    std::optional<result<http_response>> cancelled;
    std::optional<result<http_response>> waited;
    slow.spawn(store(client->send({.target = "/slow"}), cancelled));
    co_await asked.wait();
    next.spawn(store(client->send({.target = "/next"}), waited));
    co_await asio::post(executor, asio::use_awaitable);
    slow.cancel();
    co_await slow.join();
    EXPECT_FALSE(cancelled.has_value());
    co_await next.join();
    EXPECT_EQ(waited.value().value().body, "/next");
  });
  EXPECT_EQ(on_.accepted(), 2);
}

TEST_P(HttpExchange, ACancelledWaiterLeavesTheLine) {
  condition asked;
  on_.serve([&](const http_request& request) -> asio::awaitable<http_reply> {
    asked.notify_all();
    co_await on_.time().sleep_for(50ms);
    co_return http_reply{.body = request.target};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client({.connections_max = 1});
    const auto executor = co_await asio::this_coro::executor;
    task_group first(executor);
    task_group leaving(executor);
    task_group last(executor);
    std::optional<result<http_response>> got[3];
    first.spawn(store(client->send({.target = "/first"}), got[0]));
    co_await asked.wait();
    leaving.spawn(store(client->send({.target = "/leaving"}), got[1]));
    last.spawn(store(client->send({.target = "/last"}), got[2]));
    co_await asio::post(executor, asio::use_awaitable);
    leaving.cancel();
    co_await leaving.join();
    co_await first.join();
    co_await last.join();
    EXPECT_FALSE(got[1].has_value());
    EXPECT_EQ(got[2].value().value().body, "/last");
  });
}

TEST_P(HttpExchange, CloseFailsWhatIsUnderWayAndWhatWaits) {
  condition asked;
  on_.serve(
      [&](const http_request&) -> asio::awaitable<http_reply> {
        asked.notify_all();
        co_await on_.time().sleep_for(10s);
        co_return http_reply{};
      },
      {.drain = 50ms});
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client({.connections_max = 1});
    const auto executor = co_await asio::this_coro::executor;
    task_group tasks(executor);
    std::optional<result<http_response>> got[2];
    tasks.spawn(store(client->send({}), got[0]));
    tasks.spawn(store(client->send({}), got[1]));
    co_await asked.wait();
    client->close();
    co_await tasks.join();
    for (const auto& each : got) {
      EXPECT_TRUE(each.value().error().is(errc::closed));
    }
    const auto later = co_await client->send({});
    EXPECT_TRUE(later.error().is(errc::closed));
  });
}

TEST_P(HttpExchange, CloseEndsAConnectionAttempt) {
  on_.serve(echo_handler);
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    task_group tasks(co_await asio::this_coro::executor);
    std::optional<result<http_response>> got;
    tasks.spawn(store(client->send({}), got));
    tasks.spawn([](http_client& it) -> asio::awaitable<void> {
      it.close();
      co_return;
    }(*client));
    co_await tasks.join();
    EXPECT_TRUE(got.value().error().is(errc::closed)) << got->error().text();
  });
}

TEST_P(HttpExchange, SaysThatNobodyListens) {
  on_.serve(echo_handler);
  on_.play([&]() -> asio::awaitable<void> {
    auto options = http_client_options{};
    origin nobody = on_.server();
    nobody.port = 1;
    const auto client = make_http_client(on_.world().net(), on_.time(), nobody, options);
    const auto response = co_await client->send({});
    EXPECT_TRUE(response.error().is(errc::unreachable));
    EXPECT_THAT(response.error().text(), StartsWith("http://127.0.0.1:1: connecting"));
  });
}

// The server's side, with bare bytes.

TEST_P(HttpExchange, AnswersPipelinedRequestsInOrder) {
  on_.serve([&](const http_request& request) -> asio::awaitable<http_reply> {
    if (request.target == "/slow") {
      co_await on_.time().sleep_for(20ms);
    }
    co_return http_reply{.body = request.target + request.body + ";"};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const std::string got = co_await on_.talk(
        "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy"
        "GET /three HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const std::size_t slow = got.find("/slow;");
    const std::size_t two = got.find("/twoxy;");
    const std::size_t three = got.find("/three;");
    EXPECT_LT(slow, two);
    EXPECT_LT(two, three);
    EXPECT_NE(three, std::string::npos);
  });
  EXPECT_EQ(on_.accepted(), 1);
}

TEST_P(HttpExchange, RefusesWhatIsNoRequestWithTheRightStatus) {
  on_.serve(echo_handler, {.header_size = 2000, .body_size = 10});
  const std::string host = "Host: a\r\n";
  struct wrong {
    std::string bytes;
    int status;
  };
  std::string many_fields = "GET / HTTP/1.1\r\n" + host;
  for (int i = 0; i < 100; ++i) {
    many_fields += "A: 0123456789012345678901234567890\r\n";
  }
  const std::vector<wrong> table = {
      {"NONSENSE\r\n\r\n", 400},
      {"\x16\x03\x01\x02\x05\x01\x03\x02\x01\x03\x03\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "Bad Name: x\r\n\r\n", 400},
      {"GET ftp://a/ HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/2.0\r\n" + host + "\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 11\r\n\r\n01234567890", 413},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\n" + host + "Expect: miracles\r\nContent-Length: 1\r\n\r\n", 417},
      {"GET /" + std::string(3000, 'a') + " HTTP/1.1\r\n" + host + "\r\n", 431},
      {many_fields + "\r\n", 431}};
  on_.play([&]() -> asio::awaitable<void> {
    for (const wrong& each : table) {
      const std::string got = co_await on_.talk(each.bytes);
      EXPECT_THAT(got, StartsWith("HTTP/1.1 " + std::to_string(each.status) + " ")) << each.bytes;
      EXPECT_THAT(got, HasSubstr("Connection: close\r\n")) << each.bytes;
      EXPECT_THAT(got, HasSubstr(R"({"error":{"code":")")) << each.bytes;
    }
    const std::string fits = co_await on_.talk("POST / HTTP/1.1\r\n" + host +
                                               "Content-Length: 10\r\nConnection: close\r\n\r\n0123456789");
    EXPECT_THAT(fits, StartsWith("HTTP/1.1 201 "));
  });
}

TEST_P(HttpExchange, ServesOldPeersUntilClose) {
  on_.serve([](const http_request&) -> asio::awaitable<http_reply> {
    http_reply reply;
    reply.stream = [](body_writer& to) -> asio::awaitable<result<>> {
      co_await to.write("one ");
      co_return co_await to.write("two");
    };
    co_return reply;
  });
  on_.play([&]() -> asio::awaitable<void> {
    const std::string got = co_await on_.talk("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(got, AllOf(HasSubstr("Connection: close\r\n"), EndsWith("\r\n\r\none two"),
                           Not(HasSubstr("Transfer-Encoding"))));
  });
}

TEST_P(HttpExchange, KeepsAnOldPeersConnectionOnlyWhenAsked) {
  on_.serve(answer_with({.body = "x"}));
  on_.play([&]() -> asio::awaitable<void> {
    const std::string closed = co_await on_.talk("GET / HTTP/1.0\r\n\r\n");
    EXPECT_THAT(closed, HasSubstr("Connection: close\r\n"));
    const std::string kept =
        co_await on_.talk("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    EXPECT_THAT(kept, HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_THAT(kept, HasSubstr("Connection: close\r\n"));
  });
}

TEST_P(HttpExchange, AnswersExpectContinueBeforeTheBody) {
  on_.serve(echo_handler);
  on_.play([&]() -> asio::awaitable<void> {
    const auto wire = co_await on_.connect();
    co_await wire->write(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: "
        "close\r\n\r\n");
    const std::string interim = co_await http_exchange::read_through(*wire, "\r\n\r\n");
    EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    co_await wire->write("body");
    const std::string got = co_await http_exchange::read_all(*wire);
    EXPECT_THAT(got, AllOf(StartsWith("HTTP/1.1 201 "), EndsWith("\r\n\r\nbody")));
  });
}

TEST_P(HttpExchange, TakesATargetThatIsAWholeUrl) {
  on_.serve(echo_handler);
  on_.play([&]() -> asio::awaitable<void> {
    const std::string got =
        co_await on_.talk("GET http://a/b?c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(got, HasSubstr("X-Target: /b?c\r\n"));
  });
}

TEST_P(HttpExchange, AHandlerThatThrowsIsLoggedAndAnswered500) {
  on_.serve([](const http_request& request) -> asio::awaitable<http_reply> {
    if (request.target == "/bad-header") {
      co_return http_reply{.headers = {{"X", "a\r\nSet-Cookie: forged"}}};
    }
    throw std::runtime_error("a bug with a secret");
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (const char* target : {"/throws", "/bad-header"}) {
      const auto response = co_await client->send({.target = target});
      EXPECT_EQ(response.value().status, 500);
      EXPECT_THAT(response->body, AllOf(HasSubstr("internal_error"), Not(HasSubstr("secret"))));
      EXPECT_FALSE(response->headers.find("Set-Cookie").has_value());
    }
  });
  EXPECT_EQ(on_.accepted(), 1);
  EXPECT_THAT(on_.log().lines_of("http_handler_failed"),
              ElementsAre(AllOf(HasSubstr("level=error"), HasSubstr("path=/throws"), HasSubstr("a bug")),
                          HasSubstr("path=/bad-header")));
}

TEST_P(HttpExchange, AStreamThatFailsResetsTheConnection) {
  on_.serve([](const http_request& request) -> asio::awaitable<http_reply> {
    http_reply reply;
    const bool throws = request.target == "/throws";
    reply.stream = [throws](body_writer& to) -> asio::awaitable<result<>> {
      co_await to.write("a part");
      if (throws) {
        throw std::runtime_error("a bug");
      }
      co_return fail(errc::storage, "no more");
    };
    co_return reply;
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (const char* target : {"/fails", "/throws"}) {
      const auto response = co_await client->send({.target = target});
      EXPECT_TRUE(response.error().is(errc::closed)) << response.error().text();
    }
  });
  EXPECT_EQ(on_.log().lines_of("http_handler_failed").size(), 1U);
}

TEST_P(HttpExchange, ClosesOrResetsAfterAReplyThatSaysSo) {
  on_.serve([](const http_request& request) -> asio::awaitable<http_reply> {
    if (request.target == "/silence") {
      co_return http_reply{.status = 0, .after = after_reply::reset};
    }
    co_return http_reply{.body = "ok",
                         .after = request.target == "/reset" ? after_reply::reset : after_reply::close};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    for (int i = 0; i < 2; ++i) {
      const auto closed = co_await client->send({.target = "/close"});
      EXPECT_EQ(closed.value().body, "ok");
      EXPECT_EQ(closed->headers.find("Connection"), "close");
    }
    EXPECT_EQ(on_.accepted(), 2);
    const auto silent = co_await client->send({.target = "/silence"});
    EXPECT_TRUE(silent.error().is(errc::closed)) << silent.error().text();
    const auto wire = co_await on_.connect();
    co_await wire->write("GET /reset HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await http_exchange::read_through(*wire, "ok");
    char next = 0;
    const auto behind = co_await wire->read_some({&next, 1});
    EXPECT_FALSE(behind.has_value()) << "an orderly end instead of a reset";
  });
}

TEST_P(HttpExchange, WritesARawReplyAsItIs) {
  on_.serve([](const http_request& request) -> asio::awaitable<http_reply> {
    http_reply reply{.status = 0, .headers = {{"Not", "written"}}, .body = "not written"};
    reply.raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    if (request.target == "/whole")
      *reply.raw += " more";
    reply.after = request.target == "/reset" ? after_reply::reset : after_reply::keep_alive;
    if (request.target == "/close")
      reply.after = after_reply::close;
    co_return reply;
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto wire = co_await on_.connect();
    for (int i = 0; i < 2; ++i) {
      co_await wire->write("GET /whole HTTP/1.1\r\nHost: a\r\n\r\n");
      const std::string whole = co_await http_exchange::read_through(*wire, "half more");
      EXPECT_EQ(whole, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf more") << "the connection goes on";
    }
    const std::string cut = co_await on_.talk("GET /close HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(cut, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    co_await wire->write("GET /reset HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await http_exchange::read_through(*wire, "half");
    char next = 0;
    const auto behind = co_await wire->read_some({&next, 1});
    EXPECT_FALSE(behind.has_value()) << "an orderly end instead of a reset";
  });
}

TEST_P(HttpExchange, TurnsAwayConnectionsAboveTheLimit) {
  on_.serve(echo_handler, {.connections_max = 2});
  on_.play([&]() -> asio::awaitable<void> {
    const auto first = co_await on_.connect();
    auto second = co_await on_.connect();
    const std::string got = co_await on_.talk("");
    EXPECT_THAT(got, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 1\r\n")));
    second.reset();
    co_await on_.time().sleep_for(20ms);
    const std::string served = co_await on_.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(served, StartsWith("HTTP/1.1 201 "));
  });
}

TEST_P(HttpExchange, DrainsAnswersUnderWayAndClosesIdleConnections) {
  condition asked;
  on_.serve([&](const http_request&) -> asio::awaitable<http_reply> {
    asked.notify_all();
    co_await on_.time().sleep_for(100ms);
    co_return http_reply{.body = "finished"};
  });
  on_.play([&]() -> asio::awaitable<void> {
    const auto idle = co_await on_.connect();
    co_await on_.time().sleep_for(20ms);
    const auto client = on_.client();
    task_group tasks(co_await asio::this_coro::executor);
    std::optional<result<http_response>> got;
    tasks.spawn(store(client->send({}), got));
    co_await asked.wait();
    on_.servers().cancel();
    const std::string nothing = co_await http_exchange::read_all(*idle);
    EXPECT_EQ(nothing, "");
    EXPECT_FALSE(got.has_value()) << "the idle connection was closed only after the answer";
    auto refused = co_await on_.world().net().connect(on_.server(), {});
    EXPECT_FALSE(refused.has_value());
    co_await tasks.join();
    EXPECT_EQ(got.value().value().body, "finished");
    EXPECT_EQ(got.value()->headers.find("Connection"), "close");
  });
}

TEST_P(HttpExchange, CancelsAnswersThatOutlastTheDrain) {
  condition asked;
  bool was_cancelled = false;
  on_.serve(
      [&](const http_request&) -> asio::awaitable<http_reply> {
        asked.notify_all();
        try {
          co_await on_.time().sleep_for(1h);
        } catch (const boost::system::system_error&) {
          was_cancelled = true;
          throw;
        }
        co_return http_reply{};
      },
      {.drain = 50ms});
  on_.play([&]() -> asio::awaitable<void> {
    const auto client = on_.client();
    task_group tasks(co_await asio::this_coro::executor);
    std::optional<result<http_response>> got;
    tasks.spawn(store(client->send({}, {.limits = {.header = 2h}}), got));
    co_await asked.wait();
    on_.servers().cancel();
    co_await on_.servers().join();
    co_await tasks.join();
    EXPECT_TRUE(got.value().error().is(errc::closed)) << got->error().text();
  });
  EXPECT_TRUE(was_cancelled);
  EXPECT_THAT(on_.log().lines(), testing::IsEmpty());
}

}  // namespace
}  // namespace pushguard::test
