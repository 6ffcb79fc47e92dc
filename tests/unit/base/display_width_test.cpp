#include "base/display_width.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <cwchar>
#include <string>

namespace pushguard {
namespace {

std::string utf8(char32_t point) {
  const auto byte = [](char32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); };
  if (point < 0x80)
    return {byte(point)};
  if (point < 0x800)
    return {byte(0xC0 | point >> 6), byte(0x80 | (point & 0x3F))};
  if (point < 0x10000)
    return {byte(0xE0 | point >> 12), byte(0x80 | (point >> 6 & 0x3F)), byte(0x80 | (point & 0x3F))};
  return {byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 0x3F)), byte(0x80 | (point >> 6 & 0x3F)),
          byte(0x80 | (point & 0x3F))};
}

TEST(DisplayWidth, CountsCellsAndNotBytes) {
  EXPECT_EQ(display_width(""), 0U);
  EXPECT_EQ(display_width("plain"), 5U);
  EXPECT_EQ(display_width("Münster"), 7U);
  EXPECT_EQ(display_width("Mu\u0308nster"), 7U) << "a combining character has no cell of its own";
  EXPECT_EQ(display_width("日本電気"), 8U);
  EXPECT_EQ(display_width("ｶﾅ"), 2U) << "halfwidth forms are narrow";
  EXPECT_EQ(display_width("🚀"), 2U);
  EXPECT_EQ(display_width("a\u200Bb"), 2U);
  EXPECT_EQ(display_width("█▒░"), 3U);
  EXPECT_EQ(display_width("a\xFF\xE2\x82"), 4U) << "each byte that is no character takes a cell";
}

TEST(DisplayWidth, CutsBetweenCharactersOnly) {
  EXPECT_EQ(cut_at_width("日本", 4), "日本");
  EXPECT_EQ(cut_at_width("日本", 3), "日");
  EXPECT_EQ(cut_at_width("日本", 1), "");
  EXPECT_EQ(cut_at_width("e\u0301a", 1), "e\u0301") << "the accent stays with its letter";
  EXPECT_EQ(cut_at_width("abc", 0), "");
}

// The C library has tables of its own.
TEST(DisplayWidth, IsWhatTheSystemSaysOfEveryCodePoint) {
  const std::string before = std::setlocale(LC_CTYPE, nullptr);
  ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr);
  std::size_t differing = 0;
  for (char32_t point = 0xA0; point <= 0x10FFFF; ++point) {
    const int said = ::wcwidth(static_cast<wchar_t>(point));
    if (said < 0 || (point >= 0xD800 && point <= 0xDFFF))
      continue;
    const auto ours = static_cast<int>(display_width(utf8(point)));
    if (ours != said && ++differing < 20)
      ADD_FAILURE() << std::hex << "U+" << static_cast<unsigned>(point) << ": " << ours
                    << ", the system says " << said;
  }
  std::setlocale(LC_CTYPE, before.c_str());
  EXPECT_EQ(differing, 0U);
}

}  // namespace
}  // namespace pushguard
