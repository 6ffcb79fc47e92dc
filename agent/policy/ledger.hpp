#pragma once

#include <memory>
#include <vector>

#include "agent/policy/observation.hpp"
#include "agent/policy/specification.hpp"
#include "agent/policy/standing.hpp"
#include "agent/tracker/tracker.hpp"

namespace pushguard::policy {

/// What one rule keeps count of in one scope, beyond where each org stands (tally). A change of an org costs
/// the same however many there are, up to a logarithm; the order of the changes does not matter.
class ledger {
 public:
  virtual ~ledger() = default;

  /// Puts the org where it stands now, with the errors that are known of its job.
  virtual void set(const tracker::tracker& tracker, tracker::org_index org, const org_standing& now) = 0;
  /// A request in scope is new, or its row changed.
  virtual void see(tracker::request_index request) { (void)request; }

  /// Fills in what the rule is judged by; `into` has the counts and the time already.
  virtual void observe(const tracker::tracker& tracker, observation& into) const = 0;

  /// Failed jobs of which `possible` is made beyond `named`: what a query must read to know.
  [[nodiscard]] virtual std::vector<tracker::job_index> unsettled_jobs() const { return {}; }
};

/// The ledger of a rule; null where the tally is all it needs. `policy` and `rule` must outlive it.
[[nodiscard]] std::unique_ptr<ledger> make_ledger(const policy_specification& policy,
                                                  const rule_specification& rule);

}  // namespace pushguard::policy
