#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

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
/// with its default storage, of their lines. The first round also pays for memory that the process has not
/// had yet, which parsing line by line never needs: it is told apart, and the mean of the rounds has its
/// share of it.
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

void backtest_of_a_rollout(benchmark::State& state) {
  const std::vector<std::string>& files = all_files();
  double testing_seconds = 0;
  double parsing_seconds = 0;
  double reading_seconds = 0;
  double first_ratio = 0;
  for (auto _ : state) {
    const double begin = cpu_seconds();
    double read_at = begin;
    {
      std::vector<history::past_push> pushes;
      for (const std::string& file : files)
        pushes.push_back(history::read_past_push(file, "wave.ndjson").value());
      read_at = cpu_seconds();
      const auto report = agent::backtest(pushes, make_policies());
      if (report.rollouts.size() != 1 || report.rollouts[0].orgs != orgs ||
          !report.rollouts[0].rules[0].warned || report.totals.aborts != 0)
        state.SkipWithError("the rollout was not judged as it should be");
    }
    const double between = cpu_seconds();
    for (const std::string_view file : files) {
      for (std::size_t at = 0; at < file.size();) {
        const std::size_t end = file.find('\n', at);
        benchmark::DoNotOptimize(boost::json::parse({file.data() + at, end - at}));
        at = end + 1;
      }
    }
    const double parsing = cpu_seconds() - between;
    if (first_ratio == 0)
      first_ratio = (between - begin) / parsing;
    parsing_seconds += parsing;
    testing_seconds += between - begin;
    reading_seconds += read_at - begin;
    state.SetIterationTime(between - begin);
  }
  constexpr double claimed_ratio = 3.0;
  if (testing_seconds > claimed_ratio * parsing_seconds)
    state.SkipWithError(
        fmt::format("it took {:.2f} times the CPU of boost::json::parse, reading alone {:.2f}",
                    testing_seconds / parsing_seconds, reading_seconds / parsing_seconds)
            .c_str());
  state.counters["of_boost_json"] = testing_seconds / parsing_seconds;
  state.counters["first_of_boost_json"] = first_ratio;
  state.counters["reading_of_boost_json"] = reading_seconds / parsing_seconds;
  state.counters["us_per_org"] = testing_seconds / static_cast<double>(state.iterations()) / orgs * 1e6;
}
BENCHMARK(backtest_of_a_rollout)
    ->Name("backtest/rollout")
    ->UseManualTime()
    ->Iterations(10)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pushguard::bench
