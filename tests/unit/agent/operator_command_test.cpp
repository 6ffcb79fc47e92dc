#include "agent/operator_command.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using domain::operator_action;
using testing::HasSubstr;

TEST(OperatorDetails, AreReadFromTheBody) {
  const auto hold = parse_operator_details(operator_action::hold, R"( {"reason": "a \u00e4", "for": "2h"} )");
  ASSERT_TRUE(hold) << hold.error().text();
  EXPECT_EQ(hold->reason, "a \xC3\xA4");
  EXPECT_EQ(hold->length, 2h);
  for (const operator_action action :
       {operator_action::release, operator_action::resume, operator_action::arm}) {
    for (const char* empty : {"", "  \n", "{}"})
      EXPECT_TRUE(parse_operator_details(action, empty)) << empty;
    EXPECT_EQ(parse_operator_details(action, R"({"reason": "x"})")->reason, "x");
  }
}

TEST(OperatorDetails, AreRefusedInOneSentence) {
  const struct {
    operator_action action;
    std::string body;
    const char* expected;
  } table[] = {
      {operator_action::abort, "", "abort needs a reason"},
      {operator_action::abort, "{}", "abort needs a reason"},
      {operator_action::abort, "{", "the body is not valid JSON"},
      {operator_action::abort, R"({"reason": "x"} {})", "the body is not valid JSON"},
      {operator_action::abort, "{\"reason\": \"\xff\"}", "the body is not valid JSON"},
      {operator_action::abort, R"(["x"])", "the body must be an object"},
      {operator_action::abort, R"("x")", "the body must be an object"},
      {operator_action::abort, R"({"reason": 3})", "reason must be a string"},
      {operator_action::abort, R"({"reason": null})", "reason must be a string"},
      {operator_action::abort, R"({"reason": ""})", "reason must not be empty"},
      {operator_action::abort, R"({"reason": "a\u0000b"})",
       "reason must be one line without control characters"},
      {operator_action::abort, R"({"reason": "a\nb"})", "reason must be one line without control characters"},
      {operator_action::abort, fmt::format(R"({{"reason": "{}"}})", std::string(1001, 'x')),
       "reason must have at most 1000 characters, not 1001"},
      {operator_action::abort, R"({"reason": "x", "for": "2h"})",
       "for goes with hold and mute only, not with abort"},
      {operator_action::abort, R"({"reason": "x", "Reason": "y"})",
       "the body may have reason and for, not 'Reason'"},
      {operator_action::abort, R"({"a\u001b[2J": 1})", "the body may have reason and for, not 'a?[2J'"},
      {operator_action::hold, R"({"reason": "x"})", "hold needs for: how long"},
      {operator_action::hold, R"({"for": "2h"})", "hold needs a reason"},
      {operator_action::hold, R"({"reason": "x", "for": 7200})", "for must be a string"},
      {operator_action::hold, R"({"reason": "x", "for": "2"})", "for must be a duration like 30m or 2h"},
      {operator_action::hold, R"({"reason": "x", "for": "59s"})", "for must be from 1m to 30d"},
      {operator_action::hold, R"({"reason": "x", "for": "721h"})", "for must be from 1m to 30d"},
      {operator_action::resume, R"({"for": "2h"})", "for goes with hold and mute only, not with resume"},
      {operator_action::ack, R"({"for": "2h"})", "for goes with hold and mute only, not with ack"},
      {operator_action::mute, "", "mute needs for: how long"},
      {operator_action::arm, R"({"reason": " "})", "reason must not be empty"},
  };
  for (const auto& row : table) {
    const auto made = parse_operator_details(row.action, row.body);
    ASSERT_FALSE(made) << row.body;
    EXPECT_THAT(made.error().text(), HasSubstr(row.expected)) << row.body;
    EXPECT_EQ(made.error().text().find_first_of("\n\x1b"), std::string::npos) << row.body;
  }
}

TEST(OperatorDetails, SurviveADeepBody) {
  EXPECT_FALSE(parse_operator_details(operator_action::hold, std::string(16000, '[')));
}

}  // namespace
}  // namespace pushguard::agent
