// What has gone wrong with streaming clients in the field, one after the other (F01–F52 are the numbers that
// docs/cometd.md lists them under): the client recovers, and every event arrives, in order and once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cometd/file_checkpoint_store.hpp"
#include "tests/support/run_simulated.hpp"
#include "tests/support/scratch_directory.hpp"
#include "tests/support/streaming_world.hpp"

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;
using pushguard::test::streaming_world;
using simulator::fault_kind;
using simulator::request_kind;
using testing::Contains;
using testing::HasSubstr;

const std::string push = "/event/Push__e";
const std::string license = "/data/License__ChangeEvent";

struct field_failure {
  std::string number;  ///< F01
  std::string name;    ///< what users saw, as part of the test's name
  /// What goes wrong, while the client polls and has read three events of each channel.
  std::function<void(streaming_world&)> happens;
  std::string reason = {};  ///< of the handshake that repairs it; empty: it is repaired without one
  std::string logged = {};  ///< part of a line of the client's log; empty: nothing is asked for
  std::size_t repeats = 0;  ///< events that the consumer may be given again
  std::function<void(streaming_world&)> holds = [](streaming_world&) {};  ///< what else must hold in the end
  std::function<void(simulator::streaming_plan&)> org = [](auto&) {};
  std::function<void(client_options&)> client = [](auto&) {};
};

void PrintTo(const field_failure& failure, std::ostream* out) {
  *out << failure.number << " " << failure.name;
}

// Publishes while the trouble lasts and after it.
void go_on_publishing(streaming_world& world) {
  for (int i = 0; i < 5; ++i) {
    world.publish(2);
    world.pass(7s);
  }
}

class FieldFailure : public testing::TestWithParam<field_failure> {};

TEST_P(FieldFailure, IsSurvivedAndNothingIsLost) {
  const field_failure& failure = GetParam();
  simulator::streaming_plan plan;
  plan.channels = {{.name = push}, {.name = license}};
  failure.org(plan);
  client_options options;
  for (const auto& channel : plan.channels)
    options.session.channels.push_back({.channel = channel.name});
  failure.client(options);
  streaming_world world(plan, std::move(options));
  world.start();
  world.until_live();
  world.publish(3);
  world.expect_everything();

  failure.happens(world);
  go_on_publishing(world);
  world.expect_everything(12h);
  world.until([&] { return world.is_live() && world.org->faults_pending() == 0; }, 12h);
  world.publish(1);
  world.expect_everything();

  EXPECT_LE(world.consumer.repeated, failure.repeats);
  if (failure.reason == "any") {
    // Where in the answer the fault strikes decides.
  } else if (failure.reason.empty()) {
    EXPECT_EQ(world.metric("pushguard_stream_handshakes_total", "hub", "devhub"), 1) << world.log.text();
  } else {
    EXPECT_GE(world.metric("pushguard_stream_handshakes_total", "reason", failure.reason), 1)
        << world.log.text();
    EXPECT_THAT(world.log.lines_of("stream_handshake"), Contains(HasSubstr("reason=" + failure.reason)));
  }
  if (!failure.logged.empty())
    EXPECT_THAT(world.log.text(), HasSubstr(failure.logged));
  failure.holds(world);

  const simulator::streaming_truth truth = world.org->truth();
  EXPECT_EQ(truth.overlaps, 0U) << "one connect at a time (F20)";
  EXPECT_EQ(world.log.text().find(truth.access_token), std::string::npos) << "a token in the log";
  const auto seconds = std::chrono::floor<std::chrono::seconds>(world.time.steady_now().time_since_epoch());
  EXPECT_LE(world.metric("pushguard_stream_handshakes_total", "hub", "devhub"),
            static_cast<double>(2 + seconds.count()))
      << "a storm of handshakes";
  EXPECT_LE(truth.open_sessions_peak, 3U) << "clients left behind count against the org's limit";
  world.stop();
  world.pass(2min);
  EXPECT_EQ(world.org->truth().open_sessions, 0U);
}

