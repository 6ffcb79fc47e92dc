// The alerts of deploy/prometheus beside the program: Debian's Prometheus evaluates them sixty times faster
// than they are written, a simulated hub and a real agent give it the causes. Each alert must fire, and end.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <csignal>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/interop/monitoring_server.hpp"
#include "tests/interop/recording_server.hpp"
#include "tests/interop/running_world.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using simulator::push_state;
using test::child_process;
using test::running_world;
using testing::IsEmpty;

using names = std::set<std::string>;

/// Minutes become seconds: those of durations, and those that are written as a number of seconds.
std::string sixty_times_faster(const std::string& rules) {
  const std::string shorter = std::regex_replace(rules, std::regex(R"(\b(\d+)m\b)"), "$1s");
  return std::regex_replace(shorter, std::regex(R"(\* 60\b)"), "* 1");
}

/// A Prometheus that scrapes and evaluates each second.
class watching_prometheus {
 public:
  explicit watching_prometheus(running_world& world) : world_(world) {
    for (const char* name : {"recording", "agent", "rollout"}) {
      std::ifstream file(fmt::format(PUSHGUARD_SOURCE_DIR "/deploy/prometheus/{}.rules.yml", name));
      std::ostringstream text;
      text << file.rdbuf();
      world.write_file(fmt::format("{}.rules.yml", name), sixty_times_faster(text.str()));
    }
  }

  /// Each is the authority of an agent, or empty: the job has no target.
  struct jobs {
    std::string agent;
    std::string orgs = {};
    std::size_t orgs_sample_limit = 0;  ///< 0: any number
  };

  /// Starts it, or has it take another configuration.
  void watch(const jobs& targets) {
    const auto targets_of = [](const std::string& target) {
      return target.empty() ? "[]" : fmt::format("[ {{ targets: [\"{}\"] }} ]", target);
    };
    const std::string configuration =
        fmt::format(R"(
global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}
rule_files: ["*.rules.yml"]
scrape_configs:
  - job_name: pushguard
    static_configs: {}
  - job_name: pushguard-orgs
    metrics_path: /metrics/orgs
    sample_limit: {}
    static_configs: {}
)",
                    targets_of(targets.agent), targets.orgs_sample_limit, targets_of(targets.orgs));
    if (!server_) {
      server_ = test::start_prometheus(world_, configuration);
      if (!server_->is_running())
        throw std::runtime_error("Prometheus does not start");
      return;
    }
    world_.write_file("prometheus.yml", configuration);
    server_->signal(SIGHUP);
  }

  /// The names of the alerts that fire, each also with its severity behind it.
  names firing() {
    names out;
    const auto answer = world_.get_json(server_->address(), "/api/v1/alerts");
    if (!answer)
      return {"Prometheus does not answer"};
    for (const boost::json::value& alert : answer->at("data").at("alerts").as_array()) {
      if (alert.at("state").as_string() != "firing")
        continue;
      const std::string name(alert.at("labels").at("alertname").as_string());
      out.insert(name + " " + std::string(alert.at("labels").at("severity").as_string()));
      out.insert(name);
    }
    return out;
  }

  /// Waits until each of them was seen to fire, at one time or another.
  void expect_to_fire(const names& expected) {
    names missing = expected;
    (void)world_.wait_for([&] {
      for (const std::string& each : firing())
        missing.erase(each);
      return missing.empty();
    });
    EXPECT_THAT(missing, IsEmpty()) << "do not fire";
  }

  /// Waits until none of them does.
  void expect_to_end(const names& expected) {
    names left;
    (void)world_.wait_for([&] {
      left.clear();
      const names now = firing();
      std::ranges::set_intersection(now, expected, std::inserter(left, left.end()));
      return left.empty() && !now.contains("Prometheus does not answer");
    });
    EXPECT_THAT(left, IsEmpty()) << "go on firing";
  }

 private:
  running_world& world_;
  std::unique_ptr<test::monitoring_server> server_;
};

/// A receiver that takes what it is told, or refuses it.
class moody_receiver {
 public:
  [[nodiscard]] std::string url() const { return server_.url(); }
  void refuse(bool is_refusing) { is_refusing_ = is_refusing; }
  [[nodiscard]] bool was_told() const { return !server_.seen().empty(); }

 private:
  std::atomic<bool> is_refusing_ = false;
  test::recording_server server_{[this](const http_request&) {
    http_reply reply;
    reply.status = is_refusing_ ? 503 : 200;
    return reply;
  }};
};

