#include "base/event_stream.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <vector>

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using std::string_literals::operator""s;

struct told {
  std::string type;
  std::string data;
  std::string id;
  friend bool operator==(const told&, const told&) = default;
  friend std::ostream& operator<<(std::ostream& out, const told& it) {
    return out << "{type=" << it.type << " data=" << it.data << " id=" << it.id << '}';
  }
};

struct reading {
  std::vector<told> events;
  std::string last_id;
  std::optional<duration> retry;
  friend bool operator==(const reading&, const reading&) = default;
};

template <class Pieces>
reading read(const Pieces& pieces) {
  event_stream_parser parser;
  reading out;
  for (const auto& piece : pieces) {
    const auto fed = parser.feed(piece, [&](const stream_event& event) -> result<> {
      out.events.push_back({event.type, event.data, event.id});
      return {};
    });
    EXPECT_TRUE(fed);
  }
  out.last_id = parser.last_event_id();
  out.retry = parser.retry();
  return out;
}

struct stream_case {
  const char* what;
  std::string text;
  reading expected;
};

const std::vector<stream_case>& cases() {
  static const std::vector<stream_case> all{
      {"one event", "data: a\n\n", {{{"message", "a", ""}}, "", {}}},
      {"all its fields", "event: rollout\nid: 7\ndata: {}\n\n", {{{"rollout", "{}", "7"}}, "7", {}}},
      {"several lines of data",
       "data: YHOO\ndata: +2\ndata: 10\n\n",
       {{{"message", "YHOO\n+2\n10", ""}}, "", {}}},
      {"carriage returns",
       "data: a\rid: 1\r\rdata: b\r\r",
       {{{"message", "a", "1"}, {"message", "b", "1"}}, "1", {}}},
      {"both line ends",
       "data: a\r\nid: 1\r\n\r\ndata: b\r\n\r\n",
       {{{"message", "a", "1"}, {"message", "b", "1"}}, "1", {}}},
      {"mixed line ends",
       "data: a\r\n\ndata: b\n\r\n",
       {{{"message", "a", ""}, {"message", "b", ""}}, "", {}}},
      {"CR LF CR", "data: a\r\n\rdata: b\n\n", {{{"message", "a", ""}, {"message", "b", ""}}, "", {}}},
      {"a byte order mark",
       "\xEF\xBB\xBF"
       "data: a\n\n",
       {{{"message", "a", ""}}, "", {}}},
      {"only the first byte order mark counts",
       "data: a\n\n\xEF\xBB\xBF"
       "data: b\n\n",
       {{{"message", "a", ""}}, "", {}}},
      {"comments", ": hello\n:\ndata: a\n: in between\n\n", {{{"message", "a", ""}}, "", {}}},
      {"one blank is taken away",
       "data:a\n\ndata:  b\n\n",
       {{{"message", "a", ""}, {"message", " b", ""}}, "", {}}},
      {"a field without colon is empty",
       "data\n\ndata\ndata\n\n",
       {{{"message", "", ""}, {"message", "\n", ""}}, "", {}}},
      {"colons in values", "data: {\"a\":1}\n\n", {{{"message", "{\"a\":1}", ""}}, "", {}}},
      {"an event without data is none, but its id counts",
       "event: x\nid: 3\n\ndata: a\n\n",
       {{{"message", "a", "3"}}, "3", {}}},
      {"an id stays until it is taken back",
       "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
       {{{"message", "a", "1"}, {"message", "b", "1"}, {"message", "c", ""}}, "", {}}},
      {"an id with NUL is none",
       "id: 1\ndata: a\n\nid: 2\0x\ndata: b\n\n"s,
       {{{"message", "a", "1"}, {"message", "b", "1"}}, "1", {}}},
      {"an id counts only when its event ended",
       "id: 1\ndata: a\n\nid: 2\ndata: b\n",
       {{{"message", "a", "1"}}, "1", {}}},
      {"what the end cuts off is lost", "data: a\n\ndata: b\n", {{{"message", "a", ""}}, "", {}}},
      {"retry", "retry: 2000\n\n", {{}, "", 2000ms}},
      {"retry is digits only", "retry: 10\nretry: 2s\nretry: -1\nretry:\nretry: 1.5\n\n", {{}, "", 10ms}},
      {"a retry beyond reason", "retry: 99999999999999999999999\n\n", {{}, "", 24h}},
      {"unknown fields and other letters",
       "Data: a\nfoo: b\n data: c\ndata: d\n\n",
       {{{"message", "d", ""}}, "", {}}},
      {"bytes that are no UTF-8 pass", "data: \xFF\n\n", {{{"message", "\xFF", ""}}, "", {}}},
      {"nothing but line ends", "\n\r\n\r\n\n", {{}, "", {}}}};
  return all;
}

