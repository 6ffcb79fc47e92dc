#include "agent/backtest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "agent/configuration/policy_document.hpp"
#include "agent/history/reader.hpp"
#include "agent/history/writer.hpp"
#include "tests/support/simulated_agent.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::simulated_agent;
using testing::SizeIs;

constexpr std::string_view policies = R"(
  - name: production
    mode: enforce
    rules:
      - name: failure-rate
        failure_rate: { above: 5%, confidence: 99%, min_started: 20 }
        action: abort
      - name: failure-count
        failure_count: { above: 9 }
        action: abort
      - name: deploy-errors
        errors: { types: [DeployError], min_orgs: 5 }
        action: abort
)";

/// What happens, how the agent hears of it, and which rule is to act first: none where nothing does.
struct trial {
  std::string_view name;
  double failure_rate = 0;
  bool uses_stream = true;
  std::uint64_t seed = 1;
  std::string_view first_rule;
};

/// Three waves, all of them scheduled before the first one starts, so that both see the same requests.
simulator::scenario three_waves(const trial& given) {
  auto plan = simulator::make_demo_scenario(
      {.orgs = 600, .failure_rate = given.failure_rate, .seed = given.seed, .time_scale = 1});
  plan.waves.clear();
  plan.waves.push_back({.created = 0s, .start = 10min, .orgs = 150});
  plan.waves.push_back({.created = 0s, .start = 25min, .orgs = 200});
  plan.waves.push_back({.created = 0s, .start = 40min, .orgs = 250});
  return plan;
}

std::string write(const history::past_push& push) {
  std::string file = history::write_header(push.header);
  for (const auto& job : push.jobs)
    file += history::write_job(job);
  return file;
}

/// The waves as files, read again.
std::vector<history::past_push> export_waves(simulated_agent& world) {
  std::vector<history::past_push> pushes;
  for (const auto& request : world.truth().requests)
    pushes.push_back(history::read_past_push(write(world.read_past_push(request.id)), "wave.ndjson").value());
  return pushes;
}

std::vector<policy::policy_specification> specified_policies() {
  const auto document =
      configuration::policy_document::parse(std::string("policies:").append(policies), "policies.yaml");
  return document.value().read().value().policies;
}

/// Orgs that have a job in a request that the abort would have cancelled and in no other.
std::set<std::string> spared_orgs(const agent::backtest_abort& abort,
                                  std::span<const history::past_push> pushes) {
  const auto is_cancelled = [&](const domain::request_id& id) {
    const auto found = std::ranges::find(abort.requests, id, &policy::planned_request::id);
    return found != abort.requests.end() && found->step == policy::plan_step::cancel;
  };
  std::set<std::string> spared;
  std::set<std::string> reached;
  for (const auto& push : pushes) {
    for (const auto& job : push.jobs)
      (is_cancelled(push.header.request.id) ? spared : reached).emplace(job.row.org.key());
  }
  std::erase_if(spared, [&](const std::string& org) { return reached.contains(org); });
  return spared;
}

class Backtest : public testing::TestWithParam<trial> {};

// Equal must be: which rules act, which of them first, and the orgs that this one spares, each by its key;
// and, where the agent hears of every failure as it happens, how many had failed when a rule acted. What may
// differ: when. The agent acts once it has heard and confirmed what a history knows, so it is never earlier,
// and later by no more than it takes to ask; without the stream it sees what happened between two reads at
// once, so more may have failed by then. Started orgs are not compared: a backtest judges those that start
// with the next failure.
TEST_P(Backtest, OfWhatWasRecordedComesToWhatTheAgentDid) {
  const auto& given = GetParam();
  simulated_agent world(three_waves(given));
  world.use_policies(std::string(policies));
  world.use_stream(given.uses_stream);
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(5min);
  auto decisions = world.decisions();
  std::ranges::sort(decisions, {}, &agent::decision_view::id);

  const auto pushes = export_waves(world);
  ASSERT_THAT(pushes, SizeIs(3));
  const auto report = agent::backtest(pushes, specified_policies());
  ASSERT_THAT(report.rollouts, SizeIs(1));
  const auto& rollout = report.rollouts[0];

  std::set<std::string> acted;
  for (const auto& decision : decisions)
    acted.insert(decision.rule);
  std::set<std::string> fired;
  for (const auto& rule : rollout.rules) {
    if (rule.fired)
      fired.insert(rule.rule);
  }
  ASSERT_EQ(fired, acted);
  EXPECT_THAT(decisions, SizeIs(acted.size())) << "each rule acts once";
  ASSERT_EQ(rollout.aborted_by.has_value(), !given.first_rule.empty());
  if (given.first_rule.empty())
    return;

  for (const auto& decision : decisions) {
    const auto& rule = *std::ranges::find(rollout.rules, decision.rule, &agent::backtest_rule::rule);
    const auto lag = decision.decided_at - rule.fired->at;
    EXPECT_GE(lag, -1s) << decision.rule << ": the recorded times are whole seconds";
    EXPECT_LE(lag, given.uses_stream ? 5s : 35s) << decision.rule;
    if (given.uses_stream)
      EXPECT_EQ(rule.fired->numbers.failed, decision.failed) << decision.rule;
    else
      EXPECT_LE(rule.fired->numbers.failed, decision.failed) << decision.rule;
  }

  const auto& first = rollout.rules.at(*rollout.aborted_by);
  EXPECT_EQ(first.rule, given.first_rule);
  EXPECT_EQ(decisions.front().rule, given.first_rule);
  ASSERT_TRUE(first.abort);
  const auto truth = world.truth();
  const auto spared = spared_orgs(*first.abort, pushes);
  EXPECT_EQ(spared, std::set<std::string>(truth.spared_orgs.begin(), truth.spared_orgs.end()));
  EXPECT_EQ(first.abort->spared, spared.size());
  EXPECT_EQ(decisions.front().spared_orgs, spared.size());
  EXPECT_GT(spared.size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    OfARollout, Backtest,
    testing::Values(
        trial{.name = "OfWhichManyFail", .failure_rate = 0.25, .first_rule = "failure-rate"},
        trial{.name = "OfWhichManyFailUnheard",
              .failure_rate = 0.25,
              .uses_stream = false,
              .first_rule = "failure-rate"},
        trial{.name = "OfWhichManyFailAlike", .failure_rate = 0.25, .seed = 2, .first_rule = "deploy-errors"},
        trial{.name = "OfWhichSomeFail", .failure_rate = 0.04, .first_rule = "failure-count"},
        trial{.name = "OfWhichSomeFailUnheard",
              .failure_rate = 0.04,
              .uses_stream = false,
              .first_rule = "failure-count"},
        trial{.name = "OfWhichHardlyAnyFail", .failure_rate = 0.002, .first_rule = ""}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace pushguard
