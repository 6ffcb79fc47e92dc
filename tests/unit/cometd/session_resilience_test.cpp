#include "cometd/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cometd/session_hand.hpp"

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;
using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// ---- Quiet channels (F07)

std::string dated_event(int replay_id, std::string_view created) {
  return R"({"channel":"/event/Push__e","data":{"payload":{"CreatedDate":")" + std::string(created) +
         R"("},"event":{"replayId":)" + std::to_string(replay_id) + "}}}";
}

TEST(Session, AQuietChannelIsReadAgainFromItsBeginningAndOnlyWhatIsNewIsDelivered) {  // F07
  hand session(salesforce());
  session.start();
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "-1");
  const wall_time server_now = wall_start + 2h;  // its clock is not ours
  session.acknowledge(server_now);
  ASSERT_TRUE(session.quiet.contains(push.channel)) << "the place is told, to be stored";
  const wall_time since = session.quiet.at(push.channel);
  EXPECT_LE(since, server_now);
  EXPECT_GE(since, server_now - 6min);
  session.connect();
  session.lose();
  session.lose();
  session.wait();
  session.shake_hands("c2");
  EXPECT_EQ(session.request().replay_from, "-2") << "what was lost cannot be had otherwise";
  session.acknowledge(server_now + 1h);
  EXPECT_EQ(session.quiet.at(push.channel), since) << "the first subscription is what counts";
  session.answer("[" + dated_event(5, format_time(since - 1h)) + "," + dated_event(6, format_time(since)) +
                 "," + dated_event(7, format_time(since - 1s)) + "," + connect_ok + "]");
  ASSERT_EQ(session.events.size(), 2U);
  EXPECT_EQ(session.events[0].replay_id, "6");
  EXPECT_EQ(session.events[1].replay_id, "7") << "after the first new one nothing is passed over";
}

TEST(Session, AnEventWithoutADateIsNeverTakenForAnOldOne) {
  hand session(salesforce());
  session.start({.positions = {{push.channel, {{}, wall_start}}}});
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "-2");
  session.acknowledge();
  session.answer("[" + event_text(5) + "," + connect_ok + "]");
  EXPECT_EQ(session.events.size(), 1U);
}

TEST(Session, ReadingAQuietChannelAgainGoesOnBehindWhatWasPassedOver) {
  hand session(salesforce());
  session.start({.positions = {{push.channel, {{}, wall_start}}}});
  session.shake_hands();
  session.acknowledge();
  session.answer("[" + dated_event(5, format_time(wall_start - 1h)) + "," + connect_ok + "]");
  session.lose();
  session.recover();
  EXPECT_TRUE(session.delivered.empty());
  session.lose();
  session.lose();
  session.wait();
  session.shake_hands("c3");
  EXPECT_EQ(session.request().replay_from, "5");
  // By and by that one is purged. Nothing of ours was lost with it.
  session.answer(refusal("subscribe", "400::The replayId {5} you provided was invalid."));
  EXPECT_EQ(session.request().replay_from, "-2");
  EXPECT_THAT(session.gaps, IsEmpty());
  session.answer(refusal("subscribe", "400::The replayId {-2} you provided was invalid."));
  EXPECT_EQ(session.kind(), exchange_kind::connect) << "parked";
}

TEST(Session, AChannelReadFromItsEarliestNeedsNoPlaceWhileItIsQuiet) {
  hand session(salesforce({{.channel = push.channel, .first = replay_start::earliest}}));
  session.start();
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "-2");
  session.acknowledge();
  EXPECT_THAT(session.quiet, IsEmpty());
}

TEST(Session, AChannelThatGoesOnAtTheTipAfterAGapIsQuietFromThenOn) {
  hand session(salesforce({{.channel = push.channel, .when_lost = replay_start::latest}}));
  session.start({.positions = {{push.channel, {"17"}}}});
  session.shake_hands();
  session.answer(refusal("subscribe", "400::The replayId {17} you provided was invalid."));
  EXPECT_EQ(session.request().replay_from, "-1");
  session.acknowledge();
  EXPECT_EQ(session.gaps.size(), 1U);
  EXPECT_EQ(session.quiet.size(), 1U);
}

