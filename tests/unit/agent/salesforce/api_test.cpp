#include "agent/salesforce/api.hpp"

#include <gtest/gtest.h>

#include <set>

namespace pushguard::salesforce {
namespace {

TEST(ApiUsage, IsReadFromTheLimitHeader) {
  EXPECT_EQ(parse_api_usage("api-usage=10018/100000"), (api_usage{10018, 100000}));
  EXPECT_EQ(parse_api_usage("api-bursts=1/750, api-usage=0/15000"), (api_usage{0, 15000}));
  EXPECT_EQ(parse_api_usage("api-usage=18/5000; per-app-api-usage=17/250(appName=sample-app)"),
            (api_usage{18, 5000}));
  EXPECT_EQ(parse_api_usage("per-app-api-usage=17/250(appName=x); api-usage=18/5000"), (api_usage{18, 5000}));
}

TEST(ApiUsage, IsNothingInWhatCannotBeRead) {
  for (const char* header :
       {"", "api-usage=", "api-usage=1", "api-usage=1/", "api-usage=/5", "api-usage=-1/5", "api-usage=1/0",
        "api-usage=99999999999999999999/5", "per-app-api-usage=17/250", "usage=1/5"})
    EXPECT_EQ(parse_api_usage(header), std::nullopt) << header;
}

TEST(ApiWords, AreDistinctLabels) {
  std::set<std::string_view> words;
  for (const auto operation : all_api_operations)
    words.insert(to_string(operation));
  EXPECT_EQ(words.size(), all_api_operations.size());
  words.clear();
  for (const auto outcome : all_api_outcomes)
    words.insert(to_string(outcome));
  EXPECT_EQ(words.size(), all_api_outcomes.size());
}

}  // namespace
}  // namespace pushguard::salesforce
