// Random histories: what a judge has counted event by event is what a recount finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "agent/policy/standing.hpp"
#include "tests/unit/agent/policy/courtroom.hpp"

namespace pushguard::policy {
namespace {

using namespace test;

constexpr unsigned runs = 60;
constexpr unsigned steps = 250;
constexpr unsigned orgs = 15;
constexpr unsigned requests = 3;

std::vector<policy_specification> make_policies() {
  auto production = rate_policy();
  production.match.org_types = {domain::org_type::production};
  auto by_instance = rate_policy();
  by_instance.name = "instances";
  by_instance.scope = counting_scope::request;
  std::get<failure_rate_rule>(by_instance.rules[0].test).by = segmentation::sf_instance;
  by_instance.rules.push_back({.name = "budget", .test = failure_budget_rule{.above = 0.3}});
  auto package = rate_policy();
  package.name = "package";
  package.scope = counting_scope::package;
  package.exclude_errors = {.types = {}, .titles = {}};
  return {production, by_instance, package};
}

/// One random row, event, subscriber or reading of errors. Job numbers are org + 100 * request.
void step(courtroom& court, std::mt19937& random, duration now) {
  const auto pick = [&random](unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random);
  };
  const unsigned org = 1 + pick(orgs);
  const unsigned request = 1 + pick(requests);
  const unsigned job = org + 100 * request;
  const auto status = domain::all_push_statuses[pick(6)];
  const auto type = pick(2) == 0 ? domain::error_type::ineligible_upgrade : domain::error_type::deploy_error;
  switch (pick(5)) {
    case 0:
    case 1:
      court.rows({job_row_of(org, job_row(job, request, status, now))}, at(now));
      return;
    case 2:
      court.event(job, status, at(now));
      return;
    case 3:
      court.errors(job, job, type);
      return;
    case 4:
      court.rows({subscriber_row(org, pick(2) == 0 ? "CS1" : "CS2",
                                 pick(2) == 0 ? domain::org_type::sandbox : domain::org_type::production)});
      return;
    default:
      return;
  }
}

courtroom any_history(unsigned seed) {
  std::mt19937 random(seed);
  courtroom court(make_policies());
  for (unsigned n = 1; n <= requests; ++n)
    court.rows({request_row(n)});
  court.reconcile();
  for (unsigned i = 0; i < steps; ++i) {
    step(court, random, std::chrono::seconds{i});
    if (i % 7 == 0)
      (void)court.evaluate();
  }
  (void)court.evaluate();
  return court;
}

using sums = std::tuple<org_count, org_count, org_count, org_count, org_count>;

sums numbers_of(const judgement& made) {
  return {made.numbers.failed, made.numbers.unsettled, made.numbers.started, made.numbers.excluded,
          made.numbers.in_flight};
}

sums recount(const courtroom& court, const judgement& made) {
  const auto& policy = *court.judge.find_policy(made.key.policy);
  counted_jobs counted{.scope = {policy.scope, 0}, .package = package_id(1)};
  if (policy.scope == counting_scope::request)
    counted.scope.index = static_cast<std::uint32_t>(court.hub.find(made.key.request).value());
  else if (policy.scope == counting_scope::rollout)
    counted.scope.index = static_cast<std::uint32_t>(court.hub.find(made.key.rollout).value());
  std::map<standing, org_count> found;
  org_count unsettled = 0;
  for (unsigned n = 1; n <= orgs; ++n) {
    const auto org = court.hub.find(org_key(n));
    if (!org)
      continue;
    const auto instance = court.hub.at(court.hub.at(*org).sf_instance);
    if (!made.key.segment.empty() && made.key.segment != (instance.empty() ? "unknown" : instance))
      continue;
    const auto stands = standing_of(court.hub, *org, counted, policy);
    ++found[stands.state];
    unsettled += stands.settled == settlement::unsettled ? 1U : 0U;
  }
  const auto failed = found[standing::failed];
  const auto in_flight = found[standing::in_flight];
  return {failed, unsettled, failed + in_flight + found[standing::succeeded], found[standing::excluded],
          in_flight};
}

TEST(JudgeProperty, TalliesEqualARecount) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    const auto court = any_history(seed);
    ASSERT_FALSE(court.judge.current().empty());
    for (const auto& made : court.judge.current())
      EXPECT_EQ(numbers_of(made), recount(court, made)) << "seed " << seed << ' ' << made.key.policy;
  }
}

TEST(JudgeProperty, ASuccessorCountsAlike) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    const auto court = any_history(seed);
    judge successor(make_policies(), court.judge.memory());
    successor.apply_all(court.hub);
    (void)successor.evaluate(court.hub, at(1h), freshness::fresh);
    std::map<judgement_key, sums> found;
    for (const auto& made : successor.current())
      found[made.key] = numbers_of(made);
    for (const auto& made : court.judge.current()) {
      // A segment whose last org has moved on has no place in a new count.
      if (!found.contains(made.key))
        EXPECT_EQ(made.numbers.started + made.numbers.excluded, 0U);
      else
        EXPECT_EQ(found.at(made.key), numbers_of(made)) << "seed " << seed;
    }
  }
}

TEST(JudgeProperty, NothingFiresTwice) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    std::mt19937 random(seed);
    courtroom court(make_policies());
    for (unsigned n = 1; n <= requests; ++n)
      court.rows({request_row(n)});
    court.reconcile();
    std::map<firing_key, int> fired;
    for (unsigned i = 0; i < steps; ++i) {
      step(court, random, std::chrono::seconds{i});
      for (const auto& made : court.evaluate(i % 11 == 0 ? freshness::blind : freshness::fresh).judgements) {
        if (made.follows == consequence::abort)
          EXPECT_EQ(++fired[made.firing()], 1);
      }
    }
  }
}

}  // namespace
}  // namespace pushguard::policy