TEST(Session, WithoutADateOfTheServerOurOwnClockAndALagCount) {
  hand session(salesforce());
  session.start();
  session.shake_hands();
  session.acknowledge();
  EXPECT_EQ(session.quiet.at(push.channel), wall_start - 5min);
}

// ---- Other servers

TEST(Session, TriesAdvisedHostsInOrderAndThenItsOwnAgain) {
  hand session(generic());
  session.go_live();
  session.answer(connect_with_hosts(R"(["a.example.com","b.example.com:8080"])"));
  session.lose();  // the goodbye
  std::vector<std::string> tried;
  for (int i = 0; i < 3; ++i) {
    session.wait();
    ASSERT_EQ(session.kind(), exchange_kind::handshake);
    tried.push_back(session.sent->host);
    session.lose();
  }
  EXPECT_THAT(tried, ElementsAre("a.example.com", "b.example.com:8080", ""));
}

TEST(Session, ASessionStaysOnTheAdvisedHostThatTookIt) {
  hand session(generic());
  session.go_live();
  session.answer(connect_with_hosts(R"(["a.example.com","b.example.com"])"));
  session.lose();
  session.wait();
  session.shake_hands("c2");
  EXPECT_EQ(session.sent->host, "a.example.com");
  session.acknowledge();
  EXPECT_EQ(session.sent->host, "a.example.com");
  session.connect();
  EXPECT_EQ(session.sent->host, "a.example.com");
  session.answer(R"([{"channel":"/meta/connect","successful":true,"advice":{"reconnect":"handshake"}}])");
  session.lose();
  session.wait();
  EXPECT_EQ(session.sent->host, "") << "advice holds for the reply that carries it";
}

TEST(Session, TakesNoMoreHostsThanItsLimit) {
  hand session(generic());
  session.go_live();
  std::string many = "[";
  for (int i = 0; i < 100; ++i)
    many += (i == 0 ? "" : ",") + std::string(R"("h)") + std::to_string(i) + '"';
  session.answer(connect_with_hosts(many + "]"));
  session.lose();
  int away = 0;
  for (int i = 0; i < 100; ++i) {
    session.wait();
    if (session.sent->host.empty())
      break;
    ++away;
    session.lose();
  }
  EXPECT_EQ(away, 8);
}

// ---- The acknowledgement extension

class acknowledging_hand : public hand {
 public:
  acknowledging_hand() : hand(generic()) {
    start();
    answer(R"([{"channel":"/meta/handshake","successful":true,"clientId":"c1","ext":{"ack":true}}])");
    acknowledge();
  }
  void connect_with(std::string_view events, std::int64_t ack) {
    answer("[" + std::string(events) + R"({"channel":"/meta/connect","successful":true,"ext":{"ack":)" +
           std::to_string(ack) + "}}]");
  }
};

const std::string chat_event = R"({"channel":"/chat","data":1})";

TEST(Session, AcknowledgesTheLastBatchThatCameWhole) {
  acknowledging_hand session;
  EXPECT_EQ(session.request().ack, 0);
  session.connect_with("", 1);
  EXPECT_EQ(session.request().ack, 1);
  session.connect_with(chat_event + ",", 2);
  EXPECT_EQ(session.request().ack, 2);
  EXPECT_EQ(session.delivered.size(), 1U);
}

TEST(Session, WhatIsSentAgainIsDeliveredOnce) {
  acknowledging_hand session;
  session.connect_with("", 1);
  session.answer("[" + chat_event + "," + chat_event);  // cut off
  EXPECT_THAT(session.delivered, IsEmpty()) << "the server sends both again";
  session.wait();
  EXPECT_EQ(session.request().ack, 1);
  session.connect_with(chat_event + "," + chat_event + ",", 2);
  EXPECT_EQ(session.delivered.size(), 2U);
}

