#include "simulator/streaming_org.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <functional>
#include <stdexcept>

#include "base/http_client.hpp"
#include "base/task_group.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/unit/simulator/fixtures.hpp"
#include "tests/unit/simulator/stream_talker.hpp"

namespace pushguard::simulator {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view channel = "/event/Push__e";

streaming_plan usual_plan() {
  return {.channels = {{.name = std::string(channel)}}};
}

class StreamingOrg : public testing::Test {
 protected:
  using script = std::function<asio::awaitable<void>()>;

  explicit StreamingOrg(std::unique_ptr<test::net_world> world = test::make_pipe_world())
      : world_(std::move(world)) {}

  /// Runs an org, and a client against it without a network between.
  void play(const streaming_plan& plan, script body) {
    org_ = make_streaming_org(plan, world_->time(), log_);
    talker_ = std::make_unique<stream_talker>(org_->handler(), org_->issue_token());
    world_->run(run_and_play(std::move(body)));
  }

  asio::awaitable<void> run_and_play(script body) {
    const auto executor = co_await asio::this_coro::executor;
    task_group running(executor);
    running.spawn(org_->run());
    co_await body();
    running.cancel();
    co_await running.join();
  }

  asio::awaitable<void> open_stream(std::string_view replay, std::string_view on = channel) {
    (void)co_await talker_->handshake();
    const http_reply subscribed = co_await talker_->subscribe(on, replay);
    EXPECT_EQ(member(reply_in(subscribed), "successful"), "true") << subscribed.body;
    (void)co_await talker_->connect();
  }

  asio::awaitable<http_reply> connect_at_once() {
    http_reply reply = co_await talker_->connect(R"(,"advice":{"timeout":0})");
    co_return reply;
  }

  published_event publish(int number) {
    return org_->publish(channel, R"({"Number__c":)" + std::to_string(number) + "}");
  }

  asio::awaitable<void> publish_after(duration wait) {
    co_await world_->time().sleep_for(wait);
    (void)publish(1);
  }
  asio::awaitable<void> restart_after(duration wait) {
    co_await world_->time().sleep_for(wait);
    org_->end_sessions();
  }

  static std::vector<int> numbers_in(const http_reply& reply) {
    std::vector<int> found;
    for (const json::object& event : events_of(reply))
      found.push_back(static_cast<int>(event.at("data").at("payload").at("Number__c").as_int64()));
    return found;
  }
  static std::string error_in(const http_reply& reply) { return member(reply_in(reply), "error"); }

  duration since(steady_time start) {
    return std::chrono::duration_cast<duration>(world_->time().steady_now() - start);
  }

