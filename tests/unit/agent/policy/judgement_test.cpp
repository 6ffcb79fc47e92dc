#include "agent/policy/judgement.hpp"

#include <gtest/gtest.h>

#include <set>

namespace pushguard::policy {
namespace {

TEST(Judgement, NamesEveryVerdictAndConsequenceApart) {
  std::set<std::string_view> names;
  for (const auto value : all_verdicts)
    names.insert(to_string(value));
  EXPECT_EQ(names.size(), all_verdicts.size());
  EXPECT_EQ(to_string(verdict::insufficient_data), "insufficient_data");
  std::set<std::string_view> consequences;
  for (const auto value : {consequence::nothing, consequence::alert, consequence::abort,
                           consequence::would_abort, consequence::breached_before_arming})
    consequences.insert(to_string(value));
  EXPECT_EQ(consequences.size(), 5U);
}

TEST(Judgement, FiresOncePerRuleAndEpochWhateverTheSegment) {
  judgement one;
  one.key.policy = "production";
  one.key.rule = "pod";
  one.key.segment = "CS1";
  auto other = one;
  other.key.segment = "CS2";
  EXPECT_EQ(one.firing(), other.firing());
  other.epoch = 2;
  EXPECT_NE(one.firing(), other.firing());
  other.epoch = 1;
  other.mode = policy_mode::enforce;
  EXPECT_NE(one.firing(), other.firing());
}

}  // namespace
}  // namespace pushguard::policy
