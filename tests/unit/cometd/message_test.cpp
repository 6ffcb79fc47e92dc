#include "cometd/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct parsed {
  std::vector<message> messages;
  std::size_t skipped = 0;
  std::size_t repaired = 0;
  std::optional<failure> trouble;
};

parsed parse_in_pieces(std::string_view body, std::size_t piece_size, parser_limits limits = {}) {
  parsed got;
  message_parser parser(limits);
  result<> fine;
  for (std::size_t i = 0; i < body.size() && fine; i += piece_size)
    fine = parser.feed(body.substr(i, piece_size), got.messages);
  if (fine)
    fine = parser.finish();
  if (!fine)
    got.trouble = fine.error();
  got.skipped = parser.skipped();
  got.repaired = parser.repaired();
  return got;
}

parsed parse(std::string_view body, parser_limits limits = {}) {
  return parse_in_pieces(body, std::max<std::size_t>(1, body.size()), limits);
}

message parse_one(std::string_view body) {
  parsed got = parse(body);
  EXPECT_FALSE(got.trouble) << got.trouble->text();
  EXPECT_EQ(got.messages.size(), 1U) << body;
  return got.messages.empty() ? message{} : got.messages.front();
}

constexpr std::string_view platform_event =
    R"({"clientId":"1a2b","data":{"schema":"x\"y}{]","payload":{"Status__c":"Failed","n":[1,{"a":[]}]},)"
    R"("event":{"EventUuid":"6b1f-77","replayId":16777216}},"channel":"/event/Push__e"})";

TEST(MessageParser, ReadsAHandshakeReply) {
  const message got = parse_one(
      R"([{"channel":"/meta/handshake","id":"1","clientId":"4fe","version":"1.0","successful":true,)"
      R"("supportedConnectionTypes":["long-polling","websocket"],"minimumVersion":"1.0",)"
      R"("ext":{"replay":true,"payload.format":true},)"
      R"("advice":{"reconnect":"retry","interval":0,"timeout":110000,"maxInterval":40000,"hosts":["a","b"]}}])");
  EXPECT_EQ(got.channel, "/meta/handshake");
  EXPECT_EQ(got.id, "1");
  EXPECT_EQ(got.client_id, "4fe");
  EXPECT_EQ(got.version, "1.0");
  EXPECT_EQ(got.successful, true);
  EXPECT_TRUE(got.supports_replay);
  EXPECT_THAT(got.supported_connection_types, ElementsAre("long-polling", "websocket"));
  const advice expected{.reconnect = reconnect::retry,
                        .interval = 0ms,
                        .timeout = 110s,
                        .max_interval = 40s,
                        .hosts = {"a", "b"}};
  EXPECT_EQ(got.advice, expected);
  EXPECT_TRUE(got.is_meta());
  EXPECT_FALSE(got.is_event());
}

TEST(MessageParser, KeepsDataAsTheServerWroteIt) {
  const message got = parse_one(std::string("[") + std::string(platform_event) + "]");
  EXPECT_EQ(got.data, R"({"schema":"x\"y}{]","payload":{"Status__c":"Failed","n":[1,{"a":[]}]},)"
                      R"("event":{"EventUuid":"6b1f-77","replayId":16777216}})");
  EXPECT_EQ(got.replay_id, "16777216");
  EXPECT_EQ(got.event_uuid, "6b1f-77");
  EXPECT_TRUE(got.is_event());
}

TEST(MessageParser, KeepsReplayIdsOfAnySizeAndKind) {
  struct kind {
    std::string_view written;
    std::string_view kept;
  };
  for (const auto& [written, kept] : {kind{"17", "17"}, kind{"18446744073709551616", "18446744073709551616"},
                                      kind{"99999999999999999999", "99999999999999999999"}, kind{"-1", "-1"},
                                      kind{R"("00000000000000000017")", R"("00000000000000000017")"},
                                      kind{R"("opaque/x=")", R"("opaque/x=")"}, kind{"1.50", "1.50"},
                                      kind{"null", ""}, kind{"[1]", ""}, kind{"{}", ""}, kind{"true", ""}}) {
    const std::string body = R"([{"channel":"/u/a","data":{"event":{"replayId": )" + std::string(written) +
                             R"( ,"createdDate":"x"},"payload":"p"}}])";
    for (const std::size_t size : {body.size(), std::size_t{1}}) {
      const parsed got = parse_in_pieces(body, size);
      ASSERT_EQ(got.messages.size(), 1U) << body;
      EXPECT_EQ(got.messages[0].replay_id, kept);
    }
  }
}