  std::unique_ptr<test::net_world> world_;
  test::recording_logger log_;
  std::unique_ptr<streaming_org> org_;
  std::unique_ptr<stream_talker> talker_;
};

TEST_F(StreamingOrg, DeliversWhatIsPublishedOnEveryKindOfChannel) {
  streaming_plan plan;
  plan.channels = {{.name = "/event/Push__e"},
                   {.name = "/data/ChangeEvents", .form = replay_id_form::text},
                   {.name = "/topic/Deals", .form = replay_id_form::huge},
                   {.name = "/u/Notes"}};
  play(plan, [&]() -> asio::awaitable<void> {
    (void)co_await talker_->handshake();
    for (const channel_plan& each : plan.channels)
      (void)co_await talker_->subscribe(each.name, "-1");
    (void)co_await talker_->connect();
    std::map<std::string, published_event> published;
    published["/event/Push__e"] = org_->publish("/event/Push__e", R"({"Number__c":1})");
    published["/data/ChangeEvents"] = org_->publish("/data/ChangeEvents", R"({"Name":"Acme"})");
    published["/topic/Deals"] = org_->publish("/topic/Deals", R"({"Id":"006"})");
    published["/u/Notes"] = org_->publish("/u/Notes", R"("note")");
    const http_reply reply = co_await talker_->connect();
    EXPECT_EQ(events_of(reply).size(), 4U);
    for (const json::object& event : events_of(reply)) {
      const published_event& of = published.at(member(event, "channel"));
      const json::object& told = event.at("data").at("event").as_object();
      EXPECT_EQ(json::serialize(told.at("replayId")), of.replay_id);
      EXPECT_EQ(member(told, "EventUuid"), of.event_uuid);
    }
  });
  const streaming_truth truth = org_->truth();
  EXPECT_EQ(truth.published.at("/u/Notes"), 1U);
  EXPECT_EQ(truth.deliveries, 4U);
}

TEST_F(StreamingOrg, RefusesPlansAndEventsThatMakeNoSense) {
  const auto make = [this](const streaming_plan& plan) {
    return make_streaming_org(plan, world_->time(), log_);
  };
  EXPECT_THROW((void)make({.channels = {{.name = "/meta/connect"}}}), std::invalid_argument);
  EXPECT_THROW((void)make({.channels = {{.name = "/u/X"}, {.name = "/u/X"}}}), std::invalid_argument);
  EXPECT_THROW((void)make({.nodes = 0}), std::invalid_argument);
  const auto org = make(usual_plan());
  EXPECT_THROW(org->publish("/event/Other__e", "{}"), std::invalid_argument);
  EXPECT_THROW(org->publish(channel, "[]"), std::invalid_argument);
  EXPECT_THROW(org->purge("/event/Other__e"), std::invalid_argument);
  EXPECT_THROW(org->set_refusal("/event/Other__e", ""), std::invalid_argument);
}

TEST_F(StreamingOrg, HoldsAConnectUntilAnEventComes) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    co_await open_stream("-1");
    task_group publishing(co_await asio::this_coro::executor);
    publishing.spawn(publish_after(30s));
    const steady_time asked = world_->time().steady_now();
    const http_reply reply = co_await talker_->connect();
    EXPECT_EQ(since(asked), 30s);
    EXPECT_EQ(numbers_in(reply), std::vector{1});
    const http_reply empty = co_await talker_->connect();
    EXPECT_EQ(since(asked), 140s);
    EXPECT_EQ(numbers_in(empty), std::vector<int>{});
    co_await publishing.join();
  });
}

TEST_F(StreamingOrg, GivesTokensOverHttpAndDirectly) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    const std::string first = org_->truth().access_token;
    EXPECT_NE(first, "");
    const http_reply reply = co_await org_->handler()(token_request(std::string(good_login)));
    const std::string second(json::parse(reply.body).at("access_token").as_string());
    EXPECT_EQ(org_->truth().access_token, second);
    EXPECT_EQ(org_->truth().logins, 2U);
    org_->revoke_tokens();
    EXPECT_EQ(org_->truth().access_token, "");
    EXPECT_EQ(member(reply_in(co_await talker_->handshake()), "successful"), "false");
    talker_->set_token(org_->issue_token());
    EXPECT_EQ(member(reply_in(co_await talker_->handshake()), "successful"), "true");
    EXPECT_EQ(org_->truth().unauthorized_requests, 1U);
  });
}

TEST_F(StreamingOrg, FaultsOfLoginsTakeTheirTime) {
  streaming_plan plan = usual_plan();
  plan.credentials.faults = {{.kind = login_fault_kind::slow, .delay = 30s}};
  play(plan, [&]() -> asio::awaitable<void> {
    const http_request login = token_request(std::string(good_login));
    const steady_time asked = world_->time().steady_now();
    http_reply reply = co_await org_->handler()(login);
    EXPECT_EQ(since(asked), 30s);
    EXPECT_EQ(reply.status, 200);
    reply = co_await org_->handler()(login);
    EXPECT_EQ(since(asked), 30s);
  });
}

TEST_F(StreamingOrg, CountsWhatClientsDo) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    co_await open_stream("-1");
    stream_talker second(org_->handler(), org_->issue_token());
    (void)co_await second.handshake();
    (void)co_await second.disconnect();
    task_group polling(co_await asio::this_coro::executor);
    polling.spawn([](stream_talker& talker) -> asio::awaitable<void> {
      const http_reply superseded = co_await talker.connect();
      EXPECT_EQ(superseded.status, 408);
    }(*talker_));
    co_await world_->time().sleep_for(1s);
    (void)co_await talker_->connect();
    co_await polling.join();
  });
  const streaming_truth truth = org_->truth();
  EXPECT_EQ(truth.requests, (std::map<request_kind, std::size_t>{{request_kind::handshake, 2},
                                                                 {request_kind::subscribe, 1},
                                                                 {request_kind::connect, 3},
                                                                 {request_kind::disconnect, 1}}));
  EXPECT_EQ(truth.handshakes, 2U);
  EXPECT_EQ(truth.disconnects, 1U);
  EXPECT_EQ(truth.open_sessions, 1U);
  EXPECT_EQ(truth.open_sessions_peak, 2U);
  EXPECT_EQ(truth.overlaps, 1U);
  EXPECT_EQ(truth.unauthorized_requests, 0U);
}