TEST(EventStream, ReadsWhatTheStandardSays) {
  for (const stream_case& each : cases()) {
    const auto got = read(std::vector{each.text});
    EXPECT_EQ(got.events, each.expected.events) << each.what;
    EXPECT_EQ(got.last_id, each.expected.last_id) << each.what;
    EXPECT_EQ(got.retry, each.expected.retry) << each.what;
  }
}

TEST(EventStream, MayBeCutAnywhere) {
  for (const stream_case& each : cases()) {
    for (std::size_t first = 0; first <= each.text.size(); ++first) {
      for (std::size_t second = first; second <= each.text.size(); ++second) {
        const std::vector pieces{each.text.substr(0, first), each.text.substr(first, second - first),
                                 each.text.substr(second)};
        ASSERT_EQ(read(pieces), each.expected) << each.what << " cut at " << first << " and " << second;
      }
    }
    std::vector<std::string> bytes;
    for (const char c : each.text)
      bytes.emplace_back(1, c);
    ASSERT_EQ(read(bytes), each.expected) << each.what << " byte by byte";
  }
}

TEST(EventStream, BeginsAnewAfterAReconnectionAndKeepsItsPlace) {
  event_stream_parser parser;
  std::vector<told> events;
  const auto take = [&](const stream_event& event) -> result<> {
    events.push_back({event.type, event.data, event.id});
    return {};
  };
  ASSERT_TRUE(parser.feed("id: 4\ndata: a\n\nid: 5\nevent: lost\ndata: half", take));
  parser.reset();
  EXPECT_EQ(parser.last_event_id(), "4");
  ASSERT_TRUE(
      parser.feed("\xEF\xBB\xBF"
                  "data: b\n\n",
                  take));
  EXPECT_EQ(events, (std::vector<told>{{"message", "a", "4"}, {"message", "b", "4"}}));
  EXPECT_EQ(parser.last_event_id(), "4");
}

TEST(EventStream, HoldsNoMoreThanItsLimit) {
  const auto ignore = [](const stream_event&) -> result<> { return {}; };
  for (const char* kind : {"data: ", ": ", "event: ", "data: x\ndata: "}) {
    event_stream_parser parser(64);
    ASSERT_TRUE(parser.feed(kind, ignore));
    ASSERT_TRUE(parser.feed(std::string(40, 'x'), ignore)) << kind;
    const auto fed = parser.feed(std::string(40, 'x'), ignore);
    ASSERT_FALSE(fed) << kind;
    EXPECT_TRUE(fed.error().is(errc::too_large));
  }
  event_stream_parser many(64);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(many.feed("data: " + std::string(40, 'x') + "\n\n", ignore))
        << "events that are gone do not count";
  event_stream_parser empty_lines(64);
  std::string lines;
  for (int i = 0; i < 100; ++i)
    lines += "data\n";
  EXPECT_FALSE(empty_lines.feed(lines, ignore)) << "each line of data counts, if only for its line feed";
}

TEST(EventStream, EndsWhereTheTakerFails) {
  event_stream_parser parser;
  int taken = 0;
  const auto fed = parser.feed("data: a\n\ndata: b\n\n", [&](const stream_event&) -> result<> {
    ++taken;
    return fail(errc::closed, "enough");
  });
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().text(), "enough");
  EXPECT_EQ(taken, 1);
}

TEST(EventStream, TakesAnyBytesTheSameHoweverTheyAreCut) {
  std::mt19937 random(7);
  const std::string letters = "\r\n: dat\0idx5\xEF\xBB\xBF"s;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t size = random() % 60; text.size() < size;)
      text += random() % 4 == 0 ? std::string("data:") : std::string(1, letters[random() % letters.size()]);
    std::vector<std::string> pieces;
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t size = 1 + random() % 5;
      pieces.emplace_back(rest.substr(0, size));
      rest.remove_prefix(std::min(size, rest.size()));
    }
    ASSERT_EQ(read(pieces), read(std::vector{text}));
  }
}

}  // namespace
}  // namespace pushguard
