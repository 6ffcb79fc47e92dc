#include "cometd/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/cometd/session_hand.hpp"

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;
using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Session, HandshakesSubscribesEachChannelAndThenConnects) {
  hand session(salesforce({push, license}));
  session.start();
  EXPECT_EQ(session.request().channel, "/meta/handshake");
  EXPECT_TRUE(session.request().wants_replay);
  EXPECT_TRUE(session.request().client_id.empty());
  session.shake_hands("abc");
  EXPECT_EQ(session.request().subscription, push.channel);
  EXPECT_EQ(session.request().client_id, "abc");
  EXPECT_EQ(session.request().replay_from, "-1");
  session.acknowledge();
  EXPECT_FALSE(session.machine.is_live()) << "one of two";
  EXPECT_EQ(session.request().subscription, license.channel);
  session.acknowledge();
  EXPECT_TRUE(session.machine.is_live());
  ASSERT_EQ(session.kind(), exchange_kind::connect);
  EXPECT_EQ(session.request().timeout, 0ms) << "the first connect asks for an answer at once";
  EXPECT_EQ(session.sent->deadline, 110s + 15s);
  session.connect();
  ASSERT_EQ(session.kind(), exchange_kind::connect);
  EXPECT_FALSE(session.request().timeout.has_value()) << "later ones are held";
  EXPECT_THAT(session.handshakes, ElementsAre(handshake_reason::start));
  EXPECT_THAT(session.logs, ElementsAre("info stream_handshake reason=start", "info stream_live channels=2"));
}

TEST(Session, NumbersEveryMessageAndGeneration) {
  hand session(salesforce());
  session.start();
  const auto first = session.request().id;
  session.shake_hands();
  EXPECT_NE(session.request().id, first);
  EXPECT_EQ(session.machine.generation(), session.sent->generation);
}

TEST(Session, DeliversEventsInOrderFromAnyResponseAndBeforeActingOnIt) {
  hand session(salesforce());
  session.start();
  session.shake_hands();
  session.answer("[" + event_text(1) +
                 R"(,{"channel":"/meta/subscribe","successful":true,"subscription":"/event/Push__e"},)" +
                 event_text(2) + "]");
  session.answer("[" + event_text(3) + "," + connect_ok + "," + event_text(4) + "]");
  ASSERT_EQ(session.events.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(session.events[i].replay_id, std::to_string(i + 1));
  EXPECT_EQ(session.events[0].subscription, push.channel);
  EXPECT_EQ(session.kind(), exchange_kind::connect);
}

TEST(Session, ReadsFromTheStoredPositionAndKeepsItsToken) {  // F52
  hand session(salesforce({push, license}));
  session.start({.positions = {{push.channel, {"99999999999999999999"}}, {license.channel, {R"("0017")"}}}});
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "99999999999999999999");
  session.acknowledge();
  EXPECT_EQ(session.request().replay_from, R"("0017")") << "each channel its own entry (F35)";
}

TEST(Session, IgnoresAStoredPositionThatIsNoToken) {
  hand session(salesforce({{.channel = "/u/x", .first = replay_start::earliest}}));
  session.start({.positions = {{"/u/x", {"1},\"x\":{"}}}});
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "-2");
}

TEST(Session, ReportsAGapForAPositionOfAnotherOrg) {
  hand session(salesforce());
  session.start({.positions = {}, .foreign = {{push.channel, "17"}}});
  ASSERT_EQ(session.gaps.size(), 1U);
  EXPECT_EQ(session.gaps[0].lost_replay_id, "17");
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "-2") << "when_lost, not first";
}

TEST(Session, ResubscribesFromTheLatestEventNotFromTheFirst) {  // F04, F06
  hand session(salesforce());
  session.start({.positions = {{push.channel, {"5"}}}});
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "5");
  session.acknowledge();
  session.answer("[" + event_text(6) + "," + event_text(9) + "," + connect_ok + "]");
  session.answer(refusal("connect", "403::Unknown client"));
  EXPECT_FALSE(session.machine.is_live());
  session.wait();
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "9");
}

TEST(Session, DropsDuplicatesAfterAReplayButStillMovesOn) {  // F19
  hand session(salesforce());
  session.go_live();
  session.answer("[" + event_text(1) + "," + event_text(2) + "," + connect_ok + "]");
  session.answer("[" + event_text(1) + "," + event_text(2) + "," + event_text(3) + "," + connect_ok + "]");
  EXPECT_EQ(session.events.size(), 3U);
  EXPECT_EQ(session.duplicates, 2);
}

TEST(Session, TellsEventsApartByUuidWhereTheyHaveOne) {
  hand session(salesforce());
  session.go_live();
  const auto with_uuid = [](int replay_id, std::string_view uuid) {
    return R"({"channel":"/event/Push__e","data":{"event":{"replayId":)" + std::to_string(replay_id) +
           R"(,"EventUuid":")" + std::string(uuid) + R"("}}})";
  };
  session.answer("[" + with_uuid(1, "a") + "," + with_uuid(2, "a") + "," + with_uuid(2, "b") + "," +
                 connect_ok + "]");
  ASSERT_EQ(session.events.size(), 2U);
  EXPECT_EQ(session.events[1].event_uuid, "b");
}

