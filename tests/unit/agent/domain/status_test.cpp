#include "agent/domain/status.hpp"

#include <gtest/gtest.h>

namespace pushguard::domain {
namespace {

TEST(PushStatus, IsReadInEverySpellingOfTheField) {
  EXPECT_EQ(parse_push_status("In Progress"), push_status::in_progress);
  EXPECT_EQ(parse_push_status("InProgress"), push_status::in_progress);
  EXPECT_EQ(parse_push_status("IN_PROGRESS"), push_status::in_progress);
  EXPECT_EQ(parse_push_status("Canceled"), push_status::canceled);
  EXPECT_EQ(parse_push_status("Cancelled"), push_status::canceled);
}

TEST(PushStatus, IsUnrecognizedForEverythingElse) {
  for (const auto* text :
       {"", "Paused", "Succeede", "Succeeded!", "a text longer than every status there is"})
    EXPECT_EQ(parse_push_status(text), push_status::unrecognized) << text;
}

TEST(PushStatus, ReadsBackWhatItPrints) {
  for (const auto status : all_push_statuses)
    EXPECT_EQ(parse_push_status(to_string(status)), status) << to_string(status);
}

TEST(PushStatus, IsCancelableOnlyBeforeTheStart) {
  for (const auto status : all_push_statuses) {
    const bool is_before = status == push_status::created || status == push_status::pending;
    EXPECT_EQ(is_cancelable(status), is_before) << to_string(status);
    EXPECT_FALSE(is_cancelable(status) && (is_started(status) || is_terminal(status))) << to_string(status);
  }
}

TEST(ErrorType, ReadsBackWhatItPrints) {
  for (const auto type : all_error_types) {
    const bool is_of_salesforce = type != error_type::unknown && type != error_type::unrecognized;
    EXPECT_EQ(parse_error_type(to_string(type)), is_of_salesforce ? type : error_type::unrecognized);
  }
}

TEST(ErrorSeverity, TakesUnknownTextForAnError) {
  EXPECT_EQ(parse_error_severity("warning"), error_severity::warning);
  EXPECT_EQ(parse_error_severity(""), error_severity::error);
  EXPECT_EQ(parse_error_severity("Fatal"), error_severity::error);
}

TEST(OrgType, TakesUnknownTextForProduction) {
  EXPECT_EQ(parse_org_type("SANDBOX"), org_type::sandbox);
  EXPECT_EQ(parse_org_type("Scratch"), org_type::production);
}

}  // namespace
}  // namespace pushguard::domain
