#pragma once

#include <vector>

#include "agent/policy/specification.hpp"

/// "The failure rate is above a limit", watched continuously: a beta-binomial confidence sequence (Robbins
/// 1970; Howard, Ramdas, McAuliffe, Sekhon 2021). For independent orgs that fail with a chance of at most
/// the limit, the probability that the bound ever exceeds it is at most alpha, however often one looks.
namespace pushguard::policy {

/// A Beta(a, b) distribution, fixed before the first look.
struct prior {
  double a = 1.0;
  double b = 1.0;
};

/// Beta(1, 1/(2X) - 1), whose mean is twice the limit: the rate that must be found soon. Beta(1, 1) where
/// the limit is above a quarter.
[[nodiscard]] prior prior_for(double limit) noexcept;

/// ln E(p): the evidence against the failure rate `p`, in (0, 1), after `failed` of `started` orgs
/// failed. `failed <= started`.
[[nodiscard]] double log_evidence(org_count failed, org_count started, prior beta, double p) noexcept;

/// Lower confidence bound of the failure rate, valid at every look: the p below failed/started with
/// ln E(p) = ln(1/alpha). `failed <= started`; `alpha` in (0, 1). In [0, 1]; 0 when nothing failed.
[[nodiscard]] double failure_rate_lower_bound(org_count failed, org_count started, prior beta,
                                              double alpha) noexcept;

/// The bound is above `limit`: failed/started > limit and ln E(limit) >= ln(1/alpha).
[[nodiscard]] bool is_rate_above(org_count failed, org_count started, prior beta, double alpha,
                                 double limit) noexcept;

/// What the i-th segment of a rule may spend of its alpha, i from 1: 6 alpha / (pi^2 i^2). Over all i they
/// add up to alpha.
[[nodiscard]] double segment_alpha(double alpha, std::uint32_t ordinal) noexcept;

/// The same decision as is_rate_above() by comparing integers: for every number of failures the largest
/// number of started orgs with which it is a breach. Entries are computed when first asked for, so that
/// each new failure costs a few evaluations once and every other look costs none.
class failing_counts {
 public:
  failing_counts(double limit, double alpha, prior beta) : limit_(limit), alpha_(alpha), prior_(beta) {}

  [[nodiscard]] bool is_breach(org_count failed, org_count started) {
    return started != 0 && started <= started_max(failed);
  }
  /// The largest number of started orgs at which `failed` failures are a breach; 0 where there is none.
  [[nodiscard]] org_count started_max(org_count failed);
  /// The smallest number of failures that is a breach with `started` orgs; nothing where all of them
  /// failing is none.
  [[nodiscard]] std::optional<org_count> failed_min(org_count started) const noexcept;

  [[nodiscard]] double limit() const noexcept { return limit_; }
  [[nodiscard]] double alpha() const noexcept { return alpha_; }

 private:
  [[nodiscard]] bool is_above(org_count failed, org_count started) const noexcept {
    return is_rate_above(failed, started, prior_, alpha_, limit_);
  }
  [[nodiscard]] org_count find_started_max(org_count failed, org_count at_least) const noexcept;

  double limit_;
  double alpha_;
  prior prior_;
  std::vector<org_count> started_max_;  // by failures; never decreases
};

}  // namespace pushguard::policy
