#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <vector>

#include "agent/policy/judge.hpp"
#include "agent/tracker/tracker.hpp"
#include "tests/bench/support/allocation_counter.hpp"

/// What an event costs from its decoded form to the verdicts, and what the tracker and the tallies hold, with
/// few and with many jobs loaded. The cost of an event must not grow with the number of jobs.
namespace pushguard::bench {
namespace {

using domain::push_status;

constexpr std::int64_t events = 1'000;
constexpr std::int64_t jobs_per_wave = 5'000;
constexpr wall_time start{std::chrono::hours{24 * 365 * 55}};

template <class Id>
Id make_id(std::string_view prefix, std::int64_t number) {
  return Id::parse(fmt::format("{}{:012}", prefix, number)).value();
}

/// A hub of `jobs` jobs in waves. `events` of them, evenly spread, are pending; the others have succeeded.
class loaded_hub {
 public:
  explicit loaded_hub(std::int64_t jobs) : stride_(jobs / events), judge_(make_policies()) {
    for (std::int64_t first = 0; first < jobs; first += jobs_per_wave)
      add_wave(first, std::min(jobs, first + jobs_per_wave));
    judge_.apply(tracker_, tracker_.reconciled(start));
    (void)judge_.evaluate(tracker_, start, policy::freshness::fresh);
  }

  /// The next pending job ends; of twenty, one fails.
  policy::evaluation end_next_job() {
    domain::push_event event;
    event.job = make_id<domain::job_id>("0DX", next_ * stride_);
    event.status = next_ % 20 == 0 ? push_status::failed : push_status::succeeded;
    ++next_;
    judge_.apply(tracker_, tracker_.apply(event, start));
    return judge_.evaluate(tracker_, start, policy::freshness::fresh);
  }

 private:
  static std::vector<policy::policy_specification> make_policies() {
    policy::policy_specification production{.name = "production"};
    production.rules = {
        {.name = "failure-rate", .test = policy::failure_rate_rule{.above = 0.5, .warn_at = 0.4}},
        {.name = "budget", .test = policy::failure_budget_rule{.above = 0.5}},
        {.name = "pod",
         .test = policy::failure_rate_rule{.above = 0.5, .by = policy::segmentation::sf_instance}}};
    return {production};
  }

  void add_wave(std::int64_t first, std::int64_t end) {
    domain::request_row request;
    request.id = make_id<domain::request_id>("0DV", first / jobs_per_wave);
    request.package = make_id<domain::package_id>("033", 1);
    request.version = make_id<domain::version_id>("04t", 1);
    request.status = push_status::in_progress;
    request.scheduled_start = start;
    judge_.apply(tracker_, tracker_.apply(std::span(&request, 1), start));
    std::vector<domain::job_row> jobs;
    std::vector<domain::subscriber_row> subscribers;
    for (std::int64_t n = first; n < end; ++n) {
      const bool is_pending = n % stride_ == 0;
      jobs.push_back({.id = make_id<domain::job_id>("0DX", n),
                      .request = request.id,
                      .org = make_id<domain::org_key>("00D", n),
                      .status = is_pending ? push_status::pending : push_status::succeeded,
                      .status_text = {},
                      .start = is_pending ? std::nullopt : std::optional(start),
                      .end = {},
                      .modified = start});
      subscribers.push_back({.org = jobs.back().org,
                             .package = request.package,
                             .name = fmt::format("Customer {} GmbH & Co. KG", n),
                             .sf_instance = fmt::format("EU{}", n % 60),
                             .org_status = "Active",
                             .version = make_id<domain::version_id>("04t", 2 + n % 5)});
    }
    judge_.apply(tracker_, tracker_.apply(jobs, start));
    judge_.apply(tracker_, tracker_.apply(subscribers));
  }

  std::int64_t stride_;
  std::int64_t next_ = 0;
  tracker::tracker tracker_;
  policy::judge judge_;
};

void event_tracked_and_judged(benchmark::State& state) {
  loaded_hub hub(state.range(0));
  for (auto _ : state)
    benchmark::DoNotOptimize(hub.end_next_job());
}
BENCHMARK(event_tracked_and_judged)
    ->Arg(1'000)
    ->Arg(100'000)
    ->Iterations(events)
    ->Repetitions(9)
    ->ReportAggregatesOnly()
    ->Unit(benchmark::kMicrosecond);

void memory_of_tracker_and_tallies(benchmark::State& state) {
  std::size_t held = 0;
  std::size_t peak = 0;
  for (auto _ : state) {
    const auto before = live_bytes();
    reset_peak();
    const loaded_hub hub(state.range(0));
    held = live_bytes() - before;
    peak = peak_bytes() - before;
  }
  constexpr double mebibyte = 1024.0 * 1024.0;
  state.counters["held_MiB"] = static_cast<double>(held) / mebibyte;
  state.counters["peak_MiB"] = static_cast<double>(peak) / mebibyte;
  state.counters["bytes_per_job"] = static_cast<double>(held) / static_cast<double>(state.range(0));
}
BENCHMARK(memory_of_tracker_and_tallies)
    ->Arg(1'000)
    ->Arg(100'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pushguard::bench
