#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "base/text.hpp"
#include "cometd/message.hpp"
#include "tests/support/bayeux_oracle.hpp"

/// What message_parser makes of input that no honest server would send.
namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

struct parsed {
  std::vector<message> messages;
  std::size_t skipped = 0;
  std::size_t repaired = 0;
  std::optional<failure> trouble;

  [[nodiscard]] bool is_clean() const { return !trouble && skipped == 0 && repaired == 0; }
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

parsed parse(std::string_view body) {
  return parse_in_pieces(body, std::max<std::size_t>(1, body.size()));
}

message parse_one(const std::string& body) {
  parsed got = parse(body);
  EXPECT_TRUE(got.is_clean()) << body;
  EXPECT_EQ(got.messages.size(), 1U) << body;
  return got.messages.empty() ? message{} : got.messages.front();
}

// Every key that means something, by the keys that lead to it, with a value of the right type.
struct known_key {
  std::vector<std::string> path;
  std::string value;
};

const std::vector<known_key>& known_keys() {
  static const std::vector<known_key> all{
      {{"channel"}, R"("/event/a")"},
      {{"id"}, "12"},
      {{"clientId"}, R"("c")"},
      {{"version"}, R"("1.0")"},
      {{"supportedConnectionTypes"}, R"(["long-polling"])"},
      {{"successful"}, "true"},
      {{"subscription"}, R"(["/event/a","/event/b"])"},
      {{"error"}, R"("403::Unknown client")"},
      {{"advice"}, R"({"interval":3})"},
      {{"advice", "reconnect"}, R"("handshake")"},
      {{"advice", "interval"}, "5"},
      {{"advice", "timeout"}, "6"},
      {{"advice", "maxInterval"}, "7"},
      {{"advice", "hosts"}, R"(["h"])"},
      {{"advice", "long-polling", "timeout"}, "8"},
      {{"ext"}, R"({"replay":true})"},
      {{"ext", "replay"}, "true"},
      {{"ext", "ack"}, "9"},
      {{"ext", "ack", "enabled"}, "true"},
      {{"ext", "ack", "batch"}, "10"},
      {{"ext", "sfdc", "failureReason"}, R"("503::Server is too busy")"},
      {{"data"}, R"({"event":{"replayId":11}})"},
      {{"data", "event"}, R"({"replayId":12})"},
      {{"data", "event", "replayId"}, "13"},
      {{"data", "event", "EventUuid"}, R"("u")"},
      {{"data", "event", "createdDate"}, R"("2026-03-10T12:00:00.000Z")"},
      {{"data", "payload", "CreatedDate"}, R"("2026-03-10T12:00:01.000Z")"},
      {{"data", "payload", "ChangeEventHeader", "commitTimestamp"}, "1773144000000"},
  };
  return all;
}

// An object in which `path` leads to `members`, written as they stand.
std::string nest(const std::vector<std::string>& path, const std::string& members) {
  std::string text = "{" + members + "}";
  for (std::size_t i = path.size() - 1; i > 0; --i)
    text = "{\"" + path[i - 1] + "\":" + text + "}";
  return text;
}

std::string member(std::string_view key, std::string_view value) {
  return std::string("\"").append(key).append("\":").append(value);
}

std::string name_of(const known_key& key) {
  std::string name;
  for (const std::string& each : key.path)
    name.append("/").append(each);
  return name;
}

// What was read of a message, without the raw text of its data, which differs where the text does.
message without_data(message read) {
  if (read.data)
    read.data = "";
  return read;
}

constexpr std::string_view platform_event =
    R"({"data":{"schema":"x\"y}{]","payload":{"CreatedDate":"2026-03-10T12:00:00.000Z","n":[1,{"a":[]}]},)"
    R"("event":{"EventUuid":"6b1f-77","replayId":16777216}},"channel":"/event/Push__e"})";
constexpr std::string_view handshake_reply =
    R"({"channel":"/meta/handshake","id":"1","clientId":"4fe","version":"1.0","successful":true,)"
    R"("supportedConnectionTypes":["long-polling"],"ext":{"replay":true,"ack":{"enabled":true,"batch":0}},)"
    R"("advice":{"reconnect":"retry","interval":0,"timeout":110000,"hosts":["a"]}})";

