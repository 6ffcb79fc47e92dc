#include <benchmark/benchmark.h>
#include <time.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/hub_reader.hpp"
#include "agent/salesforce/rest.hpp"
#include "base/fake_time.hpp"
#include "simulator/hub.hpp"
#include "tests/support/run_simulated.hpp"

/// What it costs to read a rollout of 100 000 orgs from a hub into the tracker: the CPU beside
/// boost::json::parse, with its default storage, of the same answers; and the calls of a pass over a rollout
/// that did not change.
namespace pushguard::bench {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::size_t orgs = 100'000;
constexpr std::size_t waves = 50;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Answers by target.
using answers = std::map<std::string, http_response>;

/// Asks through another client and keeps what it answers.
class recording_client final : public http_client {
 public:
  recording_client(std::shared_ptr<http_client> through, answers& into)
      : through_(std::move(through)), into_(into) {}

  asio::awaitable<result<http_response>> send(http_request request, http_call call) override {
    std::string target = request.target;
    auto response = co_await through_->send(std::move(request), std::move(call));
    if (response)
      into_[std::move(target)] = *response;
    co_return response;
  }
  const origin& peer() const noexcept override { return through_->peer(); }
  void close() noexcept override { through_->close(); }

 private:
  std::shared_ptr<http_client> through_;
  answers& into_;
};

/// Answers what was kept, each answer once, at once and without a copy.
class replaying_client final : public http_client {
 public:
  replaying_client(origin peer, answers& from) : peer_(std::move(peer)), from_(from) {}

  asio::awaitable<result<http_response>> send(http_request request, http_call) override {
    const auto found = from_.find(request.target);
    if (found == from_.end())
      co_return fail(errc::not_found, "nothing was kept for " + request.target);
    co_return std::move(found->second);
  }
  const origin& peer() const noexcept override { return peer_; }
  void close() noexcept override {}

 private:
  origin peer_;
  answers& from_;
};

/// A session that is there.
class given_login final : public salesforce::login {
 public:
  explicit given_login(salesforce::access session) : session_(std::move(session)) {}
  asio::awaitable<result<salesforce::access>> obtain() override { co_return session_; }

 private:
  salesforce::access session_;
};

class counting_observer final : public salesforce::api_observer {
 public:
  void call_ended(salesforce::api_operation operation, salesforce::api_outcome) override {
    calls += operation == salesforce::api_operation::query ? 1 : 0;
  }
  void usage_told(salesforce::api_usage) override {}

  std::size_t calls = 0;
};

/// Everything between the answers and the tracker.
struct reading {
  reading(const salesforce::access& session, salesforce::http_client_factory clients, time_source& time)
      : access(std::make_unique<given_login>(session), time),
        rest(access, std::move(clients), time, random, observer),
        reader({}, queries, tracked, [](const tracker::changes&) {}, time, null_logger()) {
    rest.use_api_version("62.0");
  }

  random_engine random{1};
  counting_observer observer;
  salesforce::session_access access;
  salesforce::rest_client rest;
  salesforce::push_queries queries{rest};
  tracker::tracker tracked;
  agent::hub_reader reader;
};

/// A simulated hub in the middle of a rollout, or after it.
class served_hub {
 public:
  explicit served_hub(duration age) {
    simulator::scenario plan;
    for (std::size_t wave = 0; wave < waves; ++wave)
      plan.waves.push_back({.created = 0s, .start = 1min, .orgs = orgs / waves});
    plan.push.concurrency = 500;
    plan.api.daily_calls_max = 10'000'000;
    hub_ = simulator::make_hub(std::move(plan), time_, null_logger());
    listener_ = network_->listen(context_.get_executor(), "127.0.0.1", 0).value();
    asio::co_spawn(context_, simulator::serve_hub(*hub_, *listener_, time_, null_logger()),
                   asio::bind_cancellation_slot(stop_.slot(), [](const std::exception_ptr&) {}));
    test::run_simulated_for(context_, time_, age);
    session_.instance = listener_->local();
    session_.token = secret(hub_->issue_token());
  }
  ~served_hub() {
    stop_.emit(asio::cancellation_type::terminal);
    test::run_simulated_for(context_, time_, 10s);
  }