TEST(Session, ABatchThatEndsTheSessionIsDeliveredFirst) {  // F01
  hand session(salesforce());
  session.go_live();
  session.answer("[" + event_text(7) +
                 R"(,{"channel":"/meta/disconnect"},{"channel":"/meta/connect","successful":false,)"
                 R"("error":"403::Unknown client","advice":{"reconnect":"none"}}])");
  EXPECT_EQ(session.events.size(), 1U);
  EXPECT_FALSE(session.ended) << "none is no order to stop on Salesforce";
  session.recover();
  EXPECT_EQ(session.handshakes.back(), handshake_reason::server_disconnect);
}

TEST(Session, AnExpiredTokenBesideADisconnectIsRenewed) {  // F02
  hand session(salesforce());
  session.go_live();
  session.answer(R"([{"channel":"/meta/disconnect"},{"channel":"/meta/connect","successful":false,)"
                 R"("error":"401::Authentication invalid","advice":{"reconnect":"none"}}])");
  EXPECT_TRUE(session.is_renewing);
  session.resume(input::credentials_renewed{});
  session.recover();
  EXPECT_EQ(session.handshakes.back(), handshake_reason::credentials);
}

TEST(Session, ABareServerDisconnectLeadsToAJitteredHandshake) {  // F03
  hand session(salesforce());
  session.go_live();
  session.answer(R"([{"channel":"/meta/disconnect"}])");
  EXPECT_FALSE(session.machine.is_live());
  EXPECT_LE(session.wake - session.clock, 5s);
  session.recover();
  EXPECT_EQ(session.handshakes.back(), handshake_reason::server_disconnect);
}

TEST(Session, ALostPositionIsAGapAndReadingGoesOnByPolicy) {  // F05
  for (const auto when_lost : {replay_start::earliest, replay_start::latest}) {
    hand session(salesforce({{.channel = push.channel, .when_lost = when_lost}, license}));
    session.start({.positions = {{push.channel, {"17"}}}});
    session.shake_hands();
    session.answer(refusal("subscribe",
                           "400::The replayId {17} you provided was invalid.  Please provide a "
                           "valid ID, -2 to replay all events, or -1 to replay only new events."));
    ASSERT_EQ(session.gaps.size(), 1U);
    EXPECT_EQ(session.gaps[0].channel, push.channel);
    EXPECT_EQ(session.gaps[0].lost_replay_id, "17");
    EXPECT_EQ(session.gaps[0].resumed_at, when_lost);
    EXPECT_THAT(session.logs,
                Contains(HasSubstr("warning stream_gap channel=/event/Push__e lost_replay_id=17")));
    EXPECT_EQ(session.request().replay_from, when_lost == replay_start::earliest ? "-2" : "-1");
    session.acknowledge();
    session.acknowledge();
    EXPECT_TRUE(session.machine.is_live());
  }
}

TEST(Session, AChannelWhoseEarliestIsRefusedTooIsParked) {
  hand session(salesforce({push}));
  session.start({.positions = {{push.channel, {"17"}}}});
  session.shake_hands();
  const auto refused = refusal("subscribe", "400::The replayId {17} you provided was invalid.");
  session.answer(refused);
  session.answer(refused);
  EXPECT_EQ(session.gaps.size(), 1U) << "one gap, not one for each refusal";
  EXPECT_EQ(session.machine.channels()[0].phase, channel_phase::parked);
  EXPECT_EQ(session.kind(), exchange_kind::connect) << "the session is kept";
}

TEST(Session, StaleHandshakeAdviceDoesNotMakeALoop) {  // F08
  hand session(salesforce());
  session.go_live();
  session.answer(refusal("connect", "403::Unknown client", "handshake"));
  session.wait();
  // The reply to the new handshake carries no advice at all; the old one must not be remembered.
  session.answer(R"([{"channel":"/meta/handshake","successful":true,"clientId":"c9"}])");
  session.acknowledge();
  session.answer(R"([{"channel":"/meta/connect","successful":true}])");
  session.answer(R"([{"channel":"/meta/connect","successful":true}])");
  EXPECT_EQ(session.handshakes.size(), 2U);
}

TEST(Session, HandshakesNeverComeInAStorm) {  // F08, F12
  hand session(salesforce());
  session.start();
  const auto begin = session.clock;
  for (int i = 0; i < 100; ++i) {
    session.shake_hands("c" + std::to_string(i));
    session.acknowledge();
    session.answer(refusal("connect", "403::Unknown client", i % 2 == 0 ? "none" : "handshake"));
    ASSERT_EQ(session.machine.phase(), session_phase::waiting);
    EXPECT_GE(session.wake - session.clock, 1s);
    session.wait();
  }
  EXPECT_GT(session.clock - begin, 100 * 10s) << "the waits grow";
  EXPECT_LT(session.clock - begin, 100 * 61s) << "but not without bound";
}

TEST(Session, ASessionForgottenAfterItsFirstPollStillSlowsTheHandshakesDown) {  // F12
  hand session(salesforce());
  session.start();
  const auto begin = session.clock;
  for (int i = 0; i < 50; ++i) {
    session.shake_hands();
    session.acknowledge();
    session.connect();
    session.answer(refusal("connect", "403::Unknown client"));
    session.wait();
  }
  EXPECT_GT(session.clock - begin, 50 * 10s);
}

