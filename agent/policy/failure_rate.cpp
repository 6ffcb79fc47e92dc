#include "agent/policy/failure_rate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pushguard::policy {
namespace {

// std::lgamma writes a global; this does not.
double log_gamma(double x) noexcept {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

double log_beta(double x, double y) noexcept {
  return log_gamma(x) + log_gamma(y) - log_gamma(x + y);
}

// More orgs than any hub has: with a tiny limit a few failures would be a breach among billions.
constexpr org_count started_max_limit = 100'000'000;

// x ln(y), with 0 ln(0) = 0.
double times_log(double x, double y) noexcept {
  return x == 0.0 ? 0.0 : x * std::log(y);
}

// ln of the probability of the observed sequence under the prior, and under the rate p.
double log_marginal(org_count failed, org_count started, prior beta) noexcept {
  const auto f = static_cast<double>(failed);
  const auto s = static_cast<double>(started - failed);
  return log_beta(beta.a + f, beta.b + s) - log_beta(beta.a, beta.b);
}

double log_likelihood(org_count failed, org_count started, double p) noexcept {
  return times_log(static_cast<double>(failed), p) +
         times_log(static_cast<double>(started - failed), 1.0 - p);
}

}  // namespace

prior prior_for(double limit) noexcept {
  return {1.0, std::max(1.0, 1.0 / (2.0 * limit) - 1.0)};
}

double log_evidence(org_count failed, org_count started, prior beta, double p) noexcept {
  const auto f = static_cast<double>(failed);
  const auto s = static_cast<double>(started - failed);
  return log_beta(beta.a + f, beta.b + s) - log_beta(beta.a, beta.b) - times_log(f, p) -
         times_log(s, 1.0 - p);
}

double failure_rate_lower_bound(org_count failed, org_count started, prior beta, double alpha) noexcept {
  if (failed == 0)
    return 0.0;
  // Below failed/started the evidence falls from infinity to at most 0 as p grows. Halving 60 times
  // exhausts the precision of a double.
  constexpr int halvings = 60;
  const double wanted = log_marginal(failed, started, beta) + std::log(alpha);
  double below = 0.0;
  double above = static_cast<double>(failed) / static_cast<double>(started);
  for (int i = 0; i < halvings; ++i) {
    const double middle = (below + above) / 2.0;
    (log_likelihood(failed, started, middle) <= wanted ? below : above) = middle;
  }
  return below;
}

bool is_rate_above(org_count failed, org_count started, prior beta, double alpha, double limit) noexcept {
  return static_cast<double>(failed) > limit * static_cast<double>(started) &&
         log_evidence(failed, started, beta, limit) >= -std::log(alpha);
}

double segment_alpha(double alpha, std::uint32_t ordinal) noexcept {
  const auto i = static_cast<double>(ordinal);
  return 6.0 * alpha / (std::numbers::pi * std::numbers::pi * i * i);
}

org_count failing_counts::started_max(org_count failed) {
  if (started_max_.empty())
    started_max_.push_back(0);
  while (started_max_.size() <= failed) {
    const auto next = static_cast<org_count>(started_max_.size());
    started_max_.push_back(find_started_max(next, started_max_.back()));
  }
  return started_max_[failed];
}

// One more failure and one more org are more evidence, so the answer is above the one for a failure less;
// with a fixed number of failures evidence falls as orgs are added.
org_count failing_counts::find_started_max(org_count failed, org_count at_least) const noexcept {
  org_count good = std::max(at_least, failed);
  if (!is_above(failed, good))
    return at_least;
  org_count step = 1;
  while (good < started_max_limit && is_above(failed, good + step)) {
    good += step;
    step *= 2;
  }
  for (; step != 0; step /= 2) {
    if (is_above(failed, good + step))
      good += step;
  }
  return good;
}

std::optional<org_count> failing_counts::failed_min(org_count started) const noexcept {
  if (started == 0 || !is_above(started, started))
    return std::nullopt;
  org_count low = 0;  // never a breach
  org_count high = started;
  while (high - low > 1) {
    const org_count middle = low + (high - low) / 2;
    (is_above(middle, started) ? high : low) = middle;
  }
  return high;
}

}  // namespace pushguard::policy
