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

/// Three waves, all of them scheduled before the first one starts, so that both see the same requests.
simulator::scenario three_waves(std::uint64_t seed) {
  auto plan =
      simulator::make_demo_scenario({.orgs = 600, .failure_rate = 0.25, .seed = seed, .time_scale = 1});
  plan.waves.clear();
  plan.waves.push_back({.created = 0s, .start = 10min, .orgs = 150});
  plan.waves.push_back({.created = 0s, .start = 25min, .orgs = 200});
  plan.waves.push_back({.created = 0s, .start = 40min, .orgs = 250});
  return plan;
}

constexpr std::string_view count_policy = R"(
  - name: production
    mode: enforce
    rules:
      - name: failure-count
        failure_count: { above: 9 }
        action: abort
)";

constexpr std::string_view rate_policy = R"(
  - name: production
    mode: enforce
    rules:
      - name: failure-rate
        failure_rate: { above: 5%, confidence: 99%, min_started: 20 }
        action: abort
)";

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

std::vector<policy::policy_specification> policies_of(std::string_view yaml) {
  const auto document =
      configuration::policy_document::parse(std::string("policies:").append(yaml), "policies.yaml");
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

struct trial {
  std::string_view policy;
  bool uses_stream = true;
  std::uint64_t seed = 1;
};

class Backtest : public testing::TestWithParam<trial> {};

// Equal must be: that it aborts, the policy and the rule, which orgs are spared, and, where the agent hears
// of every failure as it happens, how many had failed. What may differ: the agent acts when it has heard and
// confirmed what the history knows, so it is never earlier, and later by no more than it takes to ask;
// without the stream it sees all that happened between two reads at once, so that more may have failed.
// Started orgs differ by those that a backtest judges together.
TEST_P(Backtest, OfWhatWasRecordedComesToWhatTheAgentDid) {
  simulated_agent world(three_waves(GetParam().seed));
  world.use_policies(std::string(GetParam().policy));
  world.use_stream(GetParam().uses_stream);
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(5min);
  ASSERT_THAT(world.decisions(), SizeIs(1));
  const auto decision = world.decisions().front();

  const auto pushes = export_waves(world);
  ASSERT_THAT(pushes, SizeIs(3));
  const auto report = agent::backtest(pushes, policies_of(GetParam().policy));
  ASSERT_THAT(report.rollouts, SizeIs(1));
  const auto& rollout = report.rollouts[0];
  ASSERT_TRUE(rollout.aborted_by);
  const auto& rule = rollout.rules.at(*rollout.aborted_by);
  EXPECT_EQ(rule.policy, decision.policy);
  EXPECT_EQ(rule.rule, decision.rule);
  ASSERT_TRUE(rule.fired && rule.abort);

  const auto lag = decision.decided_at - rule.fired->at;
  EXPECT_GE(lag, -1s) << "the recorded times are whole seconds";
  EXPECT_LE(lag, GetParam().uses_stream ? 5s : 35s);
  if (GetParam().uses_stream)
    EXPECT_EQ(rule.fired->numbers.failed, decision.failed);
  else
    EXPECT_LE(rule.fired->numbers.failed, decision.failed);

  const auto truth = world.truth();
  const auto spared = spared_orgs(*rule.abort, pushes);
  EXPECT_EQ(spared, std::set<std::string>(truth.spared_orgs.begin(), truth.spared_orgs.end()));
  EXPECT_EQ(rule.abort->spared, spared.size());
  EXPECT_EQ(rule.abort->spared, decision.spared_orgs);
  EXPECT_GT(spared.size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, Backtest,
                         testing::Values(trial{count_policy}, trial{count_policy, false},
                                         trial{count_policy, true, 2}, trial{rate_policy},
                                         trial{rate_policy, false}, trial{rate_policy, true, 2}));

}  // namespace
}  // namespace pushguard
