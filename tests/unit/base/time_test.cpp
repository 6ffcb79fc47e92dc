#include "base/time.hpp"

#include <gtest/gtest.h>

namespace pushguard {
namespace {

using namespace std::chrono_literals;

constexpr wall_time at(std::chrono::year_month_day day, duration time_of_day) {
  return std::chrono::sys_days(day) + time_of_day;
}

constexpr auto september_2 = std::chrono::year(2025) / 9 / 2;

TEST(ParseTime, ReadsWhatSalesforceAndRfc3339Write) {
  const wall_time expected = at(september_2, 1h + 1min + 1s);
  for (const char* text : {"2025-09-02T01:01:01.000+0000", "2025-09-02T01:01:01.000Z", "2025-09-02T01:01:01Z",
                           "2025-09-02T03:01:01+02:00", "2025-09-01T20:01:01.000-0500"}) {
    const auto parsed = parse_time(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(*parsed, expected) << text;
  }
  EXPECT_EQ(parse_time("2025-09-02T01:01:01.250Z").value(), expected + 250ms);
  EXPECT_EQ(parse_time("2025-09-02T01:01:01.5Z").value(), expected + 500ms);
  EXPECT_EQ(parse_time("2025-09-02T01:01:01.123456789+00:00").value(), expected + 123ms);
  EXPECT_EQ(parse_time("2024-02-29T23:59:59z").value(),
            at(std::chrono::year(2024) / 2 / 29, 23h + 59min + 59s));
}

TEST(ParseTime, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "yesterday", "2025-09-02", "2025-09-02T01:01:01", "2025-13-02T01:01:01Z", "2025-09-02T25:01:01Z",
        "2025-09-02T01:01:01.000+0000 and more", "9999999999999999999999", "2025-02-29T01:01:01Z",
        "2025-09-02T01:60:01Z", "2025-09-02T01:01:60Z", "2025-09-02T01:01:01.Z", "2025-09-02T01:01:01.000+00",
        "2025-09-02T01:01:01.000+0060", "2025-09-02 01:01:01Z", "+025-09-02T01:01:01Z",
        "2025-09-02T01:01:01.000000000000000000000000000000000Z", "2025-09-02T01:01:01.000ZZ"}) {
    EXPECT_FALSE(parse_time(text).has_value()) << text;
  }
}

TEST(FormatTime, IsReadBackByParseTime) {
  for (const wall_time time : {wall_time{}, at(september_2, 23h + 59min + 59s + 999ms),
                               at(std::chrono::year(1999) / 12 / 31, 0ms)}) {
    EXPECT_EQ(parse_time(format_time(time)).value(), time);
  }
  EXPECT_EQ(format_time(at(september_2, 61s + 5ms)), "2025-09-02T00:01:01.005Z");
}

TEST(ParseDuration, ReadsUnitsAndSumsOfThem) {
  EXPECT_EQ(parse_duration("30s").value(), 30s);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("5m").value(), 5min);
  EXPECT_EQ(parse_duration("1h30m").value(), 90min);
  EXPECT_EQ(parse_duration("7d").value(), 7 * 24h);
  EXPECT_EQ(parse_duration("0s").value(), 0s);
}

TEST(ParseDuration, RefusesNumbersWithoutUnitsSignsAndOverflow) {
  for (const char* text :
       {"", "30", "s", "-5s", "5 s", "5x", "1.5h", "99999999999999999999s", "99999999999d", "0"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_TRUE(parsed.error().is(errc::invalid));
  }
}

TEST(FormatDuration, IsReadBackByParseDuration) {
  for (const duration value :
       {duration(0), duration(1), duration(1s), duration(90s), duration(36h), duration(7 * 24h + 1ms)}) {
    EXPECT_EQ(parse_duration(format_duration(value)).value(), value) << format_duration(value);
  }
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(-90s), "-1m30s");
}

}  // namespace
}  // namespace pushguard