std::string hub_text(const std::string& name, const std::string& login_url, const std::string& reconcile,
                     bool streams = false) {
  const simulator::credentials_plan credentials;
  const std::string streaming = streams
                                    ? fmt::format("    streaming: {{ channels: [ {{ channel: {} }} ] }}\n",
                                                  simulator::stream_plan{}.channel)
                                    : "";
  return fmt::format(R"(  - name: {}
    login_url: {}
    auth:
      client_credentials: {{ client_id: {}, client_secret: {} }}
    reconcile: {{ active_interval: 1s, idle_interval: 1s, {} }}
{})",
                     name, login_url, credentials.client_id, credentials.client_secret, reconcile, streaming);
}

std::string webhook_text(const std::string& name, const std::string& url) {
  return fmt::format(
      "    - name: {}\n      webhook: {{ url: \"{}\", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, proxy: "
      "none }}\n",
      name, url);
}

/// Two hundred orgs in one wave, of which some fail at once, and every few seconds another one is done: each
/// ends a poll of the stream, so that a session which is over is soon known to be.
simulator::scenario long_rollout() {
  simulator::scenario plan;
  plan.waves = {{.created = 0s, .start = 1s, .orgs = 200}};
  plan.push.concurrency = 200;
  plan.push.pending_after = 100ms;
  plan.push.start_lag = {100ms, 200ms};
  plan.push.success_takes = {5s, 10min};
  plan.push.failure_takes = {1s, 2s};
  plan.failures.rate = 0.2;
  return plan;
}

simulator::scenario quiet_hub() {
  simulator::scenario plan;
  plan.waves = {{.created = 24h, .start = 25h, .orgs = 1}};
  return plan;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  if (at == std::string::npos)
    throw std::runtime_error(fmt::format("there is no '{}'", what));
  return text.replace(at, what.size(), with);
}