TEST_F(StreamingOrg, ARestartResetsHeldPollsAndForgetsEverySession) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    co_await open_stream("-1");
    task_group restarting(co_await asio::this_coro::executor);
    restarting.spawn(restart_after(10s));
    const http_reply cut = co_await talker_->connect();
    EXPECT_EQ(cut.status, 0);
    EXPECT_EQ(cut.after, after_reply::reset);
    EXPECT_EQ(error_in(co_await talker_->connect()), "403::Unknown client");
    EXPECT_EQ(org_->truth().open_sessions, 0U);
    co_await restarting.join();
  });
}

TEST_F(StreamingOrg, PurgedPositionsAreInvalid) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    co_await open_stream("-1");
    const std::string id = publish(1).replay_id;
    org_->purge(channel);
    EXPECT_THAT(error_in(co_await talker_->subscribe(channel, id)),
                StartsWith("400::The replayId {" + id + "}"));
    (void)co_await talker_->subscribe(channel, "-2");
    EXPECT_EQ(numbers_in(co_await connect_at_once()), std::vector<int>{});
    (void)publish(2);
    EXPECT_EQ(numbers_in(co_await connect_at_once()), std::vector{2});
  });
}

TEST_F(StreamingOrg, EventsGrowTooOldToBeRetained) {
  streaming_plan plan = usual_plan();
  plan.channels[0].retention = 1h;
  play(plan, [&]() -> asio::awaitable<void> {
    const std::string id = publish(1).replay_id;
    co_await world_->time().sleep_for(59min);
    co_await open_stream(id);
    co_await world_->time().sleep_for(1min);
    (void)co_await talker_->handshake();
    EXPECT_THAT(error_in(co_await talker_->subscribe(channel, id)), StartsWith("400::The replayId {"));
  });
}

TEST_F(StreamingOrg, AMigrationChangesReplayIdsAndKeepsUuids) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    co_await open_stream("-1");
    const published_event before = publish(1);
    const std::string token = org_->truth().access_token;
    org_->migrate("");
    EXPECT_EQ(org_->truth().access_token, token) << "the org is the same";
    EXPECT_EQ(error_in(co_await talker_->connect()), "403::Unknown client");
    (void)co_await talker_->handshake();
    EXPECT_THAT(error_in(co_await talker_->subscribe(channel, before.replay_id)),
                StartsWith("400::The replayId {"));
    (void)co_await talker_->subscribe(channel, "-2");
    const http_reply replayed = co_await connect_at_once();
    EXPECT_EQ(numbers_in(replayed), std::vector{1});
    const json::object told = events_of(replayed).at(0).at("data").at("event").as_object();
    EXPECT_EQ(member(told, "EventUuid"), before.event_uuid);
    EXPECT_NE(json::serialize(told.at("replayId")), before.replay_id);

    org_->migrate("00D7Q00000ABCDEUA3");
    EXPECT_EQ(org_->truth().access_token, "");
    EXPECT_THAT(org_->issue_token(), StartsWith("00D7Q00000ABCDE!"));
    const http_reply login = co_await org_->handler()(token_request(std::string(good_login)));
    EXPECT_THAT(login.body, HasSubstr("/id/00D7Q00000ABCDEUA3/"));
  });
}