std::string array_of(const std::vector<std::string_view>& messages) {
  std::string body = "[";
  for (const std::string_view each : messages)
    body.append(body.size() > 1 ? "," : "").append(each);
  return body + "]";
}

TEST(BadMessages, TruncatedAnywhereTheBodyIsRefusedAndWholeMessagesAreKept) {
  const std::string body =
      "\xEF\xBB\xBF" + array_of({platform_event, handshake_reply, platform_event}) + "\r\n";
  const std::size_t first = body.find(platform_event) + platform_event.size();
  const std::size_t second = body.find(handshake_reply) + handshake_reply.size();
  const std::size_t third = body.rfind('}') + 1;
  for (std::size_t cut = 0; cut < body.rfind(']'); ++cut) {
    const std::size_t whole = (cut >= first ? 1U : 0U) + (cut >= second ? 1U : 0U) + (cut >= third ? 1U : 0U);
    for (const std::size_t piece_size : {body.size(), std::size_t{7}}) {
      const parsed got = parse_in_pieces(std::string_view(body).substr(0, cut), piece_size);
      ASSERT_TRUE(got.trouble) << cut;
      ASSERT_TRUE(got.trouble->is(errc::malformed)) << cut;
      ASSERT_EQ(got.messages.size(), whole) << cut;
      ASSERT_EQ(got.skipped + got.repaired, 0U) << cut;
    }
  }
  for (std::size_t cut = 0; cut < platform_event.size(); ++cut)
    ASSERT_TRUE(parse(platform_event.substr(0, cut)).trouble) << cut;
}