TEST(Rules, TellWhatTheAgentCannotTell) {
  ASSERT_TRUE(test::find_program("prometheus")) << "prometheus is not installed; ./dev test installs it";
  running_world world(long_rollout());
  simulator::scenario small = quiet_hub();
  small.api.daily_calls_max = 3000;  // of which the agent may have three, and needs them for its first look
  running_world thrifty(small);
  simulator::scenario others = quiet_hub();
  // The allocation is used up within half a minute, and large enough for reading once a second until then.
  others.api.daily_calls_max = 1'000'000;
  others.api.other_calls_per_hour = 120'000'000;
  running_world crowded(others);
  moody_receiver bus;
  moody_receiver dead_man;
  bus.refuse(true);
  const std::string listen = world.free_address().authority();
  const std::string nowhere = "http://" + world.free_address().authority();

  const auto configuration = [&](const std::string& hubs, const std::string& receivers, int orgs_limit) {
    return fmt::format(R"(hubs:
{}policies:
  - name: production
    rules:
      - name: budget
        failure_budget: {{ above: 1% }}
        action: alert
alerts:
  receivers:
{}  routes: [ {{ receivers: [bus] }} ]
  watchdog: {{ receiver: dead-man, interval: 10s }}
state: sqlite://{}
http: {{ listen: "{}" }}
org_series: {{ limit: {} }}
)",
                       hubs, receivers, (world.directory() / "state.db").string(), listen, orgs_limit);
  };
  const std::string main_hub = hub_text("devhub", world.hub().local().text(), "blind_after: 3s", true);
  const std::string told_dead_man = webhook_text("dead-man", dead_man.url());
  world.start_agent(configuration(main_hub +
                                      hub_text("thrifty", thrifty.hub().local().text(), "call_budget: 0.1%") +
                                      hub_text("crowded", crowded.hub().local().text(), "call_budget: 100%") +
                                      hub_text("nowhere", nowhere, "call_budget: 100%"),
                                  webhook_text("bus", bus.url() + "/first") + told_dead_man, 10));
  watching_prometheus prometheus(world);
  const watching_prometheus::jobs normal{.agent = listen, .orgs = listen};
  prometheus.watch(normal);
  ASSERT_TRUE(world.wait_for([&] { return dead_man.was_told(); }));
  dead_man.refuse(true);

  // What is wrong with the configuration, the receivers and the allocations.
  world.write_file("pushguard.yaml", "hubs: 5\n");
  world.agent().signal(SIGHUP);
  const names troubles{"PushguardConfigReloadFailed", "PushguardWatchdogStale",
                       "PushguardReceiverFailing",    "PushguardOrgSeriesSuppressed",
                       "PushguardApiAllocationLow",   "PushguardApiBudgetLow",
                       "PushguardHubNeverRead"};
  prometheus.expect_to_fire(troubles);
  bus.refuse(false);
  dead_man.refuse(false);
  const std::string receivers = webhook_text("bus", bus.url() + "/second") + told_dead_man;
  const std::string good = configuration(main_hub, receivers, 1000);
  world.write_file("pushguard.yaml", good);
  world.agent().signal(SIGHUP);
  prometheus.expect_to_end(troubles);
  prometheus.expect_to_end({"PushguardHubBlind"});  // of those without calls left

  // Salesforce lets nobody in, and Prometheus cannot take the series of the orgs.
  world.hub().change([](simulator::hub& hub) { hub.deactivate_user(); });
  prometheus.watch({.agent = listen, .orgs = listen, .orgs_sample_limit = 1});
  const names outage{"PushguardHubBlind", "PushguardStreamDown", "PushguardLoginRefused",
                     "PushguardOrgsScrapeFailing"};
  prometheus.expect_to_fire(outage);
  world.hub().change([](simulator::hub& hub) { hub.activate_user(); });
  world.write_file("pushguard.yaml", replaced(good, "blind_after: 3s", "blind_after: 4s"));
  world.agent().signal(SIGHUP);  // a hub that changed logs in at once
  prometheus.watch(normal);
  prometheus.expect_to_end(outage);

  // The agent dies in the middle of the rollout.
  world.kill_agent();
  const names death{"PushguardDown", "PushguardRolloutUnjudged"};
  prometheus.expect_to_fire(death);
  world.start_agent(good);
  prometheus.expect_to_end(death);

  // Prometheus knows no agent.
  prometheus.watch({.agent = ""});
  prometheus.expect_to_fire({"PushguardAbsent"});

  // The only agent it then knows waits for the store of one that it does not know.
  const std::string other = world.free_address().authority();
  const auto file = world.write_file("second.yaml", replaced(good, listen, other));
  child_process second({PUSHGUARD_PROGRAM, "run", "--config", file.string()},
                       {.directory = {}, .environment = {}, .joins_stderr = true});
  ASSERT_TRUE(second.read_line_with("event=store_lock_waited_for", running_world::patience));
  prometheus.watch({.agent = other});
  prometheus.expect_to_end({"PushguardAbsent"});
  prometheus.expect_to_fire({"PushguardNoLeader"});
  world.kill_agent();
  prometheus.expect_to_end({"PushguardNoLeader"});
  EXPECT_EQ(second.terminate(10s), 0);
}

/// Of sixty orgs a third fails within seconds, a quarter is not eligible, and the others run for more than an
/// hour. Another request was left behind. Sixty times faster than life, as the rules.
simulator::scenario old_trouble() {
  simulator::scenario plan;
  plan.time_scale = 60;
  plan.waves = {{.created = 0s, .start = 10s, .orgs = 60}, {.created = 0s, .start = 72h, .orgs = 60}};
  plan.push.concurrency = 60;
  plan.push.start_lag = {10s, 20s};
  plan.push.success_takes = {72min, 76min};
  plan.push.failure_takes = {30s, 60s};
  plan.failures.rate = 0.3;
  plan.failures.ineligible_rate = 0.3;
  plan.orphans = {{.age = 5s, .orgs = 5}};
  return plan;
}

/// The first wave goes bad soon, the second starts while Salesforce cannot cancel it, the third is far away.
simulator::scenario lost_race() {
  simulator::scenario plan;
  plan.seed = 2;
  plan.time_scale = 60;
  plan.waves = {{.created = 0s, .start = 6min, .orgs = 60},
                {.created = 0s, .start = 20min, .orgs = 60},
                {.created = 0s, .start = 72h, .orgs = 60}};
  plan.push.concurrency = 60;
  plan.push.start_lag = {10s, 20s};
  plan.push.success_takes = {20min, 25min};
  plan.push.failure_takes = {30s, 60s};
  plan.failures.rate = 0.3;
  plan.api.faults = {{.kind = simulator::api_fault_kind::row_locked,
                      .until = 22s,
                      .operation = simulator::api_operation::cancel}};
  return plan;
}

