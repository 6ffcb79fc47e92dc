#include "program/demo.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>

#include "agent/commands/agent_client.hpp"
#include "agent/running_agent.hpp"
#include "base/log.hpp"
#include "program/alert_printer.hpp"
#include "program/simulated_hub.hpp"
#include "simulator/expectation.hpp"

namespace pushguard::program {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr duration look_interval = std::chrono::milliseconds(250);
// After the simulated rollout is over, the agent needs a few looks to know it too.
constexpr duration settle_max = std::chrono::seconds(30);
constexpr std::uint16_t usual_port = 9595;

/// Lines from several threads, each whole, with the seconds since the start.
class narrator {
 public:
  void say(std::string_view text) {
    const std::scoped_lock lock(mutex_);
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
    fmt::print("{:6.1f}s  {}\n", static_cast<double>(since.count()) / 1000.0, text);
    std::fflush(stdout);
  }

 private:
  std::mutex mutex_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// A directory that goes when the demo ends.
class scratch_directory {
 public:
  scratch_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "pushguard-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "making a directory for the demo's state");
    }
    path_ = name;
  }
  ~scratch_directory() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

std::string configuration_text(const simulator::scenario& plan, const origin& hub, const origin& alerts,
                               const std::filesystem::path& directory, std::uint16_t port) {
  return fmt::format(R"(hubs:
  - name: demo
    login_url: {hub}
    auth:
      client_credentials: {{ client_id: {client_id}, client_secret: {client_secret} }}
    streaming:
      channels:
        - channel: {channel}
          fields:
            request_id: payload.Request_Id__c
            job_id: payload.Job_Id__c
            org_key: payload.Org_Key__c
            status: payload.Status__c
            error_type: payload.Error_Type__c
    reconcile: {{ active_interval: 1s, idle_interval: 2s, blind_after: 30s }}
policies:
  - name: production
    mode: enforce
    in_progress: try
    rules:
      - name: failure-rate
        failure_rate: {{ above: 5%, confidence: 99%, min_started: 10 }}
        action: abort
alerts:
  receivers:
    - name: alertmanager
      alertmanager: {{ urls: ["{alerts}"] }}
  routes:
    - {{ receivers: [alertmanager] }}
state: sqlite://{state}
http: {{ listen: "127.0.0.1:{port}" }}
log: {{ level: error }}
)",
                     fmt::arg("hub", hub.text()), fmt::arg("client_id", plan.credentials.client_id),
                     fmt::arg("client_secret", plan.credentials.client_secret),
                     fmt::arg("channel", plan.stream.channel), fmt::arg("alerts", alerts.text()),
                     fmt::arg("state", (directory / "state.db").string()), fmt::arg("port", port));
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

std::int64_t number_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

/// What the agent says of the rollout, told as it changes.
class story {
 public:
  explicit story(narrator& voice) : voice_(voice) {}

  void take(const json::value& answer) {
    for (const json::value& each : answer.as_object().at("rollouts").as_array()) {
      const json::object& rollout = each.as_object();
      finished_jobs_ = 0;
      int number = 0;
      for (const json::value& wave : rollout.at("waves").as_array())
        tell_wave(++number, wave.as_object());
      for (const json::value& rule : rollout.at("rules").as_array())
        tell_rule(rule.as_object());
      concluded_ = {};
      is_deciding_ = false;
      for (const json::value& decision : rollout.at("decisions").as_array())
        tell_decision(decision.as_object());
      concluded_.spared_orgs = static_cast<std::size_t>(number_at(rollout, "spared_orgs"));
    }
  }

  [[nodiscard]] std::size_t finished_jobs() const noexcept { return finished_jobs_; }
  [[nodiscard]] bool is_deciding() const noexcept { return is_deciding_; }
  [[nodiscard]] const simulator::agent_conclusion& concluded() const noexcept { return concluded_; }

