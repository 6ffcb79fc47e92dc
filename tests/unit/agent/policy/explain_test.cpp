#include "agent/policy/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/policy/failure_rate.hpp"
#include "agent/policy/opinion.hpp"

namespace pushguard::policy {
namespace {

using testing::HasSubstr;

policy_specification policy_of(rule_test test) {
  policy_specification made{.name = "production"};
  made.rules.push_back({.name = "rule", .test = std::move(test), .action = rule_action::abort});
  return made;
}

rule_explanation explained(rule_test test) {
  return explain(policy_of(std::move(test))).rules.at(0);
}

TEST(Explain, TellsTheSmallestFailuresOfARateAsTheTablesHaveThem) {
  for (const double above : {0.01, 0.05, 0.3}) {
    for (const org_count min_started : {1U, 20U, 200U}) {
      const failure_rate_rule rule{.above = above, .confidence = 0.99, .min_started = min_started};
      const failing_counts table(above, 1 - rule.confidence, prior_for(above));
      const auto made = explained(rule);
      ASSERT_EQ(made.points.size(), explained_counts.size());
      for (const auto& point : made.points) {
        const auto expected = point.started < min_started ? std::nullopt : table.failed_min(point.started);
        EXPECT_EQ(point.failed, expected) << above << " " << min_started << " " << point.started;
      }
    }
  }
}

TEST(Explain, ABudgetTripsOnePastWhatItAllows) {
  const auto relative = explained(failure_budget_rule{.above = 0.1, .of = {}, .min_failed = 3});
  EXPECT_THAT(relative.points,
              testing::ElementsAre(tripping_point{10, 3}, tripping_point{20, 3}, tripping_point{50, 6},
                                   tripping_point{100, 11}, tripping_point{500, 51},
                                   tripping_point{1'000, 101}, tripping_point{10'000, 1'001}));
  const auto fixed = explained(failure_budget_rule{.above = 0.1, .of = 2'000, .min_failed = 1});
  EXPECT_THAT(fixed.points,
              testing::ElementsAre(tripping_point{10, {}}, tripping_point{20, {}}, tripping_point{50, {}},
                                   tripping_point{100, {}}, tripping_point{500, 201},
                                   tripping_point{1'000, 201}, tripping_point{10'000, 201}));
  EXPECT_EQ(fixed.sentence, "is breached when more than 10% of 2000 orgs fail, which is more than 200 orgs");
}

// Whatever the rule, the point is the boundary: a breach there, and none with one failure less.
TEST(Explain, EveryPointIsABoundaryOfTheRule) {
  const std::vector<rule_test> tests{
      failure_rate_rule{},
      failure_rate_rule{.above = 0.5, .confidence = 0.6, .min_started = 3},
      failure_rate_rule{.by = segmentation::sf_instance},
      failure_budget_rule{},
      failure_budget_rule{.above = 0.01, .of = 777, .min_failed = 5},
      failure_count_rule{.above = 7},
      errors_rule{.types = {domain::error_type::deploy_error}, .min_orgs = 3, .min_ratio = 0.02},
      same_error_rule{.min_orgs = 10, .share = 0.5, .min_ratio = 0.02},
      orgs_rule{.max_failed = 2}};
  for (const auto& test : tests) {
    const rule_specification rule{.name = "rule", .test = test};
    const bool is_budget = std::holds_alternative<failure_budget_rule>(test);
    for (const auto& point : explained(test).points) {
      const org_count all = is_budget ? point.started : 1'000'000;
      const auto judged = [&](org_count failed) {
        const org_counts counts{
            .failed = failed, .succeeded = point.started - failed, .present = all, .scheduled = all};
        return rule_judge(rule).judge({.counts = counts, .named = failed, .possible = failed}).value ==
               verdict::breached;
      };
      if (!point.failed) {
        EXPECT_FALSE(judged(point.started));
        continue;
      }
      EXPECT_TRUE(judged(*point.failed));
      EXPECT_FALSE(judged(*point.failed - 1));
    }
  }
}

TEST(Explain, SaysWhatARateMeans) {
  const auto made = explained(
      failure_rate_rule{.above = 0.05, .confidence = 0.99, .min_started = 20, .warn_at = 0.025, .by = {}});
  EXPECT_EQ(made.sentence,
            "is breached when more than 5% of the started orgs fail, with 99% confidence, once 20 orgs have "
            "started; warns above 2.5% with the same confidence");
}

TEST(Explain, SaysWhatEachOtherKindMeans) {
  struct kind {
    rule_test test;
    const char* sentence;
    bool has_points;
  };
  const std::vector<kind> kinds{
      {failure_count_rule{.above = 40}, "is breached when more than 40 orgs fail", true},
      {errors_rule{.types = {domain::error_type::apex_test_failure, domain::error_type::unknown},
                   .min_orgs = 3,
                   .min_ratio = 0.02},
       "is breached when at least 3 orgs fail with ApexTestFailure or Unknown, and they are at least 2% of "
       "the started",
       true},
      {same_error_rule{.min_orgs = 10, .share = 0.5},
       "is breached when at least 10 orgs fail with the same error, and they are at least 50% of the failed",
       true},
      {orgs_rule{.keys = std::vector<domain::org_key>(25)},
       "is breached when more than 0 orgs of the 25 listed fail", true},
      {consecutive_failures_rule{.at_least = 5},
       "is breached when 5 orgs in a row fail, in the order of their ends", false},
      {stalled_rule{}, "is breached when no job has started or ended for 30m while one is in progress",
       false},
      {job_running_rule{.min_orgs = 5}, "is breached when the jobs of at least 5 orgs run for longer than 2h",
       false},
      {late_start_rule{}, "is breached when a request has not started 4h after its scheduled start", false}};
  for (const auto& [test, sentence, has_points] : kinds) {
    EXPECT_EQ(explained(test).sentence, sentence);
    EXPECT_EQ(!explained(test).points.empty(), has_points) << sentence;
  }
  const auto count = explained(failure_count_rule{.above = 40});
  EXPECT_EQ(count.points[2], (tripping_point{.started = 50, .failed = 41}));
  EXPECT_EQ(count.points[1], (tripping_point{.started = 20})) << "never";
}

TEST(Explain, SaysHowGroupsShareTheConfidence) {
  const auto made = explained(failure_rate_rule{.by = segmentation::sf_instance});
  EXPECT_THAT(made.sentence, HasSubstr("each Salesforce instance is tested by itself, the first that appears "
                                       "with 99.39% confidence, the second with 99.85%"));
  // Less may be spent on a group than on all orgs, so a group needs more failures.
  const auto whole = explained(failure_rate_rule{});
  EXPECT_GT(made.points.back().failed, whole.points.back().failed);
}

TEST(Explain, SaysWhatThePolicyCountsAndDoes) {
  policy_specification policy = policy_of(failure_rate_rule{});
  EXPECT_EQ(explain(policy).sentence,
            "counts all orgs of every package over the whole rollout; orgs that fail only with "
            "IneligibleUpgrade, 'Package Uninstalled', 'Salesforce Subscription Expired' do not count, and "
            "more than 5% of them are told; an abort is only told (dry run) and would cancel every request "
            "of the rollout that has not started");
  policy.match.org_types = {domain::org_type::production};
  policy.scope = counting_scope::request;
  policy.contain = containment::matching;
  policy.mode = policy_mode::enforce;
  policy.in_progress = in_progress_handling::try_cancel;
  policy.exclude_errors = {.types = {}, .titles = {}};
  EXPECT_EQ(
      explain(policy).sentence,
      "counts Production orgs of every package each push request by itself; every failure counts; an "
      "abort cancels those requests of the rollout that hold such an org and have not started, and tries "
      "those that run");
}

}  // namespace
}  // namespace pushguard::policy