TEST(MessageParser, ReadsWhenAnEventWasMade) {
  const wall_time noon = std::chrono::sys_days(std::chrono::year(2026) / 3 / 10) + 12h;
  const auto created = [](const std::string& data) {
    return parse_one(R"({"channel":"/a","data":)" + data + "}").created;
  };
  for (const std::string text :
       {"2026-03-10T12:00:00.000Z", "2026-03-10T12:00:00Z", "2026-03-10T12:00:00.000+0000",
        "2026-03-10T12:00:00.000+00:00", "2026-03-10T14:30:00.000+02:30"}) {
    EXPECT_EQ(created(R"({"payload":{"CreatedDate":")" + text + R"("}})"), noon) << text;
    EXPECT_EQ(created(R"({"event":{"createdDate":")" + text + R"("}})"), noon) << text;
  }
  EXPECT_EQ(created(R"({"payload":{"ChangeEventHeader":{"commitTimestamp":1773144000000}}})"), noon);
  EXPECT_EQ(created(R"({"payload":{"ChangeEventHeader":{"commitTimestamp":1773144000000},)"
                    R"("CreatedDate":"2020-01-01T00:00:00.000Z"}})"),
            noon)
      << "the date of a change event is the record's";
  for (const std::string data :
       {R"({"payload":{"CreatedDate":"yesterday"}})", R"({"payload":{"CreatedDate":1773144000000}})",
        R"({"event":{"CreatedDate":"2026-03-10T12:00:00.000Z"}})",
        R"({"payload":{"ChangeEventHeader":{"commitTimestamp":"1773144000000"}}})",
        R"({"payload":{"ChangeEventHeader":{"commitTimestamp":-1}}})",
        R"({"payload":{"ChangeEventHeader":{"commitTimestamp":1e18}}})"})
    EXPECT_EQ(created(data), std::nullopt) << data;
}

TEST(MessageParser, ReadsTheAcknowledgementExtensionInBothItsForms) {
  const auto with_ext = [](const std::string& ext) {
    return parse_one(R"({"channel":"/meta/connect","successful":true,"ext":)" + ext + "}");
  };
  EXPECT_TRUE(with_ext(R"({"ack":true,"replay":true})").supports_ack);
  EXPECT_TRUE(with_ext(R"({"ack":{"enabled":true,"batch":0}})").supports_ack);
  EXPECT_FALSE(with_ext(R"({"ack":false})").supports_ack);
  EXPECT_FALSE(with_ext(R"({"ack":{"enabled":false,"batch":1}})").supports_ack);
  EXPECT_FALSE(with_ext(R"({"ack":"true"})").supports_ack);
  EXPECT_EQ(with_ext(R"({"ack":7})").ack, 7);
  EXPECT_EQ(with_ext(R"({"ack":{"enabled":true,"batch":-1}})").ack, -1);
  EXPECT_EQ(with_ext(R"({"ack":9223372036854775807})").ack, std::numeric_limits<std::int64_t>::max());
  for (const std::string none : {"true", R"("7")", "9223372036854775808", "1e999", "1.5", "[7]", "null"})
    EXPECT_EQ(with_ext(R"({"ack":)" + none + "}").ack, std::nullopt) << none;
}

TEST(MessageParser, DeliversFalsyDataAsData) {
  for (const std::string data : {R"("")", "0", "null", "false", "[]", "{}"}) {
    const message got = parse_one(R"({"channel":"/a","data": )" + data + " }");
    EXPECT_EQ(got.data, data);
    EXPECT_TRUE(got.is_event());
  }
}

TEST(MessageParser, TakesADataKeyOnlyAtTheTopOfAMessage) {
  EXPECT_EQ(parse_one(R"({"channel":"/a","ext":{"data":1},"x":["data",{"data":2}],"data":3})").data, "3");
  EXPECT_FALSE(parse_one(R"({"channel":"/a","ext":{"data":1}})").data.has_value());
  EXPECT_FALSE(parse_one(R"({"channel":"/a","dat":1,"dataa":2,"xdata":3,"v":"data"})").data.has_value());
}

