#pragma once

#include <string>

#include "agent/policy/specification.hpp"

/// The sentences that say why: both numbers, and what they were compared with. They travel unchanged to log,
/// alert, API, page and audit trail.
namespace pushguard::policy {

/// Two shares as percentages, with so many digits that they read differently where they differ.
struct percentages {
  std::string first;
  std::string second;
};
[[nodiscard]] percentages percentages_of(double first, double second);
[[nodiscard]] std::string percentage_of(double share);
/// `99%`, `99.39%`: as many digits as tell the rest from nothing.
[[nodiscard]] std::string confidence_text(double alpha);

/// `failed 17 of 100 started = 17.0%`; `no org has started` where none has.
[[nodiscard]] std::string observed_text(org_count failed, org_count started);

/// `lower bound 6.6% > limit 5.0% (99% confidence)`; `what` is `limit` or `warning limit`.
[[nodiscard]] std::string bound_text(double bound, std::string_view what, double limit, double alpha);

}  // namespace pushguard::policy
