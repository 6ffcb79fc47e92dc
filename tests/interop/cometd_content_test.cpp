// What events of a foreign server hold, how many there are, and what becomes of those a response loses.

#include <gmock/gmock.h>

#include "tests/interop/cometd_world.hpp"

namespace pushguard::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

class BothServersContent : public both_servers_test {};
class CometdServerContent : public cometd_server_test {};

// ---- Content

TEST_P(BothServersContent, FalsyDataIsData) {
  serve();
  subscribe_and_wait();
  const std::vector<std::string> falsy{R"("")", "0", "false", "null", "[]", "{}"};
  for (const std::string& each : falsy)
    server_->publish_json("/updates", each);
  expect_events(falsy);
}

TEST_P(BothServersContent, TextOfAnyScriptComesThroughInAnyPieces) {
  serve();
  relay();
  subscribe_and_wait();
  relay_->slow_down(1, 0ms);
  const std::vector<std::string> texts{R"("Ärger")", R"("雪だるま ☃")", R"("😀 in four bytes")"};
  for (const std::string& each : texts)
    server_->publish_json("/updates", each);
  expect_events(texts);
}

TEST_F(CometdServerContent, AMessageWithoutAChannelCostsNothing) {
  serve();
  subscribe_and_wait();
  server_->spoil(
      "/meta/connect",
      R"("status":200,"body":"[{\"data\":1},{\"channel\":\"/updates\",\"data\":\"kept\"},{\"channel\":\"/meta/connect\",\"successful\":true}]")");
  expect_to_work();  // ends the poll; the next one is the spoiled
  expect_events({"\"probe 1\"", "\"kept\""});
  expect_to_work();
  EXPECT_THAT(client_->handshakes(), ElementsAre("start"));
}

TEST_P(BothServersContent, AReplyThatIsNoJsonCostsNoEvent) {
  serve();
  relay();
  subscribe_and_wait();
  relay_->replace(R"("/meta/connect","successful":true)", R"("/meta/connect","successful":trve)");
  server_->publish("/updates", "e", 0, 3);
  expect_events(numbered("e", 0, 3));
  expect_to_work();
  EXPECT_EQ(client_->snapshot().problems.at(cometd::problem_kind::message), 1);
  EXPECT_THAT(client_->handshakes(), ElementsAre("start"));
}

TEST_P(BothServersContent, AnEventThatIsNoJsonCostsNoOther) {
  serve();
  relay();
  subscribe_and_wait();
  relay_->replace(R"("e:1")", R"("e:1 )");
  server_->publish("/updates", "e", 0, 3);
  EXPECT_TRUE(run_until([&] { return client_->snapshot().problems.contains(cometd::problem_kind::body); }))
      << client_->log().text();
  expect_to_work();
  EXPECT_EQ(client_->data().front(), "\"e:0\"");
}

// ---- Size and speed

TEST_P(BothServersContent, ALargeEventMayTakeLongerThanAPoll) {
  constexpr std::size_t size = 512UZ * 1024;
  serve({.hold = 1500ms});
  relay();
  cometd::client_options options = quick_options();
  options.session.network_allowance = 200ms;
  subscribe_and_wait(options);
  relay_->slow_down(size / 60, 30ms);
  const std::string large = '"' + std::string(size, 'x') + '"';
  server_->publish_json("/updates", large);
  expect_events({large});
  relay_->slow_down(0, 0ms);
  expect_to_work();
  EXPECT_THAT(client_->handshakes(), ElementsAre("start"));
  EXPECT_THAT(client_->log().lines_of("stream_trouble"), SizeIs(0));
}

TEST_P(BothServersContent, AResponseAboveTheCapCostsWhatLiesBeyondIt) {
  serve();
  cometd::client_options options = quick_options();
  options.body_size = 4096;
  subscribe_and_wait(options);
  server_->publish_json("/updates", '"' + std::string(3 * options.body_size, 'x') + '"');
  server_->wait_for("held", 2);
  EXPECT_EQ(client_->snapshot().problems.at(cometd::problem_kind::body), 1);
  expect_to_work();
  EXPECT_THAT(client_->events(), SizeIs(1));
  EXPECT_THAT(client_->handshakes(), ElementsAre("start"));
}

// The server sends a batch again until it is acknowledged, and this one never can be.
TEST_F(CometdServerContent, ABatchAboveTheCapIsLeftForANewSession) {
  serve({.hold = 600ms, .acknowledges = true});
  cometd::client_options options = quick_options();
  options.body_size = 4096;
  options.session.max_interval = 200ms;
  subscribe_and_wait(options);
  const std::string large = '"' + std::string(3 * options.body_size, 'x') + '"';
  server_->tell(R"({"do":"publish","channel":"/updates","batch":true,"data":["e:0",)" + large + "]}");
  server_->wait_for("subscribed /updates", 2);
  expect_to_work();
  EXPECT_THAT(client_->data(), ElementsAre("\"e:0\"", "\"probe 1\""));
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "lost_poll"));
}

