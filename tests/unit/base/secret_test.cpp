#include "base/secret.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

namespace pushguard {
namespace {

TEST(Secret, PrintsAsStars) {
  const secret token("hunter2");
  std::ostringstream stream;
  stream << token;
  EXPECT_EQ(stream.str(), "***");
  EXPECT_EQ(fmt::format("{}", token), "***");
  EXPECT_EQ(fmt::format("{:>5}", token), "  ***");
  EXPECT_EQ(testing::PrintToString(token), "***");
}

TEST(Secret, DoesNotShowWhetherItIsEmpty) {
  EXPECT_EQ(fmt::format("{}", secret()), "***");
  EXPECT_TRUE(secret().empty());
}

TEST(Secret, IsRevealedOnlyWhenAsked) {
  EXPECT_EQ(secret("hunter2").reveal(), "hunter2");
  EXPECT_EQ(secret("a"), secret("a"));
  EXPECT_NE(secret("a"), secret("b"));
}

}  // namespace
}  // namespace pushguard