TEST_F(StreamingOrg, RefusesSubscriptionsForAsLongAsItIsTold) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    (void)co_await talker_->handshake();
    org_->set_refusal(channel, "403::Restricted channel");
    EXPECT_EQ(error_in(co_await talker_->subscribe(channel, "-1")), "403::Restricted channel");
    EXPECT_EQ(error_in(co_await talker_->subscribe(channel, "-1")), "403::Restricted channel");
    org_->set_refusal(channel, "");
    EXPECT_EQ(error_in(co_await talker_->subscribe(channel, "-1")), "");
  });
}

// Faults in their places

TEST_F(StreamingOrg, EventsThatWereDueRideWithTheEndOfTheSession) {
  streaming_plan plan = usual_plan();
  plan.faults = {{.kind = fault_kind::disconnect_and_unknown_client, .with_events = true}};
  play(plan, [&]() -> asio::awaitable<void> {
    co_await open_stream("-1");
    EXPECT_EQ(org_->faults_pending(), 1U) << "no event has come yet";
    (void)publish(1);
    (void)publish(2);
    const http_reply reply = co_await talker_->connect();
    EXPECT_EQ(numbers_in(reply), (std::vector{1, 2}));
    const auto messages = messages_of(reply);
    EXPECT_EQ(messages.size(), 4U);
    EXPECT_EQ(json::serialize(messages.at(2)), R"({"channel":"/meta/disconnect"})");
    EXPECT_EQ(member(messages.at(3), "error"), "403::Unknown client");
  });
}

TEST_F(StreamingOrg, ADelayedFaultComesInTheMiddleOfAPoll) {
  streaming_plan plan = usual_plan();
  plan.faults = {{.kind = fault_kind::bare_disconnect, .on = request_kind::connect, .skip = 1, .delay = 30s}};
  play(plan, [&]() -> asio::awaitable<void> {
    co_await open_stream("-1");
    const steady_time asked = world_->time().steady_now();
    const http_reply reply = co_await talker_->connect();
    EXPECT_EQ(since(asked), 30s);
    EXPECT_EQ(reply.body, R"([{"channel":"/meta/disconnect"}])");
  });
}

TEST_F(StreamingOrg, LostEventsAreReplayed) {
  for (const fault_kind kind : {fault_kind::reset_before_answer, fault_kind::cut_body,
                                fault_kind::empty_array, fault_kind::http_status, fault_kind::never_answer}) {
    streaming_plan plan = usual_plan();
    plan.faults = {{.kind = kind, .with_events = true}};
    play(plan, [&]() -> asio::awaitable<void> {
      co_await open_stream("-1");
      const std::string before = publish(1).replay_id;
      (void)co_await talker_->connect();
      (void)co_await talker_->handshake();
      (void)co_await talker_->subscribe(channel, "-2");
      EXPECT_EQ(numbers_in(co_await connect_at_once()), std::vector{1}) << name_of(kind);
      (void)co_await talker_->subscribe(channel, before);
      EXPECT_EQ(numbers_in(co_await connect_at_once()), std::vector<int>{});
    });
  }
}

TEST_F(StreamingOrg, AfterStaleAdviceANewSessionIsNotAdvised) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    co_await open_stream("-1");
    org_->inject({.kind = fault_kind::stale_handshake_advice});
    EXPECT_EQ(error_in(co_await talker_->connect()), "403::Unknown client");
    (void)co_await talker_->handshake();
    const json::object first = reply_in(co_await talker_->connect());
    EXPECT_EQ(member(first, "successful"), "true");
    EXPECT_FALSE(first.contains("advice"));
    (void)co_await talker_->handshake();
    EXPECT_TRUE(reply_in(co_await talker_->connect()).contains("advice")) << "once only";
  });
}

TEST_F(StreamingOrg, ADeadRouteHoldsUntilCookiesAreDropped) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    co_await open_stream("-1");
    org_->inject({.kind = fault_kind::dead_route, .on = request_kind::subscribe});
    (void)co_await talker_->subscribe(channel, "-1");
    for (int attempt = 0; attempt < 3; ++attempt) {
      EXPECT_EQ(error_in(co_await talker_->connect()), "403::Unknown client");
      EXPECT_EQ(error_in(co_await talker_->handshake()), "");
      EXPECT_EQ(error_in(co_await talker_->subscribe(channel, "-1")), "");
    }
    talker_->drop_cookies();
    co_await open_stream("-1");
    EXPECT_EQ(error_in(co_await connect_at_once()), "");
  });
}