TEST(Session, TheFirstTroubleAfterAStableSessionIsRepairedAtOnce) {  // F11, F13
  hand session(salesforce());
  session.go_live();
  for (int cookie_life = 0; cookie_life < 20; ++cookie_life) {
    for (int poll = 0; poll < 98; ++poll) {  // about three hours
      session.pass(110s);
      session.connect("{}");
    }
    session.answer(refusal("connect", "403::Unknown client"));
    const auto lost_at = session.clock;
    session.recover();
    EXPECT_LE(session.clock - lost_at, 1s);
  }
  EXPECT_EQ(session.cookies_cleared, 0);
}

TEST(Session, ClearsTheCookiesWhenTheServerKeepsForgettingTheClient) {  // F09
  hand session(salesforce());
  session.start();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(session.cookies_cleared, 0);
    session.shake_hands();
    session.acknowledge();
    session.answer(refusal("connect", "403::Unknown client"));
    session.wait();
  }
  EXPECT_EQ(session.cookies_cleared, 1);
}

TEST(Session, DropsWhatBelongsToAnOlderGeneration) {  // F10, F19
  hand session(salesforce());
  session.go_live();
  const auto old = session.sent->generation;
  session.pass(130s);
  session.resume(input::tick{});  // the watchdog gives the poll up
  EXPECT_EQ(session.abandoned, 1);
  input::received late{.generation = old, .messages = {}};
  message_parser parser;
  ASSERT_TRUE(parser.feed("[" + event_text(5) + "," + connect_ok + "]", late.messages));
  const auto phase = session.machine.phase();
  session.resume(late);
  session.resume(input::exchange_ended{.generation = old, .status = 200, .trouble = {}});
  EXPECT_THAT(session.events, IsEmpty());
  EXPECT_EQ(session.machine.phase(), phase);
  session.recover();
  session.resume(late);
  EXPECT_THAT(session.events, IsEmpty());
}

TEST(Session, ATokenRefusedAtTheHandshakeIsRenewed) {  // F14
  hand session(salesforce());
  session.go_live();
  session.answer(refusal("connect", "403::Unknown client"));
  session.wait();
  session.answer(refusal_with_reason("handshake", "403::Handshake denied", "401::Authentication invalid"));
  EXPECT_TRUE(session.is_renewing);
  session.resume(input::credentials_renewed{});
  session.recover();
}

TEST(Session, RenewsTheTokenWhateverFormTheRefusalHas) {  // F02, F30
  for (const auto& [body, status] : {
           std::pair<std::string, int>{refusal("connect", "401::Authentication invalid"), 200},
           {R"([{"error":"401::Request requires authentication","successful":false}])", 200},
           {R"([{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}])", 401},
           {"<html>401</html>", 401},
           {"", 302},
           {"", 401},
       }) {
    hand session(salesforce());
    session.go_live();
    session.answer(body, status);
    EXPECT_EQ(session.renewals, 1) << status << " " << body;
    EXPECT_FALSE(session.machine.is_live());
  }
}

TEST(Session, ABusyServerIsLeftAloneForMinutesAndNotAskedForATokenAgain) {  // F24
  hand session(salesforce());
  session.go_live();
  session.answer(refusal_with_reason("connect", "401::Authentication invalid", "503::Server is too busy"));
  EXPECT_EQ(session.renewals, 0);
  ASSERT_EQ(session.kind(), exchange_kind::disconnect) << "the client is not left behind";
  session.answer(R"([{"channel":"/meta/disconnect","successful":true}])");
  EXPECT_GE(session.wake - session.clock, 1min);
  EXPECT_LE(session.wake - session.clock, 3min);
  session.recover();
  EXPECT_EQ(session.handshakes.back(), handshake_reason::overload);
}

TEST(Session, RefusedRenewalsComeEverMoreSlowly) {
  hand session(salesforce());
  session.go_live();
  session.answer(refusal("connect", "401::Authentication invalid"));
  duration total{};
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(session.is_renewing);
    session.is_renewing = false;
    session.resume(input::credentials_failed{{make_error_code(errc::unauthorized), "the login was refused"}});
    ASSERT_EQ(session.machine.phase(), session_phase::waiting);
    session.wait();
    total += session.waited;
  }
  EXPECT_GT(total, 30 * 60s);
  EXPECT_EQ(
      std::ranges::count_if(session.logs, [](const std::string& line) { return line.contains("login"); }), 1)
      << "one line while it stays the same";
}

TEST(Session, ATokenThatTheServerNeverTakesDoesNotMakeALoop) {
  hand session(salesforce());
  session.start();
  const auto begin = session.clock;
  for (int i = 0; i < 20; ++i) {
    session.answer(refusal("handshake", "401::Authentication invalid"));
    if (!session.is_renewing)
      session.wait();
    ASSERT_TRUE(session.is_renewing);
    session.resume(input::credentials_renewed{});
    if (!session.sent)
      session.wait();
    ASSERT_EQ(session.kind(), exchange_kind::handshake);
  }
  EXPECT_GT(session.clock - begin, 10min);
}

