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
  policy_specification every_kind{.name = "every-kind", .mode = policy_mode::enforce};
  const auto add = [&every_kind](std::string name, rule_test test) {
    every_kind.rules.push_back(
        {.name = std::move(name), .test = std::move(test), .action = rule_action::abort});
  };
  add("count", failure_count_rule{.above = 3});
  add("errors", errors_rule{.types = {domain::error_type::deploy_error}, .min_orgs = 2, .min_ratio = 0.2});
  add("same-error", same_error_rule{.min_orgs = 2, .share = 0.5});
  add("orgs", orgs_rule{.keys = {org_key(1), org_key(4), org_key(9)}});
  add("streak", consecutive_failures_rule{.at_least = 3});
  add("stalled", stalled_rule{.no_progress_for = 30min});
  add("running", job_running_rule{.longer_than = 30min, .min_orgs = 2});
  add("late", late_start_rule{.by = 30min});
  return {production, by_instance, package, every_kind};
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

/// What a rule says without what only the past explains: when hysteresis began, what is being confirmed.
std::string bare_reason(const judgement& made) {
  return made.reason.substr(0, made.reason.find(" until it has been better"));
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
    for (const auto& made : court.judge.current()) {
      if (made.key.policy == "every-kind" && made.key.rule != "count" && made.key.rule != "streak")
        continue;  // its numbers are of the orgs it names
      EXPECT_EQ(numbers_of(made), recount(court, made)) << "seed " << seed << ' ' << made.key.policy;
    }
  }
}

TEST(JudgeProperty, ASuccessorSaysTheSame) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    auto court = any_history(seed);
    // Late enough that nothing stands by hysteresis alone.
    for (const duration later : {duration(1h), duration(1h + recovery_after)})
      (void)court.evaluate(freshness::fresh, at(later));
    judge successor(make_policies(), court.judge.memory());
    successor.apply_all(court.hub);
    for (const duration later : {duration(1h), duration(1h + recovery_after)})
      (void)successor.evaluate(court.hub, at(later), freshness::fresh);
    std::map<judgement_key, judgement> found;
    for (const auto& made : successor.current())
      found[made.key] = made;
    for (const auto& made : court.judge.current()) {
      // A segment whose last org has moved on has no place in a new count.
      if (!found.contains(made.key)) {
        EXPECT_EQ(made.numbers.started + made.numbers.excluded, 0U);
        continue;
      }
      EXPECT_EQ(numbers_of(found.at(made.key)), numbers_of(made)) << "seed " << seed << ' ' << made.key.rule;
      // What was scheduled once never shrinks, and a new count knows only what is.
      if (made.key.rule != "budget" && made.key.segment.empty())
        EXPECT_EQ(bare_reason(found.at(made.key)), bare_reason(made)) << "seed " << seed;
    }
  }
}

/// What happens to one org: each step at its own instant, so that steps of different orgs may share theirs.
struct fate {
  unsigned org;
  std::vector<domain::job_row> rows;
};

TEST(JudgeProperty, TheOrderOfNewsWithEqualTimesDoesNotMatter) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&random](unsigned below) {
      return std::uniform_int_distribution<unsigned>(0, below - 1)(random);
    };
    std::vector<fate> fates;
    for (unsigned org = 1; org <= orgs; ++org) {
      const unsigned request = 1 + pick(requests);
      auto started = job_row(org, request, push_status::in_progress, std::chrono::minutes{pick(3)});
      auto ended = started;
      ended.status = pick(2) == 0 ? push_status::failed : push_status::succeeded;
      ended.end = *started.start + std::chrono::minutes{pick(3)};
      ended.modified = *ended.end + 1ms;
      fates.push_back({org, {started, ended}});
    }
    std::map<judgement_key, std::string> first;
    for (unsigned shuffle = 0; shuffle < 4; ++shuffle) {
      // Orgs in any order; what happened to one of them in its own.
      std::vector<std::pair<unsigned, std::size_t>> news;
      for (const auto& [org, rows] : fates) {
        for (std::size_t i = 0; i < rows.size(); ++i)
          news.emplace_back(org, i);
      }
      std::ranges::shuffle(news, random);
      std::map<unsigned, std::size_t> told;
      courtroom court(make_policies());
      for (unsigned n = 1; n <= requests; ++n)
        court.rows({request_row(n)});
      court.reconcile();
      for (const auto& [org, ignored] : news) {
        court.rows({fates[org - 1].rows[told[org]++]}, at(10min));
        if (pick(3) == 0)
          (void)court.evaluate(freshness::fresh, at(10min));
      }
      for (unsigned org = 1; org <= orgs; ++org)
        court.errors(
            org, org,
            org % 3 == 0 ? domain::error_type::ineligible_upgrade : domain::error_type::deploy_error);
      (void)court.evaluate(freshness::fresh, at(10min));
      (void)court.evaluate(freshness::fresh, at(10min + recovery_after));
      for (const auto& made : court.judge.current()) {
        if (made.key.segment.empty()) {
          EXPECT_EQ(first.try_emplace(made.key, bare_reason(made)).first->second, bare_reason(made))
              << "seed " << seed << ' ' << made.key.policy << '/' << made.key.rule;
        }
      }
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