TEST(MessageParser, GivesTheSameMessagesHoweverTheBodyIsCut) {
  const std::string body =
      "\xEF\xBB\xBF [ " + std::string(platform_event) +
      R"( , {"channel":"/meta/connect","id":"7","successful":true,"advice":{"interval":-1}},)" +
      R"({"channel":"/u/ä\u00e4\\","data":"\ud83d\ude00\"","id":3}])" + "\r\n";
  const parsed whole = parse(body);
  ASSERT_FALSE(whole.trouble);
  ASSERT_EQ(whole.messages.size(), 3U);
  EXPECT_EQ(whole.messages[1].advice->interval, -1ms);
  EXPECT_EQ(whole.messages[2].id, "3");
  EXPECT_EQ(whole.messages[2].channel, "/u/ää\\");
  EXPECT_EQ(whole.messages[2].data, R"("\ud83d\ude00\"")");
  for (std::size_t size = 1; size < body.size(); ++size)
    ASSERT_EQ(parse_in_pieces(body, size).messages, whole.messages) << size;
  for (std::size_t cut = 1; cut < body.size(); ++cut) {
    message_parser parser;
    std::vector<message> got;
    ASSERT_TRUE(parser.feed(std::string_view(body).substr(0, cut), got));
    ASSERT_TRUE(parser.feed(std::string_view(body).substr(cut), got));
    ASSERT_EQ(got, whole.messages) << cut;
  }
}

TEST(MessageParser, YieldsEachMessageAsSoonAsItIsWhole) {
  message_parser parser;
  std::vector<message> got;
  ASSERT_TRUE(parser.feed(R"([{"channel":"/a","data":1},{"channel":"/b")", got));
  EXPECT_EQ(got.size(), 1U);
  ASSERT_TRUE(parser.feed(R"(,"data":2})", got));
  EXPECT_EQ(got.size(), 2U);
  EXPECT_FALSE(parser.finish()) << "the array is open";
}

TEST(MessageParser, AcceptsALoneObjectAndAnEmptyArray) {
  EXPECT_EQ(parse_one(R"( {"channel":"/meta/connect","successful":false} )").channel, "/meta/connect");
  const parsed none = parse("[]");
  EXPECT_FALSE(none.trouble);
  EXPECT_THAT(none.messages, IsEmpty());
}

TEST(MessageParser, ReadsWhatSalesforceAndOthersReallySent) {
  const message refused = parse_one(
      R"([{"ext":{"sfdc":{"failureReason":"503::Server is too busy"}},"error":"401::Authentication invalid",)"
      R"("successful":false,"channel":"/meta/connect","advice":{"reconnect":"none","interval":0}}])");
  EXPECT_EQ(refused.failure_reason, "503::Server is too busy");
  EXPECT_EQ(refused.error, "401::Authentication invalid");
  EXPECT_EQ(refused.advice->reconnect, reconnect::none);
  const message bare = parse_one(R"([{"error":"401::Request requires authentication","successful":false}])");
  EXPECT_EQ(bare.channel, "");
  EXPECT_EQ(bare.successful, false);
  EXPECT_THAT(parse_one(R"({"channel":"/meta/subscribe","successful":true,"subscription":["/a","/b"]})")
                  .subscriptions,
              ElementsAre("/a", "/b"));
  EXPECT_EQ(
      parse_one(R"({"channel":"/meta/connect","advice":{"long-polling":{"timeout":5}}})").advice->timeout,
      5ms);
  EXPECT_EQ(parse_one(R"({"channel":"/meta/connect","advice":{"reconnect":"later"}})").advice->reconnect,
            reconnect::unrecognized);
}

TEST(MessageParser, TreatsWrongTypesAsAbsent) {
  const message got =
      parse_one(R"([{"channel":7,"clientId":{},"successful":"true","error":null,"subscription":4,"id":[1],)"
                R"("ext":"x","advice":{"reconnect":3,"interval":"5","timeout":{},"hosts":"h"},)"
                R"("supportedConnectionTypes":"long-polling","data":{"event":[{"replayId":5}]}}])");
  message expected;
  expected.advice.emplace();
  expected.data = R"({"event":[{"replayId":5}]})";
  EXPECT_EQ(got, expected);
  EXPECT_FALSE(parse_one(R"({"channel":"/a","advice":[1,{"interval":9}]})").advice.has_value());
}

TEST(MessageParser, BoundsHostileNumbersInAdvice) {
  const message got =
      parse_one(R"({"advice":{"interval":1e300,"timeout":-1e300,"maxInterval":99999999999999999999}})");
  EXPECT_GT(got.advice->interval.value(), 24h);
  EXPECT_LT(got.advice->timeout.value(), 0ms);
  EXPECT_GT(got.advice->max_interval.value(), 24h);
}