TEST_F(StreamingOrg, RefusesHandshakesAsSalesforceDoes) {
  struct refusal {
    fault_kind kind;
    std::string_view error;
    std::string_view reason;
  };
  constexpr std::string_view busy = "503::Server is too busy";
  const refusal refusals[] = {
      {fault_kind::busy, "403::Handshake denied", busy},
      {fault_kind::busy_as_denied, "403:denied_by_security_policy:create_denied", busy},
      {fault_kind::expired_token, "403::Handshake denied", "401::Authentication invalid"},
  };
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    for (const refusal& each : refusals) {
      org_->inject({.kind = each.kind, .on = request_kind::handshake});
      const json::object reply = reply_in(co_await talker_->handshake());
      EXPECT_EQ(member(reply, "error"), each.error);
      EXPECT_EQ(text_of(reply.at("ext").at("sfdc").at("failureReason")), each.reason);
      EXPECT_FALSE(reply.contains("clientId"));
    }
    EXPECT_EQ(org_->truth().open_sessions, 0U);
  });
}

TEST_F(StreamingOrg, VariantsOfAFaultComeInTurn) {
  play(usual_plan(), [&]() -> asio::awaitable<void> {
    org_->inject({.kind = fault_kind::other_transports, .times = 2});
    const http_reply usable = co_await talker_->handshake();
    const http_reply useless = co_await talker_->handshake();
    EXPECT_THAT(usable.body, HasSubstr(R"(["websocket","long-polling"])"));
    EXPECT_THAT(useless.body, HasSubstr(R"(["websocket","callback-polling"])"));
    org_->inject({.kind = fault_kind::redirect, .times = 2});
    EXPECT_EQ((co_await talker_->handshake()).status, 301);
    EXPECT_EQ((co_await talker_->handshake()).status, 307);
    org_->inject({.kind = fault_kind::wrong_content_length, .times = 2});
    for (const std::ptrdiff_t off : {-1, 7}) {
      const http_reply reply = co_await talker_->handshake();
      EXPECT_THAT(reply.raw.value_or(""),
                  HasSubstr("Content-Length: " + std::to_string(std::ssize(reply.body) + off) + "\r\n"));
    }
    org_->inject({.kind = fault_kind::gzip_garbage, .times = 3});
    for (const std::string_view begin : {"[{", "no gzip", "\x1f\x8b"})
      EXPECT_THAT((co_await talker_->handshake()).body, StartsWith(std::string(begin)));
  });
}

TEST_F(StreamingOrg, BadTextGoesIntoPayloadsOfEveryShape) {
  streaming_plan plan;
  plan.channels = {{.name = "/topic/X"}, {.name = "/u/X"}};
  plan.faults = {{.kind = fault_kind::bad_utf8, .times = 2}};
  play(plan, [&]() -> asio::awaitable<void> {
    co_await open_stream("-1", "/topic/X");
    (void)org_->publish("/topic/X", "{}");
    EXPECT_THAT((co_await talker_->connect()).body, HasSubstr("{\"Broken__c\":\"\xc3\x28\xff\xf8\"}"));
    (void)co_await talker_->subscribe("/u/X", "-1");
    (void)org_->publish("/u/X", R"("note")");
    EXPECT_THAT((co_await talker_->connect()).body, HasSubstr("\"\xc3\x28\xff\xf8note\""));
  });
}

TEST_F(StreamingOrg, FaultsByChanceAreThoseOfTheSeed) {
  streaming_plan plan = usual_plan();
  plan.poll_timeout = 5s;
  plan.chaos = random_faults{.odds = 0.5};
  const auto run = [&] {
    std::string told;
    play(plan, [&]() -> asio::awaitable<void> {
      for (int round = 0; round < 50; ++round) {
        talker_->drop_cookies();
        talker_->set_token(org_->issue_token());
        told += std::to_string((co_await talker_->handshake()).body.size()) + ' ';
        told += std::to_string((co_await talker_->subscribe(channel, "-2")).body.size()) + ' ';
        if (round % 10 == 0)
          (void)publish(round);
        for (int poll = 0; poll < 3; ++poll)
          told += std::to_string((co_await talker_->connect()).body.size()) + '\n';
      }
    });
    return told;
  };
  const std::string first = run();
  EXPECT_EQ(first, run()) << "the seed is the same";
  EXPECT_GT(org_->faults_happened().size(), 20U);
  plan.seed = 2;
  EXPECT_NE(first, run());
}

