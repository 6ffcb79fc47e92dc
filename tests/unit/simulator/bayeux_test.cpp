#include "simulator/bayeux.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view channel = "/event/Push_Upgrade__e";

class Bayeux : public testing::Test {
 protected:
  explicit Bayeux(streaming_plan plan = {}) : plan_(std::move(plan)) {
    channel_plan main{.name = std::string(channel)};
    log_ = &channels_.add(main, write_replay_id).log;
    log_in();
  }

  /// The data of an event is its replay id.
  static void write_replay_id(std::string& out, const event_log& log, const logged_event& event) {
    out += log.replay_id(event);
  }

  void log_in() {
    const http_reply reply = tokens_.answer(token_request(std::string(good_login)), now_).reply;
    token_ = std::string(json::parse(reply.body).at("access_token").as_string());
  }

  void pass(duration length) { now_ = later(now_, length); }

  /// Publishes one event.
  std::int64_t publish() { return static_cast<std::int64_t>(log_->append(0, {}, now_).number); }

  std::variant<http_reply, held_poll> send(std::string body, std::string path = "/cometd/62.0") {
    http_request request{.method = "POST", .target = std::move(path), .body = std::move(body)};
    request.headers.add("Content-Type", "application/json;charset=UTF-8");
    if (!token_.empty())
      request.headers.add("Authorization", "Bearer " + token_);
    if (!cookies_.empty())
      request.headers.add("Cookie", cookies_);
    return receive(request);
  }

  std::variant<http_reply, held_poll> receive(const http_request& request) {
    auto read = read_bayeux_request(request);
    if (!read)
      return std::move(read.error());
    return server_.receive(*read, now_);
  }

  http_reply reply_to(std::string body, std::string path = "/cometd/62.0") {
    auto answer = send(std::move(body), std::move(path));
    if (std::holds_alternative<held_poll>(answer)) {
      ADD_FAILURE() << "the connect was held";
      return {};
    }
    return std::get<http_reply>(std::move(answer));
  }

  json::array messages(std::string body) { return json::parse(reply_to(std::move(body)).body).as_array(); }
  json::object message(std::string body) { return messages(std::move(body)).at(0).as_object(); }

  json::object handshake() {
    const http_reply reply = reply_to(
        R"([{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"],)"
        R"("ext":{"replay":true},"id":"1"}])",
        "/cometd/62.0/handshake");
    json::object made = json::parse(reply.body).at(0).as_object();
    if (const json::value* id = made.if_contains("clientId"); id != nullptr)
      client_id_ = std::string(id->as_string());
    take_cookies(reply);
    return made;
  }

  void take_cookies(const http_reply& reply) {
    for (const std::string_view cookie : reply.headers.all("Set-Cookie")) {
      const std::string pair(cookie.substr(0, cookie.find(';')));
      if (pair.starts_with("BAYEUX_BROWSER="))
        browser_ = pair;
      if (pair.starts_with("sfdc-stream="))
        route_ = pair;
    }
    cookies_ = browser_ + "; t=x; " + route_;
  }

  std::string meta(std::string_view name, std::string_view rest = "") {
    return R"([{"channel":"/meta/)" + std::string(name) + R"(","clientId":")" + client_id_ + R"(","id":"7")" +
           std::string(rest) + "}]";
  }
  std::string connect_message(std::string_view rest = "") {
    return meta("connect", R"(,"connectionType":"long-polling")" + std::string(rest));
  }
  std::string subscribe_message(std::string_view replay, std::string_view to = channel) {
    std::string rest = R"(,"subscription":")" + std::string(to) + '"';
    if (!replay.empty())
      rest += R"(,"ext":{"replay":{")" + std::string(channel) + R"(":)" + std::string(replay) + "}}";
    return meta("subscribe", rest);
  }

  /// A session that has had its first connect.
  void open_session() {
    handshake();
    EXPECT_EQ(message(connect_message()).at("successful"), true);
  }

  held_poll hold() {
    auto answer = send(connect_message());
    if (!std::holds_alternative<held_poll>(answer)) {
      ADD_FAILURE() << "the connect was answered: " << std::get<http_reply>(answer).body;
      return {};
    }
    return std::get<held_poll>(std::move(answer));
  }

  /// The replay ids of the events in a reply.
  static std::vector<std::int64_t> events_in(const http_reply& reply) {
    std::vector<std::int64_t> found;
    const json::value body = json::parse(reply.body);
    for (const json::value& each : body.as_array()) {
      if (text_of(each.at("channel")) == channel)
        found.push_back(each.at("data").as_int64());
    }
    return found;
  }

  instant now_ = start_of_test();
  streaming_plan plan_;
  token_desk tokens_{credentials_plan{}, 1};
  channel_list channels_{1};
  event_log* log_ = nullptr;
  node_router router_{plan_.nodes, plan_.routing_cookie_life};
  bayeux_server server_{plan_, tokens_, channels_, router_};
  std::string token_;
  std::string browser_;
  std::string route_;
  std::string cookies_;
  std::string client_id_;
};

