// What a containment meets on its way: races, refusals, lost answers; and what happens where none is begun.
// Each test holds the decision, the alert and the audit trail against what really happened.

#include <gmock/gmock.h>

#include <iterator>
#include <map>

#include "agent/commands/addressing.hpp"
#include "agent/commands/render.hpp"
#include "tests/integration/agent/operated_rollout.hpp"
#include "tests/support/told_trail.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using simulator::push_state;
using test::alice;
using test::detail_of;
using test::make_lifelike_rollout;
using test::operated_rollout;
using test::read_trail;
using test::simulated_agent;
using test::told_alert;
using test::told_trail;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* refusal =
    "Can't cancel a push upgrade request with status 'In Progress'. Only requests with a status of 'Created' "
    "or "
    "'Pending' can be canceled.";

std::string policy_with(std::string_view keys) {
  return fmt::format(R"(
  - name: production
    {}
    rules:
      - name: failure-rate
        failure_rate: {{ above: 5%, confidence: 99%, min_started: 10 }}
        action: abort
)",
                     keys);
}

/// By the wave's place in the plan of the scenario.
std::string wave_id(const simulator::hub_truth& truth, std::size_t wave) {
  return truth.requests.at(wave).id;
}

agent::plan_entry_view entry_of(const agent::decision_view& decision, std::string_view request) {
  for (const agent::plan_entry_view& entry : decision.plan) {
    if (entry.request.text() == request)
      return entry;
  }
  ADD_FAILURE() << request << " is not in the plan";
  return {};
}

std::vector<simulator::cancel_attempt> attempts_at(const simulator::hub_truth& truth,
                                                   std::string_view request) {
  std::vector<simulator::cancel_attempt> out;
  std::ranges::copy_if(
      truth.cancel_attempts, std::back_inserter(out),
      [&](const simulator::cancel_attempt& attempt) { return attempt.request_id == request; });
  return out;
}

std::vector<store::audit_row> about(const std::vector<store::audit_row>& rows, std::string_view request) {
  std::vector<store::audit_row> out;
  std::ranges::copy_if(rows, std::back_inserter(out),
                       [&](const store::audit_row& row) { return detail_of(row, "request_id") == request; });
  return out;
}

json::value details(const store::audit_row& row) {
  return json::parse(row.details);
}

/// The alert about the containment as it was told last.
told_alert last_containment(const simulated_agent& world) {
  told_alert last;
  for (const told_alert& alert : world.alerts()) {
    if (alert.name == "PushguardContainment")
      last = alert;
  }
  return last;
}

// ---- the race ----

/// The second wave starts while the first one runs.
simulator::scenario overlapping_waves() {
  simulator::scenario plan = make_lifelike_rollout(0.25);
  plan.push.concurrency = 8;
  plan.push.start_lag = {1s, 1s};
  plan.waves[1].start = plan.waves[0].start + 5min;
  return plan;
}

class Race : public operated_rollout {
 protected:
  Race() : operated_rollout(overlapping_waves()) {}

  /// Decided five seconds before the second wave starts; the calls arrive five seconds after it.
  void run() {
    world.start();
    run_until_armed();
    ask(path("hold"), R"({"reason": "until the second wave is due", "for": "1d"})");
    const wall_time due = world.truth().requests.at(1).scheduled_start.value() - 5s;
    ASSERT_TRUE(world.run_until([&] { return world.time().wall_now() >= due; }));
    ASSERT_EQ(only_rule().follows, "held");
    world.set_cancel_delay(10s);
    ask(path("release"), "");
    ASSERT_TRUE(world.run_to_the_end());
    world.run_for(1min);
    ASSERT_THAT(world.decisions(), SizeIs(1));
  }

