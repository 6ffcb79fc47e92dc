#include "agent/tracker/text_pool.hpp"

#include <gtest/gtest.h>

namespace pushguard::tracker {
namespace {

TEST(TextPool, AnswersTheSameIndexForEqualTexts) {
  text_pool pool;
  const auto first = pool.intern("CS194");
  EXPECT_EQ(pool.intern(std::string("CS194")), first);
  EXPECT_NE(pool.intern("cs194"), first);
  EXPECT_EQ(pool.at(first), "CS194");
}

TEST(TextPool, HasTheEmptyTextFirst) {
  text_pool pool;
  EXPECT_EQ(pool.intern(""), text_index{});
  EXPECT_EQ(pool.at(text_index{}), "");
}

TEST(TextPool, CutsLongTexts) {
  text_pool pool;
  EXPECT_EQ(pool.at(pool.intern(std::string(1000, 'x'))).size(), text_pool::text_bytes_max);
}

TEST(TextPool, AnswersTheEmptyTextWhenItIsFull) {
  text_pool pool;
  const auto early = pool.intern("early");
  for (std::size_t i = 0; i <= text_pool::texts_max; ++i)
    (void)pool.intern(std::to_string(i));
  EXPECT_EQ(pool.intern("late"), text_index{});
  EXPECT_EQ(pool.intern("early"), early);
  EXPECT_EQ(pool.at(early), "early");
}

}  // namespace
}  // namespace pushguard::tracker