TEST(MessageParser, OfDuplicateKeysTheLastCounts) {
  const message got = parse_one(
      R"({"channel":"/a","channel":"/b","data":1,"data":2,"subscription":"/x","subscription":["/y"]})");
  EXPECT_EQ(got.channel, "/b");
  EXPECT_EQ(got.data, "2");
  EXPECT_THAT(got.subscriptions, ElementsAre("/y"));
}

TEST(MessageParser, RefusesWhatIsNoBodyOfMessages) {
  struct refusal {
    std::string_view body;
    std::string_view why;
  };
  for (const auto& [body, why] :
       {refusal{"", "empty"}, refusal{" \r\n", "empty"}, refusal{"<html>busy</html>", "not JSON"},
        refusal{"null", "not JSON"}, refusal{"\"[]\"", "not JSON"}, refusal{"[1]", "something else"},
        refusal{"[null]", "something else"}, refusal{"[[{}]]", "something else"},
        refusal{R"([{"channel":"/a"})", "in the middle"}, refusal{R"([{"channel":"/a)", "in the middle"},
        refusal{"[", "in the middle"}, refusal{"[{}]x", "after its end"}, refusal{"{}{}", "after its end"},
        refusal{std::string_view("\0", 1), "not JSON"}, refusal{"\xEF\xBB", "empty"}}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{1000}}) {
      const parsed got = parse_in_pieces(body, size);
      ASSERT_TRUE(got.trouble) << body;
      EXPECT_TRUE(got.trouble->is(errc::malformed));
      EXPECT_THAT(got.trouble->text(), HasSubstr(why)) << body;
    }
  }
}

TEST(MessageParser, StaysFailedOnceItFailed) {
  message_parser parser;
  std::vector<message> got;
  EXPECT_FALSE(parser.feed("<", got));
  EXPECT_FALSE(parser.feed("[{}]", got));
  EXPECT_FALSE(parser.finish());
  EXPECT_THAT(got, IsEmpty());
}

TEST(MessageParser, SkipsAnUnreadableMessageAndKeepsTheOthers) {
  for (const std::string bad :
       {R"({"channel":"/a","data":tru})", R"({"channel" "/a"})", R"({channel:"/a"})",
        R"({"channel":"/a","data":[1,]})", R"({"data":01})", R"({"a":"\x"})", R"({"a":1,})"}) {
    const parsed got = parse(R"([{"channel":"/1","data":1},)" + bad + R"(,{"channel":"/3","data":3}])");
    EXPECT_FALSE(got.trouble) << bad;
    EXPECT_EQ(got.skipped, 1U) << bad;
    ASSERT_EQ(got.messages.size(), 2U) << bad;
    EXPECT_EQ(got.messages[1].channel, "/3");
  }
}

TEST(MessageParser, RepairsTextThatJsonForbidsInsteadOfLosingTheEvent) {
  struct broken {
    std::string data;
    std::string repaired;
  };
  for (const auto& [data, repaired] :
       {broken{"\"a\xFFz\"", "\"a\xEF\xBF\xBDz\""}, broken{R"("\ud800")", R"("\ufffd")"},
        broken{R"("\ud800\ud800\udc00x")", R"("\ufffd\ud800\udc00x")"},
        broken{R"("\udc00\\")", R"("\ufffd\\")"}, broken{std::string("\"a\0b\"", 5), R"("a\u0000b")"},
        broken{"\"a\nb\"", R"("a\u000ab")"}}) {
    const parsed got = parse(R"([{"channel":"/a","data":)" + data + R"(}])");
    EXPECT_FALSE(got.trouble);
    EXPECT_EQ(got.repaired, 1U);
    EXPECT_EQ(got.skipped, 0U);
    ASSERT_EQ(got.messages.size(), 1U) << data;
    EXPECT_EQ(got.messages[0].data, repaired);
  }
}

