#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/simulated_agent.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::simulated_agent;
using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::SizeIs;

constexpr const char* alice = "alices-own-token-1";

simulator::scenario rollout(double failure_rate) {
  simulator::demo_options options;
  options.failure_rate = failure_rate;
  options.time_scale = 1;
  return simulator::make_demo_scenario(options);
}

/// One policy named production with one rule named failure-rate.
std::string policy(std::string_view limit, std::string_view mode = "enforce",
                   std::string_view action = "abort", std::string_view rule = "failure-rate") {
  return fmt::format(R"(
  - name: production
    mode: {}
    in_progress: try
    rules:
      - name: {}
        failure_rate: {{ above: {}, confidence: 99%, min_started: 10 }}
        action: {}
)",
                     mode, rule, limit, action);
}

class Reload : public testing::Test {
 protected:
  explicit Reload(simulator::scenario plan = rollout(0.25)) : world(std::move(plan)) {
    world.use_tokens(fmt::format("alice:{}\n", alice));
  }

  void run_until_armed() {
    ASSERT_TRUE(world.run_until([&] {
      const auto& rules = world.model().rules();
      return !rules.empty() && rules.begin()->second.is_armed;
    }));
  }
  void run_until_breached() {
    ASSERT_TRUE(world.run_until([&] {
      const auto& rules = world.model().rules();
      return !rules.empty() && rules.begin()->second.verdict == "breached";
    }));
    world.run_for(10s);
  }
  void reload_well() {
    const agent::reload_answer answered = world.reload();
    ASSERT_THAT(answered.problems, IsEmpty());
  }
  /// How often the agent told something new of it: Alertmanager is told all the time.
  std::size_t times_told(const std::string& name, bool is_resolved = false) {
    const auto lines = world.log().lines_of(is_resolved ? "alert_resolved" : "alert_raised");
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const std::string& line) { return line.contains(" alert=" + name + " "); }));
  }
  std::size_t accepted_cancellations() {
    const auto truth = world.truth();
    return static_cast<std::size_t>(
        std::ranges::count_if(truth.cancel_attempts,
                              [](const simulator::cancel_attempt& each) { return each.error_code.empty(); }));
  }
  std::string only_rollout() { return world.model().rollouts().begin()->second.id; }

  simulated_agent world;
};

TEST_F(Reload, GivesAnUnchangedHubOtherPoliciesAndLeavesItsSessionsAlone) {
  world.use_policies(policy("60%"));
  world.start();
  run_until_armed();
  world.run_for(10min);
  ASSERT_THAT(world.decisions(), IsEmpty());
  const auto before = world.truth();

  world.use_policies(policy("5%"));
  const agent::reload_answer answered = world.reload();
  EXPECT_THAT(answered.problems, IsEmpty());
  EXPECT_THAT(answered.needs_restart, IsEmpty());
  ASSERT_TRUE(world.run_to_the_end());

  ASSERT_THAT(world.decisions(), SizeIs(1));
  EXPECT_EQ(world.decisions().front().outcome, "confirmed");
  EXPECT_EQ(world.decisions().front().configuration_hash, answered.hash);
  EXPECT_THAT(world.decisions().front().reason, HasSubstr("> limit 5.0%"));
  EXPECT_EQ(world.truth().logins, before.logins);
  EXPECT_EQ(world.truth().handshakes, before.handshakes);
  EXPECT_EQ(world.truth().disconnects, before.disconnects);
  EXPECT_THAT(world.get("/metrics"), HasSubstr("pushguard_config_last_reload_successful 1\n"));
  EXPECT_THAT(world.log().lines_of("configuration_loaded"),
              ElementsAre(AllOf(HasSubstr("SIGHUP"), HasSubstr(answered.hash))));
}

TEST_F(Reload, DecidesOnlyOnceHoweverOftenAndWhateverIsReloaded) {
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
  ASSERT_EQ(world.decisions().front().outcome, "") << "the containment should be under way";
  world.use_hub_keys("reconcile: { active_interval: 10s }\n");  // the hub is another: it is started anew
  reload_well();
  reload_well();
  world.use_policies(policy("4%"));
  reload_well();
  ASSERT_TRUE(world.run_to_the_end());
  world.use_hub_keys("reconcile: { active_interval: 20s }\n");
  reload_well();
  world.run_for(1h);

  ASSERT_THAT(world.decisions(), SizeIs(1));
  const auto decision = world.decisions().front();
  EXPECT_EQ(decision.outcome, "confirmed");
  const auto truth = world.truth();
  EXPECT_EQ(decision.spared_orgs, truth.spared_orgs.size());
  EXPECT_EQ(accepted_cancellations(), 3U) << "each pending wave once";
  EXPECT_EQ(truth.open_sessions, 1U);
  EXPECT_EQ(times_told("PushguardContainment", true), 0U);
  const auto trail = world.get("/api/v1/audit");
  EXPECT_THAT(trail, HasSubstr("SIGHUP"));
}

