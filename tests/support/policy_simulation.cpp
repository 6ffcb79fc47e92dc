#include "tests/support/policy_simulation.hpp"

#include <algorithm>
#include <queue>
#include <vector>

namespace pushguard::test {
namespace {

struct running_job {
  double ends = 0.0;
  bool fails = false;

  bool operator>(const running_job& other) const { return ends > other.ends; }
};

/// A draw from Beta(a, b).
double beta(double a, double b, std::mt19937_64& random) {
  const double x = std::gamma_distribution<double>(a)(random);
  const double y = std::gamma_distribution<double>(b)(random);
  return x / (x + y);
}

/// The failure rate of the next pod: beta distributed, with the variance that makes the correlation.
double pod_rate(const simulated_push& push, std::mt19937_64& random) {
  if (push.correlation == 0.0)
    return push.failure_rate;
  const double sum = (1.0 - push.correlation) / push.correlation;
  return beta(push.failure_rate * sum, (1.0 - push.failure_rate) * sum, random);
}

}  // namespace

std::optional<policy::org_count> orgs_started_at_stop(const simulated_push& push, const stop_rule& stops,
                                                      std::mt19937_64& random) {
  double rate = push.failure_rate;
  std::exponential_distribution<double> takes(1.0);
  std::priority_queue<running_job, std::vector<running_job>, std::greater<>> running;
  push_progress seen;
  double now = 0.0;
  const auto in_flight_max = std::max<policy::org_count>(1, push.in_flight);
  while (seen.finished < push.orgs) {
    while (seen.started < push.orgs && running.size() < in_flight_max) {
      if (push.correlation != 0.0 && seen.started % push.pod_size == 0)
        rate = pod_rate(push, random);
      const bool will_fail = std::bernoulli_distribution(rate)(random);
      running.push({now + takes(random) / (will_fail ? push.failures_faster : 1.0), will_fail});
      ++seen.started;
    }
    const auto ended = running.top();
    running.pop();
    now = ended.ends;
    ++seen.finished;
    if (!ended.fails)
      continue;
    ++seen.failed;
    if (stops(seen))
      return seen.started;
  }
  return std::nullopt;
}

}  // namespace pushguard::test
