#include "simulator/scenario.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

std::string file_text(const std::string& name) {
  std::ifstream file(std::string(PUSHGUARD_SOURCE_DIR) + "/simulator/scenarios/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

scenario parsed(std::string_view yaml) {
  const auto made = parse_scenario(yaml, "test.yaml");
  if (!made) {
    ADD_FAILURE() << made.error().text();
    return {};
  }
  return *made;
}

std::string problems(std::string_view yaml) {
  const auto made = parse_scenario(yaml, "test.yaml");
  EXPECT_FALSE(made) << yaml;
  return made ? std::string() : made.error().text();
}

constexpr std::string_view one_wave = "waves: [{ start: 1m, orgs: 5 }]\n";

std::string with(std::string_view section) {
  return std::string(one_wave) + std::string(section);
}

TEST(Scenario, NeedsOnlyWaves) {
  const scenario made = parsed(one_wave);
  ASSERT_EQ(made.waves.size(), 1U);
  EXPECT_EQ(made.waves[0].start, 1min);
  EXPECT_EQ(made.waves[0].orgs, 5U);
  EXPECT_EQ(made.time_scale, 1);
  EXPECT_EQ(made.stream.channel, "/event/Push_Upgrade__e");
  EXPECT_EQ(made.expect.abort, std::nullopt);
}

TEST(Scenario, ReadsEveryKey) {
  const scenario made = parsed(R"(
seed: 9
time_scale: 2.5
package: { generation: 1GP, name: Widgets, namespace: wid, version: 2.1, from_version: 2.0.3 }
credentials: { client_id: me, client_secret: hush, token_life: 10m }
orgs: { total: 200, production: 40%, instances: { NA1: 3, EU2: 1 }, case_twins: 12 }
waves:
  - { created: 10s, start: 30s, share: 25%, failure_rate: 50% }
  - { start: 1h, orgs: 20 }
push:
  concurrency: 3
  pending_after: 1s
  start_lag: [0s, 2s]
  success_takes: [10s, 20s]
  failure_takes: [1s, 2s]
  cancel_lag: [5s, 5s]
  request_end_lag: [1m, 2m]
failures:
  rate: 7%
  ineligible_rate: 1%
  benign_rate: 2%
  several_rows: 30%
  no_rows: 4%
  error_types: { PACError: 1, LimitExceeded: 2 }
  instance_rates: { EU2: 90% }
history: [{ age: 3d, orgs: 12, failure_rate: 0.1 }, { orgs: 2, version: to }]
orphans: [{ age: 2d, orgs: 7, version: to }, { orgs: 100 }]
api: { status_spelling: In Progress, system_modstamp: refused, daily_calls_max: 15000 }
stream:
  { channel: /event/Other__e, events: hints, error_type: omitted, loss: 5%, retention: 24h, clients_max: 20 }
expect: { abort: true, outcome: partial, spared_min: 4 }
)");
  EXPECT_EQ(made.seed, 9U);
  EXPECT_EQ(made.time_scale, 2.5);
  EXPECT_EQ(made.package.generation, package_generation::first);
  EXPECT_EQ(made.package.name, "Widgets");
  EXPECT_EQ(made.package.namespace_prefix, "wid");
  EXPECT_EQ(made.package.to, (version_number{2, 1, 0}));
  EXPECT_EQ(made.package.from, (version_number{2, 0, 3}));
  EXPECT_EQ(made.credentials.client_id, "me");
  EXPECT_EQ(made.credentials.client_secret, "hush");
  EXPECT_EQ(made.credentials.token_life, 10min);
  EXPECT_EQ(made.orgs.production_share, 0.4);
  ASSERT_EQ(made.orgs.instances.size(), 2U);
  EXPECT_EQ(made.orgs.instances[0].name, "NA1");
  EXPECT_EQ(made.orgs.instances[0].weight, 3);
  EXPECT_EQ(made.waves[0].created, 10s);
  EXPECT_EQ(made.waves[0].orgs, 50U);
  EXPECT_EQ(made.waves[0].failure_rate, 0.5);
  EXPECT_EQ(made.org_count(), 100U);
  EXPECT_EQ(made.orgs.case_twins, 12U);
  EXPECT_EQ(made.push.request_end_lag.least, 1min);
  EXPECT_EQ(made.push.request_end_lag.most, 2min);
  EXPECT_EQ(made.push.concurrency, 3U);
  EXPECT_EQ(made.push.pending_after, 1s);
  EXPECT_EQ(made.push.start_lag.most, 2s);
  EXPECT_EQ(made.push.success_takes.least, 10s);
  EXPECT_EQ(made.push.failure_takes.most, 2s);
  EXPECT_EQ(made.push.cancel_lag.least, 5s);
  EXPECT_EQ(made.failures.rate, 0.07);
  EXPECT_EQ(made.failures.ineligible_rate, 0.01);
  EXPECT_EQ(made.failures.benign_rate, 0.02);
  EXPECT_EQ(made.failures.several_rows_share, 0.3);
  EXPECT_EQ(made.failures.no_rows_share, 0.04);
  EXPECT_EQ(made.failures.error_types[1].name, "LimitExceeded");
  EXPECT_EQ(made.failures.instance_rates.at(0).rate, 0.9);
  EXPECT_EQ(made.history.at(0).age, 72h);
  EXPECT_EQ(made.history.at(0).orgs, 12U);
  EXPECT_EQ(made.history.at(0).failure_rate, 0.1);
  EXPECT_EQ(made.history.at(0).version, pushed_version::from);
  EXPECT_EQ(made.history.at(1).version, pushed_version::to);
  EXPECT_EQ(made.orphans.at(0).age, 48h);
  EXPECT_EQ(made.orphans.at(0).orgs, 7U);
  EXPECT_EQ(made.orphans.at(0).version, pushed_version::to);
  EXPECT_EQ(made.orphans.at(1).version, pushed_version::from);
  EXPECT_EQ(made.api.spelling, in_progress_spelling::spaced);
  EXPECT_EQ(made.api.system_modstamp, modstamp_filter::refused);
  EXPECT_EQ(made.api.daily_calls_max, 15'000U);
  EXPECT_EQ(made.stream.channel, "/event/Other__e");
  EXPECT_EQ(made.stream.detail, event_detail::hint);
  EXPECT_EQ(made.stream.error_type, event_error_type::omitted);
  EXPECT_EQ(made.stream.loss, 0.05);
  EXPECT_EQ(made.stream.retention, 24h);
  EXPECT_EQ(made.stream.clients_max, 20U);
  EXPECT_EQ(made.expect.abort, true);
  EXPECT_EQ(made.expect.outcome, "partial");
  EXPECT_EQ(made.expect.spared_min, 4U);
}

TEST(Scenario, TellsEveryProblemAtOnceWithItsPlace) {
  const std::string text = problems("seed: x\ntime_scale: 0\nnonsense: 1\nwaves:\n  - { start: 1m }\n");
  EXPECT_THAT(text, HasSubstr("test.yaml:1:7: "));
  EXPECT_THAT(text, HasSubstr("test.yaml:2:13: "));
  EXPECT_THAT(text, HasSubstr("test.yaml:3:1: "));
  EXPECT_THAT(text, HasSubstr("test.yaml:5:5: "));
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
}

TEST(Scenario, RefusesWhatMakesNoSense) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "must be a mapping"},
      {"seed: 1", "waves"},
      {"waves: []", "waves"},
      {"waves: [{ start: 1m, orgs: 0 }]", "orgs"},
      {"waves: [{ orgs: 5 }]", "start"},
      {"waves: [{ start: 1m, orgs: 5, share: 5% }]", "share"},
      {"waves: [{ start: 1m, share: 5% }]", "share needs orgs.total"},
      {"orgs: { total: 10 }\nwaves: [{ start: 1m, share: 1% }]", "share must be at least one org"},
      {"orgs: { total: 10 }\nwaves: [{ start: 1m, orgs: 11 }]", "more than orgs.total"},
      {"waves: [{ start: 1m, created: 2m, orgs: 5 }]", "must not start before it is created"},
      {"waves: [{ start: 1m, orgs: 900000 }, { start: 2m, orgs: 900000 }]", "1000000 orgs together"},
      {with("push: { success_takes: 5s }"), "must be two durations"},
      {with("push: { success_takes: [9s, 5s] }"), "must not begin with the longer"},
      {with("push: { success_takes: [0s, 5s] }"), "success_takes"},
      {with("push: { concurrency: 0 }"), "concurrency"},
      {with("orgs: { instances: {} }"), "instances must name 1 to"},
      {with("orgs: { instances: { NA1: 0 } }"), "NA1"},
      {with("failures: { error_types: { Nonsense: 1 } }"), "Nonsense is not an error type"},
      {with("failures: { instance_rates: { NA1: 5% } }"), "NA1 is not one of orgs.instances"},
      {with("failures: { rate: 101% }"), "rate"},
      {with("package: { version: one }"), "version must be a version number"},
      {with("package: { version: 1 }"), "version must be a version number"},
      {with("package: { version: 1.2.3.4 }"), "version must be a version number"},
      {with("package: { version: 1.-2 }"), "version must be a version number"},
      {with("package: { generation: 3GP }"), "generation"},
      {with("stream: { channel: /topic/X }"), "/event/"},
      {with("stream: { events: nonsense }"), "events"},
      {with("api: { status_spelling: Running }"), "status_spelling"},
      {with("expect: { outcome: nonsense }"), "outcome"},
      {with("expect: { abort: perhaps }"), "abort"},
      {with("history: [{ age: 1d }]"), "orgs"},
      {with("history: [{ orgs: 1, version: 1.4 }]"), "version must be from or to"},
      {with("orphans: [{ age: 1d }]"), "orgs"},
      {with("orphans: [{ orgs: 1, version: next }]"), "version must be from or to"},
      {with("orphans: [{ orgs: 1, failure_rate: 5% }]"), "failure_rate"},
      {with("orgs: { case_twins: 6 }"), "test.yaml:2:21: case_twins must not be more than the orgs"},
      {with("push: { request_end_lag: [5s, 1s] }"), "must not begin with the longer"},
  };
  for (const auto& [yaml, message] : cases) {
    const std::string text = problems(yaml);
    EXPECT_THAT(text, StartsWith("test.yaml:")) << yaml;
    EXPECT_THAT(text, HasSubstr(message)) << yaml;
  }
}

