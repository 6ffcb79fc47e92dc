#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <fstream>
#include <future>
#include <map>
#include <mutex>
#include <regex>
#include <set>
#include <sstream>

#include "base/http_server.hpp"
#include "program/server_thread.hpp"
#include "tests/interop/hook_memory.hpp"
#include "tests/interop/running_world.hpp"

namespace pushguard {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using test::child_process;
using test::running_world;

// Two agents wait most of the time; more would be slow to see the rollout before it goes bad.
constexpr std::size_t lives_at_once = 2;
constexpr std::size_t orgs_of_a_wave = 5;
constexpr const char* containment = "PushguardContainment";

/// One wave that fails at once and whose request does not end, two that would start in an hour, and one like
/// them that somebody adds when the first three are contained.
simulator::scenario waves_that_go_bad() {
  simulator::scenario plan = simulator::make_demo_scenario({.time_scale = 1});
  plan.waves = {{.created = 0s, .start = 2s, .orgs = 12, .failure_rate = 1},
                {.created = 0s, .start = 1h, .orgs = orgs_of_a_wave},
                {.created = 0s, .start = 1h, .orgs = orgs_of_a_wave},
                {.created = 4500ms, .start = 1h, .orgs = orgs_of_a_wave}};
  plan.push.concurrency = 12;
  plan.push.pending_after = 200ms;
  plan.push.start_lag = {10ms, 50ms};
  plan.push.failure_takes = {300ms, 600ms};
  plan.push.cancel_lag = {0ms, 50ms};
  plan.push.request_end_lag = {1h, 1h};
  plan.failures.ineligible_rate = 0;
  plan.failures.benign_rate = 0;
  plan.failures.no_rows_share = 0;
  return plan;
}

/// Stands in for Alertmanager and keeps what it is told about containments.
class alert_memory {
 public:
  alert_memory() {
    listener_ = thread_.listen(*network_, "127.0.0.1", 0).value();
    const http_handler handler = [this](const http_request& request) -> asio::awaitable<http_reply> {
      take(request.body);
      co_return http_reply{};
    };
    thread_.run(serve_http(*listener_, handler, {}, *time_, log_));
  }
  ~alert_memory() { thread_.stop(); }

  [[nodiscard]] std::string url() const { return listener_->local().text(); }
  /// What Alertmanager would tell alerts apart by; several where one abort was told as several alerts.
  [[nodiscard]] std::set<std::string> identities() {
    const std::lock_guard hold(mutex_);
    return identities_;
  }
  [[nodiscard]] std::string last_end() {
    const std::lock_guard hold(mutex_);
    return last_end_;
  }

 private:
  void take(const std::string& body) {
    const std::lock_guard hold(mutex_);
    for (const json::value& alert : json::parse(body).as_array()) {
      const json::object& labels = alert.at("labels").as_object();
      if (labels.at("alertname").as_string() != "PushguardContainment")
        continue;
      const json::object& annotations = alert.at("annotations").as_object();
      identities_.insert(json::serialize(labels));
      last_end_ = fmt::format("{}, {} spared", std::string_view(annotations.at("outcome").as_string()),
                              std::string_view(annotations.at("spared_orgs").as_string()));
    }
  }

  std::mutex mutex_;
  std::set<std::string> identities_;
  std::string last_end_;
  test::recording_logger log_;
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  program::server_thread thread_;
  std::unique_ptr<listener> listener_;
};

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

/// One rollout with an agent that may be killed on the way.
class life {
 public:
  /// `kill_at` is NAME:PASS, or empty; `log` is where the points are noted, or empty.
  void start(const std::string& kill_at, const std::string& log = "") {
    std::vector<std::pair<std::string, std::string>> environment;
    if (!kill_at.empty())
      environment.emplace_back("PUSHGUARD_KILL_AT", kill_at);
    if (!log.empty())
      environment.emplace_back("PUSHGUARD_FAULT_LOG", log);
    world_.launch_agent(configuration(), PUSHGUARD_PROGRAM_WITH_FAULT_POINTS, std::move(environment));
    listens_ = world_.wait_until_agent_listens();
  }

