#include "agent/commands/policy_text.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/agent/history/sample_push.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using history::test::at;
using history::test::make_id;

std::set<std::string> keys_of(const json::value& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.as_object())
    keys.emplace(key);
  return keys;
}

policy::policy_specification production() {
  policy::policy_specification made{.name = "production"};
  made.rules = {{.name = "failure-rate",
                 .test = policy::failure_rate_rule{.above = 0.05},
                 .action = policy::rule_action::abort},
                {.name = "count", .test = policy::failure_count_rule{.above = 40}},
                {.name = "stalled", .test = policy::stalled_rule{.no_progress_for = 30min}}};
  return made;
}

backtest_report report_with_an_abort() {
  backtest_rule rule{.policy = "production",
                     .rule = "failure-rate",
                     .action = policy::rule_action::abort,
                     .limit = 0.05,
                     .final_rate = 0.2,
                     .assessment = abort_assessment::right};
  rule.fired = backtest_moment{.at = at(90s),
                               .elapsed = 90s,
                               .numbers = {.failed = 7, .started = 20, .observed = 0.35, .lower_bound = 0.06},
                               .reason = "failed 7 of 20"};
  rule.abort = backtest_abort{.requests = {{.id = make_id<domain::request_id>("0DV", 2),
                                            .status_at_decision = domain::push_status::pending,
                                            .step = policy::plan_step::cancel}},
                              .cancelable = 1,
                              .spared = 80,
                              .failed_before = 7,
                              .failed_after = 2,
                              .failed_without = 30};
  backtest_report report;
  report.rollouts.push_back({.id = {make_id<domain::version_id>("04t", 2), 1},
                             .hub = "devhub",
                             .requests = {make_id<domain::request_id>("0DV", 1)},
                             .began = at(0s),
                             .orgs = 100,
                             .rules = {rule, {.policy = "production", .rule = "count"}},
                             .aborted_by = 0});
  report.totals = {.rollouts = 1, .aborts = 1, .mistaken_aborts = 0, .spared = 80};
  return report;
}

TEST(ExplainJson, HasEachRuleWithTheFewestFailuresThatTripIt) {
  const std::vector explained{policy::explain(production())};
  const auto told = to_json(explained);
  EXPECT_EQ(keys_of(told), std::set<std::string>{"policies"});
  const auto& policy = told.at("policies").at(0);
  EXPECT_EQ(keys_of(policy), (std::set<std::string>{"name", "sentence", "rules"}));
  EXPECT_EQ(policy.at("name").as_string(), "production");
  ASSERT_EQ(policy.at("rules").as_array().size(), 3U);
  const auto& rate = policy.at("rules").at(0);
  EXPECT_EQ(keys_of(rate),
            (std::set<std::string>{"name", "action", "severity", "sentence", "smallest_failures"}));
  EXPECT_EQ(rate.at("action").as_string(), "abort");
  const auto& points = rate.at("smallest_failures").as_array();
  ASSERT_EQ(points.size(), policy::explained_counts.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(keys_of(points[i]), (std::set<std::string>{"started", "failed"}));
    EXPECT_EQ(points[i].at("started").to_number<unsigned>(), policy::explained_counts[i]);
  }
  const auto& count = policy.at("rules").at(1).at("smallest_failures").as_array();
  EXPECT_TRUE(count.at(1).at("failed").is_null()) << "20 orgs cannot fail 41 times";
  EXPECT_EQ(count.at(3).at("failed").to_number<unsigned>(), 41U);
  EXPECT_TRUE(policy.at("rules").at(2).at("smallest_failures").as_array().empty());
}

TEST(BacktestJson, TellsWhenEachRuleFiredAndWhatItWouldHaveCome) {
  const auto told = to_json(report_with_an_abort());
  EXPECT_EQ(keys_of(told), (std::set<std::string>{"rollouts", "totals"}));
  EXPECT_EQ(told.at("totals").at("aborts").to_number<unsigned>(), 1U);
  EXPECT_EQ(told.at("totals").at("false_aborts").to_number<unsigned>(), 0U);
  EXPECT_EQ(told.at("totals").at("spared_orgs").to_number<unsigned>(), 80U);
  const auto& rollout = told.at("rollouts").at(0);
  EXPECT_EQ(rollout.at("id").as_string(), "04t000000000002/1");
  EXPECT_EQ(rollout.at("orgs").to_number<unsigned>(), 100U);
  EXPECT_EQ(rollout.at("aborted_by").at("rule").as_string(), "failure-rate");
  const auto& rule = rollout.at("rules").at(0);
  EXPECT_TRUE(rule.at("warned").is_null());
  EXPECT_EQ(rule.at("assessment").as_string(), "right");
  const auto& fired = rule.at("fired");
  EXPECT_EQ(fired.at("at").as_string(), "2025-03-01T10:01:30.000Z");
  EXPECT_EQ(fired.at("elapsed_seconds").to_number<double>(), 90.0);
  EXPECT_EQ(fired.at("failed").to_number<unsigned>(), 7U);
  EXPECT_EQ(fired.at("observed").to_number<double>(), 0.35);
  EXPECT_TRUE(fired.at("threshold").is_null());
  EXPECT_TRUE(fired.at("segment").is_null());
  EXPECT_EQ(fired.at("reason").as_string(), "failed 7 of 20");
  const auto& abort = rule.at("abort");
  EXPECT_EQ(abort.at("failed_with_abort").to_number<unsigned>(), 9U);
  EXPECT_EQ(abort.at("failed_without_abort").to_number<unsigned>(), 30U);
  EXPECT_EQ(abort.at("requests").at(0).at("request_id").as_string(), "0DV000000000002");
  EXPECT_EQ(abort.at("requests").at(0).at("status_at_decision").as_string(), "pending");
  EXPECT_EQ(abort.at("requests").at(0).at("step").as_string(), "cancel");
  const auto& silent = rollout.at("rules").at(1);
  EXPECT_EQ(keys_of(silent), keys_of(rule)) << "every rule has the same keys";
  EXPECT_TRUE(silent.at("fired").is_null());
  EXPECT_TRUE(silent.at("abort").is_null());
  EXPECT_TRUE(silent.at("limit").is_null());
}

}  // namespace
}  // namespace pushguard::agent
