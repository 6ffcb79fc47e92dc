#pragma once

#include "agent/call_budget.hpp"
#include "agent/hub_instruments.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// Counts a hub's calls into its metrics and its budget. References outlive it.
class call_meter final : public salesforce::api_observer {
 public:
  call_meter(hub_instruments& instruments, double share, time_source& time)
      : instruments_(instruments), time_(time), budget_(share) {}

  void call_ended(salesforce::api_operation operation, salesforce::api_outcome outcome) override;
  void usage_told(salesforce::api_usage usage) override;
  void clock_told(duration ahead) override;

  /// How far the hub's clock is ahead of ours. A few seconds are the way of an answer, and count as none.
  [[nodiscard]] duration clock_ahead() const noexcept { return clock_ahead_; }
  /// Calls so far that count against the org's allocation: all but logins and lists of versions.
  [[nodiscard]] std::uint64_t calls_made() const noexcept { return calls_made_; }
  [[nodiscard]] const call_budget& budget() const noexcept { return budget_; }

 private:
  hub_instruments& instruments_;
  time_source& time_;
  call_budget budget_;
  std::uint64_t calls_made_ = 0;
  duration clock_ahead_{};
};

}  // namespace pushguard::agent