 private:
  void tell_wave(int number, const json::object& wave) {
    const json::object& jobs = wave.at("jobs").as_object();
    const auto succeeded = number_at(jobs, "succeeded");
    const auto failed = number_at(jobs, "failed");
    const auto canceled = number_at(jobs, "canceled");
    const auto running = number_at(jobs, "in_progress");
    const auto waiting = number_at(jobs, "created") + number_at(jobs, "pending");
    finished_jobs_ += static_cast<std::size_t>(succeeded + failed + canceled);
    const std::string status = text_at(wave, "status");
    std::string line =
        fmt::format("wave {}  {:<11}  {:>4} ok {:>4} failed {:>4} running {:>4} waiting {:>4} canceled",
                    number, status, succeeded, failed, running, waiting, canceled);
    wave_told& told = waves_[number];
    const auto now = std::chrono::steady_clock::now();
    const bool is_due =
        status != told.status || (line != told.line && now - told.at > std::chrono::seconds(3));
    if (!is_due)
      return;
    told = {status, line, now};
    voice_.say(line);
  }

  void tell_rule(const json::object& rule) {
    const std::string verdict = text_at(rule, "verdict");
    if (std::string& told = rules_[text_at(rule, "rule")]; told != verdict) {
      told = verdict;
      voice_.say(fmt::format("rule {}: {}  ({})", text_at(rule, "rule"), verdict, text_at(rule, "reason")));
    }
  }

  void tell_decision(const json::object& decision) {
    const std::string outcome = text_at(decision, "outcome");
    concluded_.aborted = true;
    is_deciding_ = is_deciding_ || outcome.empty();
    if (concluded_.outcome.empty())
      concluded_.outcome = outcome;
    if (!std::exchange(is_abort_told_, true)) {
      voice_.say(fmt::format("ABORT: {}", text_at(decision, "reason")));
    }
    if (outcome.empty() || std::exchange(is_end_told_, true))
      return;
    for (const json::value& each : decision.at("plan").as_array()) {
      const json::object& entry = each.as_object();
      const std::string said = text_at(entry, "salesforce_message");
      voice_.say(fmt::format("  {}  {} -> {}{}", text_at(entry, "request_id"),
                             text_at(entry, "status_at_decision"), text_at(entry, "outcome"),
                             said.empty() ? "" : "  (Salesforce: " + said + ")"));
    }
    voice_.say(fmt::format("containment {}: {} orgs spared, {} were in flight", outcome,
                           number_at(decision, "spared_orgs"), number_at(decision, "in_flight")));
  }

  struct wave_told {
    std::string status;
    std::string line;
    std::chrono::steady_clock::time_point at{};
  };

  narrator& voice_;
  std::map<int, wave_told> waves_;
  std::map<std::string, std::string> rules_;
  bool is_abort_told_ = false;
  bool is_end_told_ = false;
  bool is_deciding_ = false;
  std::size_t finished_jobs_ = 0;
  simulator::agent_conclusion concluded_;
};

simulator::scenario plan_of(const agent::demo_options& options) {
  simulator::demo_options wanted;
  wanted.orgs = options.orgs.value_or(wanted.orgs);
  wanted.waves = options.waves.value_or(wanted.waves);
  wanted.failure_rate = options.failure_rate.value_or(wanted.failure_rate);
  wanted.time_scale = options.speed.value_or(wanted.time_scale);
  return simulator::make_demo_scenario(wanted);
}

/// The usual port, or any free one where that is taken.
result<std::unique_ptr<agent::running_agent>> start_agent_on_some_port(
    const std::function<std::string(std::uint16_t port)>& text, time_source& time, logger& log) {
  for (const std::uint16_t port : {usual_port, std::uint16_t{0}}) {
    auto read =
        configuration::read_configuration(text(port), "demo.yaml", configuration::process_environment());
    if (!read) {
      return fail(errc::invalid, fmt::format("{}", fmt::join(read.error(), "\n")));
    }
    auto started = agent::start_agent(std::move(*read), time, log);
    if (started || port == 0 || !started.error().is(errc::conflict)) {
      return started;
    }
  }
  return fail(errc::conflict, "no port is free");
}

class demonstration {
 public:
  explicit demonstration(const agent::demo_options& options) : options_(options), plan_(plan_of(options)) {}

