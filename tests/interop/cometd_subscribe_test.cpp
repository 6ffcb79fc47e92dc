// What a foreign server makes of subscriptions.

#include <gmock/gmock.h>

#include "tests/interop/cometd_world.hpp"

namespace pushguard::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

cometd::client_options options_for(std::initializer_list<const char*> channels) {
  cometd::client_options options = quick_options();
  options.session.channels.clear();
  for (const char* each : channels)
    options.session.channels.push_back({.channel = each});
  return options;
}

class BothServersSubscribe : public both_servers_test {
 protected:
  void expect_parked(const std::string& channel) {
    const auto all = client_->snapshot().channels;
    const auto found = std::ranges::find(all, channel, &cometd::channel_status::channel);
    ASSERT_NE(found, all.end());
    EXPECT_EQ(found->phase, cometd::channel_phase::parked);
    EXPECT_THAT(found->reason, HasSubstr("403:"));
  }
};
class CometdServerSubscribe : public cometd_server_test {};

TEST_P(BothServersSubscribe, ADeniedChannelIsParkedAndTheOthersLive) {
  serve();
  server_->tell(R"({"do":"deny","channels":["/secret"]})");
  subscribe(options_for({"/before", "/secret", "/after"}));
  server_->wait_for("held", 1);
  server_->publish("/before", "b", 0, 3);
  server_->publish("/secret", "s", 0, 3);
  server_->publish("/after", "a", 0, 3);
  expect_events(numbered("b", 0, 3), "/before");
  expect_events(numbered("a", 0, 3), "/after");
  EXPECT_THAT(client_->events(), SizeIs(6));
  expect_parked("/secret");
  EXPECT_FALSE(client_->is_live());
  EXPECT_THAT(client_->log().lines_of("stream_channel_parked"), ElementsAre(HasSubstr("/secret")));
}

TEST_P(BothServersSubscribe, AChannelDeniedInTheNextSessionIsParkedThen) {
  serve();
  subscribe_and_wait(options_for({"/updates", "/secret"}));
  server_->tell(R"({"do":"deny","channels":["/secret"]})");
  server_->tell(R"({"do":"forget"})");
  server_->wait_for("request /meta/subscribe", 4);
  server_->wait_for("subscribed /updates", 2);
  server_->publish("/updates", "e", 0, 3);
  expect_events(numbered("e", 0, 3));
  expect_parked("/secret");
}

TEST_P(BothServersSubscribe, SeveralChannelsAreEachInTheirOrder) {
  serve();
  subscribe_and_wait(options_for({"/one", "/two", "/three"}));
  for (int i = 0; i < 10; ++i) {
    for (const char* channel : {"/one", "/two", "/three"})
      server_->publish(channel, channel, 2 * i, 2);
  }
  for (const char* channel : {"/one", "/two", "/three"})
    expect_events(numbered(channel, 0, 20), channel);
  EXPECT_EQ(server_->count_of("request /meta/subscribe"), 3);
}

TEST_P(BothServersSubscribe, EveryChannelIsAskedForAgainInANewSession) {
  serve();
  subscribe_and_wait(options_for({"/one", "/two", "/three"}));
  server_->tell(R"({"do":"forget"})");
  for (const char* channel : {"/one", "/two", "/three"})
    server_->wait_for(std::string("subscribed ") + channel, 2);
  for (const char* channel : {"/one", "/two", "/three"})
    server_->publish(channel, channel, 0, 3);
  for (const char* channel : {"/one", "/two", "/three"})
    expect_events(numbered(channel, 0, 3), channel);
}

TEST_P(BothServersSubscribe, AWildcardBringsTheEventsOfEveryChannelBelowIt) {
  serve();
  subscribe_and_wait(options_for({"/news/*", "/sports/**"}));
  server_->publish("/news/local", "n", 0, 2);
  server_->publish("/news/local/deeper", "no", 0, 2);
  server_->publish("/sports/ball/scores", "s", 0, 2);
  server_->publish("/sports/ball", "t", 0, 2);
  expect_events(numbered("n", 0, 2), "/news/local");
  expect_events(numbered("s", 0, 2), "/sports/ball/scores");
  expect_events(numbered("t", 0, 2), "/sports/ball");
  EXPECT_THAT(client_->events(), SizeIs(6));
  for (const cometd::event& each : client_->events())
    EXPECT_EQ(each.subscription, each.channel.starts_with("/news/") ? "/news/*" : "/sports/**");
}

TEST_P(BothServersSubscribe, ALostReplyIsAskedForAgainAndEventsComeOnce) {
  serve();
  relay();
  relay_->cut_behind("/meta/subscribe");  // the server has subscribed us, and we do not know
  subscribe();
  server_->wait_for("request /meta/subscribe", 2);
  server_->wait_for("held", 1);
  server_->publish("/updates", "e", 0, 5);
  expect_events(numbered("e", 0, 5));
  expect_to_work();
  EXPECT_THAT(client_->events(), SizeIs(6));
}

TEST_F(CometdServerSubscribe, OutlivesEveryKindOfBadAnswer) {
  serve();
  server_->spoil("/meta/subscribe", R"("status":500,"body":"no")");
  server_->spoil("/meta/subscribe", R"("status":200,"type":"text/html","body":"<html>")");
  server_->spoil("/meta/subscribe", R"("cut":true)");
  server_->spoil("/meta/subscribe", R"("status":200,"body":"[]")");
  subscribe();
  expect_to_work();
  EXPECT_EQ(server_->count_of("fault /meta/subscribe"), 4);
}

INSTANTIATE_TEST_SUITE_P(Servers, BothServersSubscribe,
                         testing::Values(server_kind::cometd, server_kind::faye), name_of);

}  // namespace
}  // namespace pushguard::test
