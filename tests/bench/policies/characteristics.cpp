#include "tests/bench/policies/characteristics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "agent/policy/failure_rate.hpp"
#include "tests/support/policy_simulation.hpp"

namespace pushguard::bench {
namespace {

using policy::org_count;
using test::push_progress;
using test::simulated_push;
using test::stop_rule;

constexpr double limit = 0.05;
constexpr int healthy_rollouts = 4'000;
constexpr int bad_rollouts = 2'000;

struct named_rule {
  std::string name;
  stop_rule stops;
};

stop_rule share_of_started(org_count min_started) {
  return [min_started](const push_progress& seen) {
    return seen.started >= min_started && seen.failed >= limit * seen.started;
  };
}

/// The interval that dashboards draw, looked at again and again. `z`: 1.645 for 95%, 2.326 for 99%,
/// one-sided.
stop_rule wilson(double z, org_count min_started) {
  return [z, min_started](const push_progress& seen) {
    const double n = seen.started;
    const double observed = seen.failed / n;
    const double centre = observed + z * z / (2 * n);
    const double spread = z * std::sqrt(observed * (1 - observed) / n + z * z / (4 * n * n));
    return seen.started >= min_started && (centre - spread) / (1 + z * z / n) > limit;
  };
}

stop_rule failure_rate(double alpha, policy::prior beta) {
  const auto counts = std::make_shared<policy::failing_counts>(limit, alpha, beta);
  return [counts](const push_progress& seen) { return counts->is_breach(seen.failed, seen.started); };
}

/// Wald's sequential probability ratio test of the limit against twice the limit.
stop_rule ratio_test(double alpha) {
  return [alpha](const push_progress& seen) {
    const double evidence =
        seen.failed * std::log(2.0) + (seen.started - seen.failed) * std::log((1 - 2 * limit) / (1 - limit));
    return evidence >= -std::log(alpha);
  };
}

/// What one would do without thinking of what is in flight: the share of the finished.
stop_rule share_of_finished(double alpha) {
  const auto counts = std::make_shared<policy::failing_counts>(limit, alpha, policy::prior_for(limit));
  return [counts](const push_progress& seen) { return counts->is_breach(seen.failed, seen.finished); };
}

double stopped_percent(const simulated_push& push, const stop_rule& stops, int rollouts) {
  std::mt19937_64 random(1);
  int stopped = 0;
  for (int i = 0; i < rollouts; ++i)
    stopped += test::orgs_started_at_stop(push, stops, random) ? 1 : 0;
  return 100.0 * stopped / rollouts;
}

/// Median and 95th percentile of the orgs that had started; `never` where fewer stopped.
std::string orgs_to_stop(const simulated_push& push, const stop_rule& stops) {
  std::mt19937_64 random(2);
  std::vector<org_count> started;
  for (int i = 0; i < bad_rollouts; ++i) {
    if (const auto stopped = test::orgs_started_at_stop(push, stops, random))
      started.push_back(*stopped);
  }
  std::ranges::sort(started);
  const auto quantile = [&](double share) {
    const auto at = static_cast<std::size_t>(share * bad_rollouts);
    return at < started.size() ? fmt::format("{}", started[at]) : "never";
  };
  return fmt::format("{} ({})", quantile(0.5), quantile(0.95));
}

void print_one_after_the_other() {
  const auto tuned = policy::prior_for(limit);
  const std::vector<named_rule> rules{{"share >= 5%, 10 started", share_of_started(10)},
                                      {"share >= 5%, 50 started", share_of_started(50)},
                                      {"share >= 5%, 200 started", share_of_started(200)},
                                      {"Wilson 95%, 20 started", wilson(1.645, 20)},
                                      {"Wilson 99%, 20 started", wilson(2.326, 20)},
                                      {"failure_rate, 99%", failure_rate(0.01, tuned)},
                                      {"failure_rate, 95%", failure_rate(0.05, tuned)},
                                      {"the same with Beta(1, 1), 99%", failure_rate(0.01, {1.0, 1.0})},
                                      {"ratio test against 10%, 99%", ratio_test(0.01)}};
  fmt::print(
      "Limit 5%, independent orgs, one after the other. Stopped healthy rollouts of {} in percent, and orgs "
      "that had\n"
      "started when bad rollouts were stopped: median (95th percentile) of {}.\n\n"
      "| rule | stopped at 4%, 1 000 orgs | at 5%, 1 000 orgs | at 5%, 10 000 orgs | orgs at 10% | at 15% | "
      "at 30% | "
      "at 100% |\n|---|---:|---:|---:|---:|---:|---:|---:|\n",
      healthy_rollouts, bad_rollouts);
  for (const auto& [name, stops] : rules) {
    fmt::print("| {} | {:.2f} | {:.2f} | {:.2f}", name,
               stopped_percent({.orgs = 1'000, .failure_rate = 0.8 * limit}, stops, healthy_rollouts),
               stopped_percent({.orgs = 1'000, .failure_rate = limit}, stops, healthy_rollouts),
               stopped_percent({.orgs = 10'000, .failure_rate = limit}, stops, healthy_rollouts));
    for (const double times : {2.0, 3.0, 6.0, 20.0})
      fmt::print(" | {}", orgs_to_stop({.orgs = 100'000, .failure_rate = times * limit}, stops));
    fmt::print(" |\n");
  }
}

void print_in_flight() {
  const auto tuned = policy::prior_for(limit);
  fmt::print(
      "\nThe same limit with 200 jobs in flight in a rollout of 2 000 orgs, failures ending ten times sooner "
      "than\n"
      "successes. Stopped rollouts in percent; orgs that had started when half were stopped.\n\n"
      "| of what the failures are a share | stopped at 2% | at 5% | at 10% | orgs at 10% "
      "|\n|---|---:|---:|---:|---:|\n");
  for (const auto& [name, stops] : {named_rule{"finished orgs", share_of_finished(0.01)},
                                    named_rule{"started orgs (failure_rate)", failure_rate(0.01, tuned)}}) {
    fmt::print("| {}", name);
    for (const double rate : {0.02, 0.05, 0.10}) {
      fmt::print(
          " | {:.2f}",
          stopped_percent({.orgs = 2'000, .failure_rate = rate, .in_flight = 200, .failures_faster = 10.0},
                          stops, healthy_rollouts));
    }
    fmt::print(
        " | {} |\n",
        orgs_to_stop({.orgs = 2'000, .failure_rate = 0.1, .in_flight = 200, .failures_faster = 10.0}, stops));
  }
  fmt::print("\n");
}

void print_clustering() {
  const auto stops = failure_rate(0.01, policy::prior_for(limit));
  fmt::print(
      "The same rule where orgs share a fate: pods of 50, one after the other, in a rollout of 1 000 orgs. "
      "Stopped\n"
      "rollouts in percent.\n\n"
      "| correlation in a pod | stopped at 3% | at 5% |\n|---:|---:|---:|\n");
  for (const double correlation : {0.0, 0.02, 0.1}) {
    fmt::print("| {} | {:.2f} | {:.2f} |\n", correlation,
               stopped_percent({.failure_rate = 0.03, .correlation = correlation}, stops, healthy_rollouts),
               stopped_percent({.failure_rate = 0.05, .correlation = correlation}, stops, healthy_rollouts));
  }
  fmt::print("\n");
}

}  // namespace

void print_characteristics() {
  print_one_after_the_other();
  print_in_flight();
  print_clustering();
}

}  // namespace pushguard::bench
