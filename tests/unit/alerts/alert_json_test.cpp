#include "alerts/alert_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace pushguard::alerts {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

alert full_alert() {
  alert out;
  out.id = "breach:devhub:1";
  out.name = "Trouble";
  out.severity = alert_severity::critical;
  out.labels = {{"zone", "one"}, {"rule", "failure-rate"}};
  out.summary = "17 of 100 failed";
  out.description = "first line\nsecond line";
  out.annotations = {{"failed", "17"}};
  out.links = {{.name = "runbook", .url = "https://wiki.example.com/?a=1&b=2"}};
  out.generator_url = "https://agent.example.com/";
  out.state = alert_state::resolved;
  out.starts_at = wall_time{1'700'000'000'123ms};
  out.updated_at = wall_time{1'700'000'001'000ms};
  out.resolved_at = wall_time{1'700'000'002'000ms};
  return out;
}

TEST(AlertJson, ReadsBackWhatItWrote) {
  const auto read = parse_alert(to_json(full_alert()));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(*read, full_alert());
}

TEST(AlertJson, ReadsBackAnAlertWithNothingInIt) {
  alert bare;
  bare.id = "x";
  bare.name = "y";
  const auto read = parse_alert(to_json(bare));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(*read, bare);
}

TEST(AlertJson, ReadsBackARecord) {
  const alert_record record{.content = full_alert(),
                            .receivers = {"chat", "say \"hi\""},
                            .notified_at = wall_time{1'700'000'003'000ms}};
  const auto read = parse_alert_record(to_json(record));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(*read, record);
}

TEST(AlertJson, CarriesHostileTextUnchanged) {
  alert hostile = full_alert();
  hostile.summary = "\"},{\"id\":\"forged\" \\ \x01 \x7f </script> \u2028 \U0001F4A5";
  hostile.labels = {{"\"\n", "\\u0000"}, {"", ""}};
  hostile.id = "a\"b";
  const auto read = parse_alert(to_json(hostile));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(*read, hostile);
}

TEST(AlertJson, IsValidWhateverBytesTheTextsHold) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int round = 0; round < 500; ++round) {
    alert what = full_alert();
    what.summary.clear();
    for (int i = 0; i < 40; ++i) {
      what.summary += static_cast<char>(byte(random));
    }
    what.annotations["bytes"] = what.summary;
    const auto read = parse_alert(to_json(what));
    ASSERT_TRUE(read.has_value()) << read.error().text();
    // What was not UTF-8 is replaced once and then stays.
    const auto again = parse_alert(to_json(*read));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(*again, *read);
  }
}

TEST(AlertJson, FitsItsLimitWhenTheAlertIsAsLargeAsCanBe) {
  alert largest = full_alert();
  largest.description.assign(alert_description_size_max, '\x01');
  for (std::size_t i = 0; i < alert_fields_max; ++i) {
    const std::string filler(alert_value_size_max - 2, '\x01');
    largest.labels.emplace(filler + std::to_string(i + 10), filler);
    largest.annotations.emplace(filler + std::to_string(i + 10), filler);
    largest.links.push_back({.name = filler, .url = filler});
  }
  const auto read = parse_alert(to_json(make_bounded(largest)));
  ASSERT_TRUE(read.has_value()) << read.error().text();
}

TEST(AlertJson, IgnoresWhatItDoesNotKnow) {
  const auto read = parse_alert(R"({"id":"x","name":"y","severity":"info","muted":{"until":1},"new":[1]})");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->severity, alert_severity::info);
}

TEST(AlertJson, TakesMisshapenMembersAsUnset) {
  const auto read = parse_alert(
      R"({"id":"x","name":"y","severity":7,"state":"odd","starts_at":"yesterday","labels":[1],
          "annotations":{"n":5,"t":"v"},"links":[1,{"url":"u"}],"summary":null,"resolved_at":false})");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->severity, alert_severity::warning);
  EXPECT_EQ(read->state, alert_state::firing);
  EXPECT_EQ(read->starts_at, wall_time{});
  EXPECT_TRUE(read->labels.empty());
  EXPECT_EQ(read->annotations, (text_map{{"t", "v"}}));
  EXPECT_THAT(read->links, ElementsAre(alert_link{.name = "", .url = "u"}));
  EXPECT_EQ(read->summary, "");
  EXPECT_FALSE(read->resolved_at);
}

TEST(AlertJson, RefusesWhatIsNoAlert) {
  const std::vector<std::string> bad = {
      "",
      "null",
      "[]",
      "7",
      "{",
      "{}",
      R"({"id":"x"})",
      R"({"name":"y"})",
      R"({"id":"","name":"y"})",
      R"({"id":1,"name":"y"})",
      R"({"id":"x","name":"y"} tail)",
      "{\"id\":\"\xff\",\"name\":\"y\"}",
      std::string(100'000, '['),
  };
  for (const auto& text : bad) {
    const auto read = parse_alert(text);
    ASSERT_FALSE(read.has_value()) << text.substr(0, 60);
    EXPECT_TRUE(read.error().is(errc::malformed));
    EXPECT_FALSE(parse_alert_record(text).has_value()) << text.substr(0, 60);
  }
}

TEST(AlertJson, RefusesARecordWithoutItsAlert) {
  EXPECT_FALSE(parse_alert_record(R"({"receivers":[]})").has_value());
  EXPECT_FALSE(parse_alert_record(R"({"alert":{"id":"x"}})").has_value());
}

TEST(AlertJson, ReadsARecordWithoutReceiversAndTime) {
  const auto read = parse_alert_record(
      R"({"alert":{"id":"x","name":"y","updated_at":"2025-01-01T00:00:00.000Z"},"receivers":[1,"a"]})");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->notified_at, read->content.updated_at);
  EXPECT_THAT(read->receivers, ElementsAre("a"));
}

TEST(AlertJson, RefusesTooLongAText) {
  std::string text = to_json(full_alert());
  text.append(4'194'304, ' ');
  EXPECT_FALSE(parse_alert(text).has_value());
}

TEST(AlertJson, KeepsWhatPeopleDidAndWhatKindOfAlertItIs) {
  alert_record record;
  record.content.id = "x";
  record.content.name = "y";
  record.content.kind = alert_kind::change;
  record.content.ends_when_acknowledged = true;
  record.content.keep_firing_for = std::chrono::minutes(5);
  record.content.about_receiver = "oncall";
  const wall_time at{std::chrono::hours(24 * 365 * 55)};
  record.content.acknowledged = acknowledgement{.by = "mary", .reason = "on \"it\"", .at = at};
  record.muted = muting{.by = "john", .reason = "", .since = at, .until = at + std::chrono::hours(1)};
  record.ceased_at = at;
  const auto read = parse_alert_record(to_json(record));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(*read, record);
}

TEST(AlertJson, TakesALengthThatIsNoneAsZero) {
  for (const char* odd : {"-1", "1e300", "\"5m\"", "99999999999999999999", "null"}) {
    const auto read = parse_alert(std::string(R"({"id":"x","name":"y","keep_firing_for_ms":)") + odd + "}");
    ASSERT_TRUE(read.has_value()) << odd;
    EXPECT_EQ(read->keep_firing_for, duration::zero()) << odd;
  }
}

}  // namespace
}  // namespace pushguard::alerts
