#include "cometd/json_scanner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace pushguard::cometd {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

// Whether `text` is one JSON value and nothing more.
bool is_json(std::string_view text, std::size_t depth_max = 8) {
  json_scanner in(text, depth_max);
  return in.skip_value() && in.peek() == '\0' && in.position() == text.data() + text.size();
}

TEST(JsonScanner, AcceptsWhatTheGrammarAllows) {
  for (const std::string text :
       {"0", "-0", "-0.0e-0", "12.50E+07", "1e999", "true", "false", "null", "\"\"", R"("\"\\\/\b\f\n\r\t")",
        R"("\u00e4\ud83D\uDE00")", "[]", "[ 1 , [ ] , { } ]", R"({"":0,"a":{"b":[null]}})",
        " \t\r\n{ \"a\" : 1 } ", "\"\x7F\"", "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\""})
    EXPECT_TRUE(is_json(text)) << text;
}

TEST(JsonScanner, RefusesWhatItDoesNot) {
  for (const std::string text : {"",         "-",           "+1",        "01",        "-01",
                                 ".5",       "1.",          "1.e5",      "1e",        "1e+",
                                 "0x1",      "Infinity",    "NaN",       "tru",       "True",
                                 "nullx",    "\"",          "\"a",       "'a'",       "\"\\\"",
                                 R"("\x")",  R"("\u12g4")", R"("\u12")", "\"\n\"",    "\"\t\"",
                                 "[",        "[1",          "[1,",       "[1,]",      "[,1]",
                                 "[1 2]",    "]",           "{",         "{\"a\"",    "{\"a\":",
                                 "{\"a\":1", "{\"a\":1,}",  "{a:1}",     "{\"a\" 1}", "{1:1}",
                                 "{,}",      "{\"a\":1]",   "[1}",       "1 2",       "\xEF\xBB\xBF[]",
                                 "\v1",      "/**/1"})
    EXPECT_FALSE(is_json(text)) << text;
  EXPECT_FALSE(is_json(std::string_view("\0", 1)));
  EXPECT_FALSE(is_json(std::string_view("\"\0\"", 3)));
}

TEST(JsonScanner, WantsSurrogatesInPairs) {
  for (const std::string escapes : {R"(\ud800)", R"(\udfff)", R"(\ud800x)", R"(\ud800\n)", R"(\ud800\ud800)",
                                    R"(\udc00\ud800)", R"(\uD83Dx\uDE00)", R"(\ud800\u0041)"})
    EXPECT_FALSE(is_json('"' + escapes + '"')) << escapes;
}

TEST(JsonScanner, CountsDepth) {
  EXPECT_TRUE(is_json("[[[]]]", 3));
  EXPECT_FALSE(is_json("[[[[]]]]", 3));
  EXPECT_TRUE(is_json("[[],[],[],[]]", 2)) << "side by side is no depth";
  EXPECT_FALSE(is_json("[]", 0));
  EXPECT_TRUE(is_json("1", 0));
}

TEST(JsonScanner, FindsTheFirstSpecialByteWhereverItStands) {
  for (const char special : {'"', '\\', '\0', '\x1F', '\x80', '\xFF'}) {
    for (std::size_t size = 0; size < 40; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, '~');
        text[at] = special;
        text.back() = special;  // what follows the first must not matter
        ASSERT_EQ(find_special(text.data(), text.data() + size) - text.data(), static_cast<int>(at));
      }
      const std::string plain(size, ' ');
      ASSERT_EQ(find_special(plain.data(), plain.data() + size), plain.data() + size);
    }
  }
}

TEST(JsonScanner, TakesValuesApart) {
  json_scanner in(R"( {"a\u0062" : "x\ty", "n" : -1.5e3, "t":[true,false]} )", 8);
  std::vector<std::string> seen;
  EXPECT_TRUE(in.read_object([&](const json_text& key) {
    seen.push_back(key.decoded());
    if (key.is("ab")) {
      json_text text;
      const bool is_read = in.read_string(text);
      seen.push_back(text.decoded());
      return is_read;
    }
    if (key.is("n")) {
      std::string_view token;
      const bool is_read = in.read_number(token);
      seen.emplace_back(token);
      return is_read;
    }
    return in.read_array([&] {
      bool value = false;
      const bool is_read = in.read_bool(value);
      seen.emplace_back(value ? "yes" : "no");
      return is_read;
    });
  }));
  EXPECT_THAT(seen, ElementsAre("ab", "x\ty", "n", "-1.5e3", "t", "yes", "no"));
  EXPECT_THAT(std::string(in.position()), StartsWith(" ")) << "it stands behind what it took";
}

TEST(JsonText, SaysWhatItsEscapesMean) {
  const auto text = [](std::string_view raw) { return json_text{.raw = raw, .has_escapes = true}; };
  EXPECT_EQ(text(R"(\"\\\/\b\f\n\r\t)").decoded(), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(text(R"(a\u0041\u00e4\u20AC\ud83d\ude00z)").decoded(), "aA\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z");
  EXPECT_EQ(text(R"(\u0000)").decoded(), std::string(1, '\0'));
  EXPECT_TRUE(text(R"(\u0064\u0061\u0074\u0061)").is("data"));
  EXPECT_FALSE(text(R"(\u0064\u0061\u0074\u0061\u0061)").is("data"));
  EXPECT_FALSE((json_text{.raw = R"(d\u0061ta)", .has_escapes = false}.is("data")));
}

}  // namespace
}  // namespace pushguard::cometd
