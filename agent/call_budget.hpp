#pragma once

#include <cstdint>
#include <deque>

#include "agent/salesforce/api.hpp"
#include "base/time.hpp"

namespace pushguard::agent {

/// What a hub's agent may ask of Salesforce's API, and how often it may read. Salesforce counts an org's
/// calls of the last 24 hours, of all its users; the budget is a share of that allocation.
///
/// Reading is paced so that what is left lasts for six hours at least: a rollout of some hours is followed at
/// full speed, and a longer one more and more slowly. A fifth of the budget is kept for the edge: when the
/// rest is spent, reading goes on at the rate that this fifth lasts for a day. So the pace never goes beyond
/// the budget, and never stops. What is not paced (logins, cancellations, the confirmation of a breach)
/// is counted, never delayed.
///
/// Pure, for one thread. Instants must not go back.
class call_budget {
 public:
  /// `share` of the allocation, in (0, 1].
  explicit call_budget(double share) : share_(share) {}

  /// This agent made so many calls that count.
  void spend(std::uint64_t calls, steady_time now);
  /// What Salesforce says of the whole org.
  void tell(salesforce::api_usage usage) { usage_ = usage; }
  /// Salesforce refused a call because the allocation is used up.
  void refused(steady_time now) { refused_at_ = now; }

  /// Whether the allocation is known; until then nothing is paced.
  [[nodiscard]] bool is_known() const noexcept { return usage_.limit > 0; }
  /// Calls in 24 hours; 0 where the allocation is not known.
  [[nodiscard]] std::uint64_t allowed() const noexcept;
  /// Calls of the last 24 hours, exact to a quarter of an hour.
  [[nodiscard]] std::uint64_t spent(steady_time now) const;
  [[nodiscard]] const salesforce::api_usage& usage() const noexcept { return usage_; }

  /// The shortest time between two reads of so many calls: 0 where nothing is known, a day at most.
  [[nodiscard]] duration shortest_interval(std::uint64_t calls_per_read, steady_time now) const;

  /// Whether reading has reached the edge: less than a tenth of what is paced is left, or Salesforce refused
  /// a call within the last quarter of an hour.
  [[nodiscard]] bool is_low(steady_time now) const;

 private:
  struct slot {
    std::int64_t quarter_hour;
    std::uint64_t calls;
  };

  [[nodiscard]] double left(steady_time now) const;
  [[nodiscard]] bool was_refused(steady_time now) const;

  double share_;
  salesforce::api_usage usage_;
  std::deque<slot> slots_;  ///< in order of time
  steady_time refused_at_ = steady_time::min();
};

}  // namespace pushguard::agent