// ---- Ways to go wrong that several cases share

auto fault(fault_kind kind, request_kind on = request_kind::any, std::size_t times = 1) {
  return [=](streaming_world& world) { world.inject(kind, on, times); };
}

auto fault_with_events(fault_kind kind, request_kind on = request_kind::connect) {
  return [=](streaming_world& world) { world.inject({.kind = kind, .on = on, .with_events = true}); };
}

auto fault_with_delay(fault_kind kind, request_kind on, duration delay, std::size_t times = 1) {
  return
      [=](streaming_world& world) { world.inject({.kind = kind, .on = on, .times = times, .delay = delay}); };
}

// Faults that only show when a new session is made.
auto in_new_session(fault_kind kind, request_kind on, std::size_t times = 1) {
  return [=](streaming_world& world) {
    world.inject(kind, on, times);
    world.org->end_sessions();
  };
}

void has_no_gap(streaming_world& world) {
  EXPECT_EQ(world.metric("pushguard_stream_gaps_total", "hub", "devhub"), 0) << world.log.text();
}

void did_not_log_in_again(streaming_world& world) {
  EXPECT_EQ(world.tokens.renewals, 0) << world.log.text();
}

void counted(streaming_world& world, std::string_view kind) {
  EXPECT_GE(world.metric("pushguard_stream_problems_total", "kind", kind), 1) << world.log.text();
  EXPECT_LE(world.log.lines_of("stream_problem").size(), 3U) << "once per kind\n" << world.log.text();
}
auto counts(const std::string& kind) {
  return [=](streaming_world& world) { counted(world, kind); };
}

// ---- The cases