TEST_F(Reload, OfAnInvalidFileLeavesEverythingAsItWasAndSaysWhy) {
  world.start();
  run_until_armed();
  world.use_file("hubs: 5\npolicies: []\n");
  const agent::reload_answer refused = world.reload();
  EXPECT_THAT(refused.problems, Contains(HasSubstr("pushguard.yaml:1:")));
  EXPECT_THAT(world.get("/metrics"), HasSubstr("pushguard_config_last_reload_successful 0\n"));
  EXPECT_THAT(world.log().lines_of("configuration_not_loaded"), SizeIs(refused.problems.size()));
  ASSERT_TRUE(world.run_to_the_end());
  ASSERT_THAT(world.decisions(), SizeIs(1));
  EXPECT_EQ(world.decisions().front().configuration_hash, refused.hash);

  world.use_file("");
  reload_well();
  EXPECT_THAT(world.get("/metrics"), HasSubstr("pushguard_config_last_reload_successful 1\n"));
}

TEST_F(Reload, OfCertificatesThatCannotBeReadLeavesEverythingAsItWas) {
  world.start();
  run_until_armed();
  std::ofstream(world.directory() / "ca.pem") << "no certificate\n";
  world.use_hub_keys("tls: { ca_file: ca.pem }\n");
  const agent::reload_answer refused = world.reload();
  EXPECT_THAT(refused.problems, Contains(HasSubstr("ca.pem")));
  EXPECT_THAT(world.get("/metrics"), HasSubstr("pushguard_config_last_reload_successful 0\n"));
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_THAT(world.decisions(), SizeIs(1));
}

TEST_F(Reload, TakesOnANewHubAndForgetsOneThatIsGone) {
  world.use_policies(policy("60%"));
  world.start();
  run_until_armed();
  const std::string one_hub = world.file();
  simulator::scenario other = rollout(0.25);
  other.seed = 2;
  world.add_hub("staging", std::move(other));
  reload_well();
  ASSERT_TRUE(world.run_until([&] {
    const auto known = world.model().hubs().find("staging");
    return known != world.model().hubs().end() && known->second.is_up;
  }));
  ASSERT_TRUE(world.run_until([&] { return world.model().rollouts().size() == 2; }));
  EXPECT_THAT(world.get("/metrics"), HasSubstr("pushguard_hub_up{hub=\"staging\"} 1"));
  EXPECT_THAT(world.get("/-/ready"), HasSubstr("staging: up"));
  world.run_for(10min);
  ASSERT_THAT(world.get("/metrics/orgs"), HasSubstr("hub=\"staging\""));
  world.set_outage_of("staging", true);
  ASSERT_TRUE(world.run_until([&] { return times_told("PushguardHubBlind") > 0; }));

  world.use_file(one_hub);
  reload_well();
  world.run_for(1min);
  EXPECT_THAT(world.get("/metrics"), Not(HasSubstr("staging")));
  EXPECT_THAT(world.get("/metrics/orgs"), AllOf(Not(HasSubstr("staging")), HasSubstr("hub=\"devhub\"")));
  EXPECT_THAT(world.get("/-/ready"), Not(HasSubstr("staging")));
  EXPECT_THAT(world.get("/api/v1/rollouts"), Not(HasSubstr("staging")));
  EXPECT_EQ(times_told("PushguardHubBlind", true), 1U);
  const auto hub_requests = world.hub_requests();
  world.run_for(5min);
  EXPECT_GT(world.hub_requests(), hub_requests) << "the other hub is watched as before";
}

TEST_F(Reload, ToEnforceDoesNotActOnABreachThatWasThereBefore) {
  world.use_policies(policy("5%", "dry_run"));
  world.start();
  run_until_breached();
  ASSERT_THAT(world.decisions(), SizeIs(1));
  ASSERT_EQ(world.decisions().front().mode, "dry_run");

  world.use_policies(policy("5%", "enforce"));
  reload_well();
  world.run_for(1min);
  EXPECT_THAT(world.decisions(), SizeIs(1));
  EXPECT_EQ(world.model().rules().begin()->second.follows, "breached_before_arming");
  EXPECT_EQ(times_told("PushguardBreachedBeforeArming"), 1U);
  const http_response armed = world.post(fmt::format("/api/v1/rollouts/devhub/{}/arm", only_rollout()),
                                         R"({"reason": "it is bad"})", alice);
  EXPECT_EQ(armed.status, 200) << armed.body;
  ASSERT_TRUE(world.run_until([&] { return world.decisions().size() == 2; }, 1min));
}

