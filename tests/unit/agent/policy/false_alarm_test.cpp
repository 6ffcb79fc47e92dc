// How often failure_rate stops healthy rollouts, and how soon bad ones: the promise that it makes, measured.
#include <gtest/gtest.h>

#include "agent/policy/opinion.hpp"
#include "tests/support/policy_simulation.hpp"

namespace pushguard::policy {
namespace {

using test::orgs_started_at_stop;
using test::simulated_push;

constexpr int rollouts = 4'000;
constexpr double alpha = 0.01;

/// The rule as the judge asks it: in-flight orgs are started orgs that have not failed.
class stopping_rule {
 public:
  explicit stopping_rule(double above) : rule_{.name = "rate", .test = failure_rate_rule{.above = above}} {}

  bool operator()(const test::push_progress& seen) {
    const org_counts counts{.failed = seen.failed,
                            .succeeded = seen.finished - seen.failed,
                            .in_flight = seen.started - seen.finished,
                            .present = 1'000,
                            .scheduled = 1'000};
    // The judge's reason and bound cost far more than its decision, and only the decision counts here.
    const auto& rate = std::get<failure_rate_rule>(rule_.test);
    return counts.started() >= rate.min_started && counts_.is_breach(counts.failed, counts.started());
  }

 private:
  rule_specification rule_;
  failing_counts counts_{std::get<failure_rate_rule>(rule_.test).above, alpha,
                         prior_for(std::get<failure_rate_rule>(rule_.test).above)};
};

struct crowd {
  double limit;
  org_count in_flight;
  double failures_faster;
};

class FalseAlarms : public testing::TestWithParam<crowd> {};

TEST_P(FalseAlarms, AreAtMostAsManyAsPromisedAtTheLimitItself) {
  const auto [limit, in_flight, failures_faster] = GetParam();
  const simulated_push push{
      .failure_rate = limit, .in_flight = in_flight, .failures_faster = failures_faster};
  stopping_rule stops(limit);
  std::mt19937_64 random(20251128);
  int false_alarms = 0;
  for (int i = 0; i < rollouts; ++i)
    false_alarms += orgs_started_at_stop(push, std::ref(stops), random) ? 1 : 0;
  EXPECT_LE(false_alarms, alpha * rollouts);
}

TEST_P(FalseAlarms, AreNotAvoidedByNeverStopping) {
  const auto [limit, in_flight, failures_faster] = GetParam();
  const simulated_push push{
      .failure_rate = 4 * limit, .in_flight = in_flight, .failures_faster = failures_faster};
  stopping_rule stops(limit);
  std::mt19937_64 random(20251129);
  int detected = 0;
  for (int i = 0; i < rollouts / 10; ++i)
    detected += orgs_started_at_stop(push, std::ref(stops), random) ? 1 : 0;
  EXPECT_EQ(detected, rollouts / 10);
}

INSTANTIATE_TEST_SUITE_P(Limits, FalseAlarms,
                         testing::Values(crowd{0.02, 200, 10.0}, crowd{0.05, 200, 10.0},
                                         crowd{0.10, 200, 10.0}, crowd{0.05, 0, 1.0}));

TEST(FalseAlarmsOfTheDecision, AreThoseOfTheTable) {
  // What stopping_rule leaves out for speed changes nothing.
  const rule_specification rule{.name = "rate", .test = failure_rate_rule{}};
  rule_judge judge(rule);
  stopping_rule stops(0.05);
  for (org_count started = 1; started <= 200; ++started) {
    for (org_count failed = 0; failed <= started; ++failed) {
      const org_counts counts{
          .failed = failed, .in_flight = started - failed, .present = 1'000, .scheduled = 1'000};
      const bool is_breach = judge.judge({.counts = counts}).value == verdict::breached;
      ASSERT_EQ(stops({.failed = failed, .started = started, .finished = failed}), is_breach)
          << failed << " of " << started;
    }
  }
}

}  // namespace
}  // namespace pushguard::policy
