#include "base/http_date.hpp"

#include <gtest/gtest.h>

namespace pushguard::test {
namespace {

TEST(HttpDate, IsReadAsItIsWritten) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2025-09-02T01:01:01Z",
                           "2026-12-31T12:00:00Z", "2100-03-01T00:00:00Z"}) {
    const wall_time time = *parse_time(text);
    EXPECT_EQ(parse_http_date(format_http_date(time)), time) << text;
  }
  EXPECT_EQ(format_http_date(*parse_time("2025-09-02T01:01:01.999Z")), "Tue, 02 Sep 2025 01:01:01 GMT");
}

TEST(HttpDate, OfAnotherFormIsNone) {
  for (const char* text :
       {"", "Tue, 02 Sep 2025 01:01:01 UTC", "Tue, 2 Sep 2025 01:01:01 GMT", "Tue, 02 Sep 2025 01:01:61 GMT",
        "Tue, 02 Sep 2025 24:01:01 GMT", "Tue, 31 Feb 2025 01:01:01 GMT", "Tue, 00 Sep 2025 01:01:01 GMT",
        "Tue, 02 Xyz 2025 01:01:01 GMT", "Tue, 02 Sep -025 01:01:01 GMT", "Tue, 02 Sep 2025 01:01:01 GMT ",
        "Tue, 02 Sep 2025 -1:01:01 GMT", "Tuesday, 02-Sep-25 01:01:01 GMT", "Tue Sep  2 01:01:01 2025"})
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
}

}  // namespace
}  // namespace pushguard::test