TEST(Session, ABatchWithoutItsReplyIsSentAgainAndDeliveredOnce) {
  acknowledging_hand session;
  session.connect_with("", 1);
  session.answer("[" + chat_event + "]");
  session.wait();
  EXPECT_EQ(session.request().ack, 1);
  session.connect_with(chat_event + ",", 2);
  EXPECT_EQ(session.delivered.size(), 1U);
}

TEST(Session, ABatchOfASessionThatIsLeftIsDeliveredAsFarAsItCame) {
  acknowledging_hand forgotten;
  forgotten.connect_with("", 1);
  forgotten.answer("[" + chat_event +
                   R"(,{"channel":"/meta/connect","successful":false,"error":"402::session_unknown"}])");
  EXPECT_EQ(forgotten.delivered.size(), 1U);

  acknowledging_hand outlived;
  outlived.connect_with("", 1);
  for (int i = 0; i < 100 && outlived.kind() == exchange_kind::connect; ++i) {
    EXPECT_THAT(outlived.delivered, IsEmpty());
    outlived.answer("[" + chat_event + ",");  // cut off
    if (!outlived.sent)
      outlived.wait();
  }
  EXPECT_EQ(outlived.kind(), exchange_kind::disconnect);
  EXPECT_EQ(outlived.delivered.size(), 1U);

  acknowledging_hand stopped;
  stopped.connect_with("", 1);
  input::received in{.generation = stopped.sent->generation, .messages = {}};
  message_parser parser;
  ASSERT_TRUE(parser.feed("[" + chat_event, in.messages));
  stopped.resume(std::move(in));
  stopped.resume(input::stop{});
  EXPECT_EQ(stopped.delivered.size(), 1U);
}

TEST(Session, AsksSalesforceForNoAcknowledgements) {
  hand session(salesforce());
  session.start();
  EXPECT_FALSE(session.request().wants_ack);
  session.answer(R"([{"channel":"/meta/handshake","successful":true,"clientId":"c1","ext":{"ack":true}}])");
  session.acknowledge();
  EXPECT_FALSE(session.request().ack.has_value());
}

TEST(Session, ALossThatNothingMakesUpForIsTold) {
  hand session(generic());
  session.start();
  session.answer(R"([{"channel":"/meta/handshake","successful":true,"clientId":"c1"}])");
  session.acknowledge();
  session.connect();
  session.lose();
  ASSERT_EQ(session.gaps.size(), 1U);
  EXPECT_EQ(session.gaps[0].channel, "/chat");
  EXPECT_EQ(session.gaps[0].lost_replay_id, "");
  session.wait();
  session.answer(refusal("connect", "402::session_unknown", "handshake"));
  EXPECT_EQ(session.gaps.size(), 2U);

  acknowledging_hand resent;
  resent.connect_with("", 1);
  resent.lose();
  EXPECT_THAT(resent.gaps, IsEmpty()) << "the server sends it again";
  resent.wait();
  resent.answer(refusal("connect", "402::session_unknown", "handshake"));
  EXPECT_EQ(resent.gaps.size(), 1U) << "but not to another session";
}

// ---- What cannot be read

const std::string spoilt_event =
    R"({"channel":"/event/Push__e","data":{"event":{"replayId":1)" + std::string(1, '\0') + "2}}}";

TEST(Session, WhatWasSpoiltOnItsWayIsReplayedAndNothingBehindItIsTakenBefore) {
  for (const std::string& body :
       {"[" + event_text(5) + "," + spoilt_event + "," + event_text(7) + "," + connect_ok + "]",
        "[" + connect_ok + "," + event_text(5) + "," + spoilt_event + "]"}) {
    hand session(salesforce());
    session.go_live();
    session.answer(body);
    ASSERT_EQ(session.events.size(), 1U);
    session.lose();  // the goodbye
    session.wait();
    session.shake_hands("c2");
    EXPECT_EQ(session.request().replay_from, "5");
    EXPECT_EQ(session.handshakes.back(), handshake_reason::lost_poll);
    session.acknowledge();
    session.answer("[" + event_text(6) + "," + event_text(7) + "," + connect_ok + "]");
    EXPECT_EQ(session.events.size(), 3U);
    EXPECT_EQ(session.kind(), exchange_kind::connect);
  }
}