  void expect_second_wave_lost() {
    const simulator::hub_truth truth = world.truth();
    const agent::decision_view decision = world.decisions().front();
    EXPECT_EQ(decision.outcome, "partial");
    EXPECT_GT(decision.in_flight, 0U);
    const std::string lost = wave_id(truth, 1);
    const agent::plan_entry_view entry = entry_of(decision, lost);
    EXPECT_EQ(entry.status_at_decision, "pending");
    EXPECT_EQ(entry.step, "cancel");
    EXPECT_EQ(entry.outcome, "refused");
    EXPECT_EQ(entry.salesforce_code, "INVALID_OPERATION");
    EXPECT_EQ(entry.salesforce_message, refusal);
    const auto attempts = attempts_at(truth, lost);
    ASSERT_THAT(attempts, SizeIs(1));
    EXPECT_EQ(attempts.front().before, push_state::in_progress);
    EXPECT_EQ(attempts.front().http_status, 400);
    for (const std::size_t wave : {2U, 3U}) {
      EXPECT_EQ(entry_of(decision, wave_id(truth, wave)).outcome, "canceled");
      EXPECT_EQ(truth.requests.at(wave).state, push_state::canceled);
    }
    EXPECT_NE(truth.requests.at(1).state, push_state::canceled);
    EXPECT_EQ(decision.spared_orgs, truth.spared_orgs.size());

    const told_alert alert = last_containment(world);
    EXPECT_EQ(alert.outcome, "partial");
    EXPECT_THAT(alert.summary, HasSubstr("abort partial: 2 of 3 push requests cancelled"));
    EXPECT_THAT(
        alert.description,
        AllOf(HasSubstr(fmt::format("{} orgs were in flight at the decision", decision.in_flight)),
              HasSubstr(fmt::format("{} was to be cancelled and started first; the API cannot stop it "
                                    "(Salesforce said: INVALID_OPERATION: {})",
                                    lost, refusal))));

    const told_trail trail = read_trail(world);
    EXPECT_EQ(trail.problem, "");
    const auto called = about(trail.of_kind("called"), lost);
    ASSERT_THAT(called, SizeIs(1));
    EXPECT_EQ(details(called.front()).at("accepted"), false);
    EXPECT_EQ(detail_of(called.front(), "salesforce_message"), refusal);
    const auto settled = about(trail.of_kind("settled"), lost);
    ASSERT_THAT(settled, SizeIs(1));
    EXPECT_EQ(detail_of(settled.front(), "outcome"), "refused");
    EXPECT_EQ(trail.count("called"), truth.cancel_attempts.size());
    EXPECT_EQ(detail_of(trail.of_kind("ended").front(), "outcome"), "partial");
  }
};

TEST_F(Race, IsToldWhereARequestStartsBetweenTheDecisionAndTheCall) {
  world.use_policies(policy_with("mode: enforce\n    in_progress: try"));
  run();
  expect_second_wave_lost();
  const simulator::hub_truth truth = world.truth();
  const agent::plan_entry_view first = entry_of(world.decisions().front(), wave_id(truth, 0));
  EXPECT_EQ(first.status_at_decision, "in_progress");
  EXPECT_EQ(first.outcome, "refused");
  EXPECT_THAT(attempts_at(truth, wave_id(truth, 0)), SizeIs(1));
}

TEST_F(Race, IsToldAlsoWhereRunningRequestsAreLeftAlone) {
  world.use_policies(policy_with("mode: enforce\n    in_progress: leave"));
  run();
  expect_second_wave_lost();
  const simulator::hub_truth truth = world.truth();
  const agent::plan_entry_view first = entry_of(world.decisions().front(), wave_id(truth, 0));
  EXPECT_EQ(first.status_at_decision, "in_progress");
  EXPECT_EQ(first.step, "leave");
  EXPECT_EQ(first.outcome, "");
  EXPECT_THAT(attempts_at(truth, wave_id(truth, 0)), IsEmpty());
}

// ---- answers ----