  [[nodiscard]] bool was_killed() { return world_.agent().wait(0ms) == 128 + SIGKILL; }

  /// Until the agent is dead, or the containment is over, late wave and alert included.
  [[nodiscard]] bool wait_for_death_or_end() {
    return world_.wait_for([&] { return was_killed() || is_over(); });
  }
  [[nodiscard]] bool wait_for_end() {
    return world_.wait_for([&] { return is_over(); });
  }

  /// Ends the agent in order and tells what came of it all, by request and outcome.
  [[nodiscard]] std::string conclude() {
    std::string out;
    const simulator::hub_truth truth = world_.hub().truth();
    std::map<std::string, std::size_t> accepted;
    for (const simulator::cancel_attempt& attempt : truth.cancel_attempts)
      accepted[attempt.request_id] += attempt.error_code.empty() ? 1 : 0;
    for (const simulator::request_truth& request : truth.requests) {
      out += fmt::format("{} is {}, cancellations accepted: {}\n", request.id,
                         simulator::to_salesforce(request.state, simulator::in_progress_spelling::joined),
                         accepted[request.id]);
    }
    std::set<std::string> spared(truth.spared_orgs.begin(), truth.spared_orgs.end());
    out += fmt::format("spared: {}\n", fmt::join(spared, " "));
    const json::value decided = world_.decisions();
    for (const json::value& decision : decided.as_array()) {
      out += fmt::format("decision {} {} {} {}/{}: {}, {} spared\n", text_of(decision.at("rollout")),
                         text_of(decision.at("epoch")), text_of(decision.at("mode")),
                         text_of(decision.at("policy")), text_of(decision.at("rule")),
                         text_of(decision.at("outcome")), text_of(decision.at("spared_orgs")));
      std::map<std::string, std::string> plan;
      for (const json::value& entry : decision.at("plan").as_array())
        plan[text_of(entry.at("request_id"))] = text_of(entry.at("outcome"));
      for (const auto& [request, outcome] : plan)
        out += fmt::format("  {} {}\n", request, outcome);
    }
    out += fmt::format("told: {} ({})\n", fmt::join(alerts_.identities(), " "), alerts_.last_end());
    out += fmt::format("told step by step: {} ({}, {} spared)\n", fmt::join(hook_.keys_of(containment), " "),
                       hook_.last_annotation(containment, "outcome"),
                       hook_.last_annotation(containment, "spared_orgs"));
    out += fmt::format("ended with {}\n", world_.agent().terminate(20s));
    out += hook_.broken_promises();
    child_process verify(
        {PUSHGUARD_PROGRAM, "audit", "verify", "--state", (world_.directory() / "state.db").string()},
        {.directory = {}, .environment = {}, .joins_stderr = true});
    const std::string said = verify.read_all(20s);
    const bool is_intact = verify.wait(10s) == 0;
    out += is_intact ? "the audit trail is intact\n" : said;
    return out;
  }

  [[nodiscard]] running_world& world() noexcept { return world_; }

 private:
  /// With a webhook beside the Alertmanager: the one is told each step, the other the state.
  [[nodiscard]] std::string configuration() const {
    std::string text = world_.configuration({alerts_.url()});
    const std::string receivers = "  receivers:\n";
    return text.insert(text.find(receivers) + receivers.size(),
                       fmt::format("    - name: bus\n      webhook: {{ url: \"{}\", secret: "
                                   "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, proxy: none }}\n",
                                   hook_.url()));
  }

