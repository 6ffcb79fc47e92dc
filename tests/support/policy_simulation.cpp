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

}  // namespace

std::optional<policy::org_count> orgs_started_at_stop(const simulated_push& push, const stop_rule& stops,
                                                      std::mt19937_64& random) {
  std::bernoulli_distribution fails(push.failure_rate);
  std::exponential_distribution<double> takes(1.0);
  std::priority_queue<running_job, std::vector<running_job>, std::greater<>> running;
  push_progress seen;
  double now = 0.0;
  const auto in_flight_max = std::max<policy::org_count>(1, push.in_flight);
  while (seen.finished < push.orgs) {
    while (seen.started < push.orgs && running.size() < in_flight_max) {
      const bool will_fail = fails(random);
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