std::vector<field_failure> ends_of_sessions() {
  return {
      {.number = "F01",
       .name = "DisconnectAndUnknownClientInOneBatch",
       .happens = fault_with_events(fault_kind::disconnect_and_unknown_client),
       .reason = "server_disconnect",
       .logged = "during=disconnect",
       .holds = has_no_gap},
      {.number = "F02",
       .name = "DisconnectAndRefusedTokenDuringARefresh",
       .happens = fault(fault_kind::disconnect_and_unauthorized, request_kind::connect),
       .reason = "credentials",
       .logged = "cause=unauthorized",
       .holds = [](streaming_world& world) { EXPECT_EQ(world.tokens.renewals, 1); }},
      {.number = "F03",
       .name = "BareServerDisconnect",
       .happens = fault(fault_kind::bare_disconnect, request_kind::connect),
       .reason = "server_disconnect",
       .holds = did_not_log_in_again},
      {.number = "F04",
       .name = "UnknownClientThenSilence",
       .happens = fault(fault_kind::unknown_client, request_kind::connect),
       .reason = "unknown_client",
       .logged = "cause=unknown_client",
       .holds = did_not_log_in_again},
      {.number = "F05",
       .name = "PositionAgedOut",
       .happens =
           [](streaming_world& world) {
             world.org->purge(push);
             world.org->purge(license);
             world.org->end_sessions();
           },
       .reason = "unknown_client",
       .logged = "event=stream_gap",
       .holds =
           [](streaming_world& world) {
             EXPECT_EQ(world.metric("pushguard_stream_gaps_total", "channel", push), 1);
             EXPECT_EQ(world.metric("pushguard_stream_gaps_total", "channel", license), 1);
           }},
      {.number = "F06",
       .name = "OldEventsAgainAfterEachHandshake",
       .happens = fault(fault_kind::unknown_client, request_kind::connect, 3),
       .reason = "unknown_client",
       .holds =
           [](streaming_world& world) {
             EXPECT_EQ(world.metric("pushguard_stream_events_total", "outcome", "duplicate"), 0);
             EXPECT_EQ(world.org->truth().deliveries, 2U * (3 + 10 + 1)) << "each read once";
           }},
      {.number = "F08",
       .name = "StaleHandshakeAdvice",
       .happens = fault(fault_kind::stale_handshake_advice, request_kind::connect),
       .reason = "unknown_client",
       .holds = [](streaming_world& world) { EXPECT_LE(world.org->truth().handshakes, 3U); }},
      {.number = "F09",
       .name = "UnknownClientAgainAndAgainForARoutingCookie",
       .happens = fault(fault_kind::dead_route, request_kind::connect),
       .reason = "unknown_client",
       .holds = did_not_log_in_again},
      {.number = "F11",
       .name = "RoutingCookieExpiresEveryThreeHours",
       .happens =
           [](streaming_world& world) {
             for (int i = 0; i < 24; ++i) {
               world.publish(1);
               world.pass(30min);
             }
           },
       .reason = "unknown_client",
       .holds =
           [](streaming_world& world) {
             has_no_gap(world);
             EXPECT_LE(world.metric("pushguard_stream_handshakes_total", "hub", "devhub"), 6);
           }},
      {.number = "F12",
       .name = "UnknownClientWithAdviceNoneAtEveryPoll",
       .happens = fault(fault_kind::unknown_client_none, request_kind::connect, 12),
       .reason = "unknown_client"},
      {.number = "F13",
       .name = "NodeSwitchBehindALoadBalancer",
       .happens =
           [](streaming_world& world) {
             for (int i = 0; i < 20; ++i) {
               world.publish(1);
               world.pass(3min);
             }
           },
       .reason = "unknown_client",
       .org =
           [](simulator::streaming_plan& plan) {
             plan.nodes = 5;
             plan.routing_cookie_life = 5min;
           }},
      {.number = "F33",
       .name = "DisconnectRightAfterTheHandshake",
       .happens = in_new_session(fault_kind::disconnect_after_handshake, request_kind::handshake, 2),
       .reason = "unknown_client"},
      {.number = "F37",
       .name = "UserDoesNotMatchTheCookie",
       .happens = fault(fault_kind::user_mismatch, request_kind::connect),
       .reason = "cookies",
       .logged = "cause=wrong_cookie"},
      {.number = "F31",
       .name = "MissingCookie",
       .happens = fault(fault_kind::missing_cookie, request_kind::connect),
       .reason = "cookies",
       .logged = "cause=wrong_cookie"},
  };
}

std::vector<field_failure> credentials() {
  return {
      {.number = "F14",
       .name = "TokenExpiredMeanwhile",
       .happens = fault(fault_kind::expired_token, request_kind::connect),
       .reason = "credentials",
       .holds = [](streaming_world& world) { EXPECT_EQ(world.tokens.renewals, 1); }},
      {.number = "F16",
       .name = "RestartAfterAReauthentication",
       .happens =
           [](streaming_world& world) {
             world.org->revoke_tokens();
             world.publish(2);
             world.expect_everything();
             world.stop();
             world.publish(3);
             world.start();
           },
       .reason = "credentials",
       .holds = has_no_gap},
      {.number = "F24",
       .name = "BusyDisguisedAsDeniedHandshake",
       .happens = in_new_session(fault_kind::busy_as_denied, request_kind::handshake),
       .reason = "overload",
       .logged = "cause=busy",
       .holds = did_not_log_in_again},
      {.number = "F24",
       .name = "BusyDisguisedAsDeniedSubscribe",
       .happens = in_new_session(fault_kind::busy_as_denied, request_kind::subscribe),
       .reason = "unknown_client",
       .logged = "event=stream_channel_parked",
       .holds = did_not_log_in_again},
      {.number = "F24",
       .name = "BusyDisguisedAsARefusedToken",
       .happens = fault(fault_kind::busy_as_unauthorized, request_kind::connect, 2),
       .reason = "overload",
       .logged = "cause=busy",
       .holds = did_not_log_in_again},
      {.number = "F38",
       .name = "TheProviderIsAskedAtEveryReconnect",
       .happens =
           [](streaming_world& world) {
             world.org->revoke_tokens();
             world.tokens.endpoint = world.open_address();
           },
       .reason = "credentials",
       .holds = has_no_gap},
      {.number = "F41",
       .name = "AnotherAppRevokesTheTokenEveryFewMinutes",
       .happens =
           [](streaming_world& world) {
             for (int i = 0; i < 10; ++i) {
               world.org->revoke_tokens();
               world.publish(1);
               world.pass(4min);
             }
           },
       .reason = "credentials",
       .holds = [](streaming_world& world) { EXPECT_LE(world.tokens.renewals, 12); }},
      {.number = "F02",
       .name = "RefusedTokenInTheFormOfRest",
       .happens = fault(fault_kind::http_401_rest_json, request_kind::connect),
       .reason = "credentials"},
      {.number = "F02",
       .name = "InstanceMovedWithARedirection",
       .happens =
           [](streaming_world& world) {
             world.tokens.endpoint = world.open_address();
             world.inject(fault_kind::redirect, request_kind::connect);
           },
       .reason = "credentials",
       .logged = "cause=moved"},
  };
}

