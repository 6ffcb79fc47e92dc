#include "base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/recording_logger.hpp"

namespace pushguard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr wall_time some_time{std::chrono::milliseconds(1'756'774'861'005)};

std::string line(log_format format, std::initializer_list<log_field> fields) {
  return format_log_line(format, some_time, log_level::info, "tested", {fields.begin(), fields.size()});
}

TEST(FormatLogLine, WritesLogfmt) {
  EXPECT_EQ(line(log_format::logfmt, {{"id", "0DV1"}, {"failed", 17}, {"ratio", 0.25}, {"ok", true}}),
            "time=2025-09-02T01:01:01.005Z level=info event=tested id=0DV1 failed=17 ratio=0.25 ok=true");
}

TEST(FormatLogLine, WritesJson) {
  EXPECT_EQ(line(log_format::json, {{"id", "0DV1"}, {"failed", -17}, {"ratio", 0.25}, {"ok", false}}),
            R"({"time":"2025-09-02T01:01:01.005Z","level":"info","event":"tested",)"
            R"("id":"0DV1","failed":-17,"ratio":0.25,"ok":false})");
}

TEST(FormatLogLine, QuotesInLogfmtOnlyWhatNeedsIt) {
  struct quoting {
    std::string_view value;
    std::string_view written;
  };
  const quoting table[] = {{"plain", "plain"},
                           {"a/b:c;d", "a/b:c;d"},
                           {"", R"("")"},
                           {"two words", R"("two words")"},
                           {"a=b", R"("a=b")"},
                           {R"(say "x")", R"("say \"x\"")"},
                           {R"(back\slash)", R"("back\\slash")"},
                           {"tab\tline\n", R"("tab\tline\n")"},
                           {"\x7f", R"("\u007f")"},
                           {"\xC3\xA4", "\"\xC3\xA4\""}};
  for (const auto& [value, written] : table) {
    EXPECT_THAT(line(log_format::logfmt, {{"v", value}}), testing::EndsWith(" v=" + std::string(written)));
  }
}

TEST(FormatLogLine, KeepsHostileTextOnItsLineInBothFormats) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) {
    every_byte += static_cast<char>(byte);
  }
  for (const log_format format : {log_format::logfmt, log_format::json}) {
    const std::string written = line(format, {{"v", every_byte}, {"w", "x\" event=forged \r\nlevel=error"}});
    for (const char c : written) {
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    }
    EXPECT_THAT(written, HasSubstr("x\\\" event=forged \\r\\nlevel=error"));
    EXPECT_THAT(written, HasSubstr("\xEF\xBF\xBD"));
  }
}

TEST(FormatLogLine, WritesNumbersAtTheirLimits) {
  EXPECT_THAT(line(log_format::json, {{"v", std::numeric_limits<std::int64_t>::min()}}),
              HasSubstr(R"("v":-9223372036854775808})"));
  for (const double odd : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    EXPECT_THAT(line(log_format::json, {{"v", odd}}), HasSubstr(R"("v":null})"));
  }
  EXPECT_THAT(line(log_format::logfmt, {{"v", HUGE_VAL}}), HasSubstr(" v=inf"));
}

TEST(LogLevel, HasFourNames) {
  EXPECT_EQ(to_string(log_level::debug), "debug");
  EXPECT_EQ(to_string(log_level::info), "info");
  EXPECT_EQ(to_string(log_level::warning), "warning");
  EXPECT_EQ(to_string(log_level::error), "error");
}

/// What goes to standard error while `write` runs.
std::string stderr_of(log_level least, const std::function<void(logger&)>& write) {
  const auto time = make_system_time();
  const auto log = make_stderr_logger(least, log_format::logfmt, *time);
  testing::internal::CaptureStderr();
  write(*log);
  return testing::internal::GetCapturedStderr();
}

TEST(StderrLogger, WritesOnlyWhatIsAtOrAboveItsLevel) {
  const std::string written = stderr_of(log_level::warning, [](logger& log) {
    log.debug("a");
    log.info("b");
    log.warning("c");
    log.error("d");
  });
  EXPECT_THAT(written, Not(HasSubstr("event=a")));
  EXPECT_THAT(written, Not(HasSubstr("event=b")));
  EXPECT_THAT(written, HasSubstr("level=warning event=c\n"));
  EXPECT_THAT(written, HasSubstr("level=error event=d\n"));
}

TEST(StderrLogger, DoesNotTakeTextForAFormat) {
  const std::string written =
      stderr_of(log_level::info, [](logger& log) { log.info("x", {{"v", "{} {0} %v {:d}"}}); });
  EXPECT_THAT(written, HasSubstr(R"(v="{} {0} %v {:d}")"));
}

TEST(NullLogger, DropsEverything) {
  testing::internal::CaptureStderr();
  null_logger().error("x");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(RecordingLogger, KeepsEventsApart) {
  test::recording_logger log;
  log.info("a", {{"n", 1}});
  log.error("b");
  log.info("a", {{"n", 2}});
  EXPECT_THAT(log.lines(),
              ElementsAre("level=info event=a n=1", "level=error event=b", "level=info event=a n=2"));
  EXPECT_THAT(log.lines_of("a"), ElementsAre("level=info event=a n=1", "level=info event=a n=2"));
}

}  // namespace
}  // namespace pushguard