  [[nodiscard]] bool is_over() {
    if (!listens_ || alerts_.last_end() != fmt::format("confirmed, {} spared", 3 * orgs_of_a_wave) ||
        hook_.last_annotation(containment, "spared_orgs") != fmt::format("{}", 3 * orgs_of_a_wave))
      return false;
    if (world_.hub().truth().spared_orgs.size() != 3 * orgs_of_a_wave)
      return false;  // the jobs of a cancelled request follow it a moment later
    const json::value made = world_.decisions();
    return std::ranges::any_of(made.as_array(), [&](const json::value& decision) {
      const json::array& plan = decision.at("plan").as_array();
      return plan.size() == waves_that_go_bad().waves.size() && !decision.at("outcome").is_null() &&
             decision.at("spared_orgs") == 3 * orgs_of_a_wave &&
             std::ranges::none_of(plan,
                                  [](const json::value& entry) { return entry.at("outcome").is_null(); });
    });
  }

  alert_memory alerts_;
  test::hook_memory hook_;
  running_world world_{waves_that_go_bad()};
  bool listens_ = false;
};

/// How often the points were passed, by name.
using passes = std::map<std::string, std::size_t>;

struct uninterrupted_run {
  std::string conclusion = {};
  passes passed = {};
};

passes read_passes(const std::string& log) {
  passes passed;
  std::ifstream lines(log);
  for (std::string name; std::getline(lines, name);)
    ++passed[name];
  return passed;
}

uninterrupted_run run_uninterrupted() {
  life undisturbed;
  const std::string log = (undisturbed.world().directory() / "points").string();
  undisturbed.start("", log);
  uninterrupted_run out;
  if (!undisturbed.wait_for_end())
    return out;
  out.passed = read_passes(log);
  out.conclusion = undisturbed.conclude();
  return out;
}

struct killed_run {
  std::string kill_at;
  bool was_killed = false;
  std::string conclusion = {};
  passes passed = {};  ///< where it was not killed
};

killed_run run_killed(std::string kill_at) {
  life interrupted;
  killed_run out{.kill_at = std::move(kill_at)};
  const std::string log = (interrupted.world().directory() / "points").string();
  interrupted.start(out.kill_at, log);
  if (!interrupted.wait_for_death_or_end()) {
    out.conclusion = "it neither died nor came to an end\n";
    return out;
  }
  const auto conclude = [&] {
    return interrupted.wait_for_end() ? interrupted.conclude()
                                      : "it came to no end:\n" + interrupted.conclude();
  };
  out.was_killed = interrupted.was_killed();
  if (!out.was_killed) {
    out.passed = read_passes(log);
    out.conclusion = conclude();
    out.was_killed = interrupted.was_killed();
    if (!out.was_killed)
      return out;
    // The last pass came only as the agent ended in order: what it left behind has to stand, too.
  }
  interrupted.start("");
  out.conclusion = conclude();
  return out;
}

/// The first and the last pass of each point.
std::vector<std::string> steps_of(const passes& passed) {
  std::vector<std::string> steps;
  for (const auto& [name, times] : passed) {
    steps.push_back(fmt::format("{}:1", name));
    if (times > 1)
      steps.push_back(fmt::format("{}:{}", name, times));
  }
  return steps;
}

/// The lives of one step, the last of them killed there if any was. How often a point is passed may depend on
/// the moment (which alerts share a delivery, which events a checkpoint); where the last pass did not come
/// in a life, the next is killed at what was the last in that one.
std::vector<killed_run> run_step(const std::string& step) {
  constexpr std::size_t lives = 4;
  const std::string name = step.substr(0, step.find(':'));
  std::vector<killed_run> runs = {run_killed(step)};
  while (!runs.back().was_killed && runs.back().passed.contains(name) && runs.size() < lives)
    runs.push_back(run_killed(fmt::format("{}:{}", name, runs.back().passed.at(name))));
  return runs;
}

/// Those of every step, in the order in which they end.
std::vector<std::vector<killed_run>> run_all_killed(const std::vector<std::string>& steps) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::vector<std::vector<killed_run>> runs;
  const auto work = [&] {
    for (std::size_t i = next++; i < steps.size(); i = next++) {
      std::vector<killed_run> ended = run_step(steps[i]);
      const std::lock_guard hold(mutex);
      runs.push_back(std::move(ended));
    }
  };
  std::vector<std::future<void>> workers;
  for (std::size_t i = 0; i < lives_at_once; ++i)
    workers.push_back(std::async(std::launch::async, work));
  for (std::future<void>& worker : workers)
    worker.get();
  return runs;
}