TEST(LostAnswer, IsFoundOutByReadingAndTheCallIsNotMadeAgain) {
  simulator::scenario plan = make_lifelike_rollout(0.25);
  plan.api.faults = {{.kind = simulator::api_fault_kind::cancel_lost}};
  simulated_agent world(plan);
  world.use_policies(policy_with("mode: enforce\n    in_progress: leave"));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(1min);

  const simulator::hub_truth truth = world.truth();
  EXPECT_EQ(truth.faults_hit.at("cancel_lost"), truth.cancel_attempts.size());
  std::map<std::string, std::size_t> accepted;
  std::map<std::string, std::size_t> asked;
  for (const simulator::cancel_attempt& attempt : truth.cancel_attempts) {
    ++asked[attempt.request_id];
    accepted[attempt.request_id] += attempt.error_code.empty() ? 1U : 0U;
  }
  ASSERT_THAT(accepted, SizeIs(3));
  EXPECT_THAT(accepted, Each(Field(&std::pair<const std::string, std::size_t>::second, 1U)));
  // Sent once more by the HTTP client where a kept connection was gone, and never after a read.
  EXPECT_THAT(asked, Each(Field(&std::pair<const std::string, std::size_t>::second, testing::Le(2U))));
  ASSERT_THAT(world.decisions(), SizeIs(1));
  const agent::decision_view decision = world.decisions().front();
  EXPECT_EQ(decision.outcome, "confirmed");
  EXPECT_EQ(decision.spared_orgs, truth.spared_orgs.size());
  EXPECT_EQ(last_containment(world).outcome, "confirmed");
  EXPECT_THAT(last_containment(world).summary, HasSubstr("3 of 3 push requests cancelled"));

  const told_trail trail = read_trail(world);
  EXPECT_EQ(trail.problem, "");
  for (const auto& [request, times] : accepted) {
    const auto called = about(trail.of_kind("called"), request);
    ASSERT_THAT(called, SizeIs(1)) << request;
    EXPECT_EQ(details(called.front()).at("accepted"), false);
    EXPECT_TRUE(details(called.front()).at("http_status").is_null());
    EXPECT_THAT(detail_of(called.front(), "failure"), Not(IsEmpty()));
    const auto settled = about(trail.of_kind("settled"), request);
    ASSERT_THAT(settled, SizeIs(1)) << request;
    EXPECT_EQ(detail_of(settled.front(), "outcome"), "canceled");
  }
  const json::value told = json::parse(world.get("/api/v1/decisions"));
  EXPECT_EQ(told.at("decisions").at(0).at("calls").as_array().size(), 3U);
}

TEST(Refusal, IsKeptInSalesforcesWordsInTheDecisionTheAlertAndTheTrail) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(1min);
  const simulator::hub_truth truth = world.truth();
  ASSERT_THAT(world.decisions(), SizeIs(1));
  const agent::decision_view decision = world.decisions().front();
  EXPECT_EQ(decision.actor, "pushguard");
  const std::string running = wave_id(truth, 0);
  const agent::plan_entry_view entry = entry_of(decision, running);
  EXPECT_EQ(entry.outcome, "refused");
  EXPECT_EQ(entry.salesforce_code, "INVALID_OPERATION");
  EXPECT_EQ(entry.salesforce_message, refusal);
  EXPECT_THAT(last_containment(world).description,
              HasSubstr(fmt::format("{} is already running; the API cannot stop it (Salesforce said: "
                                    "INVALID_OPERATION: {})",
                                    running, refusal)));
  const auto attempts = attempts_at(truth, running);
  ASSERT_THAT(attempts, SizeIs(1));
  EXPECT_EQ(attempts.front().error_code, "INVALID_OPERATION");
  const told_trail trail = read_trail(world);
  for (const char* kind : {"called", "settled"}) {
    const auto rows = about(trail.of_kind(kind), running);
    ASSERT_THAT(rows, SizeIs(1)) << kind;
    EXPECT_EQ(detail_of(rows.front(), "salesforce_code"), "INVALID_OPERATION");
    EXPECT_EQ(detail_of(rows.front(), "salesforce_message"), refusal);
  }
}

