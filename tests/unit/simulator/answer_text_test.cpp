#include "simulator/answer_text.hpp"

#include <gtest/gtest.h>

namespace pushguard::simulator {
namespace {

TEST(AnswerText, IsTakenApartAgain) {
  channel_list channels(1);
  event_channel& channel = channels.add(
      {}, [](std::string& out, const event_log&, const logged_event& event) { out += event.text; });
  const std::string tricky = R"({"a":"}]{[\"","b":[{},"\\"]})";
  channel.log.append(0, tricky, {});
  answer_text answer;
  EXPECT_EQ(answer.take().body, "[]");
  EXPECT_TRUE(split_answer("[]").empty());
  answer.add_event("/event/X", channel, channel.log.at(0));
  answer.add({{"channel", "/meta/connect"}, {"successful", true}});
  const http_reply reply = answer.take();
  const auto messages = split_answer(reply.body);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0], R"({"data":)" + tricky + R"(,"channel":"/event/X"})");
  EXPECT_TRUE(is_event(messages[0]));
  EXPECT_EQ(messages[1], R"({"channel":"/meta/connect","successful":true})");
  EXPECT_FALSE(is_event(messages[1]));
}

TEST(AnswerText, OtherTextsHaveNoMessages) {
  for (const std::string_view text : {"", "404::Unknown", "[", "[{", "[1]", "{}", R"([{"a":"})"})
    EXPECT_TRUE(split_answer(text).empty()) << text;
}

}  // namespace
}  // namespace pushguard::simulator