/// The names in the sources' calls of fault_point().
std::set<std::string> points_in_sources() {
  const std::regex name("\"([a-z_]+\\.[a-z_]+)\"");
  std::set<std::string> found;
  for (const char* folder : {"base", "cometd", "alerts", "metrics", "agent", "program"}) {
    const std::filesystem::path root = std::filesystem::path(PUSHGUARD_SOURCE_DIR) / folder;
    for (const auto& file : std::filesystem::recursive_directory_iterator(root)) {
      if (file.path().extension() != ".cpp")
        continue;
      std::ifstream lines(file.path());
      for (std::string line; std::getline(lines, line);) {
        const auto call = line.find("fault_point(");
        if (call == std::string::npos)
          continue;
        for (std::sregex_iterator at(line.begin() + static_cast<std::ptrdiff_t>(call), line.end(), name), end;
             at != end; ++at)
          found.insert((*at)[1]);
      }
    }
  }
  return found;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

TEST(CrashMatrix, EndsAlikeWhereverTheAgentIsKilled) {
  const uninterrupted_run model = run_uninterrupted();
  ASSERT_NE(model.conclusion, "") << "the uninterrupted run came to no end";
  // What all others are held against has to be right itself.
  EXPECT_EQ(count_of(model.conclusion, "Canceled, cancellations accepted: 1\n"), 3U);
  EXPECT_EQ(count_of(model.conclusion, "InProgress, cancellations accepted: 0\n"), 1U);
  EXPECT_EQ(count_of(model.conclusion, "decision "), 1U);
  EXPECT_EQ(count_of(model.conclusion, "production/failure-rate: confirmed, 15 spared\n"), 1U);
  EXPECT_EQ(count_of(model.conclusion, "alertname"), 1U);
  EXPECT_EQ(count_of(model.conclusion, "told step by step: containment:"), 1U);
  EXPECT_EQ(count_of(model.conclusion, "(confirmed, 15 spared)"), 2U);
  ASSERT_EQ(count_of(model.conclusion, "the audit trail is intact"), 1U) << model.conclusion;
  for (const std::string& point : points_in_sources())
    EXPECT_TRUE(model.passed.contains(point))
        << point
        << " is passed by no rollout of this test, or its file is missing in tests/interop/CMakeLists.txt";

  const std::vector<std::string> steps = steps_of(model.passed);
  std::vector<std::string> survived;
  std::vector<std::string> missed;
  for (const std::vector<killed_run>& runs : run_all_killed(steps)) {
    for (const killed_run& run : runs) {
      EXPECT_EQ(run.conclusion, model.conclusion) << "killed at " << run.kill_at;
      if (run.was_killed)
        continue;
      missed.push_back(run.kill_at);
      EXPECT_FALSE(run.kill_at.ends_with(":1")) << run.kill_at << " was never passed";
    }
    if (!runs.back().was_killed)
      survived.push_back(runs.back().kill_at);
  }
  RecordProperty("missed", fmt::format("{}", fmt::join(missed, " ")));
  EXPECT_TRUE(survived.empty()) << fmt::format("never killed at {}", fmt::join(survived, " "));
}

TEST(FaultPoints, AreOnlyInTheProgramOfTheTests) {
  const auto holds = [](const char* program) {
    std::ifstream file(program, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str().find("PUSHGUARD_KILL_AT") != std::string::npos;
  };
  EXPECT_FALSE(holds(PUSHGUARD_PROGRAM));
  EXPECT_TRUE(holds(PUSHGUARD_PROGRAM_WITH_FAULT_POINTS));
}

}  // namespace
}  // namespace pushguard
