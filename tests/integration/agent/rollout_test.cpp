#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <map>
#include <set>
#include <sstream>

#include "simulator/expectation.hpp"
#include "tests/support/simulated_agent.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using simulator::push_state;
using test::make_lifelike_rollout;
using test::simulated_agent;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

simulator::agent_conclusion conclusion_of(const simulated_agent& world) {
  simulator::agent_conclusion concluded;
  for (const agent::decision_view& decision : world.decisions()) {
    if (decision.mode != "enforce")
      continue;
    concluded.aborted = true;
    concluded.outcome = decision.outcome;
    concluded.spared_orgs = decision.spared_orgs;
  }
  return concluded;
}

std::map<std::string, std::string> outcomes_by_status(const agent::decision_view& decision) {
  std::map<std::string, std::string> out;
  for (const agent::plan_entry_view& entry : decision.plan)
    out[entry.status_at_decision] = entry.outcome;
  return out;
}

TEST(BadRollout, IsContainedAndAccountedFor) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());

  ASSERT_EQ(world.decisions().size(), 1U);
  const agent::decision_view decision = world.decisions().front();
  EXPECT_EQ(decision.outcome, "confirmed");
  EXPECT_EQ(outcomes_by_status(decision)["pending"], "canceled");
  EXPECT_EQ(outcomes_by_status(decision)["in_progress"], "refused");
  EXPECT_THAT(decision.reason, HasSubstr("> limit 5.0% (99% confidence)"));
  EXPECT_FALSE(decision.signatures.empty());
  EXPECT_EQ(decision.version, "1.2.3");

  const simulator::hub_truth truth = world.truth();
  EXPECT_EQ(decision.spared_orgs, truth.spared_orgs.size());
  const auto* spared = world.model().spared("devhub", decision.rollout);
  ASSERT_NE(spared, nullptr);
  std::set<std::string> named;
  for (const domain::org_key& org : *spared)
    named.emplace(org.key());
  EXPECT_EQ(named, std::set<std::string>(truth.spared_orgs.begin(), truth.spared_orgs.end()));
  EXPECT_THAT(
      simulator::compare_with_expectation(make_lifelike_rollout(0.25).expect, truth, conclusion_of(world)),
      IsEmpty());
}

TEST(BadRollout, TellsAlertmanagerOfTheDecisionAndOfItsEnd) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(5s);
  EXPECT_THAT(world.alerts(), Contains(AllOf(Field(&test::told_alert::name, "PushguardContainment"),
                                             Field(&test::told_alert::severity, "critical"),
                                             Field(&test::told_alert::outcome, "confirmed"),
                                             Field(&test::told_alert::summary, HasSubstr("orgs spared")))));
  EXPECT_THAT(world.alerts(), Not(Contains(Field(&test::told_alert::is_resolved, true))))
      << "an abort does not pass by itself";
}

TEST(BadRollout, IsContainedWithoutAnyStream) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.use_stream(false);
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_EQ(conclusion_of(world).outcome, "confirmed");
  EXPECT_EQ(world.truth().handshakes, 0U);
}

TEST(BadRollout, IsContainedEarlierWithTheStreamThanWithPollingAlone) {
  std::map<bool, std::size_t> spared;
  for (const bool uses_stream : {true, false}) {
    simulated_agent world(make_lifelike_rollout(0.25));
    world.use_stream(uses_stream);
    world.start();
    ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
    spared[uses_stream] = world.decisions().front().started;
  }
  EXPECT_LE(spared[true], spared[false]);
}

TEST(BadRollout, IsContainedInBothSpellingsOfInProgressAndWithoutModstampFilters) {
  for (const auto spelling :
       {simulator::in_progress_spelling::joined, simulator::in_progress_spelling::spaced}) {
    simulator::scenario plan = make_lifelike_rollout(0.25);
    plan.api.spelling = spelling;
    plan.api.system_modstamp = simulator::modstamp_filter::refused;
    simulated_agent world(plan);
    world.start();
    ASSERT_TRUE(world.run_to_the_end());
    EXPECT_EQ(conclusion_of(world).outcome, "confirmed");
    EXPECT_THAT(world.log().lines_of("rows_malformed"), IsEmpty());
  }
}

