#include "base/http_accept.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pushguard {
namespace {

TEST(Accept, KeepsTheOrderAndReadsQualitiesAndParameters) {
  const auto items = parse_accepted(
      "application/openmetrics-text;version=1.0.0;q=0.8, text/plain ; version=\"0.0.4\", */*;q=0.1");
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].value, "application/openmetrics-text");
  EXPECT_EQ(items[0].quality, 0.8);
  EXPECT_EQ(items[0].parameter("VERSION"), "1.0.0");
  EXPECT_EQ(items[1].value, "text/plain");
  EXPECT_EQ(items[1].quality, 1);
  EXPECT_EQ(items[1].parameter("version"), "0.0.4");
  EXPECT_EQ(items[1].parameter("charset"), std::nullopt);
  EXPECT_EQ(items[2].value, "*/*");
  EXPECT_EQ(items[2].quality, 0.1);
}

TEST(Accept, DoesNotCutInsideOfQuotes) {
  const auto items = parse_accepted(R"(a;b="x,y;\"z", c)");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].parameter("b"), R"(x,y;\"z)");
  EXPECT_EQ(items[1].value, "c");
}

TEST(Accept, LeavesOutWhatCannotBeRead) {
  for (const char* bad :
       {"", ",", ";q=1", "a;q=2", "a;q=-1", "a;q=x", "a;q=", "a;q=0.12345", "a;q=nan", "a;q=1e0"})
    EXPECT_TRUE(parse_accepted(bad).empty()) << bad;
  EXPECT_EQ(parse_accepted("a;q=9,b").size(), 1U);
  EXPECT_EQ(parse_accepted("a;x=\"never ends, b").size(), 1U);
}

TEST(AcceptEncoding, SaysWhetherACodingMayBeUsed) {
  struct example {
    const char* header;
    bool is_accepted;
  };
  for (const auto& [header, is_accepted] :
       {example{"gzip", true}, example{"deflate, GZIP;q=0.5", true}, example{"*", true},
        example{"*;q=0", false}, example{"", false}, example{"identity", false}, example{"gzip;q=0", false},
        example{"gzip;q=0, *", false}, example{"*;q=0, gzip", true}, example{"xgzip", false},
        example{"gzip;q=broken", false}})
    EXPECT_EQ(accepts_coding(header, "gzip"), is_accepted) << header;
}

}  // namespace
}  // namespace pushguard