TEST(Session, ARenewalThatNeverEndsIsGivenUp) {
  hand session(salesforce());
  session.go_live();
  session.answer(refusal("connect", "401::Authentication invalid"));
  session.wait();
  EXPECT_EQ(session.waited, 2min);
  EXPECT_EQ(session.machine.phase(), session_phase::waiting);
}

TEST(Session, AFailedSubscribeWithoutItsChannelIsKnownByTheRequest) {  // F29
  hand session(salesforce({push, license}));
  session.start();
  session.shake_hands();
  session.acknowledge();
  session.answer(refusal("subscribe", "403::Restricted channel"));  // has no `subscription`
  const auto channels = session.machine.channels();
  EXPECT_TRUE(channels[0].is_live());
  EXPECT_EQ(channels[1].phase, channel_phase::parked);
  EXPECT_EQ(channels[1].reason, "403::Restricted channel");
  EXPECT_EQ(session.kind(), exchange_kind::connect) << "the others go on";
  EXPECT_FALSE(session.machine.is_live());
}

TEST(Session, AParkedChannelIsTriedAgainBetweenPollsAndComesAlive) {
  hand session(salesforce());
  session.start();
  session.shake_hands();
  session.answer(refusal("subscribe", "404::Unknown channel"));
  session.connect();
  for (int i = 0; i < 10 && session.kind() == exchange_kind::connect; ++i) {
    session.pass(110s);
    session.connect("{}");
  }
  ASSERT_EQ(session.kind(), exchange_kind::subscribe);
  EXPECT_GE(session.clock.time_since_epoch(), 8min);
  session.acknowledge();
  EXPECT_TRUE(session.machine.is_live());
  EXPECT_THAT(session.machine.channels()[0].reason, IsEmpty());
}

TEST(Session, ParkedChannelsOutliveAHandshakeAndAreLoggedOnce) {
  hand session(salesforce({push, license}));
  session.start();
  session.shake_hands();
  session.answer(refusal("subscribe", "403::Restricted channel"));
  session.acknowledge();
  session.answer(refusal("connect", "403::Unknown client"));
  session.wait();
  session.shake_hands();
  EXPECT_EQ(session.request().subscription, license.channel) << "the parked one is not asked for yet";
  EXPECT_EQ(
      std::ranges::count_if(session.logs, [](const std::string& line) { return line.contains("parked"); }),
      1);
}

TEST(Session, AnEventQuotaParksForLongAndKeepsThePosition) {  // F36
  hand session(salesforce());
  session.start({.positions = {{push.channel, {"17"}}}});
  session.shake_hands();
  session.answer(refusal("subscribe", "403::Organization total events daily limit exceeded"));
  session.connect();
  const auto parked_at = session.clock;
  while (session.kind() == exchange_kind::connect) {
    session.pass(110s);
    session.connect("{}");
  }
  EXPECT_GE(session.clock - parked_at, 10min);
  EXPECT_EQ(session.request().replay_from, "17");
}

TEST(Session, AMissingCookieClearsTheJar) {  // F31, F37
  for (const std::string error :
       {"400::Client 1a has established a session, but no BAYEUX_BROWSER cookie present",
        "400::Authenticated user id does not match session's user id"}) {
    hand session(salesforce());
    session.go_live();
    session.answer(refusal("connect", error));
    EXPECT_EQ(session.cookies_cleared, 1);
    session.recover();
    EXPECT_EQ(session.handshakes.back(), handshake_reason::cookies);
  }
}

TEST(Session, AFilteredChannelIsDeliveredUnderItsPlainName) {  // F34
  hand session(salesforce({{.channel = "/topic/X?Status='a'"}}));
  session.go_live();
  session.answer("[" + event_text(3, "/topic/X") + "," + connect_ok + "]");
  ASSERT_EQ(session.events.size(), 1U);
  EXPECT_EQ(session.events[0].channel, "/topic/X");
  EXPECT_EQ(session.events[0].subscription, "/topic/X?Status='a'");
}

TEST(Session, PositionsOfChannelsAreKeptApart) {  // F35
  hand session(salesforce({push, license}));
  session.go_live();
  session.answer("[" + event_text(3, push.channel) + "," + event_text(900, license.channel) + "," +
                 connect_ok + "]");
  session.answer(refusal("connect", "403::Unknown client"));
  session.wait();
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "3");
  session.acknowledge();
  EXPECT_EQ(session.request().replay_from, "900");
}

TEST(Session, WaitsTheAdvisedIntervalInMilliseconds) {  // F49
  hand session(salesforce());
  session.start();
  session.shake_hands();
  session.acknowledge();
  session.connect(R"({"reconnect":"retry","interval":2000,"timeout":45000})");
  ASSERT_EQ(session.machine.phase(), session_phase::waiting);
  EXPECT_EQ(session.wake - session.clock, 2s);
  session.wait();
  EXPECT_EQ(session.sent->deadline, 45s + 15s) << "the server's own timeout";
  session.connect("{}");
  EXPECT_EQ(session.kind(), exchange_kind::connect) << "the interval held for the reply that carried it";
}

TEST(Session, BoundsHostileAdvice) {
  hand session(salesforce());
  session.start();
  session.shake_hands();
  session.acknowledge();
  session.connect(R"({"interval":1e300,"timeout":1e300})");
  EXPECT_LE(session.wake - session.clock, 5min);
  session.wait();
  EXPECT_LE(session.sent->deadline, 11min);
  session.connect(R"({"interval":-1,"timeout":-5,"reconnect":"whatever"})");
  EXPECT_EQ(session.kind(), exchange_kind::connect) << "negative: no order on Salesforce";
}

