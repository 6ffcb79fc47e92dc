#include "simulator/event_payload.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <stdexcept>

#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

constexpr std::string_view uuid = "0191b1c2-0000-4000-8000-000000000000";

json::value data_of(channel_kind kind, std::string_view payload) {
  const std::string begun = begin_event_data(kind, payload, start_of_test().wall, uuid);
  return json::parse(begun + "17" + std::string(data_end));
}

TEST(ChannelKind, IsToldByTheName) {
  EXPECT_EQ(kind_of_channel("/event/Push__e"), channel_kind::platform_event);
  EXPECT_EQ(kind_of_channel("/data/ChangeEvents"), channel_kind::change_event);
  EXPECT_EQ(kind_of_channel("/topic/X"), channel_kind::push_topic);
  EXPECT_EQ(kind_of_channel("/u/X"), channel_kind::generic);
  for (const std::string_view name : {"/meta/connect", "/event/", "event/X", "", "/event"})
    EXPECT_EQ(kind_of_channel(name), std::nullopt) << name;
}

TEST(EventPayload, OfPlatformEventsGetsItsDate) {
  const json::value data = data_of(channel_kind::platform_event, R"( { "Number__c" : 1.50 } )");
  EXPECT_EQ(data.at("payload").at("CreatedDate"), "2026-03-10T12:00:00.000Z");
  EXPECT_TRUE(data.at("payload").at("CreatedById").is_string());
  EXPECT_EQ(data.at("payload").at("Number__c"), 1.5);
  EXPECT_EQ(text_of(data.at("event").at("EventUuid")), uuid);
  EXPECT_EQ(data.at("event").at("replayId"), 17);
  EXPECT_TRUE(data.at("schema").is_string());
  EXPECT_EQ(data_of(channel_kind::platform_event, "{}").at("payload").as_object().size(), 2U);
  const json::value own =
      data_of(channel_kind::platform_event, R"({"CreatedDate":"mine","CreatedById":"me"})");
  EXPECT_EQ(own.at("payload").at("CreatedDate"), "mine");
  EXPECT_EQ(own.at("payload").as_object().size(), 2U);
}

TEST(EventPayload, IsKeptAsItIsWritten) {
  const std::string begun = begin_event_data(channel_kind::platform_event,
                                             R"({"A__c":1.50, "B__c":"\u00e9"})", start_of_test().wall, uuid);
  EXPECT_NE(begun.find(R"("A__c":1.50, "B__c":"\u00e9"})"), std::string::npos) << begun;
}

TEST(EventPayload, OfChangeEventsGetsItsCommitTimestamp) {
  const std::int64_t now = start_of_test().wall.time_since_epoch().count();
  const json::value made = data_of(channel_kind::change_event, R"({"Name":"Acme"})");
  EXPECT_EQ(made.at("payload").at("ChangeEventHeader").at("commitTimestamp"), now);
  EXPECT_EQ(made.at("payload").at("Name"), "Acme");
  const json::value given = data_of(channel_kind::change_event,
                                    R"({"ChangeEventHeader":{"changeType":"GAP_OVERFLOW"},"Name":"Acme"})");
  EXPECT_EQ(given.at("payload").at("ChangeEventHeader").at("commitTimestamp"), now);
  EXPECT_EQ(given.at("payload").at("ChangeEventHeader").at("changeType"), "GAP_OVERFLOW");
  EXPECT_EQ(given.at("event").at("replayId"), 17);
}

TEST(EventPayload, OfOlderKindsHasNoUuid) {
  const json::value topic = data_of(channel_kind::push_topic, R"({"Id":"006"})");
  EXPECT_EQ(topic.at("sobject").at("Id"), "006");
  EXPECT_EQ(topic.at("event").at("createdDate"), "2026-03-10T12:00:00.000Z");
  EXPECT_EQ(topic.at("event").at("type"), "updated");
  EXPECT_EQ(topic.at("event").at("replayId"), 17);
  const json::value generic = data_of(channel_kind::generic, R"("a text")");
  EXPECT_EQ(generic.at("payload"), "a text");
  EXPECT_FALSE(generic.at("event").as_object().contains("EventUuid"));
  EXPECT_FALSE(has_event_uuid(channel_kind::generic));
  EXPECT_FALSE(has_event_uuid(channel_kind::push_topic));
}

TEST(EventPayload, MustBeWhatTheKindHasAPlaceFor) {
  const auto begin = [](channel_kind kind, std::string_view payload) {
    return begin_event_data(kind, payload, start_of_test().wall, uuid);
  };
  for (const channel_kind kind :
       {channel_kind::platform_event, channel_kind::change_event, channel_kind::push_topic}) {
    EXPECT_THROW((void)begin(kind, "[]"), std::invalid_argument);
    EXPECT_THROW((void)begin(kind, "{"), std::invalid_argument);
  }
  EXPECT_THROW((void)begin(channel_kind::generic, ""), std::invalid_argument);
  EXPECT_THROW((void)begin(channel_kind::change_event, R"({"ChangeEventHeader":1})"), std::invalid_argument);
}

}  // namespace
}  // namespace pushguard::simulator