TEST(BadMessages, AMessageUpToTheLimitIsReadInAnyPiecesAndALargerOneSkipped) {
  const std::size_t limit = parser_limits{}.message_size;
  const auto body_of = [](std::size_t size) {
    const std::string_view frame = R"({"channel":"/a","data":""})";
    return R"({"channel":"/a","data":")" + std::string(size - frame.size(), 'x') + R"("})";
  };
  for (const std::size_t piece_size : {std::size_t{16'384}, 2 * limit}) {
    const parsed fits = parse_in_pieces(body_of(limit), piece_size);
    EXPECT_TRUE(fits.is_clean());
    ASSERT_EQ(fits.messages.size(), 1U);
    EXPECT_GT(fits.messages[0].data->size(), limit - 100);
    const parsed large = parse_in_pieces(body_of(limit + 1), piece_size);
    EXPECT_THAT(large.messages, IsEmpty());
    EXPECT_FALSE(large.trouble);
    EXPECT_EQ(large.skipped, 1U) << "it costs no other message, and is not replayed for ever";
  }
}

TEST(BadMessages, DepthCostsOneMessageAndNoStack) {
  const auto nested = [](std::string_view open, std::string_view close, std::size_t times) {
    std::string text = "1";
    std::string before;
    for (std::size_t i = 0; i < times; ++i) {
      before += open;
      text += close;
    }
    return R"({"data":)" + before + text + "}";
  };
  const std::size_t most = parser_limits{}.depth - 1;
  for (const auto& [open, close] : {std::pair{"[", "]"}, std::pair{R"({"data":)", "}"},
                                    std::pair{R"({"long-polling":)", "}"}, std::pair{"[0,", ",0]"}}) {
    EXPECT_EQ(parse(nested(open, close, most)).messages.size(), 1U) << open;
    for (const std::size_t times : {most + 1, std::size_t{300'000}}) {
      const parsed got = parse("[{}," + nested(open, close, times) + ",{}]");
      EXPECT_FALSE(got.trouble) << open;
      EXPECT_EQ(got.messages.size(), 2U) << open;
      EXPECT_EQ(got.skipped, 1U) << open;
    }
  }
  for (const char open : {'[', '{'}) {
    const parsed got = parse("[{\"a\":" + std::string(1'000'000, open));
    EXPECT_TRUE(got.trouble);
    EXPECT_THAT(got.messages, IsEmpty());
  }
}

TEST(BadMessages, AByteOrderMarkIsIgnoredAtTheStartAndNowhereElse) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_TRUE(parse(mark + "[{}]").is_clean());
  EXPECT_TRUE(parse(mark + " {}").is_clean());
  EXPECT_EQ(parse_one(R"({"channel":")" + mark + R"(/a"})").channel, mark + "/a");
  for (const std::string& body :
       {mark + mark + "[]", " " + mark + "[]", "[" + mark + "{}]", "[{}" + mark + "]", "[{}," + mark + "{}]",
        "[{}]" + mark, mark.substr(0, 1) + "[]", mark.substr(0, 2) + "[]", mark.substr(0, 2) + " \xBF[]"}) {
    for (const std::size_t piece_size : {std::size_t{1}, body.size()})
      EXPECT_TRUE(parse_in_pieces(body, piece_size).trouble) << body;
  }
  const parsed inside = parse("[{" + mark + R"("channel":"/a"},{}])");
  EXPECT_EQ(inside.skipped, 1U);
  EXPECT_EQ(inside.messages.size(), 1U);
}

TEST(BadMessages, NulIsNoEndOfAnything) {
  const std::string nul(1, '\0');
  EXPECT_EQ(parse_one(R"({"channel":"/a\u0000b"})").channel, "/a" + nul + "b");
  EXPECT_EQ(parse_one(R"({"chan\u0000nel":"/a","channel\u0000":"/b"})").channel, "");
  const parsed raw = parse(R"([{"channel":"/a)" + nul + R"(b","data":")" + nul + R"("},{}])");
  EXPECT_EQ(raw.repaired, 1U);
  ASSERT_EQ(raw.messages.size(), 2U);
  EXPECT_EQ(raw.messages[0].channel, "/a" + nul + "b");
  EXPECT_EQ(raw.messages[0].data, R"("\u0000")");
  for (const std::string& body : {nul, nul + "[]", "[" + nul + "]", "[{}" + nul + "]", "[{}]" + nul})
    EXPECT_TRUE(parse(body).trouble);
  EXPECT_EQ(parse("[{" + nul + "},{}]").skipped, 1U);
}

TEST(BadMessages, BadUtf8IsReplacedWhereverItStandsInAString) {
  const std::vector<std::string> bad{"\x80",
                                     "\xBF",
                                     "\xC0\x80",
                                     "\xC1\xBF",
                                     "\xC2",
                                     "\xDF",
                                     "\xE0\x80\x80",
                                     "\xE0\x9F\xBF",
                                     "\xE2\x82",
                                     "\xE2",
                                     "\xED\xA0\x80",
                                     "\xED\xBF\xBF",
                                     "\xF0\x80\x80\x80",
                                     "\xF0\x8F\xBF\xBF",
                                     "\xF0\x9F\x98",
                                     "\xF0\x9F",
                                     "\xF4\x90\x80\x80",
                                     "\xF5\x80\x80\x80",
                                     "\xF8\x88\x80\x80\x80",
                                     "\xFE",
                                     "\xFF"};
  for (const std::string& bytes : bad) {
    const std::string fixed = to_valid_utf8(bytes);
    for (const std::string& before : {std::string(), std::string("1234567"), std::string("12345678"),
                                      std::string("\xC3\xA4"), std::string(R"(\n)")}) {
      for (const std::string after : {"", "z", "\xC3\xA4", R"(\\)"}) {
        const std::string text = before + bytes + after;
        const parsed got = parse(R"([{"channel":"/a/)" + text + R"(","x)" + text + R"(":[")" + text +
                                 R"("],"data":{"event":{"EventUuid":")" + text + R"("},"t":")" + text +
                                 R"("}},{"channel":"/b"}])");
        ASSERT_FALSE(got.trouble) << text;
        ASSERT_EQ(got.repaired, 1U) << text;
        ASSERT_EQ(got.messages.size(), 2U) << text;
        message expected =
            parse_one(R"({"channel":"/a/)" + before + fixed + after + R"(","data":{"event":{"EventUuid":")" +
                      before + fixed + after + R"("},"t":")" + before + fixed + after + R"("}})");
        expected.is_repaired = true;
        ASSERT_EQ(got.messages[0], expected) << text;
      }
    }
    EXPECT_EQ(parse("[{" + bytes + "},{}]").skipped, 1U);
    EXPECT_TRUE(parse("[" + bytes + "{}]").trouble);
  }
}