// ---- operators ----

TEST(TwoHubs, WithOneVersionAreToldApartByName) {
  simulated_agent world(make_lifelike_rollout(0.0));
  world.use_tokens(fmt::format("alice:{}\n", alice));
  world.add_hub("west", make_lifelike_rollout(0.0));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return world.model().rollouts().size() == 2; }));
  const json::value known = json::parse(world.get("/api/v1/rollouts"));
  const json::array& rollouts = known.at("rollouts").as_array();
  const auto wanted = domain::rollout_id::parse(world.model().rollouts().begin()->second.id);
  const auto ambiguous = agent::find_rollout_path(rollouts, *wanted, std::nullopt);
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().text(), "the rollout is on several hubs (devhub, west): name one with --hub");
  const auto elsewhere = agent::find_rollout_path(rollouts, *wanted, "east");
  ASSERT_FALSE(elsewhere);
  EXPECT_THAT(elsewhere.error().text(), HasSubstr("of hub east"));
  const auto path = agent::find_rollout_path(rollouts, {wanted->version, 0}, "west");
  ASSERT_TRUE(path) << path.error().text();

  const auto reply = world.post(*path + "/abort", R"({"reason": "only here"})", alice);
  EXPECT_EQ(reply.status, 202) << reply.body;
  ASSERT_TRUE(
      world.run_until([&] { return !world.decisions().empty() && !world.decisions()[0].outcome.empty(); }));
  world.run_for(1min);
  EXPECT_EQ(world.decisions().front().hub, "west");
  EXPECT_THAT(world.truth().cancel_attempts, IsEmpty());
  EXPECT_THAT(world.hub_of("west").truth().cancel_attempts, SizeIs(4));
  EXPECT_THAT(last_containment(world).summary, HasSubstr("alice: only here"));
  for (const store::audit_row& row : read_trail(world).rows) {
    if (row.decision)
      EXPECT_EQ(row.hub, "west") << row.kind;
  }
}

TEST_F(operated_rollout, CannotBeResumedWhileItIsBeingContained) {
  world.set_cancel_delay(20s);
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
  world.run_for(5s);
  EXPECT_EQ(message(ask(path("resume"), R"({"reason": "too early"})", 409)),
            fmt::format("decision 1 of devhub {} is still being carried out: resume when it has ended",
                        only_rollout().id));
  EXPECT_EQ(only_rollout().epoch, 1);
  EXPECT_EQ(read_trail(world).count("resumed"), 0U);
  run_until_ended();
  EXPECT_EQ(world.decisions().front().outcome, "confirmed");
  EXPECT_FALSE(has_alert("PushguardContainment", true));
  const std::size_t attempts = world.truth().cancel_attempts.size();
  ask(path("resume"), R"({"reason": "now"})");
  world.run_for(1min);
  EXPECT_EQ(only_rollout().epoch, 2);
  EXPECT_EQ(world.truth().cancel_attempts.size(), attempts);
  EXPECT_TRUE(has_alert("PushguardContainment", true));
  EXPECT_EQ(read_trail(world).count("resumed"), 1U);
}

TEST_F(operated_rollout, StaysHeldWhereItsReleaseCannotBeStored) {
  world.start();
  run_until_armed();
  ask(path("hold"), R"({"reason": "we know", "for": "1d"})");
  ASSERT_TRUE(world.run_until([&] { return only_rule().follows == "held"; }));
  world.set_disk_full(true);
  EXPECT_THAT(message(ask(path("release"), "", 503)), HasSubstr("nothing was done"));
  world.run_for(1min);
  EXPECT_THAT(world.model().holds(), SizeIs(1));
  EXPECT_EQ(only_rule().follows, "held");
  EXPECT_THAT(world.decisions(), IsEmpty());
  EXPECT_THAT(world.truth().cancel_attempts, IsEmpty());
  EXPECT_FALSE(has_alert("PushguardContainment"));
  EXPECT_EQ(read_trail(world).count("released"), 0U);
  world.set_disk_full(false);
  ask(path("release"), "");
  run_until_ended();
  EXPECT_EQ(world.decisions().front().outcome, "confirmed");
  EXPECT_EQ(read_trail(world).count("released"), 1U);
}