  salesforce::http_client_factory recording(answers& into) {
    return [this, &into](const origin& peer) -> std::shared_ptr<http_client> {
      return std::make_shared<recording_client>(make_http_client(*network_, time_, peer), into);
    };
  }
  result<> reconcile(reading& with) { return test::simulate(context_, time_, with.reader.reconcile()); }
  [[nodiscard]] const salesforce::access& session() const { return session_; }
  [[nodiscard]] fake_time& time() { return time_; }
  [[nodiscard]] bool is_finished() const { return hub_->is_finished(); }

 private:
  fake_time time_;
  asio::io_context context_{1};
  std::unique_ptr<network> network_ = make_pipe_network();
  std::unique_ptr<simulator::hub> hub_;
  std::unique_ptr<listener> listener_;
  asio::cancellation_signal stop_;
  salesforce::access session_;
};

/// Argument: how long the rollout has run, in minutes. At 1 it has just begun, at 60 it is over.
void reconcile_from_scratch(benchmark::State& state) {
  served_hub hub(std::chrono::minutes(state.range(0)) + 30s);
  answers kept;
  reading recorded(hub.session(), hub.recording(kept), hub.time());
  if (const auto read = hub.reconcile(recorded); !read) {
    state.SkipWithError(read.error().text().c_str());
    return;
  }
  std::size_t bytes = 0;
  double reading_seconds = 0;
  double parsing_seconds = 0;
  std::size_t calls = 0;
  std::size_t jobs = 0;
  for (auto _ : state) {
    answers given = kept;
    const double start = cpu_seconds();
    {
      asio::io_context context(1);
      reading fresh(
          hub.session(), [&](const origin& peer) { return std::make_shared<replaying_client>(peer, given); },
          hub.time());
      std::optional<result<>> outcome;
      asio::co_spawn(context, fresh.reader.reconcile(), [&](const std::exception_ptr& error, result<> read) {
        if (error)
          std::rethrow_exception(error);
        outcome = std::move(read);
      });
      context.run();
      if (!outcome || !*outcome)
        state.SkipWithError("what was kept could not be read again");
      calls = fresh.observer.calls;
      jobs = fresh.tracked.jobs().size();
    }
    const double between = cpu_seconds();
    bytes = 0;
    for (const auto& [target, response] : kept) {
      benchmark::DoNotOptimize(boost::json::parse(response.body));
      bytes += response.body.size();
    }
    const double end = cpu_seconds();
    reading_seconds += between - start;
    parsing_seconds += end - between;
    state.SetIterationTime(between - start);
  }
  if (jobs != orgs)
    state.SkipWithError("not every job was read");
  constexpr double claimed_ratio = 1.5;
  if (reading_seconds > claimed_ratio * parsing_seconds)
    state.SkipWithError("it took more than 1.5 times the CPU of boost::json::parse");
  state.counters["of_boost_json"] = reading_seconds / parsing_seconds;
  state.counters["ns_per_job"] = reading_seconds / static_cast<double>(state.iterations()) / orgs * 1e9;
  state.counters["MB"] = static_cast<double>(bytes) / 1e6;
  state.counters["calls"] = static_cast<double>(calls);
}

/// A second pass, a quarter of a minute after the first, over a rollout in which nothing happened meanwhile.
void steady_pass(benchmark::State& state) {
  served_hub hub(10s);  // scheduled, and not started
  answers kept;
  reading with(hub.session(), hub.recording(kept), hub.time());
  (void)hub.reconcile(with);
  std::size_t calls = 0;
  for (auto _ : state) {
    const std::size_t before = with.observer.calls;
    const double start = cpu_seconds();
    const auto read = hub.reconcile(with);
    state.SetIterationTime(cpu_seconds() - start);
    if (!read)
      state.SkipWithError(read.error().text().c_str());
    calls = with.observer.calls - before;
  }
  constexpr std::size_t claimed_calls = 3;
  if (calls > claimed_calls)
    state.SkipWithError("a steady pass took more than three calls");
  if (with.tracked.jobs().size() != orgs)
    state.SkipWithError("not every job was read");
  state.counters["calls"] = static_cast<double>(calls);
}

BENCHMARK(reconcile_from_scratch)
    ->Name("hub/reconcile_from_scratch")
    ->ArgName("minutes")
    ->Arg(1)
    ->Arg(120)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(steady_pass)
    ->Name("hub/steady_pass")
    ->Iterations(5)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pushguard::bench