TEST(BadRollout, OfAFirstGenerationPackageNamesTheSetupPage) {
  simulator::scenario plan = make_lifelike_rollout(0.25);
  plan.package.generation = simulator::package_generation::first;
  simulated_agent world(plan);
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_EQ(conclusion_of(world).outcome, "confirmed");
}

TEST(BadRollout, ThatWasBadBeforeItWasFirstSeenOnlyAlerts) {
  simulated_agent world(make_lifelike_rollout(0.6));
  world.run_for(6min);  // the first wave is failing by now
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(5s);
  EXPECT_THAT(world.decisions(), IsEmpty());
  EXPECT_THAT(world.truth().cancel_attempts, IsEmpty());
  EXPECT_THAT(world.alerts(), Contains(Field(&test::told_alert::name, "PushguardBreachedBeforeArming")));
}

TEST(BadRollout, InDryRunIsRecordedAndLeftAlone) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.use_policies(R"(
  - name: careful
    rules:
      - name: failure-rate
        failure_rate: { above: 5% }
        action: abort
)");
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(5s);
  ASSERT_EQ(world.decisions().size(), 1U);
  EXPECT_EQ(world.decisions().front().mode, "dry_run");
  EXPECT_THAT(world.truth().cancel_attempts, IsEmpty());
  EXPECT_THAT(world.alerts(),
              Contains(AllOf(Field(&test::told_alert::severity, "warning"),
                             Field(&test::told_alert::summary, StartsWith("[dry run] would have aborted")))));
}

TEST(BadRollout, TripsTheBudgetRuleWithoutStatistics) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.use_policies(R"(
  - name: hard
    mode: enforce
    rules:
      - name: budget
        failure_budget: { above: 2%, min_failed: 3 }
        action: abort
)");
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  ASSERT_EQ(world.decisions().size(), 1U);
  EXPECT_EQ(world.decisions().front().rule, "budget");
  EXPECT_EQ(world.decisions().front().failed, 13U)
      << "2% of 600 orgs may fail, the thirteenth is one too many";
  EXPECT_EQ(world.decisions().front().outcome, "confirmed");
}

TEST(HealthyRollout, GoesThroughWithoutAnAbort) {
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL}) {
    simulated_agent world(make_lifelike_rollout(0.02, seed));
    world.start();
    ASSERT_TRUE(world.run_to_the_end());
    EXPECT_THAT(world.decisions(), IsEmpty());
    EXPECT_THAT(world.truth().cancel_attempts, IsEmpty());
    EXPECT_THAT(world.alerts(), Not(Contains(Field(&test::told_alert::name, "PushguardContainment"))));
  }
}

/// Whatever instant the agent is ended at, a new one on its state brings the world to the same end.
TEST(Restart, AtAnyMomentOfAContainmentEndsTheSame) {
  std::size_t requests_in_all = 0;
  std::size_t requests_at_decision = 0;
  {
    simulated_agent world(make_lifelike_rollout(0.25));
    world.start();
    ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
    requests_at_decision = world.hub_requests();
    ASSERT_TRUE(world.run_until([&] { return !world.decisions().front().outcome.empty(); }));
    requests_in_all = world.hub_requests();
  }
  ASSERT_GT(requests_in_all, requests_at_decision);
  for (std::size_t last = requests_at_decision - 2; last <= requests_in_all; ++last) {
    simulated_agent world(make_lifelike_rollout(0.25));
    world.start();
    ASSERT_TRUE(world.run_until([&] { return world.hub_requests() >= last; }));
    world.stop();
    world.start();
    ASSERT_TRUE(world.run_to_the_end()) << "ended after request " << last;
    ASSERT_EQ(world.decisions().size(), 1U) << "ended after request " << last;
    const agent::decision_view decision = world.decisions().front();
    EXPECT_EQ(decision.outcome, "confirmed") << "ended after request " << last;
    EXPECT_EQ(decision.spared_orgs, world.truth().spared_orgs.size()) << "ended after request " << last;
    EXPECT_EQ(outcomes_by_status(decision)["pending"], "canceled");
  }
}