TEST(MessageParser, BoundsDepthAndSize) {
  const auto nested = [](std::size_t depth) {
    return R"([{"data":)" + std::string(depth, '[') + std::string(depth, ']') + "}]";
  };
  const parser_limits limits{.message_size = 1000, .depth = 10};
  EXPECT_EQ(parse(nested(9), limits).messages.size(), 1U);
  EXPECT_EQ(parse(nested(10), limits).messages.size(), 0U);
  EXPECT_EQ(parse(nested(10), limits).skipped, 1U);
  EXPECT_EQ(parse(nested(200'000)).messages.size(), 0U);

  const auto sized = [](std::size_t size) {
    return R"([{"data":")" + std::string(size - std::string_view(R"({"data":""})").size(), 'x') + R"("}])";
  };
  EXPECT_EQ(parse(sized(1000), limits).messages.size(), 1U);
  const parsed large = parse_in_pieces(sized(1001), 100, limits);
  EXPECT_THAT(large.messages, IsEmpty());
  EXPECT_FALSE(large.trouble);
  EXPECT_EQ(large.skipped, 1U);
}

TEST(MessageParser, SurvivesEveryTruncationAndEveryChangedByte) {
  const std::string body = "[" + std::string(platform_event) + "]";
  for (std::size_t cut = 0; cut < body.size(); ++cut)
    EXPECT_TRUE(parse(body.substr(0, cut)).trouble) << cut;
  for (std::size_t i = 0; i < body.size(); ++i) {
    for (const char c : {'"', '\\', '{', '}', '[', ']', ',', ':', '\0', '\xFF', 'x'}) {
      std::string changed = body;
      changed[i] = c;
      const parsed got = parse_in_pieces(changed, 7);
      EXPECT_LE(got.messages.size() + got.skipped, 2U);
    }
  }
}

TEST(Serialize, WritesEachKindOfMessage) {
  const auto text = [](request_message one) { return serialize(std::vector{std::move(one)}).value(); };
  EXPECT_EQ(text({.channel = "/meta/handshake", .id = "1", .wants_replay = true}),
            R"([{"channel":"/meta/handshake","id":"1","version":"1.0","minimumVersion":"1.0",)"
            R"("supportedConnectionTypes":["long-polling"],"ext":{"replay":true}}])");
  EXPECT_EQ(text({.channel = "/meta/connect", .id = "3", .client_id = "c", .timeout = 0ms}),
            R"([{"channel":"/meta/connect","id":"3","clientId":"c","connectionType":"long-polling",)"
            R"("advice":{"timeout":0}}])");
  EXPECT_EQ(text({.channel = "/meta/disconnect", .id = "4", .client_id = "c\"\\"}),
            R"([{"channel":"/meta/disconnect","id":"4","clientId":"c\"\\"}])");
}

TEST(Serialize, SendsAReplayIdAsItCameUnderTheChannelWithoutItsFilter) {
  const std::vector one{request_message{.channel = "/meta/subscribe",
                                        .client_id = "c",
                                        .subscription = "/topic/X?Status='a'",
                                        .replay_from = "18446744073709551616"}};
  EXPECT_EQ(serialize(one).value(),
            R"([{"channel":"/meta/subscribe","clientId":"c","subscription":"/topic/X?Status='a'",)"
            R"("ext":{"replay":{"/topic/X":18446744073709551616}}}])");
}

TEST(Serialize, AsksForAcknowledgementsAndGivesThem) {
  const auto text = [](request_message one) { return serialize(std::vector{std::move(one)}).value(); };
  EXPECT_THAT(text({.channel = "/meta/handshake", .wants_ack = true}), HasSubstr(R"(,"ext":{"ack":true}})"));
  EXPECT_THAT(text({.channel = "/meta/handshake", .wants_replay = true, .wants_ack = true}),
              HasSubstr(R"(,"ext":{"replay":true,"ack":true}})"));
  EXPECT_THAT(text({.channel = "/meta/connect", .ack = -1}), HasSubstr(R"(,"ext":{"ack":-1}})"));
  EXPECT_THAT(text({.channel = "/meta/connect"}), testing::Not(HasSubstr("ext")));
}

TEST(Serialize, RefusesMoreThanSalesforceTakes) {
  const auto of_size = [](std::size_t size) {
    const std::string frame = R"([{"channel":""}])";
    return serialize(std::vector{request_message{.channel = std::string(size - frame.size(), 'c')}});
  };
  EXPECT_TRUE(of_size(post_size_max).has_value());
  ASSERT_FALSE(of_size(post_size_max + 1).has_value());
  EXPECT_TRUE(of_size(post_size_max + 1).error().is(errc::too_large));
}

TEST(ReplayToken, IsOneNumberOrStringAndNothingElse) {
  for (const std::string good : {"0", "-1", "-2", "99999999999999999999999", R"("17")", R"("a b")"})
    EXPECT_TRUE(is_replay_token(good)) << good;
  for (const std::string bad :
       {"", "-", "1,2", "1}", "a", R"(")", R"("a)", R"("a"b")", R"("\")", "1 ", "null"})
    EXPECT_FALSE(is_replay_token(bad)) << bad;
  EXPECT_TRUE(is_replay_token(std::string(256, '1')));
  EXPECT_FALSE(is_replay_token(std::string(257, '1')));
}

}  // namespace
}  // namespace pushguard::cometd
