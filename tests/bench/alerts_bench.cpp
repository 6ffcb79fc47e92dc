#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "agent/store/ports.hpp"
#include "agent/store/store.hpp"
#include "alerts/outbox.hpp"
#include "alerts/webhook.hpp"
#include "base/fake_time.hpp"
#include "base/http_server.hpp"
#include "program/server_thread.hpp"
#include "tests/support/memory_outbox_store.hpp"
#include "tests/support/run_simulated.hpp"
#include "tests/support/scratch_directory.hpp"

/// How soon after its commit a receiver hears of an alert, and what a long queue of them costs.
namespace pushguard::bench {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::must;
using clock = std::chrono::steady_clock;

class deaf_observer final : public alerts::outbox_observer {
 public:
  void on_outcome(std::string_view, alerts::notification_outcome, alerts::delivery_reason) override {}
  void on_queue(std::string_view, std::size_t, std::optional<wall_time>) override {}
};

alerts::outbox_row make_row(alerts::outbox_id id, std::string receiver, std::size_t description_size) {
  alerts::outbox_row row;
  row.id = id;
  row.receiver = std::move(receiver);
  row.content.id = fmt::format("containment:devhub:04t000000000001/1:{}", id);
  row.content.name = "PushguardContainment";
  row.content.severity = alerts::alert_severity::critical;
  row.content.labels = {{"hub", "devhub"}, {"rollout", "04t000000000001/1"}, {"policy", "production"}};
  row.content.summary = "failed 17 of 100 started = 17.0%; lower bound 6.6% > limit 5.0% (99% confidence)";
  row.content.description = std::string(description_size, 'd');
  return row;
}

bool is_claim_broken = false;

void broken(benchmark::State& state, const char* claim) {
  is_claim_broken = true;
  state.SkipWithError(claim);
}

double median_microseconds(std::vector<clock::duration> of) {
  const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
  std::ranges::nth_element(of, middle);
  return std::chrono::duration<double, std::micro>(*middle).count();
}

// ---- from the commit to the receiver ----

/// A server on a thread of its own that notes when a request has come.
class noting_server {
 public:
  noting_server() {
    listener_ = must(thread_.listen(*network_, "127.0.0.1", 0));
    thread_.run(serve_http(
        *listener_,
        [this](const http_request&) -> asio::awaitable<http_reply> {
          arrived_.set_value(clock::now());
          co_return http_reply{};
        },
        {}, *time_, null_logger()));
  }
  ~noting_server() { thread_.stop(); }

  /// Before each request.
  std::future<clock::time_point> next() {
    arrived_ = {};
    return arrived_.get_future();
  }
  [[nodiscard]] origin address() const { return listener_->local(); }

 private:
  std::promise<clock::time_point> arrived_;
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  program::server_thread thread_;
  std::unique_ptr<listener> listener_;
};

/// One thread with everything that the agent has between a commit and the wire.
struct telling_side {
  explicit telling_side(const origin& to) {
    std::vector<std::unique_ptr<alerts::receiver>> receivers;
    receivers.push_back(alerts::make_webhook_receiver(
        {.name = "bus", .target = secret(to.text() + "/hook"), .secrets = {secret(std::string(32, 'k'))}},
        *network, *time));
    outbox = std::make_unique<alerts::outbox>(context.get_executor(), std::move(receivers), store, *time,
                                              null_logger(), observer, random_engine(1));
    asio::co_spawn(context, outbox->run(),
                   asio::bind_cancellation_slot(stop.slot(), [](const std::exception_ptr&) {}));
    client = make_http_client(*network, *time, to);
  }
  ~telling_side() {
    stop.emit(asio::cancellation_type::terminal);
    client->close();
    context.restart();
    context.run_for(5s);
  }