TEST(Session, ALostPollIsReplayedAndTheOldClientDisconnected) {  // F18, F40, F43
  for (const auto& lose : std::vector<std::function<void(hand&)>>{
           [](hand& session) { session.lose(errc::closed); },
           [](hand& session) { session.lose(errc::timed_out); },
           [](hand& session) { session.lose(errc::too_large); },
           [](hand& session) { session.answer("[" + event_text(5) + ",{\"channel\":\"/ev"); },
           [](hand& session) { session.answer("[" + event_text(5) + "," + connect_ok); },
           [](hand& session) { session.answer("<html>maintenance</html>", 503); },
           [](hand& session) { session.answer("", 200); }, [](hand& session) { session.answer("", 504); },
           [](hand& session) { session.answer("[]", 500); },
           [](hand& session) { session.wait(); },  // no end at all: the watchdog
       }) {
    hand session(salesforce());
    session.go_live();
    session.answer("[" + event_text(4) + "," + connect_ok + "]");
    lose(session);
    EXPECT_FALSE(session.machine.is_live());
    ASSERT_EQ(session.kind(), exchange_kind::disconnect);
    EXPECT_EQ(session.request().client_id, "c1");
    const std::string last = session.events.back().replay_id;
    // What rides on the goodbye came after what was lost.
    session.answer("[" + event_text(8) + R"(,{"channel":"/meta/disconnect","successful":true}])");
    EXPECT_EQ(session.events.back().replay_id, last);
    session.wait();
    session.shake_hands();
    EXPECT_EQ(session.request().replay_from, last);
    EXPECT_EQ(session.handshakes.back(), handshake_reason::lost_poll);
  }
}

TEST(Session, TheEndOfTheResponseEndsThePollWhateverItHeld) {
  for (const auto& [body, next] : {
           std::pair(R"([{"channel":"/meta/connect","id":"other","successful":true}])",
                     exchange_kind::connect),
           std::pair(R"([{"channel":"/meta/connect","successful":true}])", exchange_kind::connect),
           // Without a reply to the connect, events may be missing too: they are replayed.
           std::pair("[]", exchange_kind::disconnect),
           std::pair(R"([{"channel":"/meta/subscribe","successful":true}])", exchange_kind::disconnect),
           std::pair(R"([{"id":"1"}])", exchange_kind::disconnect),
       }) {
    hand session(salesforce());
    session.go_live();
    const int before = session.polls_ended;
    session.answer(body);
    EXPECT_EQ(session.polls_ended, before + 1);
    EXPECT_EQ(session.kind(), next) << body;
    EXPECT_EQ(session.machine.is_live(), next == exchange_kind::connect);
  }
}

TEST(Session, WithoutReplayAnAnswerWithoutAReplyIsFollowedByTheNextPoll) {
  hand session(generic());
  session.start();
  session.answer(R"([{"channel":"/meta/handshake","successful":true,"clientId":"c1"}])");
  session.acknowledge();
  session.connect();
  session.answer("[]");
  if (!session.sent)
    session.wait();
  EXPECT_EQ(session.kind(), exchange_kind::connect);
  EXPECT_TRUE(session.machine.is_live());
}

TEST(Session, AServerThatNeverRepliesToConnectsIsLeftForANewSession) {
  hand session(generic());
  session.start();
  session.answer(R"([{"channel":"/meta/handshake","successful":true,"clientId":"c1"}])");
  session.acknowledge();
  for (int i = 0; i < 10 && session.kind() != exchange_kind::disconnect; ++i) {
    session.answer("[]");
    if (!session.sent)
      session.wait();
  }
  EXPECT_EQ(session.kind(), exchange_kind::disconnect) << "it would stay deaf otherwise";
}

TEST(Session, AServerThatDoesNotHoldConnectsIsNotPolledInAHotLoop) {
  hand session(salesforce());
  session.go_live();
  int polls = 0;
  while (session.clock.time_since_epoch() < 1min) {
    if (session.sent) {
      session.connect("{}");
      ++polls;
    } else {
      session.wait();
    }
    ASSERT_LT(polls, 100);
  }
}

TEST(Session, BusyPollsWithEventsAreNeverSlowedDown) {
  hand session(salesforce());
  session.go_live();
  for (int i = 1; i <= 1000; ++i) {
    ASSERT_EQ(session.kind(), exchange_kind::connect);
    session.answer("[" + event_text(i) + "," + connect_ok + "]");
  }
  EXPECT_EQ(session.clock.time_since_epoch(), 0s);
  EXPECT_EQ(session.events.size(), 1000U);
}

