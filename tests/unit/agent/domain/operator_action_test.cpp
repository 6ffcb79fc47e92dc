#include "agent/domain/operator_action.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace pushguard::domain {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string wrong_with(const std::string& reason) {
  const auto checked = check_reason(reason);
  return checked ? "" : checked.error().text();
}

TEST(OperatorReason, IsOneLineOfOneToAThousandCharacters) {
  const std::string umlaut = "\xC3\xA4";
  std::string thousand;
  for (int i = 0; i < 1000; ++i)
    thousand += umlaut;
  for (const std::string& good : {std::string("x"), thousand, std::string(1000, 'x'),
                                  std::string("a \"b\" \xE2\x82\xAC"), std::string("\xC2\xA0 no-break")})
    EXPECT_EQ(wrong_with(good), "") << good;
  EXPECT_THAT(wrong_with(thousand + "x"), HasSubstr("at most 1000 characters, not 1001"));
  for (const std::string& blank : {std::string(), std::string("  \t"), std::string("\n")})
    EXPECT_THAT(wrong_with(blank), HasSubstr("reason must not be empty"));
  for (const std::string& control :
       {std::string("a\nb"), std::string("a\rb"), std::string("a\x1b[2Jb"), std::string("a\x7f"),
        std::string("a\0b", 3), std::string("a\xC2\x9b"), std::string("a\xC2\x80")})
    EXPECT_THAT(wrong_with(control), HasSubstr("without control characters")) << control;
  EXPECT_THAT(wrong_with("a\xff"), HasSubstr("valid UTF-8"));
}

TEST(HoldLength, IsFromAMinuteToThirtyDays) {
  EXPECT_EQ(*parse_hold_length("1m"), 1min);
  EXPECT_EQ(*parse_hold_length("30d"), 24h * 30);
  EXPECT_EQ(*parse_hold_length("1h30m"), 90min);
  for (const char* out_of_range : {"59s", "0s", "30d1s", "31d"})
    EXPECT_THAT(parse_hold_length(out_of_range).error().text(), HasSubstr("for must be from 1m to 30d"))
        << out_of_range;
  for (const char* no_duration : {"", "2", "soon", "-1h", "2h "})
    EXPECT_THAT(parse_hold_length(no_duration).error().text(), HasSubstr("for must be a duration"))
        << no_duration;
}

TEST(OperatorAction, IsWrittenAsItsCommand) {
  std::string all;
  for (const operator_action action : all_operator_actions)
    all += std::string(to_string(action)) + " ";
  EXPECT_EQ(all, "abort hold release resume arm ack mute ");
}

}  // namespace
}  // namespace pushguard::domain