TEST_F(Reload, EndsTheAlertsAndSeriesOfARuleThatIsGoneAndTellsNothingTwice) {
  world.use_policies(policy("5%", "enforce", "alert"));
  world.start();
  run_until_breached();
  ASSERT_EQ(times_told("PushguardRuleBreached"), 1U);
  const std::size_t changes = world.log().lines_of("verdict_changed").size();

  reload_well();
  world.run_for(1min);
  EXPECT_EQ(times_told("PushguardRuleBreached"), 1U) << "nothing is new";
  EXPECT_THAT(world.log().lines_of("verdict_changed"), SizeIs(changes));

  world.use_policies(policy("5%", "enforce", "alert", "renamed"));
  reload_well();
  world.run_for(1min);
  EXPECT_EQ(times_told("PushguardRuleBreached", true), 1U);
  EXPECT_EQ(times_told("PushguardRuleBreached"), 2U) << "of the new name";
  EXPECT_THAT(world.get("/metrics"),
              AllOf(HasSubstr("rule=\"renamed\""), Not(HasSubstr("rule=\"failure-rate\""))));
}

TEST_F(Reload, TakesOnReceiversAndLeavesTheOthersAlone) {
  world.use_policies(policy("60%"));
  world.start();
  run_until_armed();
  std::string file = world.file();
  const auto receivers = file.find("    - name: prometheus\n");
  const auto routes = file.find("  routes:\n");
  ASSERT_NE(receivers, std::string::npos);
  ASSERT_NE(routes, std::string::npos);
  std::string second = file.substr(receivers, routes - receivers);
  second.replace(second.find("prometheus"), 10, "second");
  file.insert(file.find("    - { receivers: [prometheus] }\n"), "    - { receivers: [second] }\n");
  file.insert(receivers, second);
  world.use_file(file);
  reload_well();
  const std::string zero = R"(pushguard_notifications_total{outcome="sent",receiver="second"} 0)";
  EXPECT_THAT(world.get("/metrics"), HasSubstr(zero));

  world.set_outage(true);
  ASSERT_TRUE(world.run_until([&] { return times_told("PushguardHubBlind") == 1; }, 1h));
  world.run_for(5s);
  EXPECT_THAT(world.get("/metrics"), AllOf(Not(HasSubstr(zero)), HasSubstr("receiver=\"second\"")));
  world.use_file("");
  reload_well();
  EXPECT_THAT(world.get("/metrics"),
              Not(HasSubstr("pushguard_notification_queue_length{receiver=\"second\"}")));
}

// What alerts lead to, and whose orgs they name, is that of the file that was loaded last.
TEST_F(Reload, TakesOtherLinksAndOtherNamesOfOrgs) {
  world.use_policies(policy("60%"));
  world.start();
  run_until_armed();
  std::string customers = "org_key,customer,tier\n";
  for (const auto& [id, request] : world.model().requests()) {
    const auto* jobs = world.model().jobs(id);
    ASSERT_NE(jobs, nullptr);
    for (const auto& [job_id, job] : *jobs)
      customers += fmt::format("{},\"Customer, {}\",gold\n", job.org.text(), job.org.key());
  }
  std::ofstream(world.directory() / "customers.csv") << customers;
  world.use_policies(policy("5%"));
  std::string file = world.file();
  file.replace(file.find("http: { "), 8, "http: { external_url: https://push.example.com/guard, ");
  file.replace(file.find("alerts:\n"), 8,
               "alerts:\n  dashboard_url: \"https://graphs.example.com/{{ rollout }}\"\n");
  world.use_file("orgs_file: customers.csv\n" + file);
  const agent::reload_answer answered = world.reload();
  EXPECT_THAT(answered.problems, IsEmpty());
  EXPECT_THAT(answered.needs_restart, IsEmpty());
  ASSERT_TRUE(world.run_to_the_end());

  const auto told = std::ranges::find(world.alerts(), "PushguardContainment", &test::told_alert::name);
  ASSERT_NE(told, world.alerts().end());
  EXPECT_EQ(told->generator_url, "https://push.example.com/guard");
  EXPECT_THAT(told->dashboard_url, MatchesRegex("https://graphs.example.com/04t[A-Za-z0-9]+%2F1"));
  EXPECT_THAT(
      told->description,
      ContainsRegex(R"(for example (00D[A-Za-z0-9]{12})[A-Z0-9]* \(Customer, 00D[A-Za-z0-9]{12}, gold\))"));
  const std::string first(world.model().requests().begin()->second.row.id.text());
  const auto jobs = world.get("/api/v1/requests/" + first + "/jobs?limit=1");
  EXPECT_THAT(jobs,
              ContainsRegex(R"("customer":"Customer, 00D[A-Za-z0-9]{12}","tier":"gold","contact":null)"));
  EXPECT_THAT(world.get("/api/v1/rollouts/devhub/" + only_rollout() + "/orgs?limit=1"),
              HasSubstr(R"("tier":"gold")"));

  world.use_file(file);
  reload_well();
  EXPECT_THAT(world.get("/api/v1/requests/" + first + "/jobs?limit=1"),
              HasSubstr(R"("customer":null,"tier":null)"));
}