TEST(Session, AnEventWhoseChannelWasSpoiltIsReplayedToo) {
  hand session(salesforce());
  session.go_live();
  session.answer(R"([{"channel":"/event/Pu)" + std::string(1, '\0') +
                 R"(sh__e","data":{"event":{"replayId":6}}},)" + event_text(7) + "," + connect_ok + "]");
  EXPECT_THAT(session.events, IsEmpty());
  EXPECT_EQ(session.kind(), exchange_kind::disconnect);
}

TEST(Session, WhatCannotBeReadAtItsSourceIsPassedOverAfterThreeReplays) {
  hand session(salesforce());
  session.go_live();
  int replays = 0;
  while (session.events.empty() && replays < 10) {
    session.answer("[" + spoilt_event + "," + event_text(7) + "," + connect_ok + "]");
    if (!session.events.empty())
      break;
    ++replays;
    session.recover("c" + std::to_string(replays));
  }
  EXPECT_EQ(replays, 3);
  EXPECT_EQ(session.events.size(), 1U);
  EXPECT_EQ(session.kind(), exchange_kind::connect) << "and it goes on";
}

// ---- Slowness and standstill

TEST(Session, ASlowResponseMayTakeItsTimeWhileItMoves) {
  hand session(salesforce());
  session.go_live();
  for (int i = 0; i < 20; ++i) {
    session.pass(20s);
    session.resume(input::tick{});
    ASSERT_EQ(session.abandoned, 0) << i;
    session.resume(input::progress{session.machine.generation()});
  }
  session.wait();
  EXPECT_EQ(session.abandoned, 1) << "half a minute without a byte";
}

TEST(Session, EvenASlowResponseMustEndSomeDay) {
  hand session(salesforce());
  session.go_live();
  const steady_time begun = session.clock;
  while (session.abandoned == 0) {
    session.pass(10s);
    ASSERT_LT(session.clock - begun, 20min);
    session.resume(input::tick{});
    if (session.abandoned == 0)
      session.resume(input::progress{session.machine.generation()});
  }
  EXPECT_GE(session.clock - begun, 15min);
}

TEST(Session, ProgressOfAnOlderExchangeCountsForNothing) {
  hand session(salesforce());
  session.go_live();
  session.pass(129s);
  session.resume(input::progress{session.machine.generation() - 1});
  session.wait();
  EXPECT_EQ(session.abandoned, 1);
}

TEST(Session, IsOverdueOnlyLongAfterItsOwnTicksWereDue) {
  hand session(salesforce());
  EXPECT_EQ(session.machine.overdue_at(), steady_time::max()) << "not begun";
  session.go_live();
  EXPECT_EQ(session.machine.overdue_at(), session.wake + 30s);
  session.resume(input::stop{});
  session.lose();
  EXPECT_EQ(session.machine.overdue_at(), steady_time::max()) << "ended";
}

TEST(Session, AStandstillFoundByTheWatchdogLeadsToANewSession) {
  hand session(salesforce());
  session.go_live();
  session.clock = session.machine.overdue_at();
  session.resume(input::stalled{});
  EXPECT_EQ(session.abandoned, 1);
  EXPECT_FALSE(session.machine.is_live());
  EXPECT_THAT(session.logs, Contains("error stream_stalled phase=polling"));
  session.recover();
  EXPECT_EQ(session.handshakes.back(), handshake_reason::stalled);
}

}  // namespace
}  // namespace pushguard::cometd
