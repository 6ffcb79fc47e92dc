// Polling a foreign server over a network that fails.

#include <gmock/gmock.h>

#include "tests/interop/cometd_world.hpp"

namespace pushguard::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class BothServersConnect : public both_servers_test {
 protected:
  /// Waits for the connect after the one that is held first, behind that which is answered at once.
  void wait_for_next_connect() { server_->wait_for("request /meta/connect", 3); }
  void expect_one_session() {
    EXPECT_THAT(client_->handshakes(), ElementsAre("start")) << client_->log().text();
    EXPECT_EQ(server_->count_of("session"), 1);
    EXPECT_EQ(server_->count_of("request /meta/subscribe"), 1);
  }
};
class CometdServerConnect : public cometd_server_test {};

TEST_P(BothServersConnect, OutlivesAConnectionThatIsClosedWhileItIsHeld) {
  serve();
  relay();
  subscribe_and_wait();
  relay_->cut();
  wait_for_next_connect();
  expect_to_work();
  expect_one_session();
}

TEST_P(BothServersConnect, OutlivesAShortOutageInTheSameSession) {
  serve();
  relay();
  subscribe_and_wait();
  relay_->refuse(true);
  relay_->cut();
  EXPECT_TRUE(run_until([&] { return !client_->log().lines_of("stream_trouble").empty(); }));
  relay_->refuse(false);
  wait_for_next_connect();
  expect_to_work();
  expect_one_session();
}

TEST_P(BothServersConnect, BeginsANewSessionAfterAnOutageThatTheOldOneDidNotOutlive) {
  serve({.hold = 600ms, .max_interval = 200ms});
  relay();
  subscribe_and_wait();
  relay_->refuse(true);
  relay_->cut();
  server_->wait_for("left", 1);  // expired
  relay_->refuse(false);
  server_->wait_for("subscribed /updates", 2);
  expect_to_work();
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "unknown_client"));
}

TEST_P(BothServersConnect, FailsAFewTimesAndBringsAllEventsInTheirOrder) {
  serve();
  subscribe_and_wait();
  server_->spoil("/meta/connect", R"("status":500)", 2);
  server_->publish("/updates", "e", 0, 5);
  server_->wait_for("fault /meta/connect", 1);
  server_->publish("/updates", "e", 5, 5);
  expect_events(numbered("e", 0, 10));
  expect_one_session();
  EXPECT_THAT(client_->log().lines_of("stream_trouble"), ElementsAre(HasSubstr("HTTP 500")));
}

TEST_P(BothServersConnect, IsAskedAgainWhereTheAnswerNeverComes) {
  serve({.hold = 600ms});
  relay();
  cometd::client_options options = quick_options();
  options.session.network_allowance = 200ms;
  subscribe_and_wait(options);
  relay_->freeze();
  EXPECT_TRUE(run_until([&] { return !client_->log().lines_of("stream_trouble").empty(); }));
  EXPECT_THAT(client_->log().lines_of("stream_trouble"), ElementsAre(HasSubstr("timed out")));
  expect_to_work();
  expect_one_session();
}

TEST_F(CometdServerConnect, FollowsAnIdleOneWithoutBeingTakenForAnotherClient) {
  serve({.hold = 600ms});
  subscribe();
  server_->wait_for("held", 4);
  expect_to_work();
  EXPECT_EQ(server_->count_of("multiple-clients"), 0);
  EXPECT_EQ(server_->count_of("overlap"), 0);
  EXPECT_EQ(server_->count_of("session"), 1);
}

TEST_P(BothServersConnect, OfTwoClientsDisturbEachOtherInNothing) {
  serve();
  subscribe();
  subscriber other(loop_, server_->address());
  server_->wait_for("held", 2);
  server_->publish("/updates", "e", 0, 3);
  expect_events(numbered("e", 0, 3));
  EXPECT_TRUE(run_until([&] { return other.events().size() == 3; }));
  EXPECT_EQ(other.data(), client_->data());
  EXPECT_EQ(server_->count_of("multiple-clients"), 0);
  EXPECT_EQ(server_->count_of("session"), 2);
}

TEST_F(CometdServerConnect, OutlivesEveryKindOfBadAnswer) {
  serve();
  subscribe_and_wait();
  for (
      const char* answer :
      {R"("status":500,"body":"no")", R"("cut":true)", R"("status":200,"type":"text/html","body":"<html>")",
       R"("status":200,"body":"[]")", R"("status":200,"body":"")", R"("status":204)",
       R"("status":200,"type":"application/json","body":"[{\"channel\":\"/meta/conn")",
       R"("status":200,"body":"[{\"channel\":\"/meta/connect\",\"successful\":true,\"id\":\"another\"}]")"}) {
    const std::size_t spoiled = server_->count_of("fault /meta/connect");
    server_->spoil("/meta/connect", answer);
    expect_to_work();  // ends the poll; the next one is the spoiled
    server_->wait_for("fault /meta/connect", spoiled + 1);
    expect_to_work();
  }
  EXPECT_EQ(client_->events().size(), 16);
}

TEST_P(BothServersConnect, NeverOverlapsAnother) {
  serve();
  subscribe_and_wait();
  server_->publish("/updates", "e", 0, 300, "spread");
  expect_events(numbered("e", 0, 300));
  EXPECT_EQ(server_->count_of("overlap"), 0);
  expect_one_session();
}

INSTANTIATE_TEST_SUITE_P(Servers, BothServersConnect, testing::Values(server_kind::cometd, server_kind::faye),
                         name_of);

}  // namespace
}  // namespace pushguard::test
