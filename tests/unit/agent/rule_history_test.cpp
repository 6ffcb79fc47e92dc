#include "agent/rule_history.hpp"

#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;

constexpr wall_time start{std::chrono::hours(1)};

rule_point point(duration after, std::size_t failed, const char* verdict = "ok") {
  return {.at = start + after,
          .observed_ratio = 0.1,
          .lower_bound_ratio = std::nullopt,
          .threshold_ratio = 0.05,
          .failed = failed,
          .started = 100,
          .verdict = verdict};
}

TEST(RulePoints, KeepEachSecondAndTheLast) {
  rule_points points;
  points.add(point(0s, 1));
  points.add(point(400ms, 2));
  points.add(point(800ms, 3));
  points.add(point(1200ms, 4));
  points.add(point(1300ms, 5));
  ASSERT_EQ(points.all().size(), 3U);
  EXPECT_EQ(points.all()[0], point(0s, 1));
  EXPECT_EQ(points.all()[1], point(800ms, 3));
  EXPECT_EQ(points.all()[2], point(1300ms, 5));
}

TEST(RulePoints, KeepEveryChangeOfTheVerdict) {
  rule_points points;
  points.add(point(0s, 1));
  points.add(point(10ms, 2, "warning"));
  points.add(point(20ms, 3, "breached"));
  points.add(point(30ms, 3, "ok"));
  EXPECT_EQ(points.all().size(), 4U);
}

TEST(RulePoints, AreFewForEverAndCoverTheWholeTime) {
  rule_points points;
  for (int second = 0; second <= 100'000; ++second) {
    points.add(point(std::chrono::seconds(second), static_cast<std::size_t>(second)));
    ASSERT_LE(points.all().size(), rule_points::points_max);
    ASSERT_EQ(points.all().back().failed, static_cast<std::size_t>(second)) << "the last is always there";
  }
  EXPECT_GT(points.all().size(), rule_points::points_max / 3);
  EXPECT_EQ(points.all().front(), point(0s, 0));
  for (std::size_t i = 1; i < points.all().size(); ++i)
    ASSERT_LT(points.all()[i - 1].at, points.all()[i].at);
}

TEST(RulePoints, AreFewHoweverOftenTheVerdictChanges) {
  rule_points points;
  for (int i = 0; i < 5000; ++i)
    points.add(point(std::chrono::milliseconds(i), 1, i % 2 == 0 ? "ok" : "warning"));
  EXPECT_LE(points.all().size(), rule_points::points_max);
}

TEST(RulePoints, TakeAnInstantThatGoesBackInPlaceOfTheLast) {
  rule_points points;
  points.add(point(0s, 1));
  points.add(point(10s, 2));
  points.add(point(5s, 3));
  ASSERT_EQ(points.all().size(), 2U);
  EXPECT_EQ(points.all().back(), point(5s, 3));
}

rule_view rule(const char* hub, const char* name) {
  rule_view made;
  made.key = {
      .hub = hub, .rollout = "04t000000000001/1", .request = {}, .policy = "p", .rule = name, .segment = {}};
  made.verdict = "ok";
  made.evaluated = start;
  made.failed = 3;
  made.threshold_ratio = 0.05;
  return made;
}

TEST(RuleHistory, FollowsRulesAndForgetsThem) {
  rule_history history;
  view_update update;
  update.rules = {rule("a", "one"), rule("b", "one")};
  history.apply(update);
  ASSERT_EQ(history.rules().size(), 2U);
  const rule_point& kept = history.rules().at(rule("a", "one").key).all().front();
  EXPECT_EQ(kept.failed, 3U);
  EXPECT_EQ(kept.threshold_ratio, 0.05);
  EXPECT_EQ(kept.at, start);
  view_update others;
  others.forgotten_rules_of = {"a"};
  others.rules = {rule("a", "two")};
  history.apply(others);
  EXPECT_FALSE(history.rules().contains(rule("a", "one").key));
  EXPECT_TRUE(history.rules().contains(rule("a", "two").key)) << "what is forgotten goes first";
  view_update gone;
  gone.forgotten_hubs = {"a", "b"};
  history.apply(gone);
  EXPECT_TRUE(history.rules().empty());
}

}  // namespace
}  // namespace pushguard::agent