TEST(Session, HandshakeFailuresOfEveryKindAreSurvived) {
  struct trouble {
    std::string body;
    int status;
    duration least;
    duration most;
  };
  for (const auto& [body, status, least, most] : {
           trouble{"<html>503</html>", 503, 0s, 60s},
           trouble{"", 404, 0s, 60s},
           trouble{"[]", 200, 0s, 60s},
           trouble{R"([{"channel":"/meta/handshake","successful":true}])", 200, 0s, 60s},
           trouble{R"([{"channel":"/meta/handshake","successful":true,"clientId":"x",)"
                   R"("supportedConnectionTypes":["websocket"]}])",
                   200, 8min, 12min},
           trouble{refusal("handshake", "400::Unsupported API version. Only API versions 37.0 and later"),
                   200, 8min, 12min},
           trouble{refusal_with_reason("handshake", "403::Handshake denied",
                                       "403::Organization concurrent user limit exceeded"),
                   200, 10min, 30min},
           trouble{refusal_with_reason("handshake", "403::Handshake denied", "503::Server is too busy"), 200,
                   1min, 3min},
           trouble{refusal("handshake", "403::Handshake denied"), 200, 0s, 60s},
       }) {
    hand session(salesforce());
    session.start();
    session.answer(body, status);
    ASSERT_EQ(session.machine.phase(), session_phase::waiting) << body;
    EXPECT_GE(session.wake - session.clock, least) << body;
    EXPECT_LE(session.wake - session.clock, most) << body;
    session.wait();
    session.shake_hands();
    session.acknowledge();
    session.connect();
    EXPECT_TRUE(session.machine.is_live());
    EXPECT_THAT(session.logs, Contains(HasSubstr("warning stream_trouble during=handshake")));
    EXPECT_THAT(session.logs, Contains("info stream_recovered failures=1"));
  }
}

TEST(Session, FailsAtEveryStepOfTheSequenceAndRecovers) {
  // The n-th exchange of a fresh session is lost; whichever it is, the session comes alive again.
  for (int failing = 0; failing < 6; ++failing) {
    hand session(salesforce({push, license}), static_cast<std::uint64_t>(failing));
    session.start();
    for (int step = 0; step < 40 && !(session.machine.is_live() && session.kind() == exchange_kind::connect &&
                                      step > failing);
         ++step) {
      if (!session.sent) {
        session.wait();
      } else if (step == failing || session.kind() == exchange_kind::disconnect) {
        session.lose();
      } else if (session.kind() == exchange_kind::handshake) {
        session.shake_hands();
      } else if (session.kind() == exchange_kind::subscribe) {
        session.acknowledge();
      } else {
        session.connect();
      }
    }
    EXPECT_TRUE(session.machine.is_live()) << failing;
    EXPECT_LT(session.clock.time_since_epoch(), 10s) << failing;
  }
}

TEST(Session, ARepeatedTroubleIsLoggedOnceAndCounted) {
  hand session(salesforce());
  session.start();
  for (int i = 0; i < 10; ++i) {
    session.lose(errc::unreachable);
    session.wait();
  }
  EXPECT_EQ(
      std::ranges::count_if(session.logs, [](const std::string& l) { return l.contains("stream_trouble"); }),
      1);
  session.shake_hands();
  session.acknowledge();
  session.connect();
  EXPECT_THAT(session.logs, Contains("info stream_recovered failures=10"));
}

TEST(Session, LeavesEventsOnTheServerWhileTheConsumerIsBehindAndFetchesThemLater) {
  hand session(salesforce());
  session.go_live();
  session.answer("[" + event_text(1) + "," + connect_ok + "]");
  session.resume(input::backlog{.is_full = true});
  session.answer("[" + event_text(2) + "," + connect_ok + "]");
  EXPECT_EQ(session.events.size(), 1U);
  ASSERT_EQ(session.machine.phase(), session_phase::waiting);
  EXPECT_LT(session.wake - session.clock, 40s) << "the session would die";
  session.wait();
  ASSERT_EQ(session.kind(), exchange_kind::connect) << "polling goes on";
  session.answer("[" + event_text(3) + "," + connect_ok + "]");
  session.wait();
  ASSERT_EQ(session.kind(), exchange_kind::connect);
  session.resume(input::backlog{.is_full = false});
  EXPECT_EQ(session.abandoned, 1);
  session.lose();  // the goodbye
  session.wait();
  session.shake_hands();
  EXPECT_EQ(session.request().replay_from, "1");
  EXPECT_EQ(session.handshakes.back(), handshake_reason::backlog);
}

TEST(Session, PollsAtOnceWhenTheConsumerHasCaughtUp) {
  hand session(salesforce());
  session.go_live();
  session.resume(input::backlog{.is_full = true});
  session.connect("{}");
  ASSERT_EQ(session.machine.phase(), session_phase::waiting);
  session.resume(input::backlog{.is_full = false});
  EXPECT_EQ(session.kind(), exchange_kind::connect);
  EXPECT_TRUE(session.machine.is_live());
}

TEST(Session, RoomForMoreDoesNotCutAnAdvisedWaitShort) {
  hand session(salesforce());
  session.start();
  session.shake_hands();
  session.acknowledge();
  session.connect(R"({"interval":5000})");
  session.resume(input::backlog{.is_full = false});
  EXPECT_EQ(session.machine.phase(), session_phase::waiting);
}