// Requests

TEST_F(Bayeux, RefusesWhatIsNoRequest) {
  EXPECT_EQ(reply_to("[]").status, 400);
  EXPECT_EQ(reply_to("nonsense").status, 400);
  EXPECT_EQ(reply_to(R"({"channel":"/meta/handshake"})").status, 400) << "a lone object";
  EXPECT_EQ(reply_to("[1]").status, 400);
  EXPECT_EQ(reply_to("[]", "/cometd/nonsense").status, 404);
  EXPECT_EQ(reply_to("[]", "/cometd/").status, 404);
  const http_reply large = reply_to(std::string(32'769, ' '));
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.body, "413::Maximum Request Size Exceeded");
  const auto get = receive({.target = "/cometd/62.0"});
  EXPECT_EQ(std::get<http_reply>(get).status, 405);
  const auto untyped = receive({.method = "POST", .target = "/cometd/62.0", .body = "[{}]"});
  EXPECT_EQ(std::get<http_reply>(untyped).status, 400);
}

TEST_F(Bayeux, AHandshakeMustComeAlone) {
  EXPECT_EQ(reply_to(R"([{"channel":"/meta/handshake"},{"channel":"/meta/connect"}])").status, 500);
  EXPECT_EQ(reply_to(R"([{"channel":"/meta/connect"},{"channel":"/meta/handshake"}])").status, 500);
  EXPECT_EQ(server_.open_sessions(now_.steady), 0U);
}

TEST_F(Bayeux, RefusesPublishingAndUnknownChannels) {
  open_session();
  EXPECT_EQ(message(R"([{"channel":"/event/X__e","data":1}])").at("error"),
            "403:denied_by_security_policy:publish_denied");
  EXPECT_EQ(message(R"([{"channel":"/meta/nonsense"}])").at("error"), "404::Unknown channel");
  EXPECT_EQ(message(R"([{"data":1,"id":"3"}])").at("error"), "400::Channel name not specified");
}

// Handshake

TEST_F(Bayeux, ShakesHands) {
  const http_reply reply = reply_to(R"([{"channel":"/meta/handshake","id":"1"}])", "/cometd/62.0/handshake");
  const json::object made = json::parse(reply.body).at(0).as_object();
  EXPECT_EQ(made.at("successful"), true);
  EXPECT_EQ(made.at("id"), "1");
  EXPECT_EQ(made.at("version"), "1.0");
  EXPECT_EQ(made.at("supportedConnectionTypes").at(0), "long-polling");
  EXPECT_EQ(made.at("ext").at("replay"), true);
  EXPECT_EQ(made.at("ext").at("payload.format"), true);
  EXPECT_FALSE(made.contains("advice"));
  const auto cookies = reply.headers.all("Set-Cookie");
  ASSERT_EQ(cookies.size(), 4U);
  EXPECT_THAT(std::string(cookies[0]), StartsWith("BrowserId="));
  EXPECT_THAT(
      std::string(cookies[0]),
      EndsWith("Domain=.salesforce.com; Path=/; Expires=Sat, 09-May-2026 12:00:00 GMT; Max-Age=5184000"));
  EXPECT_THAT(std::string(cookies[1]), EndsWith("; Path=/cometd/; HttpOnly"));
  EXPECT_THAT(std::string(cookies[2]), StartsWith("BAYEUX_BROWSER="));
  EXPECT_THAT(std::string(cookies[2]), EndsWith("; Path=/cometd/"));
  EXPECT_THAT(std::string(cookies[3]), StartsWith("sfdc-stream=!node-1-"));
  EXPECT_THAT(std::string(cookies[3]), EndsWith("; Path=/; Max-Age=10800; SameSite=None"));
}

TEST_F(Bayeux, EveryHandshakeIsASessionAndKeepsTheBrowser) {
  handshake();
  const std::string first = client_id_;
  const std::string cookies = cookies_;
  handshake();
  EXPECT_NE(client_id_, first);
  EXPECT_EQ(cookies_, cookies);
  EXPECT_EQ(server_.open_sessions(now_.steady), 2U);
  EXPECT_EQ(server_.handshakes(), 2U);
}

TEST_F(Bayeux, DeniesTheHandshakeWithTheReasonInItsExtension) {
  const auto denied_because = [this] {
    const json::object made = handshake();
    EXPECT_EQ(made.at("successful"), false);
    EXPECT_EQ(made.at("error"), "403::Handshake denied");
    EXPECT_EQ(made.at("advice").at("reconnect"), "none");
    EXPECT_FALSE(made.contains("clientId"));
    return std::string(made.at("ext").at("sfdc").at("failureReason").as_string());
  };
  tokens_.revoke_all();
  EXPECT_EQ(denied_because(), "401::Authentication invalid");
  token_.clear();
  EXPECT_EQ(denied_because(), "401::Request requires authentication");
  const json::value old =
      json::parse(reply_to(R"([{"channel":"/meta/handshake"}])", "/cometd/36.0/handshake").body);
  EXPECT_THAT(std::string(old.at(0).at("ext").at("sfdc").at("failureReason").as_string()),
              StartsWith("400::Unsupported API version"));
  EXPECT_EQ(server_.handshakes(), 0U);
}

class BayeuxForTwo : public Bayeux {
 protected:
  BayeuxForTwo() : Bayeux({.clients_max = 2}) {}
};

TEST_F(BayeuxForTwo, CountsConcurrentClients) {
  handshake();
  handshake();
  EXPECT_EQ(handshake().at("ext").at("sfdc").at("failureReason"),
            "403::Organization concurrent user limit exceeded");
  pass(plan_.session_timeout);
  EXPECT_EQ(handshake().at("successful"), true) << "abandoned sessions make room";
}

// Connect

TEST_F(Bayeux, AnswersTheFirstConnectAtOnceWithAdvice) {
  handshake();
  const json::object first = message(connect_message());
  EXPECT_EQ(first.at("successful"), true);
  EXPECT_EQ(first.at("id"), "7");
  EXPECT_EQ(first.at("advice"), (json::value{{"reconnect", "retry"}, {"interval", 0}, {"timeout", 110'000}}));
  const held_poll poll = hold();
  EXPECT_EQ(poll.until, now_.steady + 110s);
}

TEST_F(Bayeux, HoldsAConnectUntilItsTimeIsOver) {
  open_session();
  const held_poll poll = hold();
  EXPECT_EQ(server_.resume(poll, poll.until - 1ms), std::nullopt);
  const auto reply = server_.resume(poll, poll.until);
  ASSERT_TRUE(reply);
  const json::value body = json::parse(reply->body);
  EXPECT_EQ(body.as_array().size(), 1U);
  EXPECT_EQ(body.at(0).at("successful"), true);
  EXPECT_EQ(body.at(0).at("id"), "7");
  EXPECT_FALSE(body.at(0).as_object().contains("advice"));
}

TEST_F(Bayeux, DoesNotHoldAConnectThatWantsAnAnswerOrComesWithOthers) {
  open_session();
  EXPECT_EQ(message(connect_message(R"(,"advice":{"timeout":0})")).at("successful"), true);
  std::string batch = connect_message();
  batch.pop_back();
  batch += ',' + subscribe_message("").substr(1);
  const json::array replies = messages(batch);
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].at("channel"), "/meta/connect");
  EXPECT_EQ(replies[1].at("channel"), "/meta/subscribe");
}

TEST_F(Bayeux, ANewerConnectTakesThePlaceOfTheOlder) {
  open_session();
  const held_poll older = hold();
  const held_poll newer = hold();
  const auto superseded = server_.resume(older, now_.steady);
  ASSERT_TRUE(superseded);
  EXPECT_EQ(superseded->status, 408);
  EXPECT_EQ(server_.resume(newer, now_.steady), std::nullopt);
  server_.abandon(older, now_.steady);
  publish();
  EXPECT_EQ(server_.resume(newer, now_.steady), std::nullopt) << "nothing is subscribed";
  EXPECT_EQ(server_.overlaps(), 1U);
}

TEST_F(Bayeux, OnlyKnowsLongPolling) {
  open_session();
  EXPECT_EQ(message(meta("connect", R"(,"connectionType":"websocket")")).at("error"),
            "400::Invalid connection type");
}

// Sessions

TEST_F(Bayeux, ASessionDiesFortySecondsAfterItsLastAnswer) {
  open_session();
  pass(plan_.session_timeout - 1ms);
  const held_poll poll = hold();
  pass(110s);
  ASSERT_TRUE(server_.resume(poll, now_.steady));
  EXPECT_EQ(server_.open_sessions(now_.steady), 1U);
  pass(plan_.session_timeout);
  EXPECT_EQ(server_.open_sessions(now_.steady), 0U);
  const json::object reply = message(connect_message());
  EXPECT_EQ(reply.at("error"), "403::Unknown client");
  EXPECT_EQ(reply.at("advice").at("reconnect"), "handshake");
}

TEST_F(Bayeux, AnAbandonedPollLetsItsSessionDie) {
  open_session();
  const held_poll poll = hold();
  server_.abandon(poll, now_.steady);
  pass(plan_.session_timeout);
  EXPECT_EQ(message(connect_message()).at("error"), "403::Unknown client");
}

TEST_F(Bayeux, SubscribingAsAnUnknownClientIsAnsweredWithNone) {
  open_session();
  client_id_ = "nonsense";
  const json::object reply = message(subscribe_message("-1"));
  EXPECT_EQ(reply.at("error"), "403::Unknown client");
  EXPECT_EQ(reply.at("advice").at("reconnect"), "none");
  EXPECT_EQ(text_of(reply.at("subscription")), channel);
}

TEST_F(Bayeux, MissesItsCookies) {
  open_session();
  cookies_ = route_;
  EXPECT_EQ(text_of(message(connect_message()).at("error")),
            "400::Client " + client_id_ + " has established a session, but no BAYEUX_BROWSER cookie present");
  cookies_ = "BAYEUX_BROWSER=another; " + route_;
  EXPECT_EQ(message(connect_message()).at("error"), "403::Unknown client");
  for (int turn = 0; turn < 4; ++turn) {
    cookies_ = browser_;
    const http_reply lost = reply_to(connect_message());
    EXPECT_THAT(lost.body, HasSubstr("403::Unknown client")) << "never by chance to the node that knows it";
    EXPECT_THAT(std::string(lost.headers.find("Set-Cookie").value_or("")), StartsWith("sfdc-stream=!node-"))
        << "the new route comes with the refusal itself";
  }
  cookies_ = browser_ + "; " + route_;
  (void)hold();
}

TEST_F(Bayeux, ARouteEndsWithItsCookieAndTheNextNodeKnowsNobody) {
  open_session();
  for (int poll = 0; poll < 99; ++poll) {  // the last begins 20 seconds before three hours are over
    const held_poll held = hold();
    pass(110s);
    ASSERT_TRUE(server_.resume(held, now_.steady));
  }
  const http_reply moved = reply_to(connect_message());
  EXPECT_THAT(moved.body, HasSubstr("403::Unknown client")) << "though the client kept the cookie too long";
  EXPECT_THAT(moved.body, HasSubstr("handshake"));
  const std::string old_route = route_;
  take_cookies(moved);
  EXPECT_NE(route_.substr(0, 20), old_route.substr(0, 20)) << "it leads to the other node";
  open_session();
  (void)hold();
}

TEST_F(Bayeux, ADeadRouteLetsClientsInAndThenKnowsNobody) {
  const std::string gone = dead_route_cookie();
  cookies_ = gone.substr(0, gone.find(';'));
  const http_reply reply = reply_to(R"([{"channel":"/meta/handshake","id":"1"}])");
  client_id_ = std::string(json::parse(reply.body).at(0).at("clientId").as_string());
  for (const std::string_view cookie : reply.headers.all("Set-Cookie"))
    EXPECT_FALSE(cookie.starts_with("sfdc-stream=")) << "nothing leads away from there";
  EXPECT_EQ(message(subscribe_message("-1")).at("successful"), true);
  EXPECT_EQ(message(connect_message()).at("error"), "403::Unknown client");
  EXPECT_EQ(server_.open_sessions(now_.steady), 0U);
}

TEST_F(Bayeux, ARevokedTokenEndsTheTalkButNotTheSession) {
  open_session();
  tokens_.revoke_all();
  const json::object reply = message(connect_message());
  EXPECT_EQ(reply.at("error"), "401::Authentication invalid");
  EXPECT_EQ(reply.at("advice").at("reconnect"), "none");
  EXPECT_EQ(message(subscribe_message("-1")).at("error"), "401::Authentication invalid");
  log_in();
  (void)hold();
}

class BayeuxWithLongRoutes : public Bayeux {
 protected:
  BayeuxWithLongRoutes() : Bayeux({.routing_cookie_life = 24h}) {}
};

TEST_F(BayeuxWithLongRoutes, StreamingKeepsTheTokenAlive) {
  open_session();
  for (int poll = 0; poll < 200; ++poll) {  // six hours, thrice the life of a token
    const held_poll held = hold();
    pass(110s);
    ASSERT_TRUE(server_.resume(held, now_.steady));
  }
}

TEST_F(Bayeux, DisconnectEndsTheSessionAndItsPoll) {
  open_session();
  const held_poll poll = hold();
  EXPECT_EQ(message(meta("disconnect")).at("successful"), true);
  const auto reply = server_.resume(poll, now_.steady);
  ASSERT_TRUE(reply);
  EXPECT_EQ(json::parse(reply->body).at(0).at("advice").at("reconnect"), "none");
  EXPECT_EQ(message(connect_message()).at("error"), "403::Unknown client");
  EXPECT_EQ(server_.disconnects(), 1U);
  EXPECT_EQ(server_.open_sessions(now_.steady), 0U);
}

// Subscriptions and replay

TEST_F(Bayeux, DeliversNewEventsOnTheHeldConnect) {
  open_session();
  publish();
  const json::object subscribed = message(subscribe_message("-1"));
  EXPECT_EQ(subscribed.at("successful"), true);
  EXPECT_EQ(text_of(subscribed.at("subscription")), channel);
  const held_poll poll = hold();
  EXPECT_EQ(server_.resume(poll, now_.steady), std::nullopt) << "older events are not replayed";
  const std::int64_t first = publish();
  const std::int64_t second = publish();
  const auto reply = server_.resume(poll, now_.steady);
  ASSERT_TRUE(reply);
  EXPECT_EQ(events_in(*reply), (std::vector{first, second}));
  EXPECT_EQ(json::parse(reply->body).as_array().back().at("channel"), "/meta/connect");
  (void)hold();
  EXPECT_EQ(server_.events_delivered(), 2U);
}

TEST_F(Bayeux, EventsBetweenTwoPollsComeWithTheNext) {
  open_session();
  (void)message(subscribe_message(""));
  const std::int64_t id = publish();
  EXPECT_EQ(events_in(reply_to(connect_message())), std::vector{id});
}

TEST_F(Bayeux, ReplaysFromWhereItIsAsked) {
  open_session();
  const std::int64_t first = publish();
  const std::int64_t second = publish();
  const std::int64_t third = publish();
  const auto replayed = [this](const std::string& from) {
    EXPECT_EQ(message(subscribe_message(from)).at("successful"), true) << from;
    return events_in(reply_to(connect_message(R"(,"advice":{"timeout":0})")));
  };
  EXPECT_EQ(replayed("-2"), (std::vector{first, second, third}));
  EXPECT_EQ(replayed("-1"), std::vector<std::int64_t>{});
  EXPECT_EQ(replayed(std::to_string(first)), (std::vector{second, third}));
  EXPECT_EQ(replayed('"' + std::to_string(second) + '"'), std::vector{third}) << "numeric strings occur";
  EXPECT_EQ(replayed(std::to_string(third)), std::vector<std::int64_t>{});
}

TEST_F(Bayeux, RefusesReplayIdsItCannotServe) {
  open_session();
  const std::int64_t purged = publish();
  pass(72h);
  log_in();
  open_session();
  const std::int64_t kept = publish();
  log_->purge(now_.steady);
  for (const std::string& id : {std::to_string(purged), std::to_string(kept + 1), std::string("-3"),
                                std::string("1.5"), std::string(R"("x")"), std::string("null")}) {
    const json::object reply = message(subscribe_message(id));
    EXPECT_EQ(reply.at("successful"), false) << id;
    EXPECT_THAT(std::string(reply.at("error").as_string()), StartsWith("400::The replayId {")) << id;
    EXPECT_THAT(std::string(reply.at("error").as_string()), HasSubstr("} you provided was invalid.")) << id;
  }
  const json::object reply = message(meta(
      "subscribe", R"(,"subscription":"/event/Push_Upgrade__e","ext":{"replay":{"/event/Other__e":-1}})"));
  EXPECT_EQ(
      reply.at("error"),
      "400::The replayId for channel {/event/Push_Upgrade__e} wasn't found using the provided replay ID map "
      R"({{"/event/Other__e":-1}})");
}

TEST_F(Bayeux, RefusesChannelsItDoesNotHave) {
  open_session();
  for (const std::string_view wanted : {"/event/Other__e", "/topic/X", "event", "/event/push_upgrade__e"}) {
    const json::object reply = message(subscribe_message("", wanted));
    EXPECT_EQ(reply.at("successful"), false) << wanted;
    EXPECT_THAT(std::string(reply.at("error").as_string()), StartsWith("400::")) << wanted;
    EXPECT_EQ(text_of(reply.at("subscription")), wanted);
  }
  EXPECT_EQ(message(meta("subscribe")).at("error"), "400::Channel name not specified");
  EXPECT_EQ(message(meta("subscribe", R"(,"subscription":[])")).at("error"),
            "400::Channel name not specified");
}

TEST_F(Bayeux, RefusesReplayMapsThatNameOtherChannels) {
  channels_.add({.name = "/topic/Deals"}, write_replay_id);
  open_session();
  const auto error_of = [this](const std::string& subscription, const std::string& map) {
    const json::object reply =
        message(meta("subscribe", ",\"subscription\":" + subscription + ",\"ext\":{\"replay\":" + map + "}"));
    return reply.at("successful").as_bool() ? std::string() : std::string(reply.at("error").as_string());
  };
  EXPECT_EQ(error_of(R"("/topic/Deals?Stage=Won")", R"({"/topic/Deals":-1})"), "");
  EXPECT_EQ(error_of(R"(["/topic/Deals","/event/Push_Upgrade__e"])",
                     R"({"/topic/Deals":-1,"/event/Push_Upgrade__e":-2})"),
            "");
  const auto refusal = testing::AllOf(StartsWith("400::The replayId for channel {/topic/Deals} wasn't found"),
                                      HasSubstr("replay ID map {{"));
  EXPECT_THAT(error_of(R"("/topic/Deals?Stage=Won")", R"({"/topic/Deals?Stage=Won":-1})"), refusal);
  EXPECT_THAT(error_of(R"("/topic/Deals")", R"({"/topic/Deals":-1,"/event/Push_Upgrade__e":-1})"), refusal);
  EXPECT_THAT(error_of(R"("/topic/Deals")", "{}"), refusal);
  EXPECT_THAT(error_of(R"("/topic/Deals")", "17"),
              StartsWith("400::The replayId for channel {/topic/Deals} wasn't found"));
}

TEST_F(Bayeux, DeliversUnderTheNameThatWasSubscribedTo) {
  event_channel& deals = channels_.add({.name = "/topic/Deals"}, write_replay_id);
  open_session();
  (void)message(meta("subscribe", R"(,"subscription":"/topic/Deals?Stage=Won")"));
  deals.log.append(0, {}, now_);
  const json::array replies = messages(connect_message());
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(text_of(replies[0].at("channel")), "/topic/Deals?Stage=Won");
}

TEST_F(Bayeux, ReplaysChannelsWithOtherFormsOfIds) {
  event_channel& texts =
      channels_.add({.name = "/event/T__e", .form = replay_id_form::text}, write_replay_id);
  event_channel& huge = channels_.add({.name = "/event/H__e", .form = replay_id_form::huge}, write_replay_id);
  for (event_channel* each : {&texts, &huge}) {
    each->log.append(0, {}, now_);
    each->log.append(1, {}, now_);
  }
  open_session();
  const auto replayed = [this](const std::string& on, const std::string& from) -> json::array {
    const json::object reply = message(meta(
        "subscribe", ",\"subscription\":\"" + on + "\",\"ext\":{\"replay\":{\"" + on + "\":" + from + "}}"));
    return reply.at("successful").as_bool() ? messages(connect_message(R"(,"advice":{"timeout":0})"))
                                            : json::array{};
  };
  const std::string text = texts.log.replay_id(texts.log.at(0));
  ASSERT_EQ(replayed("/event/T__e", text).size(), 2U);
  EXPECT_EQ(replayed("/event/T__e", text.substr(0, 10) + '"').size(), 0U);
  EXPECT_EQ(replayed("/event/T__e", std::to_string(texts.log.at(0).number)).size(), 0U);
  const std::string number = huge.log.replay_id(huge.log.at(0));
  EXPECT_EQ(replayed("/event/H__e", number).size(), 2U);
  EXPECT_EQ(replayed("/event/H__e", '"' + number + '"').size(), 2U);
  EXPECT_EQ(replayed("/event/H__e", "-2").size(), 3U);
}

TEST_F(Bayeux, RefusesTheSubscriptionsThatItIsToldTo) {
  channels_.add({.name = "/event/Closed__e", .refusal = "403::User not enabled for streaming"},
                write_replay_id);
  open_session();
  const json::object reply = message(meta("subscribe", R"(,"subscription":"/event/Closed__e")"));
  EXPECT_EQ(reply.at("error"), "403::User not enabled for streaming");
  EXPECT_EQ(text_of(reply.at("subscription")), "/event/Closed__e");
  channels_.find("/event/Closed__e")->refusal.clear();
  EXPECT_EQ(message(meta("subscribe", R"(,"subscription":"/event/Closed__e")")).at("successful"), true);
}

class BayeuxWithQuota : public Bayeux {
 protected:
  BayeuxWithQuota() : Bayeux({.daily_events_max = 3}) {}
};

TEST_F(BayeuxWithQuota, ADayBringsNoMoreEventsThanTheQuota) {
  open_session();
  for (int event = 0; event < 5; ++event)
    publish();
  (void)message(subscribe_message("-2"));
  EXPECT_EQ(events_in(reply_to(connect_message())).size(), 3U);
  constexpr std::string_view error = "403::Organization total events daily limit exceeded";
  EXPECT_EQ(text_of(message(connect_message()).at("error")), error);
  (void)hold();  // its subscriptions are gone, itself it is not
  EXPECT_EQ(text_of(message(subscribe_message("-1")).at("error")), error);
  pass(24h);
  log_in();
  open_session();
  (void)message(subscribe_message("-2"));
  EXPECT_EQ(events_in(reply_to(connect_message())).size(), 3U);
  EXPECT_EQ(server_.events_delivered(), 6U);
}

class BayeuxWithShortAnswers : public Bayeux {
 protected:
  BayeuxWithShortAnswers() : Bayeux({.events_per_reply_max = 2}) {}
};

TEST_F(BayeuxWithShortAnswers, ABacklogOfOneChannelDoesNotStarveAnother) {
  event_channel& other = channels_.add({.name = "/event/Zebra__e"}, write_replay_id);
  open_session();
  for (int event = 0; event < 10; ++event)
    publish();
  other.log.append(0, {}, now_);
  (void)message(subscribe_message("-2"));
  (void)message(
      meta("subscribe", R"(,"subscription":"/event/Zebra__e","ext":{"replay":{"/event/Zebra__e":-2}})"));
  EXPECT_EQ(events_in(reply_to(connect_message())).size(), 2U);
  const json::array second = messages(connect_message());
  EXPECT_EQ(text_of(second.at(0).at("channel")), "/event/Zebra__e");
  EXPECT_EQ(second.size(), 3U);
}

TEST_F(Bayeux, UnderstandsListsOfChannelsAndUnsubscribes) {
  open_session();
  EXPECT_EQ(message(meta("subscribe", R"(,"subscription":["/event/Push_Upgrade__e"])")).at("successful"),
            true);
  publish();
  EXPECT_EQ(message(meta("unsubscribe", R"(,"subscription":["/event/Push_Upgrade__e"])")).at("successful"),
            true);
  (void)hold();
  EXPECT_EQ(server_.events_delivered(), 0U);
}

TEST_F(Bayeux, ALongBacklogComesInSeveralAnswers) {
  open_session();
  for (int event = 0; event < 2500; ++event)
    publish();
  (void)message(subscribe_message("-2"));
  std::size_t received = 0;
  std::vector<std::size_t> sizes;
  while (received < 2500) {
    sizes.push_back(events_in(reply_to(connect_message())).size());
    received += sizes.back();
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1000, 1000, 500}));
}

TEST_F(Bayeux, ASlowClientLosesWhatIsPurgedAndGoesOn) {
  open_session();
  (void)message(subscribe_message("-2"));
  publish();
  log_->purge(later(now_, 72h).steady);
  const held_poll poll = hold();
  const std::int64_t id = publish();
  const auto reply = server_.resume(poll, now_.steady);
  ASSERT_TRUE(reply);
  EXPECT_EQ(events_in(*reply), std::vector{id});
}

}  // namespace
}  // namespace pushguard::simulator