TEST_F(operated_rollout, StaysUnarmedWhereThatCannotBeStored) {
  start_when_breached();
  world.set_disk_full(true);
  EXPECT_THAT(message(ask(path("arm"), R"({"reason": "it may act"})", 503)), HasSubstr("nothing was done"));
  world.run_for(1min);
  EXPECT_FALSE(only_rule().is_armed);
  EXPECT_FALSE(has_alert("PushguardBreachedBeforeArming", true));
  EXPECT_THAT(world.decisions(), IsEmpty());
  EXPECT_THAT(world.truth().cancel_attempts, IsEmpty());
  EXPECT_EQ(read_trail(world).count("armed"), 0U);
  world.set_disk_full(false);
  ask(path("arm"), R"({"reason": "it may act"})");
  run_until_ended();
  EXPECT_EQ(world.decisions().front().mode, "enforce");
  EXPECT_EQ(read_trail(world).count("armed"), 1U);
}

// ---- dry run ----

/// What really became of the orgs whose requests the plan would have cancelled.
agent::aftermath_view really_happened(const agent::decision_view& decision,
                                      const simulator::hub_truth& truth) {
  agent::aftermath_view counted;
  for (const simulator::job_truth& job : truth.jobs) {
    const auto entry = std::ranges::find_if(decision.plan, [&](const agent::plan_entry_view& each) {
      return each.request.text() == job.request_id && each.step == "cancel";
    });
    if (entry == decision.plan.end())
      continue;
    ++counted.orgs;
    counted.succeeded += job.state == push_state::succeeded ? 1U : 0U;
    counted.failed += job.state == push_state::failed ? 1U : 0U;
    counted.started += job.state == push_state::in_progress ? 1U : 0U;
  }
  counted.started += counted.succeeded + counted.failed;
  return counted;
}