  /// From the moment at which a commit would have answered.
  clock::duration tell(noting_server& server, alerts::outbox_row row) {
    auto arrival = server.next();
    store.rows[row.id] = row;
    const auto id = row.id;
    const auto began = clock::now();
    outbox->notify_committed({std::move(row)});
    run_until([&] { return store.ended.contains(id); });
    return arrival.get() - began;
  }
  /// There and back, with the same body.
  clock::duration post(noting_server& server, std::string body) {
    auto arrival = server.next();
    bool has_ended = false;
    http_request request{.method = "POST",
                         .target = "/hook",
                         .headers = {{"Content-Type", "application/json"}},
                         .body = std::move(body)};
    const auto began = clock::now();
    clock::duration took{};
    asio::co_spawn(context, client->send(std::move(request), {}),
                   [&](const std::exception_ptr& error, const result<http_response>& answer) {
                     took = clock::now() - began;
                     if (error)
                       std::rethrow_exception(error);
                     if (!answer)
                       throw std::runtime_error(answer.error().text());
                     has_ended = true;
                   });
    run_until([&] { return has_ended; });
    arrival.get();
    return took;
  }
  void run_until(const std::function<bool()>& is_done) {
    const auto end = clock::now() + 10s;
    context.restart();
    while (!is_done()) {
      if (context.run_one_until(end) == 0)
        throw std::runtime_error("nobody was told within ten seconds");
    }
  }

  asio::io_context context{1};
  std::unique_ptr<time_source> time = make_system_time();
  std::unique_ptr<network> network = make_socket_network(*time);
  test::memory_outbox_store store;
  deaf_observer observer;
  asio::cancellation_signal stop;
  std::unique_ptr<alerts::outbox> outbox;
  std::unique_ptr<http_client> client;
};

void from_commit_to_receiver(benchmark::State& state) {
  constexpr double claimed_ratio = 3;
  constexpr std::size_t pairs = 500;
  constexpr std::size_t warm_up = 50;
  for (auto _ : state) {
    noting_server server;
    telling_side side(server.address());
    std::vector<clock::duration> told;
    std::vector<clock::duration> posted;
    for (std::size_t i = 0; i < warm_up + pairs; ++i) {
      alerts::outbox_row row = make_row(static_cast<alerts::outbox_id>(i + 1), "bus", 1000);
      const std::string body = alerts::webhook_body(row);
      const auto bare = side.post(server, body);
      const auto alert = side.tell(server, std::move(row));
      if (i < warm_up)
        continue;
      posted.push_back(bare);
      told.push_back(alert);
    }
    const double of_alert = median_microseconds(std::move(told));
    const double of_post = median_microseconds(std::move(posted));
    state.SetIterationTime(of_alert * 1e-6);
    state.counters["alert_us"] = of_alert;
    state.counters["post_us"] = of_post;
    state.counters["ratio"] = of_alert / of_post;
    if (of_alert > claimed_ratio * of_post)
      broken(state, "an alert needs more than three bare POSTs' time from its commit to its receiver");
  }
}
BENCHMARK(from_commit_to_receiver)
    ->Name("alerts/from_commit")
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

// ---- a long queue ----

constexpr std::size_t queued = 10'000;
constexpr std::size_t queued_for_comparison = 1'000;
constexpr std::size_t description_size = 2'000;
constexpr rate_limit budget{.burst = 30, .interval = 500ms};  // PagerDuty's

/// Takes everything, at the budget of PagerDuty, and notes when.
class budgeted_receiver final : public alerts::receiver {
 public:
  budgeted_receiver(time_source& time, std::vector<steady_time>& told) : time_(time), told_(told) {}

  const std::string& name() const noexcept override { return name_; }
  std::optional<rate_limit> rate() const noexcept override { return budget; }
  asio::awaitable<alerts::delivery> deliver(alerts::outbox_row) override {
    told_.push_back(time_.steady_now());
    co_return alerts::delivery{};
  }

