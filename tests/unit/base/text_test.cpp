#include "base/text.hpp"

#include <gtest/gtest.h>

namespace pushguard {
namespace {

std::string json_string(std::string_view text) {
  std::string out = "x";
  append_json_string(out, text);
  return out.substr(1);
}

const std::string replaced = "\xEF\xBF\xBD";

TEST(Utf8CharacterSize, FollowsTheTableOfWellFormedSequences) {
  struct sample {
    std::string_view text;
    std::size_t size;
  };
  // The edges of each row of Unicode's table 3-7, and what lies just outside.
  const sample table[] = {{"", 0},
                          {std::string_view("\0", 1), 1},
                          {"\x7F", 1},
                          {"\x80", 0},
                          {"\xBF", 0},
                          {"\xC0\x80", 0},
                          {"\xC1\xBF", 0},
                          {"\xC2\x80", 2},
                          {"\xDF\xBF", 2},
                          {"\xC2", 0},
                          {"\xC2\x7F", 0},
                          {"\xC2\xC0", 0},
                          {"\xE0\x9F\xBF", 0},
                          {"\xE0\xA0\x80", 3},
                          {"\xED\x9F\xBF", 3},
                          {"\xED\xA0\x80", 0},  // a surrogate
                          {"\xEE\x80\x80", 3},
                          {"\xEF\xBF\xBF", 3},
                          {"\xE2\x82", 0},
                          {"\xE2\x82\x41", 0},
                          {"\xF0\x8F\xBF\xBF", 0},
                          {"\xF0\x90\x80\x80", 4},
                          {"\xF4\x8F\xBF\xBF", 4},
                          {"\xF4\x90\x80\x80", 0},  // above U+10FFFF
                          {"\xF5\x80\x80\x80", 0},
                          {"\xF0\x90\x80", 0},
                          {"\xFF", 0}};
  for (const auto& [text, size] : table) {
    EXPECT_EQ(utf8_character_size(text), size) << json_string(text);
    if (!text.empty()) {
      EXPECT_EQ(utf8_character_size(std::string(text) + "more"), size) << json_string(text);
    }
  }
}

TEST(AppendJsonString, EscapesWhatJsonCannotHold) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("plain /text"), R"("plain /text")");
  EXPECT_EQ(json_string("\"\\\n\r\t"), R"("\"\\\n\r\t")");
  EXPECT_EQ(json_string(std::string_view("\0\x01\x1f\x7f", 4)), R"("\u0000\u0001\u001f\u007f")");
  EXPECT_EQ(json_string("\xC3\xA4\xF0\x9F\x98\x80"), "\"\xC3\xA4\xF0\x9F\x98\x80\"");
}

TEST(AppendJsonString, ReplacesEachByteThatIsNotUtf8) {
  EXPECT_EQ(json_string("a\xFFz"), "\"a" + replaced + "z\"");
  EXPECT_EQ(json_string("\xE2\x82"), "\"" + replaced + replaced + "\"");
  EXPECT_EQ(json_string("\xE2\x82\""), "\"" + replaced + replaced + "\\\"\"");
}

TEST(ToValidUtf8, KeepsWhatIsValid) {
  EXPECT_EQ(to_valid_utf8("a\n\xC3\xA4"), "a\n\xC3\xA4");
  EXPECT_EQ(to_valid_utf8("\xC3\xA4\xC3"), "\xC3\xA4" + replaced);
}

TEST(CutAtCharacter, NeverCutsACharacter) {
  const std::string_view text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";  // 1 + 2 + 3 + 4 bytes
  const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t bytes_max = 0; bytes_max < std::size(expected); ++bytes_max) {
    EXPECT_EQ(cut_at_character(text, bytes_max).size(), expected[bytes_max]) << bytes_max;
  }
}

TEST(ToLowerAscii, LeavesOtherBytesAlone) {
  EXPECT_EQ(to_lower_ascii("AZ@[`{az09\xC3\x84"), "az@[`{az09\xC3\x84");
}

TEST(EqualsIgnoringCase, ComparesWholeTexts) {
  EXPECT_TRUE(equals_ignoring_case("Content-TYPE", "content-type"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("a", "aa"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
}

TEST(Trim, TakesBlanksFromBothEnds) {
  EXPECT_EQ(trim(" \t\r\na b\n "), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(ReplaceAll, ReplacesEachOnceAndNothingForNothing) {
  EXPECT_EQ(replace_all("a-b-c", "-", ""), "abc");
  EXPECT_EQ(replace_all("aaaa", "aa", "a"), "aa") << "what was put in is not looked at again";
  EXPECT_EQ(replace_all("x", "x", "xx"), "xx");
  EXPECT_EQ(replace_all("abc", "", "-"), "abc");
  EXPECT_EQ(replace_all("", "a", "b"), "");
  EXPECT_EQ(replace_all("abc", "abcd", "-"), "abc");
}

}  // namespace
}  // namespace pushguard
