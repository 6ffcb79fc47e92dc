#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
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
  /// Every kind of rule.
  static std::vector<policy::policy_specification> make_policies() {
    using namespace std::chrono_literals;
    policy::policy_specification production{.name = "production"};
    const auto add = [&production](std::string name, policy::rule_test test) {
      production.rules.push_back({.name = std::move(name), .test = std::move(test)});
    };
    add("failure-rate", policy::failure_rate_rule{.above = 0.5, .warn_at = 0.4});
    add("budget", policy::failure_budget_rule{.above = 0.5});
    add("pod", policy::failure_rate_rule{.above = 0.5, .by = policy::segmentation::sf_instance});
    add("count", policy::failure_count_rule{.above = 100'000});
    add("errors", policy::errors_rule{.types = {domain::error_type::apex_test_failure}, .min_orgs = 100'000});
    add("same-error", policy::same_error_rule{.min_orgs = 100'000});
    add("vip", policy::orgs_rule{.keys = {make_id<domain::org_key>("00D", 1)}});
    add("streak", policy::consecutive_failures_rule{.at_least = 5});
    add("stalled", policy::stalled_rule{.no_progress_for = 30min});
    add("stuck", policy::job_running_rule{.longer_than = 2h});
    add("late", policy::late_start_rule{.by = 4h});
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

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double seconds_of_events(std::int64_t jobs) {
  loaded_hub hub(jobs);
  const double before = cpu_seconds();
  for (std::int64_t i = 0; i < events; ++i)
    benchmark::DoNotOptimize(hub.end_next_job());
  return cpu_seconds() - before;
}

/// The same thousand events with few and with many jobs loaded, in turn.
void event_tracked_and_judged(benchmark::State& state) {
  constexpr std::int64_t few = 1'000;
  constexpr std::int64_t many = 100'000;
  constexpr double claimed_ratio = 2.0;
  std::vector<double> with_few;
  std::vector<double> with_many;
  for (auto _ : state) {
    with_few.push_back(seconds_of_events(few));
    with_many.push_back(seconds_of_events(many));
    state.SetIterationTime(with_many.back());
  }
  const auto median = [](std::vector<double>& of) {
    std::ranges::nth_element(of, of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2));
    return of[of.size() / 2];
  };
  const double ratio = median(with_many) / median(with_few);
  state.counters["us_with_1000"] = median(with_few) / events * 1e6;
  state.counters["us_with_100000"] = median(with_many) / events * 1e6;
  state.counters["ratio"] = ratio;
  if (ratio > claimed_ratio)
    state.SkipWithError("an event with 100 000 jobs loaded costs more than twice what it costs with 1 000");
}
BENCHMARK(event_tracked_and_judged)
    ->Name("policies/event_tracked_and_judged")
    ->Iterations(9)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

void memory_of_tracker_and_tallies(benchmark::State& state) {
  constexpr double mebibyte = 1024.0 * 1024.0;
  constexpr double claimed_mebibytes = 64.0;
  constexpr std::int64_t jobs = 100'000;
  double held = 0;
  double peak = 0;
  for (auto _ : state) {
    const auto before = live_bytes();
    reset_peak();
    const loaded_hub hub(jobs);
    held = static_cast<double>(live_bytes() - before);
    peak = static_cast<double>(peak_bytes() - before);
  }
  state.counters["held_MiB"] = held / mebibyte;
  state.counters["peak_MiB"] = peak / mebibyte;
  state.counters["bytes_per_job"] = held / static_cast<double>(jobs);
  if (held > claimed_mebibytes * mebibyte)
    state.SkipWithError("the tracker and the tallies of 100 000 jobs hold more than 64 MiB");
}
BENCHMARK(memory_of_tracker_and_tallies)
    ->Name("policies/memory_of_tracker_and_tallies")
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pushguard::bench