 private:
  std::string name_ = "oncall";
  time_source& time_;
  std::vector<steady_time>& told_;
};

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::unique_ptr<store::store> open_store(const std::filesystem::path& file) {
  return must(store::open_inline_sqlite_store(must(try_lock(file))));
}

/// A database in which so many alerts wait.
void fill(const std::filesystem::path& file, std::size_t count) {
  const auto stored = open_store(file);
  asio::io_context context(1);
  fake_time time;
  // In small pieces: memory that a large one leaves behind would hide what draining needs.
  constexpr std::size_t piece = 100;
  store::batch made;
  for (std::size_t i = 1; i <= count; ++i) {
    made.notifications.push_back(make_row(static_cast<alerts::outbox_id>(i), "oncall", description_size));
    if (made.notifications.size() == piece || i == count)
      (void)must(test::simulate(context, time, stored->commit(std::exchange(made, {}))));
  }
}

struct drained {
  std::vector<steady_time> told;
  std::size_t growth = 0;  ///< of what is resident, at its most
};

/// What the store holds is told until nothing is left, in simulated time.
drained drain(const std::filesystem::path& file, std::size_t count) {
  drained out;
  fake_time time;
  const auto stored = open_store(file);
  const auto port = store::make_outbox_store(*stored);
  deaf_observer observer;
  std::vector<std::unique_ptr<alerts::receiver>> receivers;
  out.told.reserve(count);
  receivers.push_back(std::make_unique<budgeted_receiver>(time, out.told));
  asio::io_context context(1);
  asio::cancellation_signal stop;
  bool has_ended = false;
  const std::size_t before = resident_bytes();
  alerts::outbox outbox(context.get_executor(), std::move(receivers), *port, time, null_logger(), observer,
                        random_engine(1));
  asio::co_spawn(
      context, outbox.run(),
      asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr&) { has_ended = true; }));
  while (out.told.size() < count) {
    test::run_simulated_for(context, time, 1min);
    out.growth = std::max(out.growth, resident_bytes() - std::min(before, resident_bytes()));
    if (time.steady_now() - steady_time{} > 24h)
      throw std::runtime_error("the queue does not drain");
  }
  stop.emit(asio::cancellation_type::terminal);
  test::run_simulated(context, time, [&] { return has_ended; });
  stored->close();
  return out;
}

/// When the n-th of a full token bucket may go, from 0.
duration scheduled(std::size_t n) {
  return n < budget.burst ? duration::zero()
                          : static_cast<duration::rep>(n - budget.burst + 1) * budget.interval;
}

void drain_of_a_long_queue(benchmark::State& state) {
  constexpr double claimed_growth = 0.25;  // of the texts that wait
  for (auto _ : state) {
    const test::scratch_directory directory;
    fill(directory.path() / "warm-up.db", queued_for_comparison);
    fill(directory.path() / "state.db", queued);
    // The first run brings what any run needs: its growth is not that of the queue.
    (void)drain(directory.path() / "warm-up.db", queued_for_comparison);
    const auto began = clock::now();
    const drained by_outbox = drain(directory.path() / "state.db", queued);
    const auto took = clock::now() - began;
    std::size_t late = 0;
    for (std::size_t i = 0; i < by_outbox.told.size(); ++i)
      late += by_outbox.told[i] - by_outbox.told.front() == scheduled(i) ? 0 : 1;
    const double texts = static_cast<double>(queued) * description_size;
    const double growth = static_cast<double>(by_outbox.growth) / texts;
    state.SetIterationTime(std::chrono::duration<double>(took).count() / queued);
    state.counters["told"] = static_cast<double>(by_outbox.told.size());
    state.counters["off_schedule"] = static_cast<double>(late);
    state.counters["growth_mb"] = static_cast<double>(by_outbox.growth) / 1e6;
    state.counters["growth_ratio"] = growth;
    if (late > 0 || by_outbox.told.size() != queued)
      broken(state, "a queue does not drain exactly at the pace of its receiver's budget");
    else if (growth > claimed_growth)
      broken(state, "memory grows with the queue: by more than a quarter of the texts in it");
  }
}
BENCHMARK(drain_of_a_long_queue)
    ->Name("alerts/drain")
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace

static bool has_broken_claim() {
  return is_claim_broken;
}

}  // namespace pushguard::bench

/// 1 where a claim of docs/benchmarks.md does not hold.
int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return pushguard::bench::has_broken_claim() ? 1 : 0;
}