TEST(BadMessages, OfASkippedMessageItsPlaceIsKept) {
  const parsed got = parse(R"([{"id":"1"},{x},{x},{"id":"2"},{"id":"3"},{x}])");
  EXPECT_EQ(got.skipped, 3U);
  ASSERT_EQ(got.messages.size(), 3U);
  EXPECT_FALSE(got.messages[0].follows_skipped);
  EXPECT_TRUE(got.messages[1].follows_skipped);
  EXPECT_FALSE(got.messages[2].follows_skipped);
}

TEST(BadMessages, GoodUtf8IsLeftAlone) {
  for (const std::string text : {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                                 "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "\x7F"}) {
    EXPECT_EQ(parse_one(R"({"channel":")" + text + R"(","data":")" + text + R"("})").channel, text);
  }
}

TEST(BadMessages, LoneSurrogatesAreReplacedWhereverTheyStand) {
  struct surrogates {
    std::string written;
    std::string repaired;
  };
  for (const auto& [written, repaired] :
       {surrogates{R"(\uD800)", R"(\ufffd)"}, surrogates{R"(\udfffx)", R"(\ufffdx)"},
        surrogates{R"(\ud83d\n)", R"(\ufffd\n)"},
        surrogates{R"(\ud83d\ud83d\ude00)", R"(\ufffd\ud83d\ude00)"},
        surrogates{R"(\ude00\ud83d)", R"(\ufffd\ufffd)"}, surrogates{R"(\ud83d\u0041)", R"(\ufffd\u0041)"},
        surrogates{R"(\\\ud83d)", R"(\\\ufffd)"}}) {
    const parsed got =
        parse(R"([{"channel":"/)" + written + R"(","x)" + written + R"(":0,"data":[")" + written + R"("]}])");
    EXPECT_FALSE(got.trouble);
    EXPECT_EQ(got.repaired, 1U) << written;
    ASSERT_EQ(got.messages.size(), 1U) << written;
    message expected = parse_one(R"({"channel":"/)" + repaired + R"(","data":[")" + repaired + R"("]})");
    expected.is_repaired = true;
    EXPECT_EQ(got.messages[0], expected);
  }
}

TEST(BadMessages, EveryKnownKeyTakesItsTypeAndNoOther) {
  const std::array values{"null", "true", "7", "1.5", R"("text")", "[7]", R"(["text"])", R"({"x":7})"};
  for (const known_key& key : known_keys()) {
    const message right = parse_one(nest(key.path, member(key.path.back(), key.value)));
    const message absent = parse_one(nest(key.path, member("unknown", key.value)));
    EXPECT_NE(without_data(right), without_data(absent)) << name_of(key) << " is not read at all";
    for (const std::string value : values) {
      const std::string text = nest(key.path, member(key.path.back(), value));
      const message got = without_data(parse_one(text));
      EXPECT_EQ(difference_from_boost(text), "") << text;
      const bool is_other_type = value.front() != key.value.front() && value != "7" && value != "1.5";
      const bool means_more = key.path.back() == "subscription" || key.path.back() == "id" ||
                              key.path.back() == "data" || key.path.back() == "replayId" ||
                              key.path.back() == "ack";
      if (is_other_type && !means_more)
        EXPECT_EQ(got, without_data(absent)) << text;
    }
  }
}

TEST(BadMessages, OfDuplicateKeysAtEveryLevelTheLastCountsWhateverItIs) {
  for (const known_key& key : known_keys()) {
    const std::string& name = key.path.back();
    for (const std::string& last : {key.value, std::string("null"), std::string("[{}]"), std::string("{}")}) {
      const std::string twice = nest(key.path, member(name, key.value) + "," + member(name, last));
      const std::string once = nest(key.path, member(name, last));
      EXPECT_EQ(without_data(parse_one(twice)), without_data(parse_one(once))) << twice;
      EXPECT_EQ(difference_from_boost(twice), "") << twice;
    }
    // Also where the whole path comes twice: what the first said inside is forgotten.
    const std::string first = nest(key.path, member(name, key.value));
    const std::string again = first.substr(0, first.size() - 1) + "," + member(key.path.front(), "0") + "}";
    EXPECT_EQ(without_data(parse_one(again)),
              without_data(parse_one("{" + member(key.path.front(), "0") + "}")))
        << again;
  }
}

TEST(BadMessages, KeysWrittenWithEscapesAreTheSameKeys) {
  for (const known_key& key : known_keys()) {
    known_key escaped = key;
    for (std::string& each : escaped.path) {
      constexpr std::string_view hex = "0123456789abcdef";
      const auto c = static_cast<unsigned char>(each[1]);
      each = std::string() + each[0] + "\\u00" + hex[c >> 4] + hex[c & 15] + each.substr(2);
    }
    const message got = parse_one(nest(escaped.path, member(escaped.path.back(), key.value)));
    EXPECT_EQ(without_data(got), without_data(parse_one(nest(key.path, member(key.path.back(), key.value)))))
        << name_of(key);
  }
  EXPECT_EQ(parse_one(R"({"\u0064\u0061\u0074\u0061":17})").data, "17");
}

TEST(BadMessages, NumbersOfAnySizeHarmNothing) {
  const std::vector<std::string> numbers{"9223372036854775807",
                                         "9223372036854775808",
                                         "18446744073709551615",
                                         "18446744073709551616",
                                         "-9223372036854775808",
                                         "-9223372036854775809",
                                         "1e999",
                                         "-1e999",
                                         "1e-999",
                                         "0.1e1",
                                         "-0",
                                         "-0.0",
                                         "1E400",
                                         "5e-324",
                                         std::string(1000, '9'),
                                         "1e99999999999999999999",
                                         "0." + std::string(1000, '1')};
  for (const known_key& key : known_keys()) {
    for (const std::string& number : numbers) {
      const std::string text = nest(key.path, member(key.path.back(), number));
      const parsed got = parse("[" + text + R"(,{"channel":"/b"}])");
      EXPECT_TRUE(got.is_clean()) << text;
      ASSERT_EQ(got.messages.size(), 2U) << text;
      EXPECT_EQ(difference_from_boost(text), "") << text;
      const message& read = got.messages[0];
      if (key.path.back() == "id")
        EXPECT_EQ(read.id, number);
      if (key.path.back() == "replayId")
        EXPECT_EQ(read.replay_id, number) << "a token, whatever its value";
      const advice given = read.advice.value_or(advice{});
      for (const auto& wait : {given.interval, given.timeout, given.max_interval})
        EXPECT_LE(std::chrono::abs(wait.value_or(0ms)), 1'000'000'000'000ms) << text;
    }
  }
}

TEST(BadMessages, WhatIsNoBodyOfMessagesIsRefusedInAnyPieces) {
  for (const std::string body :
       {"",         " ",        "\r\n\t ",    "<!DOCTYPE html><html><body>Down for maintenance</body></html>",
        "null",     "true",     "17",         "-1.5e3",
        "\"text\"", "text",     "message=[]", "//[]",
        ",",        "]",        "}",          ":",
        "[1]",      "[null]",   "[\"{}\"]",   "[[]]",
        "[[{}]]",   "[{},1]",   "[{},[]]",    "[,{}]",
        "[{},]",    "[{},,{}]", "[{}{}]",     "[{} {}]",
        "[{};{}]",  "[{}}",     "[}",         "{}]",
        "[{}]]",    "[{}],",    "[{}]{}",     "{},{}",
        "{}{}",     "{}x",      "[]x",        "[][]",
        "[",        "[{}",      "[{},",       "{",
        "[{"}) {
    for (const std::size_t piece_size : {std::size_t{1}, std::size_t{2}, std::size_t{1000}}) {
      const parsed got = parse_in_pieces(body, piece_size);
      ASSERT_TRUE(got.trouble) << body;
      EXPECT_TRUE(got.trouble->is(errc::malformed)) << body;
      EXPECT_THAT(got.trouble->text(), HasSubstr("reading Bayeux messages: ")) << body;
    }
    EXPECT_EQ(difference_from_boost(body), "") << body;
  }
}

TEST(BadMessages, AFailedParserTakesNothingMore) {
  message_parser parser;
  std::vector<message> got;
  EXPECT_FALSE(parser.feed("[{}]x", got));
  EXPECT_EQ(got.size(), 1U) << "what came before is kept";
  EXPECT_FALSE(parser.feed("", got));
  EXPECT_FALSE(parser.feed("[{}]", got));
  EXPECT_FALSE(parser.finish());
  EXPECT_EQ(got.size(), 1U);
}

TEST(BadMessages, VeryManyTinyMessagesAreAllRead) {
  constexpr std::size_t count = 50'000;
  std::string body = "[{}";
  for (std::size_t i = 1; i < count; ++i)
    body += i % 2 == 0 ? ",{}" : R"(,{"id":1})";
  body += "]";
  for (const std::size_t piece_size : {std::size_t{1}, std::size_t{16'384}, body.size()}) {
    const parsed got = parse_in_pieces(body, piece_size);
    EXPECT_TRUE(got.is_clean());
    EXPECT_EQ(got.messages.size(), count);
  }
}

TEST(BadMessages, OneUnreadableMessageIsSkippedHoweverTheBodyIsCut) {
  const std::string body = array_of({platform_event, R"({"a":"}{\"][","b":tru,"c":"\\"})", handshake_reply,
                                     "{\"channel\":\"/\xFF\"}", R"({"x":{]})", platform_event});
  const parsed whole = parse(body);
  ASSERT_FALSE(whole.trouble);
  EXPECT_EQ(whole.skipped, 2U);
  EXPECT_EQ(whole.repaired, 1U);
  ASSERT_EQ(whole.messages.size(), 4U);
  for (std::size_t piece_size = 1; piece_size < body.size(); ++piece_size) {
    const parsed got = parse_in_pieces(body, piece_size);
    ASSERT_EQ(got.messages, whole.messages) << piece_size;
    ASSERT_EQ(got.skipped, 2U) << piece_size;
    ASSERT_EQ(got.repaired, 1U) << piece_size;
  }
}

// Changes honest bodies at random, always in the same way, and asks Boost.JSON what it thinks of them.
TEST(BadMessages, AgreesWithBoostJsonOnMutatedBodies) {
  const std::array<std::string, 4> bodies{
      array_of({platform_event, handshake_reply}), std::string(handshake_reply),
      array_of(
          {R"({"channel":"/meta/connect","successful":false,"error":"401::a","ext":{"sfdc":{"failureReason":)"
           R"("503::b"},"ack":7},"id":1.5e3,"advice":{"interval":-1,"maxInterval":2.5}})"}),
      array_of({R"({"subscription":"/a\u00e4\ud83d\ude00","data":{"payload":{"ChangeEventHeader":)"
                R"({"commitTimestamp":1773144000000}},"event":{"replayId":"0017","createdDate":"x"}}})"})};
  constexpr std::string_view alphabet = "\"\\{}[]:,-+.eE0123456789tfnulrasdx /\x80\xC3\xA4\x1F\n";
  std::mt19937 random(17);
  std::size_t accepted = 0;
  for (int round = 0; round < 40'000; ++round) {
    std::string body = bodies[random() % bodies.size()];
    for (auto changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % body.size();
      switch (random() % 4) {
        case 0:
          body[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          body.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
        case 2:
          body.erase(at, 1 + random() % 3);
          break;
        default:
          body.insert(at, body.substr(random() % body.size(), 1 + random() % 20));
          break;
      }
    }
    ASSERT_EQ(difference_from_boost(body), "") << body;
    accepted += parse(body).is_clean() ? 1 : 0;
  }
  EXPECT_GT(accepted, 1000U) << "most mutations that stay valid change strings and numbers";
}

}  // namespace
}  // namespace pushguard::cometd
