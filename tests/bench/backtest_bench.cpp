#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backtest.hpp"
#include "agent/history/compose.hpp"
#include "agent/history/reader.hpp"
#include "agent/history/writer.hpp"

/// What a backtest of a rollout of 100 000 orgs costs, reading its files included, beside boost::json::parse,
/// with its default storage, of their lines. The claim is about the mean of ten rounds. The first one, which
/// is what a user runs, is told apart: it also pays for memory that the process has not had yet, which
/// parsing line by line never needs.
namespace pushguard::bench {
namespace {

using namespace std::chrono_literals;
using domain::push_status;

constexpr unsigned orgs = 100'000;
constexpr unsigned waves = 20;
constexpr unsigned orgs_per_wave = orgs / waves;
constexpr double failing_share = 0.04;
constexpr wall_time start{std::chrono::hours{24 * 365 * 55}};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class Id>
Id make_id(std::string_view prefix, unsigned number) {
  return Id::parse(fmt::format("{}{:012}", prefix, number)).value();
}

/// One wave: jobs start over 20 minutes, each runs for a minute or two, in whole seconds as Salesforce tells
/// them.
std::string make_file(unsigned wave, std::mt19937& random) {
  history::push_rows rows;
  const wall_time begin = start + wave * 1h;
  rows.request = {.id = make_id<domain::request_id>("0DV", wave + 1),
                  .package = make_id<domain::package_id>("033", 1),
                  .version = make_id<domain::version_id>("04t", 2),
                  .package_name = "Acme Billing",
                  .version_number = "1.4.0.7",
                  .generation = domain::package_generation::second,
                  .status = push_status::failed,
                  .status_text = "Failed",
                  .scheduled_start = begin,
                  .start = begin,
                  .end = begin + 25min,
                  .modified = begin + 25min};
  for (unsigned i = 0; i < orgs_per_wave; ++i) {
    const unsigned number = wave * orgs_per_wave + i;
    const bool fails = std::uniform_real_distribution(0.0, 1.0)(random) < failing_share;
    auto& job = rows.jobs.emplace_back();
    job.id = make_id<domain::job_id>("0DX", number);
    job.request = rows.request.id;
    job.org = make_id<domain::org_key>("00D", number);
    job.status = fails ? push_status::failed : push_status::succeeded;
    job.start = begin + std::chrono::seconds(i * 1'200 / orgs_per_wave);
    job.end = *job.start + std::chrono::seconds(std::uniform_int_distribution(60, 120)(random));
    job.modified = job.end;
    rows.subscribers.push_back({.org = job.org,
                                .package = rows.request.package,
                                .name = fmt::format("Customer {} GmbH & Co. KG", number),
                                .type = domain::org_type::production,
                                .sf_instance = fmt::format("EU{}", number % 60),
                                .org_status = "Active",
                                .version = make_id<domain::version_id>("04t", 1)});
    if (fails)
      rows.errors.push_back({.job = job.id,
                             .severity = domain::error_severity::error,
                             .type = domain::error_type::deploy_error,
                             .title = "Deployment Failure",
                             .message = "Missing component Acme__Invoice__c on line 7",
                             .details = "The upgrade was rolled back."});
  }
  const auto push =
      history::compose({.pushguard_version = "0.1.0", .read_at = start + 48h, .hub = "devhub", .hub_org = {}},
                       std::move(rows));
  std::string file = history::write_header(push.header);
  for (const auto& job : push.jobs)
    file += history::write_job(job);
  return file;
}

const std::vector<std::string>& all_files() {
  static const std::vector<std::string> files = [] {
    std::mt19937 random(1);
    std::vector<std::string> made;
    for (unsigned wave = 0; wave < waves; ++wave)
      made.push_back(make_file(wave, random));
    return made;
  }();
  return files;
}

/// Armed, warned of, and never aborted: everything is judged to the end.
std::vector<policy::policy_specification> make_policies() {
  policy::policy_specification production{.name = "production"};
  production.rules = {{.name = "failure-rate",
                       .test = policy::failure_rate_rule{.above = 0.05, .warn_at = 0.03},
                       .action = policy::rule_action::abort},
                      {.name = "budget",
                       .test = policy::failure_budget_rule{.above = 0.1},
                       .action = policy::rule_action::abort}};
  return {production};
}

/// The CPU of it, in seconds.
double parse_lines(const std::vector<std::string>& files) {
  const double begin = cpu_seconds();
  for (const std::string_view file : files) {
    for (std::size_t at = 0; at < file.size();) {
      const std::size_t end = file.find('\n', at);
      benchmark::DoNotOptimize(boost::json::parse({file.data() + at, end - at}));
      at = end + 1;
    }
  }
  return cpu_seconds() - begin;
}

struct round_cost {
  double reading = 0;  ///< CPU, in seconds
  double testing = 0;  ///< reading included
  bool is_right = false;
};

round_cost run_backtest(const std::vector<std::string>& files) {
  round_cost cost;
  const double begin = cpu_seconds();
  {
    std::vector<history::past_push> pushes;
    for (const std::string& file : files)
      pushes.push_back(history::read_past_push(file, "wave.ndjson").value());
    cost.reading = cpu_seconds() - begin;
    const auto report = agent::backtest(pushes, make_policies());
    cost.is_right = report.rollouts.size() == 1 && report.rollouts[0].orgs == orgs &&
                    report.rollouts[0].rules[0].warned && report.totals.aborts == 0;
  }
  cost.testing = cpu_seconds() - begin;
  return cost;
}

/// Pages that the process was given.
long faults() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_minflt;
}

void backtest_of_a_rollout(benchmark::State& state) {
  const std::vector<std::string>& files = all_files();
  const double first_parsing = parse_lines(files);
  const long begin_faults = faults();
  round_cost total;
  double parsing_seconds = 0;
  for (auto _ : state) {
    const auto round = run_backtest(files);
    if (!round.is_right)
      state.SkipWithError("the rollout was not judged as it should be");
    if (total.testing == 0) {
      state.counters["first_of_boost_json"] = round.testing / first_parsing;
      state.counters["first_MiB_new"] =
          static_cast<double>((faults() - begin_faults) * sysconf(_SC_PAGESIZE)) / (1024.0 * 1024.0);
    }
    total.reading += round.reading;
    total.testing += round.testing;
    parsing_seconds += parse_lines(files);
    state.SetIterationTime(round.testing);
  }
  constexpr double claimed_ratio = 3.0;
  if (total.testing > claimed_ratio * parsing_seconds)
    state.SkipWithError(
        fmt::format("it took {:.2f} times the CPU of boost::json::parse, reading alone {:.2f}",
                    total.testing / parsing_seconds, total.reading / parsing_seconds)
            .c_str());
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["of_boost_json"] = total.testing / parsing_seconds;
  state.counters["reading_of_boost_json"] = total.reading / parsing_seconds;
  state.counters["us_per_org"] = total.testing / rounds / orgs * 1e6;
  state.counters["first_parsing_ms"] = first_parsing * 1e3;
  state.counters["parsing_ms"] = parsing_seconds / rounds * 1e3;
}
BENCHMARK(backtest_of_a_rollout)
    ->Name("backtest/rollout")
    ->UseManualTime()
    ->Iterations(10)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pushguard::bench