TEST(Session, StopsFromEveryPhase) {
  struct phase_case {
    session_phase phase;
    bool says_goodbye;
    std::function<void(hand&)> reach;
  };
  for (const auto& [phase, says_goodbye, reach] : {
           phase_case{session_phase::idle, false, [](hand&) {}},
           phase_case{session_phase::handshaking, false, [](hand& s) { s.start(); }},
           phase_case{session_phase::subscribing, true,
                      [](hand& s) {
                        s.start();
                        s.shake_hands();
                      }},
           phase_case{session_phase::polling, true, [](hand& s) { s.go_live(); }},
           phase_case{session_phase::waiting, false,
                      [](hand& s) {
                        s.start();
                        s.lose();
                      }},
           phase_case{session_phase::renewing, false,
                      [](hand& s) {
                        s.go_live();
                        s.answer("", 401);
                      }},
           phase_case{session_phase::abandoning, false,
                      [](hand& s) {
                        s.go_live();
                        s.lose();
                      }},
       }) {
    for (const bool is_answered : {true, false}) {
      hand session(salesforce());
      reach(session);
      ASSERT_EQ(session.machine.phase(), phase);
      session.resume(input::stop{});
      if (says_goodbye) {
        ASSERT_EQ(session.kind(), exchange_kind::disconnect) << to_string(phase);
        EXPECT_EQ(session.sent->deadline, 2s);
        EXPECT_EQ(session.request().client_id, "c1");
        session.resume(input::stop{});
        EXPECT_EQ(session.machine.phase(), session_phase::stopping);
        if (is_answered) {
          session.answer(R"([{"channel":"/meta/disconnect","successful":true}])");
        } else {
          session.wait();
          EXPECT_LT(session.waited, 10s);
        }
      }
      EXPECT_EQ(session.machine.phase(), session_phase::ended) << to_string(phase);
      EXPECT_EQ(session.ended, "stopped");
      EXPECT_FALSE(session.machine.is_live());
    }
  }
}

TEST(Session, TakesEveryInputInEveryPhase) {
  const std::vector<std::function<void(hand&)>> ways{
      [](hand&) {},
      [](hand& s) { s.start(); },
      [](hand& s) {
        s.start();
        s.shake_hands();
      },
      [](hand& s) { s.go_live(); },
      [](hand& s) {
        s.start();
        s.lose();
      },
      [](hand& s) {
        s.go_live();
        s.answer("", 401);
      },
      [](hand& s) {
        s.go_live();
        s.lose();
      },
      [](hand& s) {
        s.go_live();
        s.resume(input::stop{});
      },
      [](hand& s) {
        s.go_live();
        s.resume(input::stop{});
        s.lose();
      },
  };
  const std::vector<std::function<session_input(const hand&)>> inputs{
      [](const hand&) -> session_input { return input::start{}; },
      [](const hand& s) -> session_input { return input::received{s.machine.generation(), {message{}}}; },
      [](const hand& s) -> session_input { return input::received{s.machine.generation() + 7, {message{}}}; },
      [](const hand&) -> session_input {
        return input::exchange_ended{.generation = 0, .status = 200, .trouble = {}};
      },
      [](const hand&) -> session_input { return input::tick{}; },
      [](const hand&) -> session_input { return input::credentials_renewed{}; },
      [](const hand&) -> session_input { return input::credentials_failed{{}}; },
      [](const hand&) -> session_input { return input::backlog{.is_full = true}; },
      [](const hand&) -> session_input { return input::backlog{.is_full = false}; },
      [](const hand&) -> session_input { return input::stop{}; },
  };
  for (const auto& reach : ways) {
    for (const auto& make : inputs) {
      hand session(salesforce());
      reach(session);
      session.resume(make(session));  // `hand` checks the invariants
    }
  }
}

TEST(Session, GenericServersAreObeyedWhenTheySayStop) {
  for (const std::string advice : {R"({"reconnect":"none"})", R"({"reconnect":"retry","interval":-1})"}) {
    for (const std::string successful : {"true", "false"}) {
      hand session(generic());
      session.go_live();
      std::string body = R"([{"channel":"/meta/connect","successful":)";
      body.append(successful).append(R"(,"error":"403::denied","advice":)").append(advice).append("}]");
      session.answer(body);
      EXPECT_TRUE(session.ended.has_value()) << advice;
      EXPECT_EQ(session.machine.phase(), session_phase::ended);
    }
  }
  hand denied(generic());
  denied.start();
  EXPECT_FALSE(denied.request().wants_replay);
  denied.answer(refusal("handshake", "403::handshake_denied"));
  EXPECT_TRUE(denied.ended.has_value());
}

TEST(Session, GenericServersThatForgotUsAreGreetedAnew) {
  for (const std::string error : {"402::session_unknown", "402::Unknown client", "401:3x:Unknown client"}) {
    hand session(generic());
    session.go_live();
    session.answer(refusal("connect", error, "handshake"));
    session.recover();
    EXPECT_EQ(session.handshakes.back(), handshake_reason::unknown_client) << error;
  }
}

