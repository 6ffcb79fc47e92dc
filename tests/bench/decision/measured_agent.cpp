#include "tests/bench/decision/measured_agent.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "agent/configuration/configuration.hpp"
#include "base/http_client.hpp"
#include "tests/bench/decision/other_machine.hpp"

namespace pushguard::bench {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr duration patience = 60s;
// The agent asks about newly failed jobs at most every other second, and reads the hub that long after an
// event.
constexpr duration pace = 2100ms;
// No call for so long: whatever the last breach or event led to is over, also its last commit.
constexpr duration quiet = 40ms;
constexpr std::size_t page_bytes_max = 1024UZ * 1024 * 1024;

/// Formats every line as the agent does, and writes it to a file.
class file_logger final : public logger {
 public:
  file_logger(const std::filesystem::path& file, time_source& time) : out_(file), time_(time) {}

  void write(log_level level, std::string_view event, std::span<const log_field> fields) override {
    if (level == log_level::debug)
      return;
    const std::string line = format_log_line(log_format::logfmt, time_.wall_now(), level, event, fields);
    const std::lock_guard hold(mutex_);
    out_ << line << std::endl;  // at once, as on standard error
  }

 private:
  std::ofstream out_;
  time_source& time_;
  std::mutex mutex_;
};

std::string configuration_text(const origin& hub, const std::filesystem::path& state) {
  return fmt::format(R"(hubs:
  - name: devhub
    login_url: {0}
    auth:
      client_credentials: {{ client_id: bench, client_secret: bench }}
    streaming:
      channels:
        - channel: {1}
          fields:
            request_id: payload.Request_Id__c
            job_id: payload.Job_Id__c
            org_key: payload.Org_Key__c
            status: payload.Status__c
            error_type: payload.Error_Type__c
    reconcile: {{ active_interval: 15s, call_budget: 100% }}
policies:
  - name: production
    mode: enforce
    exclude_errors: {{ types: [], titles: [] }}
    rules:
      - name: any-failure
        failure_count: {{ above: 0 }}
        action: abort
alerts:
  receivers:
    - name: prometheus
      alertmanager: {{ urls: ["{0}"] }}
state: sqlite://{2}
http: {{ listen: "127.0.0.1:0" }}
)",
                     hub.text(), hub_channel, state.string());
}

/// Drops the body. The client's own time, without that of starting the loop, goes to `took`.
asio::awaitable<void> send(http_client& with, http_request request, result<http_response>& into,
                           nanoseconds* took = nullptr) {
  http_call call;
  call.limits.body_size = page_bytes_max;
  call.on_body = [](std::string_view) { return result<>(); };
  const auto began = std::chrono::steady_clock::now();
  into = co_await with.send(std::move(request), std::move(call));
  if (took != nullptr)
    *took = std::chrono::steady_clock::now() - began;
}

http_request patch_of_nothing() {
  return {.method = "PATCH",
          .target = "/services/data/v62.0/sobjects/PackagePushRequest/0DV999999999999",
          .headers = {{"Authorization", "Bearer 00D!token"},
                      {"Accept", "application/json"},
                      {"Content-Type", "application/json"}},
          .body = R"({"Status":"Canceled"})"};
}

void must(bool came_to_pass, const char* what) {
  if (!came_to_pass)
    throw std::runtime_error(what);
}

}  // namespace

