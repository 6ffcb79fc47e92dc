// Servers that end, come back or send the client away, and clients that leave.

#include <gmock/gmock.h>

#include "tests/interop/cometd_world.hpp"

namespace pushguard::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class BothServersLife : public both_servers_test {};
class CometdServerLife : public cometd_server_test {};

TEST_P(BothServersLife, ARestartOnTheSamePortIsFollowed) {
  serve();
  subscribe_and_wait();
  expect_to_work();
  EXPECT_EQ(server_->terminate(), 0);
  serve_again();
  server_->wait_for("subscribed /updates", 1);
  expect_to_work();
  EXPECT_EQ(client_->handshakes().size(), 2);
}

TEST_P(BothServersLife, ACrashInTheMiddleOfAResponseIsFollowed) {
  serve();
  relay();
  relay_->slow_down(64, 10ms);  // so that it crashes before all is through
  subscribe_and_wait();
  server_->publish("/updates", "e", 0, 100);
  EXPECT_TRUE(run_until([&] { return !client_->events().empty(); }));
  server_->crash();
  relay_->cut();
  serve_again();
  relay_->slow_down(0, 0ms);
  server_->wait_for("subscribed /updates", 1);
  expect_to_work();
  const std::vector<std::string> data = client_->data();
  const auto whole = static_cast<int>(data.size()) - 1;
  EXPECT_THAT(std::vector(data.begin(), data.end() - 1), testing::ElementsAreArray(numbered("e", 0, whole)));
}

TEST_P(BothServersLife, AnotherServerBehindTheSameAddressIsGreetedAnew) {
  serve();
  relay();
  subscribe_and_wait();
  bayeux_server redeployed(loop_, kind_, {});
  relay_->lead_to(redeployed.address().port);
  relay_->cut();
  redeployed.wait_for("subscribed /updates", 1);
  redeployed.publish("/updates", "e", 0, 3);
  expect_events(numbered("e", 0, 3));
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "unknown_client"));
}

TEST_F(CometdServerLife, AServerThatEndsTheSessionIsGreetedAnew) {
  serve();
  subscribe_and_wait();
  server_->tell(R"({"do":"disconnect","channel":"/updates","data":[]})");
  server_->wait_for("subscribed /updates", 2);
  expect_to_work();
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "server_disconnect"));
}

TEST_F(CometdServerLife, EventsThatComeWithTheEndOfTheSessionAreDelivered) {
  for (const bool acknowledges : {false, true}) {
    serve({.acknowledges = acknowledges});
    subscribe_and_wait();
    server_->tell(R"({"do":"disconnect","channel":"/updates","data":["e:0","e:1","e:2"]})");
    expect_events(numbered("e", 0, 3));
    server_->wait_for("subscribed /updates", 2);
    expect_to_work();
    EXPECT_EQ(client_->events().size(), 4);
    client_.reset();
  }
}

TEST_P(BothServersLife, AClientThatStopsSaysGoodbyeWhileAConnectIsHeld) {
  serve();
  subscribe_and_wait();
  EXPECT_TRUE(client_->stop());
  EXPECT_EQ(server_->count_of("request /meta/disconnect"), 1);
  EXPECT_EQ(server_->count_of("left"), 1);
  EXPECT_EQ(client_->snapshot().phase, cometd::session_phase::ended);
}

TEST_P(BothServersLife, AClientThatStopsInItsHandshakeHasNobodyToSayGoodbyeFor) {
  serve();
  server_->spoil("/meta/handshake", R"("hold":true)");
  subscribe();
  server_->wait_for("fault /meta/handshake", 1);
  EXPECT_TRUE(client_->stop());
  EXPECT_EQ(server_->count_of("request /meta/disconnect"), 0);
}

TEST_P(BothServersLife, AClientThatStopsInItsSubscribeSaysGoodbye) {
  serve();
  server_->spoil("/meta/subscribe", R"("hold":true)");
  subscribe();
  server_->wait_for("fault /meta/subscribe", 1);
  EXPECT_TRUE(client_->stop());
  EXPECT_EQ(server_->count_of("left"), 1);
}

TEST_P(BothServersLife, AClientStopsAlsoWhereItsGoodbyeIsNotAnswered) {
  serve();
  cometd::client_options options = quick_options();
  options.session.disconnect_deadline = 300ms;
  subscribe_and_wait(options);
  server_->spoil("/meta/disconnect", R"("hold":true)");
  EXPECT_TRUE(client_->stop());
  EXPECT_EQ(server_->count_of("fault /meta/disconnect"), 1);
}

TEST_P(BothServersLife, AClientStopsAlsoWhereTheServerIsGone) {
  serve();
  subscribe_and_wait();
  EXPECT_EQ(server_->terminate(), 0);
  EXPECT_TRUE(run_until([&] { return !client_->log().lines_of("stream_trouble").empty(); }));
  EXPECT_TRUE(client_->stop());
}

TEST_P(BothServersLife, ASuccessorTakesUpWhereNobodyListened) {
  serve();
  subscribe_and_wait();
  expect_to_work();
  EXPECT_TRUE(client_->stop());
  server_->publish("/updates", "unheard", 0, 1);
  subscribe();
  server_->wait_for("subscribed /updates", 2);
  server_->publish("/updates", "e", 0, 3);
  expect_events(numbered("e", 0, 3));
  EXPECT_EQ(server_->count_of("session"), 2);
}

INSTANTIATE_TEST_SUITE_P(Servers, BothServersLife, testing::Values(server_kind::cometd, server_kind::faye),
                         name_of);

}  // namespace
}  // namespace pushguard::test
