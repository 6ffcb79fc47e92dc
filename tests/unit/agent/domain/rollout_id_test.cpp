#include "agent/domain/rollout_id.hpp"

#include <gtest/gtest.h>

namespace pushguard::domain {
namespace {

TEST(RolloutId, ReadsBackWhatItPrints) {
  const auto id = rollout_id::parse("04t3i0000000AbC/12").value();
  EXPECT_EQ(id.number, 12U);
  EXPECT_EQ(id.text(), "04t3i0000000AbC/12");
  EXPECT_EQ(rollout_id::parse(id.text()).value(), id);
}

TEST(RolloutId, MeansTheLatestWithoutANumber) {
  EXPECT_EQ(rollout_id::parse("04t3i0000000AbC").value().number, 0U);
}

TEST(RolloutId, RefusesEverythingElse) {
  for (const auto* text :
       {"", "/1", "04t3i0000000AbC/", "04t3i0000000AbC/0", "04t3i0000000AbC/-1", "04t3i0000000AbC/1x",
        "04t3i0000000AbC/1/2", "04t3i0000000AbC/99999999999", "0DV3i0000000AbC/1"}) {
    const auto parsed = rollout_id::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_TRUE(parsed.error().is(errc::invalid)) << text;
    EXPECT_FALSE(parsed.error().detail.empty()) << text;
  }
}

TEST(RolloutId, OrdersByVersionAndThenByNumber) {
  const auto second = rollout_id::parse("04t3i0000000AbC/2").value();
  EXPECT_LT(second, rollout_id::parse("04t3i0000000AbC/10").value());
  EXPECT_LT(second, rollout_id::parse("04t3i0000000AbD/1").value());
}

}  // namespace
}  // namespace pushguard::domain