TEST_F(Reload, SaysWhatNeedsARestart) {
  world.start();
  run_until_armed();
  std::string file = world.file();
  file.replace(file.find("state.db"), 8, "other.db");
  file.replace(file.find("http: { "), 8, "http: { listen: 127.0.0.1:1, ");
  world.use_file(file + "log: { level: debug }\n");
  const agent::reload_answer answered = world.reload();
  EXPECT_THAT(answered.problems, IsEmpty());
  EXPECT_THAT(answered.needs_restart, ElementsAre("state", "http.listen", "log"));
  EXPECT_THAT(world.log().lines_of("configuration_needs_restart"), SizeIs(3));
  EXPECT_FALSE(std::filesystem::exists(world.directory() / "other.db"));
}

TEST_F(Reload, OverHttpNeedsATokenAndIsInTheTrail) {
  world.start();
  run_until_armed();
  EXPECT_EQ(world.post("/-/reload", "", "").status, 401);
  EXPECT_EQ(world.post("/-/reload", "", "bobs-very-own-token").status, 401);
  const http_response done = world.post("/-/reload", "", alice);
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_THAT(done.body, AllOf(HasSubstr("\"configuration_hash\":\""), HasSubstr("\"needs_restart\":[]")));
  world.run_for(10s);
  EXPECT_THAT(world.get("/api/v1/audit"), AllOf(HasSubstr("configuration_loaded"), HasSubstr("\"alice\"")));

  world.use_tokens("bob:bobs-very-own-token\n");
  EXPECT_EQ(world.post("/-/reload", "", alice).status, 200) << "the old tokens held until now";
  EXPECT_EQ(world.post("/-/reload", "", alice).status, 401);
  world.use_file("policies: []\n");
  const http_response refused = world.post("/-/reload", "", "bobs-very-own-token");
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(refused.body, AllOf(HasSubstr("configuration_invalid"), HasSubstr("pushguard.yaml")));
}

TEST_F(Reload, RendersOrgSeriesByTheNewOptions) {
  world.use_policies(policy("60%"));
  world.start();
  run_until_armed();
  world.run_for(20min);
  const auto succeeded = ContainsRegex("pushguard_org_push_success\\{[^}]*\\} 1\n");
  ASSERT_THAT(world.get("/metrics/orgs"), succeeded);
  const std::string before = world.file();
  world.use_file(before + "org_series: { mode: failed }\n");
  reload_well();
  EXPECT_THAT(world.get("/metrics/orgs"),
              AllOf(HasSubstr("pushguard_org_push_failure_info{"), Not(succeeded)));
  world.use_file(before);
  reload_well();
  EXPECT_THAT(world.get("/metrics/orgs"), succeeded);
}

/// A wave joins the rollout after it was aborted.
simulator::scenario with_a_late_wave() {
  simulator::scenario plan = rollout(0.25);
  simulator::wave_plan late = plan.waves.back();
  late.created = 40min;
  late.start = 60min;
  plan.waves.push_back(late);
  return plan;
}

class ReloadBeforeALateWave : public Reload {
 protected:
  ReloadBeforeALateWave() : Reload(with_a_late_wave()) {}
};

TEST_F(ReloadBeforeALateWave, AnAbortInForceHoldsForItAlthoughItsPolicyWasRenamed) {
  world.start();
  ASSERT_TRUE(world.run_until(
      [&] { return !world.decisions().empty() && !world.decisions().front().outcome.empty(); }));
  std::string renamed = policy("60%");
  renamed.replace(renamed.find("production"), 10, "careful");
  world.use_policies(renamed);
  reload_well();
  ASSERT_TRUE(world.run_until([&] { return world.decisions().front().plan.size() == 5; }));
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_EQ(world.decisions().front().plan.back().outcome, "canceled");
  EXPECT_EQ(world.decisions().front().spared_orgs, world.truth().spared_orgs.size());
}

}  // namespace
}  // namespace pushguard
