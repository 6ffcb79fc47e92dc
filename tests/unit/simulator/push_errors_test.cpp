#include "simulator/push_errors.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace pushguard::simulator {
namespace {

TEST(PushErrors, EveryTypeHasAFormOfThatType) {
  for (const std::string_view type : all_error_types()) {
    for (std::uint64_t roll = 0; roll < 5; ++roll)
      EXPECT_EQ(error_row_type(form_of_type(type, roll)), type);
  }
}

TEST(PushErrors, BenignTitlesAreThoseOfCustomersWhoLeft) {
  for (std::uint64_t roll = 0; roll < 4; ++roll) {
    const std::string_view title = error_row_texts(benign_form(roll), "acme", 1).title;
    EXPECT_TRUE(title == "Package Uninstalled" || title == "Salesforce Subscription Expired") << title;
  }
}

TEST(PushErrors, AMissingComponentReadsTheSameInEveryOrg) {
  const error_form form = form_of_type("DeployError", 0);
  const error_texts one = error_row_texts(form, "acme", 1);
  const error_texts other = error_row_texts(form, "acme", 987'654'321);
  EXPECT_EQ(one.message, "Definition for js://acme.InvoiceHeader not found");
  EXPECT_EQ(one.message, other.message);
  EXPECT_EQ(one.details, "0,,,20,AuraDefinitionBundle");
}

TEST(PushErrors, ErrorNumbersDifferFromOrgToOrg) {
  for (std::uint64_t roll = 0; roll < 2; ++roll) {
    const error_form form = form_of_type("UnclassifiedError", roll);
    EXPECT_NE(error_row_texts(form, "acme", 1).message, error_row_texts(form, "acme", 987'654'321).message);
  }
}

TEST(PushErrors, OnlyTheWarningIsAWarning) {
  EXPECT_EQ(error_row_texts(warning_form(), "acme", 1).severity, "Warning");
  EXPECT_EQ(error_row_texts(form_of_type("PACError", 0), "acme", 1).severity, "Error");
}

}  // namespace
}  // namespace pushguard::simulator