  int run() {
    if (const auto started = start(); !started) {
      fmt::print(stderr, "pushguard: {}\n", started.error().text());
      return 1;
    }
    introduce();
    asio::signal_set signals(context_, SIGINT, SIGTERM);
    signals.async_wait(
        [this](const boost::system::error_code& ec, int) { is_interrupted_ = is_interrupted_ || !ec; });
    const bool is_over = watch();
    const int code = is_over ? judge() : 1;
    if (is_over && !options_.ends_with_rollout) {
      voice_.say("the rollout is over; the agent goes on answering until you press Ctrl-C");
      while (!is_interrupted_)
        pause();
    }
    if (is_interrupted_)
      voice_.say("interrupted");
    agent_->stop();
    const auto ended = agent_->wait();
    if (!ended) {
      fmt::print(stderr, "pushguard: {}\n", ended.error().text());
      return 1;
    }
    return code;
  }

 private:
  result<> start() {
    auto printer = start_alert_printer(
        [this](const std::string& line) { voice_.say("alertmanager <- " + line); }, *time_, *log_);
    if (!printer)
      return std::unexpected(printer.error());
    printer_ = std::move(*printer);
    auto hub = start_simulated_hub(plan_, "127.0.0.1", 0, *time_, *log_);
    if (!hub)
      return std::unexpected(hub.error());
    hub_ = std::move(*hub);
    auto agent = start_agent_on_some_port(
        [this](std::uint16_t port) {
          return configuration_text(plan_, hub_->local(), printer_->local(), scratch_.path(), port);
        },
        *time_, *log_);
    if (!agent)
      return std::unexpected(agent.error());
    agent_ = std::move(*agent);
    auto client = agent::make_agent_client({.url = {agent_->local(), "/"}, .token_file = {}, .ca_file = {}});
    if (!client)
      return std::unexpected(client.error());
    client_ = std::move(*client);
    return {};
  }

  void introduce() {
    const std::string at = agent_->local().text();
    fmt::print(
        "A simulated Salesforce hub pushes {} {}.{} to {} orgs in {} waves, {} times faster than life.\n"
        "Pushguard watches it with the rule: abort when more than 5% fail (99% confidence).\n\n"
        "  metrics   {}/metrics\n"
        "  per org   {}/metrics/orgs\n"
        "  API       {}/api/v1/rollouts\n"
        "  terminal  pushguard status --decisions --url {}\n\n",
        plan_.package.name, plan_.package.to.major, plan_.package.to.minor, plan_.org_count(),
        plan_.waves.size(), plan_.time_scale, at, at, at, at);
    std::fflush(stdout);
  }

  void pause() {
    context_.restart();
    context_.run_for(look_interval);
  }

  /// Until the simulated rollout is over and the agent knows it; false where it was interrupted or the agent
  /// never got there.
  bool watch() {
    story told(voice_);
    std::optional<steady_time> over_since;
    while (!is_interrupted_) {
      pause();
      const auto answer = client_->get("/api/v1/rollouts");
      if (answer)
        told.take(*answer);
      concluded_ = told.concluded();
      if (!hub_->is_finished())
        continue;
      if (!over_since)
        over_since = time_->steady_now();
      const auto jobs = hub_->truth().rollout_jobs;
      std::size_t finished = 0;
      for (const std::size_t count : jobs)
        finished += count;
      if (answer && told.finished_jobs() == finished && !told.is_deciding())
        return true;
      if (time_->steady_now() - *over_since > settle_max) {
        voice_.say("the agent did not see the end of the rollout");
        return false;
      }
    }
    return false;
  }

  int judge() {
    const auto differences = simulator::compare_with_expectation(plan_.expect, hub_->truth(), concluded_);
    if (differences.empty()) {
      voice_.say(concluded_.aborted ? "as expected: the bad rollout was contained"
                                    : "as expected: the rollout went through without an abort");
      return 0;
    }
    for (const std::string& difference : differences)
      voice_.say("NOT AS EXPECTED: " + difference);
    return 1;
  }

  const agent::demo_options& options_;
  const simulator::scenario plan_;
  narrator voice_;
  scratch_directory scratch_;
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<logger> log_ = make_stderr_logger(log_level::error, log_format::logfmt, *time_);
  std::unique_ptr<alert_printer> printer_;
  std::unique_ptr<simulated_hub> hub_;
  std::unique_ptr<agent::running_agent> agent_;
  std::unique_ptr<agent::agent_client> client_;
  simulator::agent_conclusion concluded_;
  asio::io_context context_{1};
  bool is_interrupted_ = false;
};

}  // namespace

int demo(const agent::demo_options& options) {
  return demonstration(options).run();
}

}  // namespace pushguard::program
