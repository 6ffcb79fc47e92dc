#include "agent/call_budget.hpp"

#include <algorithm>
#include <cmath>

namespace pushguard::agent {

namespace {

using quarter_hours = std::chrono::duration<std::int64_t, std::ratio<900>>;

constexpr duration day = std::chrono::hours(24);
constexpr std::int64_t quarter_hours_in_a_day = 96;
/// What is left should last for so long.
constexpr duration horizon = std::chrono::hours(6);
/// Of the budget, kept for the edge.
constexpr double edge_share = 0.2;
/// Of the org's allocation: reading leaves so many calls to others, and to our cancellations.
constexpr double org_reserve = 0.01;
constexpr duration refusal_memory = std::chrono::minutes(15);

std::int64_t quarter_hour_of(steady_time time) {
  return std::chrono::floor<quarter_hours>(time.time_since_epoch()).count();
}

}  // namespace

void call_budget::spend(std::uint64_t calls, steady_time now) {
  const std::int64_t at = quarter_hour_of(now);
  if (slots_.empty() || slots_.back().quarter_hour != at)
    slots_.push_back({at, 0});
  slots_.back().calls += calls;
  while (slots_.front().quarter_hour <= at - quarter_hours_in_a_day - 1)
    slots_.pop_front();
}

std::uint64_t call_budget::allowed() const noexcept {
  return static_cast<std::uint64_t>(share_ * static_cast<double>(usage_.limit));
}

std::uint64_t call_budget::spent(steady_time now) const {
  const std::int64_t oldest = quarter_hour_of(now) - quarter_hours_in_a_day;
  std::uint64_t calls = 0;
  for (const slot& each : slots_)
    calls += each.quarter_hour >= oldest ? each.calls : 0;
  return calls;
}

bool call_budget::was_refused(steady_time now) const {
  return refused_at_ != steady_time::min() && now - refused_at_ < refusal_memory;
}

/// Calls that pacing may still use; not negative.
double call_budget::left(steady_time now) const {
  if (was_refused(now))
    return 0;
  const auto limit = static_cast<double>(usage_.limit);
  const double own = (1 - edge_share) * share_ * limit - static_cast<double>(spent(now));
  const double of_the_org = (1 - org_reserve) * limit - static_cast<double>(usage_.used);
  return std::max(0.0, std::min(own, of_the_org));
}

duration call_budget::shortest_interval(std::uint64_t calls_per_read, steady_time now) const {
  if (!is_known())
    return duration::zero();
  const auto lasting = [calls = static_cast<double>(calls_per_read)](duration time, double budget) {
    return std::fmin(static_cast<double>(day.count()), static_cast<double>(time.count()) * calls / budget);
  };
  const double at_the_edge = lasting(day, edge_share * share_ * static_cast<double>(usage_.limit));
  const double rest = left(now);
  const double paced = rest > 0 ? lasting(horizon, rest) : at_the_edge;
  return duration(static_cast<duration::rep>(std::ceil(std::min(paced, at_the_edge))));
}

bool call_budget::is_low(steady_time now) const {
  constexpr double low_share = 0.1;
  return is_known() && left(now) < low_share * (1 - edge_share) * share_ * static_cast<double>(usage_.limit);
}

}  // namespace pushguard::agent