// Over the network

using world_maker = std::unique_ptr<test::net_world> (*)();

class StreamingOrgOverNetwork : public StreamingOrg, public testing::WithParamInterface<world_maker> {
 protected:
  StreamingOrgOverNetwork() : StreamingOrg(GetParam()()) {}

  void serve(const streaming_plan& plan, script body) {
    org_ = make_streaming_org(plan, world_->time(), log_);
    world_->run(serve_and_play(std::move(body)));
  }

  asio::awaitable<void> serve_and_play(script body) {
    const auto executor = co_await asio::this_coro::executor;
    auto listening = std::move(world_->net().listen(executor, "127.0.0.1", 0).value());
    at_ = listening->local();
    task_group serving(executor);
    serving.spawn(serve_streaming_org(*org_, *listening, world_->time(), log_));
    co_await body();
    serving.cancel();
    co_await serving.join();
  }

  /// All bytes that a handshake brings until the connection ends.
  asio::awaitable<std::string> talk() {
    auto wire = std::move((co_await world_->net().connect(at_, {})).value());
    const std::string body = R"([{"channel":"/meta/handshake"}])";
    (void)co_await wire->write(
        "POST /cometd/67.0 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "Authorization: Bearer " +
        org_->issue_token() + "\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\nConnection: close\r\n\r\n" + body);
    std::string got;
    char piece[4096];
    while (true) {
      const auto size = co_await wire->read_some(piece);
      if (!size || *size == 0)
        co_return got + (size ? "|end" : "|broken");
      got.append(piece, *size);
    }
  }

  origin at_;
};

TEST_P(StreamingOrgOverNetwork, BreaksConnectionsAsTheFaultsSay) {
  serve(usual_plan(), [&]() -> asio::awaitable<void> {
    const std::string whole = co_await talk();
    EXPECT_THAT(whole, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(whole, testing::EndsWith("}]|end"));
    org_->inject({.kind = fault_kind::cut_body});
    const std::string cut = co_await talk();
    EXPECT_THAT(cut, HasSubstr("Content-Length: "));
    EXPECT_THAT(cut, testing::Not(HasSubstr("}]")));
    EXPECT_THAT(cut, testing::EndsWith("|end"));
    org_->inject({.kind = fault_kind::chunk_garbage});
    EXPECT_THAT(co_await talk(), HasSubstr("\r\nnonsense\r\n"));
    org_->inject({.kind = fault_kind::reset_before_answer});
    EXPECT_EQ(co_await talk(), "|broken");
    org_->inject({.kind = fault_kind::close_before_answer});
    EXPECT_EQ(co_await talk(), "|end");
    org_->inject({.kind = fault_kind::foreign_cookies});
    EXPECT_THAT(co_await talk(), HasSubstr("Set-Cookie: =nameless\r\n")) << "the server sends what it should";
  });
}

TEST_P(StreamingOrgOverNetwork, TricklesByteByByte) {
  serve(usual_plan(), [&]() -> asio::awaitable<void> {
    org_->inject({.kind = fault_kind::trickle, .delay = 1ms});
    const steady_time start = world_->time().steady_now();
    const std::string got = co_await talk();
    EXPECT_THAT(got, HasSubstr("\r\n1\r\n[\r\n1\r\n{\r\n"));
    EXPECT_THAT(got, testing::EndsWith("\r\n1\r\n]\r\n0\r\n\r\n|end"));
    EXPECT_GE(since(start), 200ms) << "a millisecond for each of some 250 bytes";
  });
}

INSTANTIATE_TEST_SUITE_P(Pipes, StreamingOrgOverNetwork, testing::Values(test::make_pipe_world));
INSTANTIATE_TEST_SUITE_P(Sockets, StreamingOrgOverNetwork, testing::Values(test::make_socket_world));

}  // namespace
}  // namespace pushguard::simulator