TEST(Rules, TellTheStoryOfARollout) {
  ASSERT_TRUE(test::find_program("prometheus")) << "prometheus is not installed; ./dev test installs it";
  running_world world(old_trouble());
  ASSERT_TRUE(world.wait_for(
      [&] { return simulator::count_of(world.hub().truth().rollout_jobs, push_state::failed) >= 25; }));
  running_world racing(lost_race());
  world.write_file("api.tokens", "alice:alices-own-token-1\n");
  const auto token = world.write_file("token", "alices-own-token-1\n");
  const auto configuration = [&](const std::string& policies) {
    return fmt::format(R"(hubs:
{}{}{}state: sqlite://{}
http: {{ listen: "127.0.0.1:0", api_tokens_file: api.tokens }}
)",
                       hub_text("devhub", world.hub().local().text(), "call_budget: 100%"),
                       hub_text("racing", racing.hub().local().text(), "call_budget: 100%"), policies,
                       (world.directory() / "state.db").string());
  };
  world.start_agent(configuration(R"(policies:
  - name: production
    mode: enforce
    rules:
      - name: failure-rate
        failure_rate: { above: 5%, min_started: 10 }
        action: abort
      - name: near
        failure_rate: { above: 90%, min_started: 10, warn_at: 2% }
      - name: budget
        failure_budget: { above: 1% }
  - name: trial
    rules:
      - name: failure-rate
        failure_rate: { above: 5%, min_started: 10 }
        action: abort
)"));
  watching_prometheus prometheus(world);
  const std::string agent = world.agent_address().authority();
  prometheus.watch({.agent = agent, .orgs = agent});

  const auto ask = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), PUSHGUARD_PROGRAM);
    for (const std::string& each :
         {std::string("--url"), "http://" + agent, std::string("--token-file"), token.string()})
      arguments.push_back(each);
    child_process command(arguments, {.directory = {}, .environment = {}, .joins_stderr = true});
    const std::string said = command.read_all(30s);
    const bool was_done = command.wait(10s) == 0;
    EXPECT_TRUE(was_done || arguments[1] == "resume") << said;
    return was_done;
  };
  // By hub: the rollout that has a wave which still waits.
  const auto rollout_of = [&](const std::string& hub) -> std::string {
    std::string found;
    EXPECT_TRUE(world.wait_for([&] {
      const auto known = world.get_json(world.agent_address(), "/api/v1/rollouts");
      if (!known)
        return false;
      for (const boost::json::value& each : known->at("rollouts").as_array()) {
        if (each.at("hub").as_string() == hub && each.at("jobs").at("failed").to_number<int>() > 0)
          found = each.at("id").as_string();
      }
      return !found.empty();
    })) << hub;
    return found;
  };
  const std::string rollout = rollout_of("devhub");
  prometheus.expect_to_fire({"PushguardBreachedBeforeArming", "PushguardRuleWarning"});
  ask({"hold", rollout, "--hub", "devhub", "--for", "1m", "--reason", "let me look"});
  prometheus.expect_to_fire({"PushguardBreachHeld", "PushguardRuleBreached", "PushguardExcludedErrors",
                             "PushguardHoldExpiring", "PushguardLateStart", "PushguardRequestStalled",
                             "PushguardContainment critical", "PushguardContainment warning",
                             "PushguardAbortIncomplete"});
  ask({"release", rollout, "--hub", "devhub"});
  prometheus.expect_to_end({"PushguardHoldExpiring", "PushguardBreachHeld"});
  for (const simulator::request_truth& request : world.hub().truth().requests) {
    if (request.is_orphan)
      ask({"abort", request.id, "--reason", "nobody schedules it any more"});
  }
  prometheus.expect_to_end({"PushguardLateStart"});

  ask({"arm", rollout, "--hub", "devhub"});
  prometheus.expect_to_end({"PushguardBreachedBeforeArming"});
  prometheus.expect_to_fire({"PushguardJobsStuck"});
  const std::string raced = rollout_of("racing");
  EXPECT_TRUE(world.wait_for([&] { return ask({"resume", rollout, "--hub", "devhub"}); }));
  EXPECT_TRUE(world.wait_for([&] { return ask({"resume", raced, "--hub", "racing"}); }));
  world.write_file("pushguard.yaml", configuration(""));
  world.agent().signal(SIGHUP);
  prometheus.expect_to_end({"PushguardRuleWarning", "PushguardRuleBreached", "PushguardExcludedErrors",
                            "PushguardContainment", "PushguardJobsStuck", "PushguardRequestStalled",
                            "PushguardAbortIncomplete"});
}

}  // namespace
}  // namespace pushguard