std::vector<field_failure> lost_answers() {
  return {
      {.number = "F07",
       .name = "FirstEventOfAQuietChannelLost",
       .happens =
           [](streaming_world& world) {
             world.stop();
             world.consumer.numbers.clear();
             world.published.clear();
             world.checkpoints.kept = {};
             world.pass(30min);
             world.start();
             world.until_live();
             world.inject(
                 {.kind = fault_kind::reset_before_answer, .on = request_kind::connect, .with_events = true});
           },
       .reason = "lost_poll",
       .holds =
           [](streaming_world& world) {
             has_no_gap(world);
             EXPECT_EQ(world.metric("pushguard_stream_events_total", "outcome", "duplicate"), 0)
                 << "what was there before the subscription is passed over";
           }},
      {.number = "F17",
       .name = "BatchAboveTheCap",
       .happens = [](streaming_world& world) { world.publish(300); },
       .reason = "lost_poll",
       .logged = "kind=body",
       .holds = counts("body"),
       .client = [](client_options& options) { options.body_size = 20'000; }},
      {.number = "F18",
       .name = "ResetInsteadOfTheAnswer",
       .happens = fault_with_events(fault_kind::reset_before_answer),
       .reason = "lost_poll",
       .logged = "cause=lost"},
      {.number = "F18",
       .name = "EndInTheMiddleOfTheAnswer",
       .happens = fault_with_events(fault_kind::cut_body),
       .reason = "lost_poll",
       .logged = "cause=lost"},
      {.number = "F43",
       .name = "EventBetweenTwoPollsWithALostAnswer",
       .happens = fault_with_events(fault_kind::close_before_answer),
       .reason = "lost_poll"},
      {.number = "F19",
       .name = "LateAnswerOfATimedOutPoll",
       .happens =
           [](streaming_world& world) {
             world.inject({.kind = fault_kind::late_reply,
                           .on = request_kind::connect,
                           .with_events = true,
                           .delay = 5min});
           },
       .reason = "lost_poll",
       .logged = "during=connect cause=lost"},
      {.number = "F19",
       .name = "EventsTwiceInOneAnswer",
       .happens = fault_with_events(fault_kind::duplicate_delivery),
       .reason = "",
       .holds =
           [](streaming_world& world) {
             EXPECT_GE(world.metric("pushguard_stream_events_total", "outcome", "duplicate"), 1);
           }},
      {.number = "F21",
       .name = "HalfOpenConnection",
       .happens = fault(fault_kind::never_answer, request_kind::connect),
       .reason = "lost_poll",
       .holds =
           [](streaming_world& world) {
             EXPECT_LE(world.time.steady_now().time_since_epoch(), 10min) << "noticed within a poll";
           }},
      {.number = "F22",
       .name = "OutageWithHtmlPages",
       .happens = fault(fault_kind::http_status, request_kind::any, 25),
       .reason = "failed_handshake",
       .holds = counts("body")},
      {.number = "F22",
       .name = "NulBytesInOneAnswerAfterTheOther",
       .happens =
           [](streaming_world& world) {
             for (int i = 0; i < 30; ++i) {
               world.inject(
                   {.kind = fault_kind::nul_bytes, .on = request_kind::connect, .with_events = true});
               world.publish(1 + i % 4);
               world.until([&] { return world.org->faults_pending() == 0; }, 1h);
               world.expect_everything();
             }
           },
       .reason = "any"},
      {.number = "F22",
       .name = "LoginPageInsteadOfJson",
       .happens = fault(fault_kind::login_page, request_kind::any, 4),
       .reason = "failed_handshake",
       .holds = counts("body")},
      {.number = "F23",
       .name = "ReadTimeoutsInARow",
       .happens = fault_with_delay(fault_kind::late_reply, request_kind::connect, 3min, 3),
       .reason = "lost_poll"},
      {.number = "F25",
       .name = "GatewayTimeoutsOnPolls",
       .happens =
           [](streaming_world& world) {
             world.inject(
                 {.kind = fault_kind::http_status, .on = request_kind::connect, .times = 5, .status = 504});
           },
       .reason = "lost_poll",
       .holds = has_no_gap},
      {.number = "F26",
       .name = "NameCannotBeResolved",
       .happens =
           [](streaming_world& world) {
             world.net.failures_left = 8;
             world.inject(fault_kind::reset_before_answer, request_kind::connect);
           },
       .reason = "failed_handshake",
       .logged = "no such host"},
      {.number = "F40",
       .name = "ConnectionLostNearTheEndOfALargeReplay",
       .happens =
           [](streaming_world& world) {
             world.stop();
             world.publish(1205);
             world.inject({.kind = fault_kind::cut_body, .on = request_kind::connect, .skip = 1, .times = 2});
             world.start();
           },
       .reason = "lost_poll"},
      {.number = "F42",
       .name = "HandshakeThatHangs",
       .happens = in_new_session(fault_kind::never_answer, request_kind::handshake, 2),
       .reason = "failed_handshake",
       .logged = "timed out"},
      {.number = "F10",
       .name = "LateReplyToAHandshakeGivenUp",
       .happens =
           [](streaming_world& world) {
             world.inject({.kind = fault_kind::late_reply, .on = request_kind::handshake, .delay = 33s});
             world.org->end_sessions();
           },
       .reason = "failed_handshake",
       .holds = has_no_gap},
      {.number = "F48",
       .name = "SecondFailureWhileRecovering",
       .happens =
           [](streaming_world& world) {
             world.inject(fault_kind::reset_before_answer, request_kind::connect);
             world.inject(fault_kind::reset_before_answer, request_kind::handshake, 2);
             world.inject(fault_kind::reset_before_answer, request_kind::subscribe, 2);
             world.inject(fault_kind::never_answer, request_kind::handshake);
           },
       .reason = "failed_handshake"},
      {.number = "F15",
       .name = "RecoveryThatNeedsANewConnection",
       .happens =
           [](streaming_world& world) {
             for (int i = 0; i < 5; ++i) {
               world.inject(fault_kind::close_before_answer, request_kind::connect);
               world.publish(1);
               world.pass(2min);
             }
           },
       .reason = "lost_poll"},
      {.number = "F46",
       .name = "CompressedAnswerThatIsNone",
       .happens =
           [](streaming_world& world) {
             for (int i = 0; i < 8; ++i) {  // not compressed at all, cut off, something else
               world.inject(
                   {.kind = fault_kind::gzip_garbage, .on = request_kind::connect, .with_events = true});
               world.publish(1);
               world.pass(2min);
             }
           },
       .reason = "lost_poll",
       .holds = counts("body")},
  };
}

std::vector<field_failure> subscriptions() {
  return {
      {.number = "F27",
       .name = "SubscribeThatBreaksOff",
       .happens = in_new_session(fault_kind::reset_before_answer, request_kind::subscribe, 2),
       .reason = "lost_poll"},
      {.number = "F27",
       .name = "SubscribeThatIsTooSlow",
       .happens =
           [](streaming_world& world) {
             world.inject({.kind = fault_kind::slow_subscribe, .on = request_kind::subscribe, .delay = 40s});
             world.org->end_sessions();
           },
       .reason = "lost_poll"},
      {.number = "F27",
       .name = "RefusalWithoutAText",
       .happens = in_new_session(fault_kind::denied_without_text, request_kind::subscribe),
       .reason = "unknown_client",
       .logged = "refused without a reason"},
      {.number = "F28",
       .name = "NullAdvice",
       .happens = fault(fault_kind::null_advice, request_kind::connect, 3),
       .reason = ""},
      {.number = "F29",
       .name = "RefusedSubscribeWithoutItsChannel",
       .happens = in_new_session(fault_kind::reply_without_subscription, request_kind::subscribe),
       .reason = "unknown_client"},
      {.number = "F30",
       .name = "ReplyWithoutAChannel",
       .happens = fault(fault_kind::reply_without_channel, request_kind::connect),
       .reason = "credentials"},
      {.number = "F36",
       .name = "DailyLimitOfEventsAtASubscribe",
       .happens = in_new_session(fault_kind::quota, request_kind::subscribe),
       .reason = "unknown_client",
       .logged = "event=stream_channel_parked",
       .holds = has_no_gap},
      {.number = "F36",
       .name = "DailyLimitOfEventsAtAPoll",
       .happens = fault(fault_kind::quota, request_kind::connect),
       .reason = "overload",
       .holds = has_no_gap},
      {.number = "F08",
       .name = "LimitOfConcurrentClients",
       .happens = in_new_session(fault_kind::client_limit, request_kind::handshake, 2),
       .reason = "overload",
       .logged = "cause=limit",
       .holds = did_not_log_in_again},
      {.number = "F44",
       .name = "PositionsInvalidAfterAMigration",
       .happens =
           [](streaming_world& world) {
             world.tokens.org_id = "00D000000000002";
             world.org->migrate("00D000000000002");
           },
       .reason = "credentials",
       .logged = "event=stream_gap",
       .holds =
           [](streaming_world& world) {
             EXPECT_GE(world.metric("pushguard_stream_events_total", "outcome", "duplicate"), 6)
                 << "known by their EventUuid";
           }},
      {.number = "F44",
       .name = "PositionsInvalidAfterAMigrationWhileStopped",
       .happens =
           [](streaming_world& world) {
             world.stop();
             world.tokens.org_id = "00D000000000002";
             world.org->migrate("00D000000000002");
             world.start();
           },
       .reason = "start",
       .logged = "the position was taken in another org",
       .repeats = 6},
  };
}

std::vector<field_failure> odd_answers() {
  return {
      {.number = "F32",
       .name = "ForeignAndBrokenCookies",
       .happens = fault(fault_kind::foreign_cookies, request_kind::connect, 2),
       .reason = "",
       .holds = counts("cookie")},
      {.number = "F32",
       .name = "HundredCookies",
       .happens = fault(fault_kind::hundred_cookies, request_kind::connect, 3),
       .reason = ""},
      {.number = "F47",
       .name = "OtherTransportsAreOffered",
       .happens = in_new_session(fault_kind::other_transports, request_kind::handshake),
       .reason = "unknown_client"},
      {.number = "F49",
       .name = "IntervalInMilliseconds",
       .happens = fault(fault_kind::interval_advice, request_kind::connect, 3),
       .reason = "",
       .holds =
           [](streaming_world& world) {
             EXPECT_LE(world.time.steady_now().time_since_epoch(), 10min) << "not taken for seconds";
           }},
      {.number = "F49",
       .name = "NegativeInterval",
       .happens = fault(fault_kind::negative_interval, request_kind::connect),
       .reason = ""},
      {.number = "F28",
       .name = "AdviceThatNobodyKnows",
       .happens = fault(fault_kind::unknown_advice, request_kind::connect, 2),
       .reason = ""},
      {.number = "F21",
       .name = "PollAnsweredWithAnEmptyArray",
       .happens = fault_with_events(fault_kind::empty_array),
       .reason = "lost_poll",
       .logged = "cause=missing"},
      {.number = "F21",
       .name = "EventsWithoutAReply",
       .happens = fault_with_events(fault_kind::events_without_reply),
       .reason = "lost_poll",
       .logged = "cause=missing"},
      {.number = "F21",
       .name = "ReplyWithoutAnId",
       .happens = fault(fault_kind::reply_without_id, request_kind::connect, 3),
       .reason = ""},
      {.number = "F21",
       .name = "ReplyWithAnotherId",
       .happens = fault(fault_kind::reply_with_other_id, request_kind::connect, 3),
       .reason = ""},
      {.number = "F21",
       .name = "PollsThatAreNotHeld",
       .happens = fault(fault_kind::empty_polls, request_kind::connect, 40),
       .reason = "",
       .holds =
           [](streaming_world& world) {
             EXPECT_LE(world.org->truth().requests.at(request_kind::connect), 150U) << "no hot loop";
           }},
      {.number = "F51",
       .name = "EventsBeforeAndAfterTheReply",
       .happens =
           [](streaming_world& world) {
             for (int i = 0; i < 10; ++i) {
               world.inject(
                   {.kind = fault_kind::reordered_reply, .on = request_kind::connect, .with_events = true});
               world.publish(100);
               world.pass(1s);
             }
           },
       .reason = ""},
      {.number = "F52",
       .name = "ReplayIdsThatAreNoNumbers",
       .happens = fault_with_events(fault_kind::reset_before_answer),
       .reason = "lost_poll",
       .holds = has_no_gap,
       .org =
           [](simulator::streaming_plan& plan) { plan.channels[0].form = simulator::replay_id_form::text; }},
      {.number = "F52",
       .name = "ReplayIdsAboveSixtyThreeBits",
       .happens = fault_with_events(fault_kind::reset_before_answer),
       .reason = "lost_poll",
       .holds = has_no_gap,
       .org =
           [](simulator::streaming_plan& plan) { plan.channels[1].form = simulator::replay_id_form::huge; }},
      {.number = "F34",
       .name = "FilteredChannel",
       .happens = fault_with_events(fault_kind::reset_before_answer),
       .reason = "lost_poll",
       .holds = has_no_gap,
       .org = [](simulator::streaming_plan& plan) { plan.channels = {{.name = "/topic/Jobs"}}; },
       .client =
           [](client_options& options) {
             options.session.channels = {{.channel = "/topic/Jobs?Status__c=Failed"}};
           }},
      {.number = "F35",
       .name = "PositionsOfFourKindsOfChannels",
       .happens = fault_with_events(fault_kind::cut_body),
       .reason = "lost_poll",
       .holds = has_no_gap,
       .org =
           [](simulator::streaming_plan& plan) {
             plan.channels = {
                 {.name = push}, {.name = license}, {.name = "/topic/Jobs"}, {.name = "/u/Notes"}};
           }},
  };
}

std::vector<field_failure> consumers() {
  return {
      {.number = "F50",
       .name = "ConsumerFailsAfterTheReceipt",
       .happens =
           [](streaming_world& world) {
             world.consumer.failures_left = 1'000'000;
             world.publish(3);
             world.pass(10s);
             world.stop();
             world.consumer.failures_left = 0;
             world.start();
           },
       .reason = "start"},
      {.number = "F50",
       .name = "KilledBeforeThePositionWasStored",
       .happens =
           [](streaming_world& world) {
             world.pass(2s);
             world.checkpoints.loses_saves = true;
             world.publish(3);
             world.pass(10s);
             world.kill();
             world.start();
           },
       .reason = "start",
       .repeats = 6},
      {.number = "F20",
       .name = "SlowConsumerDoesNotDelayThePoll",
       .happens =
           [](streaming_world& world) {
             world.consumer.failures_left = 8;
             world.publish(1);
             world.pass(2min);
           },
       .reason = ""},
  };
}

// ---- What else a network can send

std::vector<field_failure> bad_input() {
  const auto garbage = [](std::string name, fault_kind kind, std::string reason,
                          const std::string& counted_as) {
    field_failure made{.number = "F22", .name = std::move(name), .happens = fault_with_events(kind)};
    made.reason = std::move(reason);
    if (!counted_as.empty())
      made.holds = counts(counted_as);
    return made;
  };
  const field_failure lone_object{.number = "F22",
                                  .name = "LoneObject",
                                  .happens = fault(fault_kind::lone_object, request_kind::connect)};
  const field_failure fifty_bytes_a_second{
      .number = "F23", .name = "FiftyBytesASecond", .happens = [](streaming_world& world) {
        world.inject(
            {.kind = fault_kind::trickle, .on = request_kind::connect, .with_events = true, .delay = 20ms});
      }};
  return {
      lone_object,
      garbage("TruncatedJson", fault_kind::truncated_json, "lost_poll", "body"),
      garbage("ShortContentLength", fault_kind::wrong_content_length, "lost_poll", ""),
      garbage("BrokenChunks", fault_kind::chunk_garbage, "lost_poll", ""),
      garbage("ByteOrderMark", fault_kind::byte_order_mark, "", ""),
      garbage("NulBytes", fault_kind::nul_bytes, "any", ""),
      garbage("BadUtf8", fault_kind::bad_utf8, "", "text"),
      garbage("LoneSurrogates", fault_kind::lone_surrogates, "", "text"),
      garbage("DuplicateKeys", fault_kind::duplicate_keys, "", ""),
      garbage("OverflowingNumbers", fault_kind::overflow_numbers, "", ""),
      garbage("DeepNesting", fault_kind::deep_nesting, "lost_poll", "message"),
      garbage("WrongTypes", fault_kind::wrong_types, "lost_poll", ""),
      garbage("HugeMessage", fault_kind::huge_message, "lost_poll", "message"),
      garbage("OneByteASecond", fault_kind::trickle, "lost_poll", ""),
      fifty_bytes_a_second,
  };
}

std::string name_of(const testing::TestParamInfo<field_failure>& info) {
  return info.param.number + info.param.name;
}

INSTANTIATE_TEST_SUITE_P(EndsOfSessions, FieldFailure, testing::ValuesIn(ends_of_sessions()), name_of);
INSTANTIATE_TEST_SUITE_P(Credentials, FieldFailure, testing::ValuesIn(credentials()), name_of);
INSTANTIATE_TEST_SUITE_P(LostAnswers, FieldFailure, testing::ValuesIn(lost_answers()), name_of);
INSTANTIATE_TEST_SUITE_P(Subscriptions, FieldFailure, testing::ValuesIn(subscriptions()), name_of);
INSTANTIATE_TEST_SUITE_P(OddAnswers, FieldFailure, testing::ValuesIn(odd_answers()), name_of);
INSTANTIATE_TEST_SUITE_P(Consumers, FieldFailure, testing::ValuesIn(consumers()), name_of);
INSTANTIATE_TEST_SUITE_P(BadInput, FieldFailure, testing::ValuesIn(bad_input()), name_of);

TEST(FieldFailures, TwoClientsNeverShareAPosition) {  // F45
  const pushguard::test::scratch_directory scratch;
  const auto first = open_checkpoint_file(scratch.path() / "positions.json");
  ASSERT_TRUE(first);
  const auto second = open_checkpoint_file(scratch.path() / "positions.json");
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(errc::conflict));
}

}  // namespace
}  // namespace pushguard::cometd
