#pragma once

#include <optional>
#include <string_view>

#include "agent/policy/tally.hpp"
#include "base/time.hpp"

namespace pushguard::policy {

/// All that one rule is judged by, in one group of orgs at one moment: plain numbers, so that every rule is a
/// function of them. What `named`, `label` and `since` are depends on the kind of rule.
struct observation {
  org_counts counts{};
  wall_time now{};

  /// errors: failed orgs with an error of the types. same_error: with the most frequent error. orgs: failed
  /// orgs of the list. consecutive_failures: the longest run of failures, or of those that matter the newest;
  /// at most the rule's number. stalled: orgs whose job runs and is not abandoned. job_running: orgs that run
  /// for too long. late_start: requests that are late.
  org_count named = 0;
  /// How many `named` may prove to be once everything is read; at least `named`.
  org_count possible = 0;
  /// same_error: the error. late_start: the request that is late for the longest. May be empty; valid until
  /// the next change.
  std::string_view label{};
  /// stalled: when a job last started or ended. job_running: since when the job runs that runs for the
  /// longest. late_start: the start that was scheduled. Nothing where there is none.
  std::optional<wall_time> since{};
  /// When the passing of time alone changes what is observed; later than `now`. Nothing where it does not.
  std::optional<wall_time> due{};
};

}  // namespace pushguard::policy