TEST(Restart, KeepsARuleArmedForARolloutThatWasWatchedBefore) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_until_armed());
  ASSERT_THAT(world.decisions(), IsEmpty());
  world.stop();
  world.run_for(6min);  // it goes bad while nobody looks
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_EQ(conclusion_of(world).outcome, "confirmed");
}

TEST(Restart, IsInOrderAtAnyMomentOfTheStart) {
  for (std::size_t handlers = 0; handlers < 20; ++handlers) {
    SCOPED_TRACE(handlers);
    simulated_agent world(make_lifelike_rollout(0));
    world.start();
    std::size_t left = handlers;
    world.run_until([&] { return left-- == 0; });
    world.stop();
    EXPECT_TRUE(world.log().lines_of("core_failed").empty());
    world.start();
    ASSERT_TRUE(world.run_until([&] { return !world.model().rollouts().empty(); }, 10min));
  }
}

TEST(Restart, SaysGoodbyeToTheStream) {
  simulated_agent world(make_lifelike_rollout(0.02));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return world.truth().open_sessions == 1; }));
  world.run_for(10s);
  const steady_time asked = world.time().steady_now();
  world.stop();
  EXPECT_LE(world.time().steady_now() - asked, 5s);
  EXPECT_EQ(world.truth().open_sessions, 0U);
  EXPECT_EQ(world.truth().disconnects, 1U);
}

TEST(Outage, BlindsAlertsAndAbortsNothing) {
  simulated_agent world(make_lifelike_rollout(0.02));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return world.truth().open_sessions == 1; }));
  world.set_outage(true);
  world.run_for(30min);
  const auto& hub = world.model().hubs().at("devhub");
  EXPECT_FALSE(hub.is_up);
  EXPECT_TRUE(hub.is_blind);
  EXPECT_THAT(world.alerts(), Contains(AllOf(Field(&test::told_alert::name, "PushguardHubBlind"),
                                             Field(&test::told_alert::is_resolved, false))));
  for (const auto& [key, rule] : world.model().rules())
    EXPECT_EQ(rule.verdict, "blind");
  EXPECT_THAT(world.log().lines_of("hub_unreadable"), testing::SizeIs(testing::Le(4)))
      << "said once, not at every try";

  world.set_outage(false);
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(10s);
  EXPECT_TRUE(world.model().hubs().at("devhub").is_up);
  EXPECT_FALSE(world.model().hubs().at("devhub").is_blind);
  EXPECT_THAT(world.alerts(), Contains(AllOf(Field(&test::told_alert::name, "PushguardHubBlind"),
                                             Field(&test::told_alert::is_resolved, true))));
  EXPECT_THAT(world.decisions(), IsEmpty());
}

TEST(Outage, DuringAContainmentDelaysItAndLosesNothing) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
  world.set_outage(true);
  world.run_for(2min);
  world.set_outage(false);
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_EQ(conclusion_of(world).outcome, "confirmed");
}

TEST(FullDisk, LetsNothingBeCancelledThatCannotBeRecorded) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_until_armed());
  world.set_disk_full(true);
  ASSERT_TRUE(world.run_until([&] { return !world.log().lines_of("decision_not_recorded").empty(); }));
  world.run_for(2min);
  EXPECT_THAT(world.truth().cancel_attempts, IsEmpty());
  EXPECT_THAT(world.decisions(), IsEmpty());
  EXPECT_THAT(world.log().lines_of("decision_not_recorded"), testing::SizeIs(1))
      << "said once, not at every try";
  EXPECT_THAT(world.alerts(), Not(Contains(Field(&test::told_alert::name, "PushguardContainment"))));

  world.set_disk_full(false);
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_EQ(conclusion_of(world).outcome, "confirmed") << "it comes up again, as it still holds";
  EXPECT_EQ(conclusion_of(world).spared_orgs, world.truth().spared_orgs.size());
}

