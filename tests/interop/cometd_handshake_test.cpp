// How a session with a foreign server begins, and begins anew.

#include <gmock/gmock.h>

#include "tests/interop/cometd_world.hpp"

namespace pushguard::test {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

class BothServersHandshake : public both_servers_test {};
class CometdServerHandshake : public cometd_server_test {};
class FayeServerHandshake : public interop_test {
 protected:
  FayeServerHandshake() : interop_test(server_kind::faye) {}
};

TEST_P(BothServersHandshake, IsRepeatedUntilTheServerIsThere) {
  serve();
  const origin address = server_->address();
  server_.reset();
  client_.emplace(loop_, address);
  EXPECT_TRUE(run_until([&] { return client_->handshakes().size() >= 2; }));
  serve({.port = address.port});
  expect_to_work();
  EXPECT_THAT(client_->log().lines_of("stream_trouble"), ElementsAre(HasSubstr("during=handshake")));
  EXPECT_EQ(server_->count_of("session"), 1);
}

TEST_P(BothServersHandshake, ThatFailsTellsItsStatusOnceAndIsRepeated) {
  serve();
  server_->spoil("/meta/handshake", R"("status":503,"type":"text/html","body":"<h1>Back soon</h1>")", 2);
  subscribe();
  expect_to_work();
  EXPECT_THAT(client_->log().lines_of("stream_trouble"), ElementsAre(HasSubstr("HTTP 503")));
  EXPECT_TRUE(run_until([&] { return !client_->log().lines_of("stream_recovered").empty(); }));
  EXPECT_THAT(client_->log().lines_of("stream_recovered"), ElementsAre(HasSubstr("failures=2")));
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "failed_handshake", "failed_handshake"));
}

TEST_P(BothServersHandshake, ThatIsNeverAnsweredIsRepeatedAsIsASubscribe) {
  serve();
  server_->spoil("/meta/handshake", R"("hold":true)");
  server_->spoil("/meta/subscribe", R"("hold":true)");
  cometd::client_options options = quick_options();
  options.session.request_deadline = 300ms;
  subscribe(options);
  expect_to_work();
  EXPECT_EQ(server_->count_of("request /meta/handshake"), 2);
  EXPECT_THAT(client_->log().lines_of("stream_trouble"), Each(HasSubstr("timed out")));
}

TEST_F(CometdServerHandshake, ThatIsDeniedWithTheAdviceToStopEndsTheClient) {
  serve();
  server_->tell(R"({"do":"refuse","times":1})");
  subscribe();
  EXPECT_TRUE(run_until([&] { return !client_->is_running(); })) << client_->log().text();
  EXPECT_THAT(client_->log().lines_of("stream_ended"), ElementsAre(HasSubstr("403::handshake_denied")));
  EXPECT_EQ(server_->count_of("request /meta/handshake"), 1);
}

TEST_F(FayeServerHandshake, ThatIsRefusedWithOtherAdviceIsRepeated) {
  serve();
  server_->tell(R"({"do":"refuse","times":1})");
  subscribe();
  expect_to_work();
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "failed_handshake"));
}

TEST_P(BothServersHandshake, ReplacesASessionThatTheServerForgot) {
  serve();
  subscribe_and_wait();
  server_->tell(R"({"do":"forget"})");
  server_->wait_for("subscribed /updates", 2);
  expect_to_work();
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "unknown_client"));
  EXPECT_EQ(server_->count_of("request /meta/disconnect"), 0) << "there is nobody to say goodbye to";
}

TEST_P(BothServersHandshake, ReplacesASessionForgottenBeforeItsSubscribe) {
  serve();
  server_->spoil("/meta/subscribe", R"("forget":true)");
  subscribe();
  expect_to_work();
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "unknown_client"));
}

TEST_P(BothServersHandshake, ReplacesASessionForgottenBeforeItsFirstConnect) {
  serve();
  server_->spoil("/meta/connect", R"("forget":true)");
  subscribe();
  server_->wait_for("subscribed /updates", 2);
  expect_to_work();
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "unknown_client"));
}

TEST_P(BothServersHandshake, IsMadeWithoutBeingToldAfterAnOutageNoSessionSurvives) {
  serve({.hold = 600ms});
  relay();
  cometd::client_options options = quick_options();
  options.session.max_interval = 200ms;
  subscribe_and_wait(options);
  relay_->refuse(true);
  relay_->cut();
  EXPECT_TRUE(run_until([&] { return client_->handshakes().size() >= 2; })) << client_->log().text();
  relay_->refuse(false);
  expect_to_work();
  EXPECT_EQ(client_->handshakes().at(1), "lost_poll");
}

TEST_P(BothServersHandshake, LogsInAgainWhereTheTokenIsRefused) {
  serve();
  server_->tell(R"({"do":"authorize","value":"Bearer second-token"})");
  client_.emplace(loop_, server_->address(), quick_options(), secret("first-token"), secret("second-token"));
  expect_to_work();
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "credentials"));
  EXPECT_EQ(server_->count_of("unauthorized"), 1);
  EXPECT_THAT(client_->log().text(), Not(HasSubstr("-token")));
}

TEST_P(BothServersHandshake, LogsInAgainWhereTheTokenExpiresInTheMiddle) {
  serve();
  client_.emplace(loop_, server_->address(), quick_options(), secret("first-token"), secret("second-token"));
  server_->wait_for("held", 1);
  server_->tell(R"({"do":"authorize","value":"Bearer second-token"})");
  server_->publish("/updates", "e", 0, 1);  // ends the poll
  server_->wait_for("subscribed /updates", 2);
  expect_to_work();
  EXPECT_EQ(client_->data().front(), "\"e:0\"");
  EXPECT_THAT(client_->handshakes(), ElementsAre("start", "credentials"));
}

TEST_F(CometdServerHandshake, TurnsAcknowledgementsOnWhereTheServerHasThem) {
  serve({.acknowledges = true});
  subscribe();
  server_->wait_for("acknowledgement", 2);
  expect_to_work();
}

TEST_P(BothServersHandshake, LeavesAcknowledgementsOutWhereTheServerHasNone) {
  serve();
  subscribe_and_wait();
  expect_to_work();
  EXPECT_EQ(server_->count_of("acknowledgement"), 0);
}

TEST_F(CometdServerHandshake, GivesACookieThatEveryLaterRequestBringsBack) {
  serve();
  subscribe_and_wait();
  expect_to_work();
  EXPECT_TRUE(client_->stop());
  std::size_t later = 0;
  for (const char* channel : {"/meta/subscribe", "/meta/connect", "/meta/disconnect"})
    later += server_->count_of(std::string("request ") + channel);
  EXPECT_EQ(server_->count_of("cookie"), later);
}

INSTANTIATE_TEST_SUITE_P(Servers, BothServersHandshake,
                         testing::Values(server_kind::cometd, server_kind::faye), name_of);

}  // namespace
}  // namespace pushguard::test
