#pragma once

#include <functional>
#include <optional>
#include <random>

#include "agent/policy/specification.hpp"

/// Made-up rollouts, to measure what a rule does on many of them: how often it stops a
/// healthy one, and how late a bad one.
namespace pushguard::test {

struct simulated_push {
  policy::org_count orgs = 1'000;
  double failure_rate = 0.0;  ///< of each org
  /// How many jobs run at a time; 0: each ends before the next starts.
  policy::org_count in_flight = 0;
  /// Both outcomes take a time that is distributed exponentially; failures take this much less on average.
  double failures_faster = 1.0;
  /// Orgs that run one after the other and share a fate: each pod has a failure rate of its own around the
  /// common one, so that any two of its orgs have this correlation. 0: all orgs are independent.
  double correlation = 0.0;
  policy::org_count pod_size = 50;
};

/// What has happened so far, as a rule may see it.
struct push_progress {
  policy::org_count failed = 0;
  policy::org_count started = 0;
  policy::org_count finished = 0;
};

/// Asked after every failure: nothing else raises a failure rate.
using stop_rule = std::function<bool(const push_progress&)>;

/// How many orgs had started when `stops` first said so; nothing where it never did.
[[nodiscard]] std::optional<policy::org_count> orgs_started_at_stop(const simulated_push& push,
                                                                    const stop_rule& stops,
                                                                    std::mt19937_64& random);

}  // namespace pushguard::test