measured_agent::measured_agent(const hub_size& size)
    : hub_(std::make_unique<served_hub>(size, time_)),
      log_(std::make_unique<file_logger>(directory_.path() / "log", time_)) {
  auto read = configuration::read_configuration(
      configuration_text(hub_->local(), directory_.path() / "state.db"), directory_.path() / "pushguard.yaml",
      [](std::string_view) { return std::optional<std::string>(); });
  if (!read)
    throw std::runtime_error(read.error().front());
  agent_ = test::must(agent::start_agent(
      std::move(*read), time_, *log_, {}, [this](file_lock lock) -> result<std::unique_ptr<store::store>> {
        auto opened = store::open_sqlite_store(std::move(lock));
        if (!opened)
          return std::unexpected(opened.error());
        return std::make_unique<timing_store>(std::move(*opened), commits_);
      }));
  address_ = agent_->local();
  bare_ = make_http_client(sockets_->net(), sockets_->time(), hub_->local());
  scraping_ = make_http_client(sockets_->net(), sockets_->time(), address_);
  must(hub_->wait_for_poll(patience), "the agent did not subscribe");
  must(hub_->wait_for_quiet(1s, patience), "the agent did not come to rest");
}

measured_agent::~measured_agent() {
  agent_->stop();
  static_cast<void>(agent_->wait());
}

nanoseconds measured_agent::exchange(http_client& with, http_request request) {
  result<http_response> answer;
  nanoseconds took{};
  sockets_->run(send(with, std::move(request), answer, &took));
  must(answer && answer->is_success(), "an exchange failed");
  return took;
}

nanoseconds measured_agent::bare_patch() {
  must(hub_->wait_for_quiet(quiet, patience), "the agent did not come to rest");
  return exchange(*bare_, patch_of_nothing());
}

nanoseconds measured_agent::scrape(std::string_view target) {
  return exchange(*scraping_, {.target = std::string(target)});
}

/// Puts the clock forward and gives the agent occasion to read the hub, which it would otherwise begin at the
/// moment of the next breach.
void measured_agent::let_read() {
  must(hub_->wait_for_quiet(quiet, patience), "the agent did not come to rest");
  time_.put_forward(pace);
  hub_->end_one_job();
  must(hub_->wait_for_quiet(quiet, patience), "the agent did not come to rest");
}

breach_sample measured_agent::breach(const small_rollout& rollout) {
  static_cast<void>(commits_.take());
  const auto timing = hub_->breach(rollout, patience);
  must(timing.has_value(), "a rollout was not contained");
  must(
      timing->event_written && timing->confirm_asked && timing->confirm_answered && timing->containment_asked,
      "a breach was not confirmed before it was contained");
  const auto commit = commits_.take();
  must(commit.has_value(), "a containment began before its decision was durable");
  return {.asking = *timing->confirm_asked - *timing->event_written,
          .confirming = *timing->confirm_answered - *timing->confirm_asked,
          .commit = *commit,
          .acting = *timing->containment_asked - *timing->confirm_answered - *commit,
          .total = *timing->containment_asked - *timing->event_written,
          .cancelling = *timing->contained - *timing->containment_asked};
}

breach_sample measured_agent::breach_in_quiet() {
  let_read();
  return breach(hub_->rollouts_of_one().at(next_of_one_++));
}

breach_sample measured_agent::breach_after(duration pause) {
  time_.put_forward(pace);
  // The pace of the load; nobody is waited for.
  boost::asio::io_context clock;
  boost::asio::steady_timer(clock, pause).wait();
  return breach(hub_->rollouts_of_one().at(next_of_one_++));
}

breach_sample measured_agent::breach_of_many() {
  let_read();
  return breach(hub_->rollouts_of_many().at(next_of_many_++));
}

scraper::scraper(const origin& agent, std::string target)
    : thread_([this, agent, target = std::move(target)] { scrape_forever(agent, target); }) {}

scraper::~scraper() {
  is_over_ = true;
  thread_.join();
}

void scraper::scrape_forever(const origin& agent, const std::string& target) {
  stand_for_another_machine();
  const auto sockets = test::make_socket_world();
  const auto client = make_http_client(sockets->net(), sockets->time(), agent);
  while (!is_over_) {
    result<http_response> answer;
    sockets->run(send(*client, {.target = target}, answer));
    if (answer && answer->is_success())
      ++scrapes_;
  }
}

}  // namespace pushguard::bench