TEST(FullDisk, DuringAContainmentLosesNothing) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
  world.set_disk_full(true);
  world.run_for(2min);
  world.set_disk_full(false);
  ASSERT_TRUE(world.run_to_the_end());
  world.stop();
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_EQ(conclusion_of(world).outcome, "confirmed");
  EXPECT_EQ(conclusion_of(world).spared_orgs, world.truth().spared_orgs.size());
}

std::map<std::string, double> samples_of(const std::string& text, std::string_view family) {
  std::map<std::string, double> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(family) && (line[family.size()] == '{' || line[family.size()] == ' ')) {
      const auto space = line.rfind(' ');
      out[line.substr(family.size(), space - family.size())] = std::stod(line.substr(space + 1));
    }
  }
  return out;
}

double sum_of(const std::map<std::string, double>& samples, std::string_view label = "") {
  double sum = 0;
  for (const auto& [labels, value] : samples)
    sum += labels.find(label) != std::string::npos ? value : 0;
  return sum;
}

TEST(Exposition, ForgetsARolloutADayAfterItsEnd) {
  simulated_agent world(make_lifelike_rollout(0));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  const auto shown = [&] { return world.get("/metrics") + world.get("/metrics/orgs"); };
  world.run_for(23h);
  EXPECT_THAT(shown(), HasSubstr("rollout=\"04t"));
  world.run_for(3h);
  EXPECT_THAT(shown(), Not(AnyOf(HasSubstr("04t"), HasSubstr("0DV"), HasSubstr("00D"))));
  EXPECT_THAT(shown(), HasSubstr("pushguard_org_series 0\n"));
}

TEST(Exposition, CountsWhatReallyHappened) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(1min);  // the next read brings the last jobs' times
  const std::string metrics = world.get("/metrics");
  const std::string orgs = world.get("/metrics/orgs");
  const simulator::hub_truth truth = world.truth();
  const auto succeeded = static_cast<double>(simulator::count_of(truth.rollout_jobs, push_state::succeeded));
  const auto failed = static_cast<double>(simulator::count_of(truth.rollout_jobs, push_state::failed));
  const auto canceled = static_cast<double>(simulator::count_of(truth.rollout_jobs, push_state::canceled));

  const auto jobs = samples_of(metrics, "pushguard_request_jobs");
  EXPECT_EQ(sum_of(jobs, "status=\"succeeded\""), succeeded);
  EXPECT_EQ(sum_of(jobs, "status=\"failed\""), failed);
  EXPECT_EQ(sum_of(jobs, "status=\"canceled\""), canceled);
  EXPECT_EQ(sum_of(samples_of(metrics, "pushguard_request_failed_jobs")), failed);
  EXPECT_EQ(sum_of(samples_of(metrics, "pushguard_rollout_spared_orgs")),
            static_cast<double>(truth.spared_orgs.size()));
  EXPECT_EQ(sum_of(samples_of(metrics, "pushguard_aborts_total"), "outcome=\"confirmed\""), 1);
  EXPECT_EQ(sum_of(samples_of(metrics, "pushguard_hub_up")), 1);
  EXPECT_EQ(sum_of(samples_of(metrics, "pushguard_stream_channel_live")), 1);
  EXPECT_EQ(sum_of(samples_of(metrics, "pushguard_rule_state"), "state=\"breached\""), 1);
  EXPECT_EQ(sum_of(samples_of(metrics, "pushguard_job_duration_seconds_count")), succeeded + failed);

  const auto success = samples_of(orgs, "pushguard_org_push_success");
  EXPECT_EQ(static_cast<double>(success.size()), succeeded + failed);
  EXPECT_EQ(sum_of(success), succeeded);
  EXPECT_EQ(sum_of(samples_of(orgs, "pushguard_org_push_failure_info")), failed);
  for (const simulator::job_truth& job : truth.jobs) {
    if (job.state != push_state::failed && job.state != push_state::succeeded)
      continue;
    const auto found = std::ranges::find_if(success, [&](const auto& sample) {
      return sample.first.find("org_key=\"" + job.org_key + "\"") != std::string::npos &&
             sample.first.find("request_id=\"" + job.request_id + "\"") != std::string::npos;
    });
    ASSERT_NE(found, success.end()) << job.org_key;
    EXPECT_EQ(found->second, job.state == push_state::succeeded ? 1 : 0) << job.org_key;
  }
}

