#include "cometd/duplicate_window.hpp"

#include <gtest/gtest.h>

namespace pushguard::cometd {
namespace {

TEST(DuplicateWindow, NoticesWhatItHasSeen) {
  duplicate_window window(10);
  EXPECT_TRUE(window.insert("a"));
  EXPECT_TRUE(window.insert("b"));
  EXPECT_FALSE(window.insert("a"));
}

TEST(DuplicateWindow, ForgetsTheOldestWhenFull) {
  duplicate_window window(3);
  for (const char* key : {"a", "b", "c"})
    EXPECT_TRUE(window.insert(key));
  EXPECT_FALSE(window.insert("a"));
  EXPECT_TRUE(window.insert("d"));
  EXPECT_EQ(window.size(), 3U);
  EXPECT_FALSE(window.insert("b"));
  EXPECT_TRUE(window.insert("a")) << "it was the oldest";
  EXPECT_TRUE(window.insert("b"));
}

TEST(DuplicateWindow, StaysBoundedOverManyEvents) {
  duplicate_window window(100);
  for (int i = 0; i < 100'000; ++i)
    ASSERT_TRUE(window.insert("/event/Push__e " + std::to_string(i)));
  EXPECT_EQ(window.size(), 100U);
}

TEST(DuplicateKey, PrefersTheUuidWhichOutlivesAMigration) {
  EXPECT_EQ(duplicate_key("/a", "17", "u-1"), "u-1");
  EXPECT_EQ(duplicate_key("/a", "17", ""), "/a 17");
  EXPECT_NE(duplicate_key("/a", "17", ""), duplicate_key("/b", "17", ""));
  EXPECT_EQ(duplicate_key("/a", "", ""), "") << "such an event cannot be told from another";
}

}  // namespace
}  // namespace pushguard::cometd