TEST_P(BothServersContent, ManyEventsOverASlowConnectionComeInOrder) {
  serve();
  relay();
  subscribe_and_wait();
  relay_->slow_down(1024, 1ms);
  server_->publish("/updates", "e", 0, 2000, "spread");
  expect_events(numbered("e", 0, 2000));
  EXPECT_THAT(client_->handshakes(), ElementsAre("start"));
}

TEST_P(BothServersContent, TwentyThousandEventsComeInOrder) {
  serve({.acknowledges = true});
  subscribe_and_wait();
  server_->publish("/updates", "e", 0, 20'000, "spread");
  expect_events(numbered("e", 0, 20'000));
  EXPECT_EQ(server_->count_of("overlap"), 0);
  EXPECT_EQ(server_->count_of("session"), 1);
}

TEST_P(BothServersContent, ComesOverIpv6Too) {
  if (!loop_.net().listen(loop_.context().get_executor(), "::1", 0))
    GTEST_SKIP() << "this machine has no IPv6";
  serve({.host = "::1"});
  subscribe_and_wait();
  server_->publish("/updates", "e", 0, 3);
  expect_events(numbered("e", 0, 3));
}

// ---- Responses that are lost

TEST_P(BothServersContent, WithoutAcknowledgementsALostResponseCostsItsRest) {
  serve();
  relay();
  subscribe_and_wait();
  relay_->cut_behind("\"e:4\"");  // within the fifth event
  server_->publish("/updates", "e", 0, 10);
  server_->wait_for("held", 2);
  server_->publish("/updates", "f", 0, 5);
  std::vector<std::string> expected = numbered("e", 0, 4);
  for (std::string& each : numbered("f", 0, 5))
    expected.push_back(std::move(each));
  expect_events(expected);
  EXPECT_THAT(client_->handshakes(), ElementsAre("start"));
}

TEST_F(CometdServerContent, WithAcknowledgementsALostResponseIsSentAgainAndDeliveredOnce) {
  constexpr int rounds = 10;
  constexpr int batch = 20;
  serve({.acknowledges = true});
  relay();
  subscribe_and_wait();
  for (int round = 0; round < rounds; ++round) {
    relay_->cut_behind("\"e:" + std::to_string(round * batch + batch / 2) + '"');
    server_->publish("/updates", "e", round * batch, batch);
    expect_events(numbered("e", 0, (round + 1) * batch));
  }
  EXPECT_THAT(client_->handshakes(), ElementsAre("start"));
}

TEST_F(CometdServerContent, WithAcknowledgementsOutagesWhileEventsStreamLoseNothing) {
  constexpr int events = 3000;
  serve({.acknowledges = true});
  relay();
  subscribe_and_wait();
  std::size_t next_cut = 100;
  server_->publish("/updates", "e", 0, events, "spread");
  const bool have_come = run_until([&] {
    const std::size_t come = client_->events().size();
    if (come >= next_cut) {
      relay_->cut();
      next_cut = come + 100;
    }
    return come >= events;
  });
  EXPECT_TRUE(have_come) << client_->log().text();
  EXPECT_EQ(client_->data(), numbered("e", 0, events));
  EXPECT_THAT(client_->handshakes(), ElementsAre("start"));
}

// Without the reply the batch has no number, so that it cannot be acknowledged.
TEST_F(CometdServerContent, WithAcknowledgementsABatchWithoutItsReplyIsDeliveredOnce) {
  serve({.acknowledges = true});
  relay();
  subscribe_and_wait();
  relay_->replace(R"("/meta/connect","successful":true)", R"("/meta/connect","successful":trve)");
  server_->publish("/updates", "e", 0, 3);
  expect_events(numbered("e", 0, 3));
  expect_to_work();
  EXPECT_THAT(client_->events(), SizeIs(4));
}

// The server wrote its answer into a connection that nobody reads any more.
TEST_F(CometdServerContent, WithAcknowledgementsTheAnswerOfAPollThatTimedOutIsSentAgain) {
  serve({.hold = 600ms, .acknowledges = true});
  relay();
  cometd::client_options options = quick_options();
  options.session.network_allowance = 200ms;
  subscribe_and_wait(options);
  relay_->freeze();
  server_->publish("/updates", "e", 0, 5);
  expect_events(numbered("e", 0, 5));
  expect_to_work();
  EXPECT_THAT(client_->events(), SizeIs(6));
  EXPECT_THAT(client_->handshakes(), ElementsAre("start"));
}

INSTANTIATE_TEST_SUITE_P(Servers, BothServersContent, testing::Values(server_kind::cometd, server_kind::faye),
                         name_of);

}  // namespace
}  // namespace pushguard::test