TEST(Scenario, ReadsFaultsOfTheStream) {
  const stream_plan made = parsed(with(R"(
stream:
  nodes: 3
  routing_cookie_life: 10m
  faults:
    - fault: late_reply
      on: connect
      skip: 2
      times: 3
      delay: 20s
    - { fault: http_status, status: 502, with_events: true }
    - { fault: quota, on: subscribe, channel: /event/Push_Upgrade__e }
  chaos: { odds: 1%, faults: [unknown_client, cut_body], delay_max: 1m }
)"))
                               .stream;
  EXPECT_EQ(made.nodes, 3U);
  EXPECT_EQ(made.routing_cookie_life, 10min);
  ASSERT_EQ(made.faults.size(), 3U);
  EXPECT_EQ(made.faults[0].kind, fault_kind::late_reply);
  EXPECT_EQ(made.faults[0].on, request_kind::connect);
  EXPECT_EQ(made.faults[0].skip, 2U);
  EXPECT_EQ(made.faults[0].times, 3U);
  EXPECT_EQ(made.faults[0].delay, 20s);
  EXPECT_FALSE(made.faults[0].with_events);
  EXPECT_EQ(made.faults[1].on, request_kind::any);
  EXPECT_EQ(made.faults[1].times, 1U);
  EXPECT_EQ(made.faults[1].status, 502);
  EXPECT_EQ(made.faults[1].delay, std::nullopt);
  EXPECT_TRUE(made.faults[1].with_events);
  EXPECT_EQ(made.faults[2].channel, "/event/Push_Upgrade__e");
  ASSERT_TRUE(made.chaos);
  EXPECT_EQ(made.chaos->odds, 0.01);
  EXPECT_EQ(made.chaos->delay_max, 1min);
  EXPECT_EQ(made.chaos->kinds, (std::vector{fault_kind::unknown_client, fault_kind::cut_body}));
}

TEST(Scenario, ChaosOfAllKindsNeedsNoList) {
  const stream_plan made = parsed(with("stream: { chaos: {} }")).stream;
  ASSERT_TRUE(made.chaos);
  EXPECT_TRUE(made.chaos->kinds.empty());
  EXPECT_EQ(made.chaos->odds, 0.01);
  EXPECT_FALSE(parsed(one_wave).stream.chaos);
  EXPECT_TRUE(parsed(one_wave).stream.faults.empty());
}

TEST(Scenario, TellsWhatIsWrongWithFaults) {
  const std::pair<std::string, std::string> cases[] = {
      {"faults: [{ fault: nonsense }]", "nonsense is not a fault that a stream can have"},
      {"faults: [{ fault: late_repyl }]", "late_repyl is not a fault; did you mean late_reply?"},
      {"faults: [{ on: connect }]", "fault"},
      {"faults: [{ fault: busy, on: nonsense }]", "on must be handshake or subscribe or"},
      {"faults: [{ fault: client_limit, on: connect }]", "client_limit cannot happen to a connect request"},
      {"faults: [{ fault: busy, times: 0 }]", "times"},
      {"faults: [{ fault: busy, delay: soon }]", "delay"},
      {"faults: [{ fault: busy, status: 502 }]", "status belongs to http_status, not to busy"},
      {"faults: [{ fault: http_status, status: 200 }]", "status"},
      {"faults: [{ fault: busy, nonsense: 1 }]", "nonsense"},
      {"faults: busy", "faults"},
      {"chaos: { odds: 200% }", "odds"},
      {"chaos: { faults: [nonsense] }", "nonsense is not a fault"},
      {"nodes: 0", "nodes"},
      {"nodes: 101", "nodes"},
      {"routing_cookie_life: 0s", "routing_cookie_life"},
  };
  for (const auto& [line, message] : cases) {
    const std::string text = problems(with("stream: { " + line + " }"));
    EXPECT_THAT(text, StartsWith("test.yaml:2:")) << line;
    EXPECT_THAT(text, HasSubstr(message)) << line;
  }
  std::string many = "stream:\n  faults:\n";
  for (std::size_t fault = 0; fault < faults_max; ++fault)
    many += "    - { fault: busy }\n";
  EXPECT_EQ(parsed(with(many)).stream.faults.size(), faults_max);
  EXPECT_THAT(problems(with(many + "    - { fault: busy }\n")),
              HasSubstr("there must not be more than 1000 faults"));
}

TEST(Scenario, TheFilesOfTheRepositoryAreRight) {
  const scenario bad = parsed(file_text("bad-rollout.yaml"));
  EXPECT_EQ(bad.org_count(), 600U);
  EXPECT_EQ(bad.waves.size(), 4U);
  EXPECT_EQ(bad.expect.abort, true);
  EXPECT_EQ(bad.expect.spared_min, bad.org_count() - bad.waves[0].orgs);
  const scenario healthy = parsed(file_text("healthy-rollout.yaml"));
  EXPECT_EQ(healthy.expect.abort, false);
}

TEST(DemoScenario, GrowsFromWaveToWave) {
  const scenario made = make_demo_scenario({});
  ASSERT_EQ(made.waves.size(), 4U);
  EXPECT_EQ(made.org_count(), 600U);
  for (std::size_t wave = 1; wave < made.waves.size(); ++wave) {
    EXPECT_GT(made.waves[wave].orgs, made.waves[wave - 1].orgs);
    EXPECT_EQ(made.waves[wave].start - made.waves[wave - 1].start, 15min);
  }
  EXPECT_EQ(made.expect.abort, true);
  EXPECT_EQ(made.expect.spared_min, 540U);
}

TEST(DemoScenario, TakesEveryNumberOfOrgsAndWaves) {
  for (const std::size_t orgs : {0U, 1U, 2U, 3U, 7U, 100U, 100'000U}) {
    for (const std::size_t waves : {0U, 1U, 2U, 5U, 40U}) {
      const scenario made = make_demo_scenario({.orgs = orgs, .waves = waves});
      EXPECT_EQ(made.org_count(), std::max<std::size_t>(orgs, 1));
      EXPECT_EQ(made.waves.size(), std::min(std::max<std::size_t>(waves, 1), made.org_count()));
      for (const wave_plan& wave : made.waves)
        EXPECT_GT(wave.orgs, 0U) << orgs << " " << waves;
    }
  }
}

TEST(DemoScenario, ExpectsOnlyWhatIsSure) {
  EXPECT_EQ(make_demo_scenario({.failure_rate = 0}).expect.abort, false);
  EXPECT_EQ(make_demo_scenario({.failure_rate = 0.03}).expect.abort, false);
  EXPECT_EQ(make_demo_scenario({.failure_rate = 0.1}).expect.abort, std::nullopt);
  EXPECT_EQ(make_demo_scenario({.failure_rate = 0.2}).expect.abort, true);
  EXPECT_EQ(make_demo_scenario({.orgs = 50}).expect.abort, std::nullopt) << "too few orgs to be sure";
  EXPECT_EQ(make_demo_scenario({.waves = 1}).expect.abort, std::nullopt) << "nothing is left to cancel";
}

}  // namespace
}  // namespace pushguard::simulator