TEST(DryRun, GoesOnCountingAfterItsDecision) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.use_policies(policy_with("mode: dry_run"));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
  const agent::decision_view decided = world.decisions().front();
  EXPECT_EQ(decided.outcome, "confirmed") << "as it would have been";
  EXPECT_THAT(decided.plan, Contains(Field(&agent::plan_entry_view::step, "cancel")).Times(3));
  EXPECT_FALSE(decided.since) << "nothing has happened since";

  world.run_for(25min);
  EXPECT_EQ(last_containment(world).outcome, decided.outcome);
  EXPECT_THAT(last_containment(world).summary, StartsWith("[dry run] would have aborted"));
  const auto meanwhile = world.decisions().front().since;
  ASSERT_TRUE(meanwhile);
  EXPECT_FALSE(meanwhile->is_final);
  EXPECT_GT(meanwhile->started, 0U);
  EXPECT_LT(meanwhile->started, meanwhile->orgs);

  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(1min);
  const simulator::hub_truth truth = world.truth();
  EXPECT_THAT(truth.cancel_attempts, IsEmpty());
  ASSERT_THAT(world.decisions(), SizeIs(1));
  const agent::decision_view decision = world.decisions().front();
  ASSERT_TRUE(decision.since);
  const agent::aftermath_view real = really_happened(decision, truth);
  EXPECT_EQ(decision.since->orgs, real.orgs);
  EXPECT_EQ(decision.since->started, real.started);
  EXPECT_EQ(decision.since->succeeded, real.succeeded);
  EXPECT_EQ(decision.since->failed, real.failed);
  EXPECT_EQ(real.started, real.orgs) << "nobody was spared";
  EXPECT_TRUE(decision.since->is_final);
  EXPECT_EQ(decision.failed, decided.failed) << "the numbers of the decision stay";

  const agent::rule_view rule = world.model().rules().begin()->second;
  EXPECT_EQ(rule.verdict, "breached");
  EXPECT_GT(rule.evaluated, decision.decided_at + 30min);
  EXPECT_GT(rule.failed, decision.failed + real.failed / 2);
  const std::string metrics = world.get("/metrics");
  EXPECT_THAT(metrics,
              HasSubstr("pushguard_aborts_total{hub=\"devhub\",mode=\"dry_run\",outcome=\"confirmed\","
                        "policy=\"production\"} 1"));
  for (const agent::plan_entry_view& entry : decision.plan) {
    EXPECT_THAT(metrics, testing::ContainsRegex(fmt::format(
                             "pushguard_request_jobs\\{{[^}}]*{}[^}}]*status=\"succeeded\"[^}}]*\\}} [1-9]",
                             entry.request.text())));
  }
  EXPECT_THAT(agent::render_rollouts(json::parse(world.get("/api/v1/rollouts")), agent::show_decisions::yes),
              HasSubstr(fmt::format("would have been spared: {} orgs, of which {} started, {} succeeded, {} "
                                    "failed since\n",
                                    real.orgs, real.started, real.succeeded, real.failed)));

  const std::string before = world.get("/api/v1/decisions");
  world.stop();
  world.start();
  world.run_for(1min);
  EXPECT_EQ(world.get("/api/v1/decisions"), before);
  const told_trail trail = read_trail(world);
  EXPECT_EQ(trail.problem, "");
  ASSERT_EQ(trail.count("followed"), 1U);
  const store::audit_row told = trail.of_kind("followed").front();
  EXPECT_EQ(told.decision, decision.id);
  EXPECT_EQ(details(told), (json::value{{"would_have_spared", real.orgs},
                                        {"started", real.started},
                                        {"succeeded", real.succeeded},
                                        {"failed", real.failed}}));
}

TEST(DryRun, CountsWhatHappenedWhileNobodyLooked) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.use_policies(policy_with("mode: dry_run"));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
  world.stop();
  world.run_for(6h);
  world.start();
  ASSERT_TRUE(world.run_until([&] {
    return !world.decisions().empty() && world.decisions().front().since &&
           world.decisions().front().since->is_final;
  }));
  const agent::decision_view decision = world.decisions().front();
  const agent::aftermath_view real = really_happened(decision, world.truth());
  EXPECT_EQ(decision.since->orgs, real.orgs);
  EXPECT_EQ(decision.since->succeeded, real.succeeded);
  EXPECT_EQ(decision.since->failed, real.failed);
}

TEST(DryRun, IsDecidedAgainWhereItCouldNotBeRecorded) {
  for (const char* handling : {"refuse", "act"}) {
    simulated_agent world(make_lifelike_rollout(0.25));
    world.use_policies(policy_with("mode: dry_run") + "on_store_failure: " + handling);
    world.start();
    ASSERT_TRUE(world.run_until_armed());
    world.set_disk_full(true);
    ASSERT_TRUE(world.run_until([&] { return !world.log().lines_of("decision_not_recorded").empty(); }));
    world.run_for(2min);
    EXPECT_THAT(world.decisions(), IsEmpty()) << handling;
    world.set_disk_full(false);
    ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); })) << handling;
    const json::value stored = json::parse(world.get("/api/v1/decisions"));
    EXPECT_EQ(stored.at("decisions").as_array().size(), 1U) << handling;
    EXPECT_THAT(world.log().lines_of("decision_not_recorded"), SizeIs(1)) << handling;
  }
}

}  // namespace
}  // namespace pushguard