TEST(Session, WithoutReplayALostPollIsAskedAgainInTheSameSessionUntilItMustBeForgotten) {
  hand session(generic({{.channel = "/chat"}}));
  session.start();
  session.answer(R"([{"channel":"/meta/handshake","successful":true,"clientId":"c1"}])");
  EXPECT_TRUE(session.request().replay_from.empty());
  session.acknowledge();
  session.connect(R"({"timeout":30000})");
  session.lose();
  ASSERT_EQ(session.machine.phase(), session_phase::waiting);
  session.wait();
  ASSERT_EQ(session.kind(), exchange_kind::connect);
  EXPECT_EQ(session.request().timeout, 0ms);
  EXPECT_EQ(session.request().client_id, "c1");
  const auto lost_at = session.clock;
  for (int i = 0; i < 200 && session.kind() != exchange_kind::disconnect; ++i) {
    if (session.sent) {
      session.lose();
    } else {
      session.wait();
    }
  }
  EXPECT_EQ(session.kind(), exchange_kind::disconnect);
  EXPECT_GE(session.clock - lost_at, 30s + 40s - 20s)
      << "another wait would have gone past the end of the session";
  EXPECT_LE(session.clock - lost_at, 3min);
}

TEST(Session, WildcardsDeliverUnderTheEventsOwnChannel) {
  hand session(generic({{.channel = "/a/*"}, {.channel = "/b/**"}}));
  session.go_live();
  session.answer(
      R"([{"channel":"/a/x","data":1},{"channel":"/a/x/y","data":2},{"channel":"/b/x/y","data":3},)"
      R"({"channel":"/c","data":4},{"channel":"/a/x","successful":true},)" +
      connect_ok + "]");
  EXPECT_THAT(session.delivered, ElementsAre("1", "3"));
  EXPECT_EQ(session.events[0].channel, "/a/x");
  EXPECT_EQ(session.events[0].subscription, "/a/*");
}

TEST(Session, EventsWithoutReplayIdsAreAllDelivered) {
  hand session(generic());
  session.go_live();
  session.answer(R"([{"channel":"/chat","data":0},{"channel":"/chat","data":0,"id":"4"},{"channel":"/chat",)"
                 R"("data":""},)" +
                 connect_ok + "]");
  EXPECT_THAT(session.delivered, ElementsAre("0", "0", "\"\""));
}

// Random inputs, mostly sensible ones: after each, `hand` holds the session to its invariants.
TEST(Session, KeepsItsInvariantsUnderRandomTreatment) {
  const std::vector<std::string> bodies{
      "[]",
      "",
      "<html>",
      "[" + connect_ok + "]",
      R"([{"channel":"/meta/handshake","successful":true,"clientId":"c"}])",
      R"([{"channel":"/meta/subscribe","successful":true}])",
      R"([{"channel":"/meta/disconnect"}])",
      R"([{"channel":"/meta/disconnect"},)" + connect_ok + "]",
      refusal("connect", "403::Unknown client"),
      refusal("connect", "401::Authentication invalid"),
      refusal("subscribe", "400::The replayId {17} you provided was invalid."),
      refusal("subscribe", "403::Restricted channel"),
      refusal("handshake", "503::Server is too busy"),
      R"([{"successful":false,"error":"401::Authentication invalid"}])",
      "[" + event_text(1) + "," + connect_ok + "]",
      "[" + event_text(2) + "," + event_text(3, license.channel),
      R"([{"channel":"/meta/connect","successful":true,"advice":{"reconnect":"handshake","interval":9}}])",
      connect_with_hosts(R"(["a.example.com"])"),
      R"([{"channel":"/meta/handshake","successful":true,"clientId":"c","ext":{"ack":true}}])",
      R"([{"channel":"/meta/connect","successful":false,"advice":{"reconnect":"none","interval":-9}}])",
  };
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    random_engine random(seed);
    hand session(seed % 3 == 0 ? generic({push, license}) : salesforce({push, license}), seed);
    session.start();
    for (int step = 0; step < 500 && !session.ended; ++step) {
      const auto dice = random() % 20;
      if (dice == 0) {
        session.resume(input::backlog{.is_full = random() % 2 == 0});
      } else if (dice == 1) {
        session.resume(random() % 20 == 0 ? session_input(input::stalled{}) : session_input(input::tick{}));
      } else if (dice == 2) {
        const auto wrong = session.machine.generation() + 1 + random() % 50;
        session.resume(input::exchange_ended{.generation = wrong, .status = 200, .trouble = {}});
      } else if (dice == 3 || (!session.sent && !session.is_renewing)) {
        session.wait();
      } else if (session.is_renewing) {
        session.is_renewing = false;
        session.resume(random() % 2 == 0
                           ? session_input(input::credentials_renewed{})
                           : session_input(input::credentials_failed{{make_error_code(errc::closed), "x"}}));
      } else if (dice == 4) {
        session.lose();
      } else if (dice < 14 && session.kind() == exchange_kind::handshake) {
        session.shake_hands();
      } else if (dice < 14 && session.kind() == exchange_kind::subscribe) {
        session.acknowledge();
      } else {
        session.answer(bodies[random() % bodies.size()], random() % 10 == 0 ? 503 : 200);
      }
    }
    const auto handshakes_max = static_cast<std::size_t>(
        2 + std::chrono::duration_cast<std::chrono::seconds>(session.clock.time_since_epoch()).count());
    EXPECT_LE(session.handshakes.size(), handshakes_max) << "a storm of handshakes with seed " << seed;
    session.resume(input::stop{});
    if (session.sent)
      session.lose();
    EXPECT_TRUE(session.ended.has_value());
  }
}

}  // namespace
}  // namespace pushguard::cometd
