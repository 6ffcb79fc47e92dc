// Every kind of fault does what its name says: one case for each, told as what the client then sees.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "simulator/streaming_org.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/unit/simulator/stream_talker.hpp"

namespace pushguard::simulator {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view channel = "/event/Push__e";

/// What a client saw of a fault.
struct sighting {
  http_reply reply;             ///< the answer that the fault hit
  http_reply next;              ///< the answer to the next connect
  duration waited{};            ///< for the first of them
  bool is_token_valid = true;   ///< afterwards
  std::size_t open_sessions{};  ///< when the answer had come

  [[nodiscard]] json::object answer() const { return reply_in(reply); }
  [[nodiscard]] std::string error() const { return member(answer(), "error"); }
  [[nodiscard]] std::string reason() const {
    const json::object at = answer();
    const json::value* found =
        at.contains("ext") ? at.at("ext").find_pointer("/sfdc/failureReason", *no_error()) : nullptr;
    return found != nullptr ? std::string(found->as_string()) : "";
  }
  [[nodiscard]] std::string advice() const {
    const json::object at = answer();
    return at.contains("advice") && at.at("advice").is_object()
               ? member(at.at("advice").as_object(), "reconnect")
               : "";
  }
  [[nodiscard]] std::vector<std::string> cookies() const {
    const auto found = reply.headers.all("Set-Cookie");
    return {found.begin(), found.end()};
  }
  static boost::system::error_code* no_error() {
    static boost::system::error_code ec;
    return &ec;
  }
};

struct fault_case {
  fault_kind kind;
  request_kind on;
  std::function<void(const sighting&)> check;
};

void PrintTo(const fault_case& of, std::ostream* out) {
  *out << name_of(of.kind);
}

void is_session_gone(const sighting& seen) {
  EXPECT_EQ(seen.open_sessions, 0U);
  EXPECT_EQ(member(reply_in(seen.next), "error"), "403::Unknown client");
}

void is_session_well(const sighting& seen) {
  EXPECT_EQ(seen.open_sessions, 1U);
  EXPECT_EQ(member(reply_in(seen.next), "successful"), "true") << seen.next.body;
}

void is_broken_json(const sighting& seen) {
  boost::system::error_code ec;
  (void)json::parse(seen.reply.body, ec);
  EXPECT_TRUE(ec) << seen.reply.body;
  EXPECT_EQ(seen.reply.status, 200);
  is_session_well(seen);
}

std::string unescaped_payload(const sighting& seen) {
  const std::size_t place = seen.reply.body.find("Broken__c");
  return place == std::string::npos ? "" : seen.reply.body.substr(place, 40);
}

using enum fault_kind;
using enum request_kind;

const fault_case cases[] = {
    {disconnect_and_unknown_client, connect,
     [](const sighting& seen) {
       const auto messages = messages_of(seen.reply);
       ASSERT_EQ(messages.size(), 2U);
       EXPECT_EQ(json::serialize(messages[0]), R"({"channel":"/meta/disconnect"})");
       EXPECT_EQ(member(messages[1], "channel"), "/meta/connect");
       EXPECT_EQ(seen.error(), "403::Unknown client");
       EXPECT_EQ(seen.advice(), "none");
       EXPECT_TRUE(seen.is_token_valid);
       is_session_gone(seen);
     }},
    {disconnect_and_unauthorized, connect,
     [](const sighting& seen) {
       EXPECT_EQ(member(messages_of(seen.reply).at(0), "channel"), "/meta/disconnect");
       EXPECT_EQ(seen.error(), "401::Authentication invalid");
       EXPECT_EQ(seen.advice(), "none");
       EXPECT_FALSE(seen.is_token_valid);
       is_session_gone(seen);
     }},
    {bare_disconnect, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.body, R"([{"channel":"/meta/disconnect"}])");
       is_session_gone(seen);
     }},
    {unknown_client, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.error(), "403::Unknown client");
       EXPECT_EQ(seen.advice(), "handshake");
       is_session_gone(seen);
     }},
    {unknown_client_none, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.error(), "403::Unknown client");
       EXPECT_EQ(seen.advice(), "none");
       is_session_gone(seen);
     }},
    {expired_token, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.error(), "401::Authentication invalid");
       EXPECT_FALSE(seen.is_token_valid);
       is_session_gone(seen);
     }},
    {stale_handshake_advice, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.advice(), "handshake");
       is_session_gone(seen);
     }},
    {dead_route, connect,
     [](const sighting& seen) {
       EXPECT_EQ(events_of(seen.reply).size(), 1U);
       EXPECT_THAT(seen.cookies(), testing::Contains(StartsWith("sfdc-stream=!node-gone;")));
       EXPECT_EQ(seen.open_sessions, 1U) << "it lives, but out of reach";
       EXPECT_EQ(member(reply_in(seen.next), "error"), "403::Unknown client");
     }},
    {disconnect_after_handshake, handshake,
     [](const sighting& seen) {
       const auto messages = messages_of(seen.reply);
       ASSERT_EQ(messages.size(), 2U);
       EXPECT_EQ(member(messages[0], "successful"), "true");
       EXPECT_EQ(member(messages[1], "channel"), "/meta/disconnect");
       is_session_gone(seen);
     }},
    {busy, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.error(), "503::Server is too busy");
       EXPECT_EQ(seen.reason(), "503::Server is too busy");
       is_session_well(seen);
     }},
    {busy_as_denied, subscribe,
     [](const sighting& seen) {
       EXPECT_EQ(seen.error(), "403:denied_by_security_policy:subscribe_denied");
       EXPECT_EQ(seen.reason(), "503::Server is too busy");
       is_session_well(seen);
     }},
    {busy_as_unauthorized, handshake,
     [](const sighting& seen) {
       EXPECT_EQ(seen.error(), "401::Authentication invalid");
       EXPECT_EQ(seen.advice(), "none");
       EXPECT_EQ(seen.reason(), "503::Server is too busy");
       EXPECT_TRUE(seen.is_token_valid);
     }},
    {denied_without_text, subscribe,
     [](const sighting& seen) {
       EXPECT_EQ(member(seen.answer(), "successful"), "false");
       EXPECT_FALSE(seen.answer().contains("error"));
       EXPECT_FALSE(seen.answer().contains("advice"));
     }},
    {missing_cookie, connect,
     [](const sighting& seen) {
       EXPECT_THAT(seen.error(), StartsWith("400::Client "));
       EXPECT_THAT(seen.error(), EndsWith("but no BAYEUX_BROWSER cookie present"));
       EXPECT_EQ(seen.advice(), "none");
     }},
    {user_mismatch, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.error(), "400::Authenticated user id does not match session's user id");
       EXPECT_EQ(seen.advice(), "none");
     }},
    {quota, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.error(), "403::Organization total events daily limit exceeded");
       is_session_well(seen);
       EXPECT_EQ(events_of(seen.next).size(), 0U) << "the subscriptions are gone";
     }},
    {client_limit, handshake,
     [](const sighting& seen) {
       EXPECT_EQ(seen.error(), "403::Handshake denied");
       EXPECT_EQ(seen.reason(), "403::Organization concurrent user limit exceeded");
       EXPECT_EQ(seen.open_sessions, 0U);
     }},
    {late_reply, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.waited, 5s);
       EXPECT_EQ(events_of(seen.reply).size(), 1U);
       is_session_well(seen);
     }},
    {never_answer, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.waited, 10min);
       EXPECT_EQ(seen.reply.status, 0);
       EXPECT_EQ(seen.reply.after, after_reply::reset);
     }},
    {trickle, connect,
     [](const sighting& seen) {
       EXPECT_TRUE(seen.reply.stream);
       EXPECT_EQ(seen.waited, 0s);
     }},
    {slow_subscribe, subscribe,
     [](const sighting& seen) {
       EXPECT_EQ(seen.waited, 5s);
       EXPECT_EQ(member(seen.answer(), "successful"), "true");
     }},
    {empty_polls, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.waited, 0s);
       EXPECT_EQ(member(seen.answer(), "successful"), "true");
       is_session_well(seen);
     }},
    {reset_before_answer, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.status, 0);
       EXPECT_EQ(seen.reply.after, after_reply::reset);
       is_session_well(seen);
       EXPECT_EQ(events_of(seen.next).size(), 0U) << "the event was taken off the queue";
     }},
    {close_before_answer, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.status, 0);
       EXPECT_EQ(seen.reply.after, after_reply::close);
       EXPECT_EQ(events_of(seen.next).size(), 0U);
     }},
    {cut_body, connect,
     [](const sighting& seen) {
       const std::string raw = seen.reply.raw.value_or("");
       const std::string body = seen.reply.body;
       EXPECT_THAT(raw, StartsWith("HTTP/1.1 200 OK\r\n"));
       EXPECT_THAT(raw, HasSubstr("Content-Length: " + std::to_string(body.size()) + "\r\n"));
       EXPECT_THAT(raw, EndsWith("\r\n\r\n" + body.substr(0, body.size() / 2)));
       EXPECT_EQ(seen.reply.after, after_reply::close);
     }},
    {wrong_content_length, connect,
     [](const sighting& seen) {
       const std::string raw = seen.reply.raw.value_or("");
       EXPECT_THAT(raw, HasSubstr("Content-Length: " + std::to_string(seen.reply.body.size() - 1) + "\r\n"));
       EXPECT_THAT(raw, EndsWith("\r\n\r\n" + seen.reply.body));
     }},
    {chunk_garbage, connect,
     [](const sighting& seen) {
       const std::string raw = seen.reply.raw.value_or("");
       EXPECT_THAT(raw, HasSubstr("Transfer-Encoding: chunked\r\n"));
       EXPECT_THAT(raw, HasSubstr("\r\nnonsense\r\n"));
     }},
    {gzip_garbage, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.headers.find("Content-Encoding"), "gzip");
       EXPECT_THAT(seen.reply.body, StartsWith("["));
     }},
    {http_status, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.status, 503);
       EXPECT_THAT(seen.reply.body, StartsWith("<!DOCTYPE html>"));
       is_session_well(seen);
       EXPECT_EQ(events_of(seen.next).size(), 1U);
     }},
    {login_page, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.status, 200);
       EXPECT_EQ(seen.reply.headers.find("Content-Type"), "text/html;charset=UTF-8");
       EXPECT_THAT(seen.reply.body, HasSubstr("Login"));
     }},
    {http_401_rest_json, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.status, 401);
       EXPECT_THAT(seen.reply.body, HasSubstr("INVALID_SESSION_ID"));
       EXPECT_TRUE(seen.is_token_valid);
     }},
    {redirect, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.status, 301);
       EXPECT_THAT(std::string(seen.reply.headers.find("Location").value_or("")),
                   StartsWith("https://elsewhere."));
     }},
    {foreign_cookies, connect,
     [](const sighting& seen) {
       EXPECT_THAT(seen.cookies(), testing::Contains(HasSubstr("Domain=elsewhere.example")));
       EXPECT_THAT(seen.cookies(), testing::Contains("=nameless"));
       EXPECT_EQ(events_of(seen.reply).size(), 1U);
     }},
    {hundred_cookies, connect, [](const sighting& seen) { EXPECT_EQ(seen.cookies().size(), 100U); }},
    {duplicate_delivery, connect,
     [](const sighting& seen) {
       const auto events = events_of(seen.reply);
       ASSERT_EQ(events.size(), 2U);
       EXPECT_EQ(events[0], events[1]);
       EXPECT_EQ(member(seen.answer(), "successful"), "true");
     }},
    {reordered_reply, connect,
     [](const sighting& seen) {
       const auto messages = messages_of(seen.reply);
       ASSERT_EQ(messages.size(), 2U);
       EXPECT_EQ(member(messages[0], "channel"), "/meta/connect");
       EXPECT_TRUE(messages[1].contains("data"));
     }},
    {events_without_reply, connect,
     [](const sighting& seen) {
       EXPECT_EQ(messages_of(seen.reply).size(), 1U);
       EXPECT_EQ(events_of(seen.reply).size(), 1U);
     }},
    {reply_without_subscription, subscribe,
     [](const sighting& seen) {
       EXPECT_EQ(member(seen.answer(), "successful"), "true");
       EXPECT_FALSE(seen.answer().contains("subscription"));
       EXPECT_EQ(events_of(seen.next).size(), 1U) << "subscribed it is";
     }},
    {reply_without_channel, subscribe,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.body, R"([{"error":"401::Request requires authentication","successful":false}])");
     }},
    {reply_without_id, connect,
     [](const sighting& seen) {
       EXPECT_EQ(member(seen.answer(), "successful"), "true");
       EXPECT_FALSE(seen.answer().contains("id"));
     }},
    {reply_with_other_id, connect,
     [](const sighting& seen) { EXPECT_EQ(member(seen.answer(), "id"), "none-of-yours"); }},
    {empty_array, connect,
     [](const sighting& seen) {
       EXPECT_EQ(seen.reply.body, "[]");
       EXPECT_EQ(events_of(seen.next).size(), 0U) << "the event was taken off the queue";
     }},
    {lone_object, subscribe,
     [](const sighting& seen) { EXPECT_TRUE(json::parse(seen.reply.body).is_object()); }},
    {null_advice, connect, [](const sighting& seen) { EXPECT_TRUE(seen.answer().at("advice").is_null()); }},
    {interval_advice, connect,
     [](const sighting& seen) { EXPECT_EQ(seen.answer().at("advice").at("interval"), 2000); }},
    {negative_interval, connect,
     [](const sighting& seen) { EXPECT_EQ(seen.answer().at("advice").at("interval"), -1); }},
    {unknown_advice, connect, [](const sighting& seen) { EXPECT_EQ(seen.advice(), "perhaps"); }},
    {other_transports, handshake,
     [](const sighting& seen) {
       EXPECT_EQ(member(seen.answer(), "supportedConnectionTypes"), R"(["websocket","long-polling"])");
       EXPECT_EQ(seen.open_sessions, 1U);
     }},
    {byte_order_mark, connect,
     [](const sighting& seen) {
       EXPECT_THAT(seen.reply.body, StartsWith("\xef\xbb\xbf["));
       is_broken_json(seen);
     }},
    {nul_bytes, connect,
     [](const sighting& seen) {
       EXPECT_NE(seen.reply.body.find(std::string(3, '\0')), std::string::npos);
       is_broken_json(seen);
     }},
    {bad_utf8, connect,
     [](const sighting& seen) {
       EXPECT_THAT(unescaped_payload(seen), StartsWith("Broken__c\":\"\xc3\x28\xff"));
       is_broken_json(seen);
     }},
    {lone_surrogates, connect,
     [](const sighting& seen) {
       EXPECT_THAT(unescaped_payload(seen), StartsWith(R"(Broken__c":"\ud800 \udc00x",)"));
       is_broken_json(seen);
     }},
    {duplicate_keys, connect,
     [](const sighting& seen) {
       EXPECT_THAT(seen.reply.body, HasSubstr(R"({"channel":"/meta/connect","channel":"/meta/connect",)"));
       EXPECT_THAT(seen.reply.body, HasSubstr(R"("Twice__c":1,"Twice__c":2)"));
     }},
    {overflow_numbers, connect,
     [](const sighting& seen) {
       EXPECT_THAT(seen.reply.body, HasSubstr(R"("interval":1e999)"));
       EXPECT_THAT(seen.reply.body, HasSubstr(R"("Overflow__c":1e999)"));
       EXPECT_THAT(seen.reply.body, EndsWith("}}]"));
     }},
    {deep_nesting, connect,
     [](const sighting& seen) {
       EXPECT_THAT(seen.reply.body, HasSubstr(std::string(10'000, '[') + std::string(10'000, ']') + "}]"));
     }},
    {wrong_types, subscribe,
     [](const sighting& seen) {
       const auto messages = messages_of(seen.reply);
       ASSERT_EQ(messages.size(), 1U);
       EXPECT_EQ(messages[0].at("channel"), 17);
       EXPECT_EQ(messages[0].at("successful"), "perhaps");
       EXPECT_EQ(messages[0].at("subscription"), 17);
     }},
    {truncated_json, connect, is_broken_json},
    {huge_message, connect,
     [](const sighting& seen) {
       EXPECT_GT(seen.reply.body.size(), 8U * 1024 * 1024);
       EXPECT_EQ(events_of(seen.reply).size(), 1U);
       EXPECT_GT(json::serialize(seen.answer()).size(), 8U * 1024 * 1024);
     }},
};

class Faults : public testing::TestWithParam<fault_case> {
 protected:
  /// Leads a client to the request that the case wants, with an event due on the connect.
  asio::awaitable<void> look(sighting& seen) {
    const fault_case& of = GetParam();
    const std::string token = org_->issue_token();
    stream_talker client(org_->handler(), token);
    const auto hit = [&](request_kind now, auto send) -> asio::awaitable<void> {
      if (now == of.on)
        org_->inject({.kind = of.kind, .on = of.on});
      const steady_time asked = world_->time().steady_now();
      http_reply reply = co_await send();
      if (now == of.on) {
        seen.reply = std::move(reply);
        seen.waited = std::chrono::duration_cast<duration>(world_->time().steady_now() - asked);
        seen.open_sessions = org_->truth().open_sessions;
        seen.is_token_valid = org_->truth().access_token == token;
      }
    };
    co_await hit(handshake, [&] { return client.handshake(); });
    co_await hit(subscribe, [&] { return client.subscribe(channel, "-2"); });
    if (of.on == connect)
      (void)co_await client.connect();
    (void)org_->publish(channel, R"({"Number__c":1})");
    if (of.on == connect)
      co_await hit(connect, [&] { return client.connect(); });
    seen.next = co_await client.connect(R"(,"advice":{"timeout":0})");
  }

  std::unique_ptr<test::net_world> world_ = test::make_pipe_world();
  test::recording_logger log_;
  std::unique_ptr<streaming_org> org_ =
      make_streaming_org({.channels = {{.name = std::string(channel)}}}, world_->time(), log_);
};

TEST_P(Faults, DoesWhatItsNameSays) {
  sighting seen;
  world_->run(look(seen));
  GetParam().check(seen);
  EXPECT_EQ(org_->faults_pending(), 0U);
  EXPECT_EQ(org_->faults_happened(), (std::map<fault_kind, std::size_t>{{GetParam().kind, 1}}));
  EXPECT_EQ(log_.lines_of("simulated_fault").size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, Faults, testing::ValuesIn(cases),
                         [](const auto& of) { return std::string(name_of(of.param.kind)); });

TEST(FaultCases, AreOneForEachKind) {
  EXPECT_TRUE(std::ranges::equal(all_fault_kinds(), cases, {}, {}, &fault_case::kind));
}

}  // namespace
}  // namespace pushguard::simulator