TEST(Api, AnswersTheRolloutItsJobsAndItsOrgs) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  const auto rollouts = boost::json::parse(world.get("/api/v1/rollouts"));
  const auto& first = rollouts.at("rollouts").at(0);
  const std::string id(first.at("id").as_string());
  EXPECT_EQ(first.at("decisions").at(0).at("outcome"), "confirmed");
  EXPECT_EQ(boost::json::parse(world.get("/api/v1/rollouts/devhub/" + id)), first);
  EXPECT_EQ(boost::json::parse(world.get("/api/v1/rollouts/devhub/" + id.substr(0, 15))), first)
      << "15 characters, latest";

  std::size_t spared = 0;
  for (std::string after, next = " "; !next.empty(); after = next) {
    const auto page = boost::json::parse(
        world.get("/api/v1/rollouts/devhub/" + id + "/orgs?result=spared&limit=100&after=" + after));
    spared += page.at("orgs").as_array().size();
    next = page.at("next").is_string() ? std::string(page.at("next").as_string()) : "";
  }
  EXPECT_EQ(spared, world.truth().spared_orgs.size());

  const std::string request(first.at("waves").at(0).at("id").as_string());
  std::size_t jobs = 0;
  for (std::string after, next = " "; !next.empty(); after = next) {
    const auto page =
        boost::json::parse(world.get("/api/v1/requests/" + request + "/jobs?limit=7&after=" + after));
    jobs += page.at("jobs").as_array().size();
    next = page.at("next").is_string() ? std::string(page.at("next").as_string()) : "";
  }
  EXPECT_EQ(jobs, 60U);
  EXPECT_EQ(boost::json::parse(world.get("/api/v1/decisions")).at("decisions").as_array().size(), 1U);
  EXPECT_THAT(world.get("/-/healthy"), HasSubstr("healthy"));
  EXPECT_THAT(world.get("/-/ready"), HasSubstr("devhub: up"));
}

TEST(Secrets, AppearInNoLogAnswerOrAlert) {
  simulator::scenario plan = make_lifelike_rollout(0.25);
  plan.credentials.client_secret = "c0nf1dential-s3cret";
  simulated_agent world(plan);
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  for (const std::string& text :
       {world.log().text(), world.get("/api/v1/rollouts"), world.get("/metrics"), world.get("/-/ready")}) {
    EXPECT_THAT(text, Not(HasSubstr("c0nf1dential")));
    EXPECT_THAT(text, Not(HasSubstr("Bearer")));
  }
}

// The agent's calendar is wrong by hours: jobs that have just started must not look stuck, and stuck ones
// must.
TEST(WrongClock, DoesNotMoveRulesAboutTime) {
  for (const duration ahead : {duration(-5h), duration(5h)}) {
    simulated_agent world(make_lifelike_rollout(0.0));
    world.use_policies(R"(
  - name: time
    mode: enforce
    rules:
      - { name: stuck, job_running: { longer_than: 2h }, action: abort }
      - { name: stalled, stalled: { no_progress_for: 2h }, action: abort }
)");
    world.set_clock_ahead(ahead);
    world.start();
    ASSERT_TRUE(world.run_to_the_end()) << ahead.count();
    EXPECT_TRUE(world.decisions().empty()) << ahead.count();
    EXPECT_EQ(world.log().lines_of("hub_clock_differs").size(), 1U);
    for (const auto& [key, rule] : world.model().rules())
      EXPECT_EQ(rule.verdict, "ok") << key.rule << ": " << rule.reason;
  }
}

}  // namespace
}  // namespace pushguard
