#pragma once

#include <optional>

#include "agent/policy/specification.hpp"
#include "agent/tracker/tracker.hpp"

/// Where one org stands in what a policy counts. All counting goes through standing_of(), so that a tally
/// kept event by event equals one counted anew.
namespace pushguard::policy {

enum class standing : unsigned char {
  absent,     ///< not counted: no job in scope, or an org the policy does not match
  scheduled,  ///< its jobs have not left the queue, or were canceled
  in_flight,
  succeeded,
  failed,
  excluded,  ///< failed for a reason that says nothing about the version
};

/// A failure is settled when nothing that is still to be read could unmake it: Salesforce answered it to
/// a query, and its errors are read, unless the policy excludes none.
enum class settlement : unsigned char { settled, unsettled };

struct org_standing {
  standing state = standing::absent;
  settlement settled = settlement::settled;
  tracker::job_index job = tracker::no_job;  ///< the job that decides

  friend bool operator==(const org_standing&, const org_standing&) = default;
};

/// What is counted together: the jobs of one request, of one rollout, or of a package.
struct scope_key {
  counting_scope scope = counting_scope::rollout;
  std::uint32_t index = 0;  ///< of the request, the rollout, or the package as the judge numbers them

  friend bool operator==(const scope_key&, const scope_key&) = default;
  friend auto operator<=>(const scope_key&, const scope_key&) = default;
};

/// Selects jobs: those of `scope`, started after `since` or not at all.
struct counted_jobs {
  scope_key scope;
  domain::package_id package{};
  wall_time since = wall_time::min();  ///< start of the epoch
};

/// An org that is counted counts once. Its newest finished job decides; a failed org stays failed until a
/// newer job of it is finished, and then is what that one is.
[[nodiscard]] org_standing standing_of(const tracker::tracker& tracker, tracker::org_index org,
                                       const counted_jobs& counted, const policy_specification& policy);

/// Every one of the job's errors of severity Error matches `exclusion`, and there is one at least.
[[nodiscard]] bool is_excluded(const tracker::tracker& tracker, tracker::job_index job,
                               const error_exclusion& exclusion);

/// The error's type or title is one that `exclusion` names.
[[nodiscard]] bool matches(const tracker::tracker& tracker, const tracker::error_record& error,
                           const error_exclusion& exclusion);

[[nodiscard]] bool matches_package(const policy_match& match, const domain::package_id& package) noexcept;
[[nodiscard]] bool matches_org(const policy_match& match, domain::org_type type) noexcept;
[[nodiscard]] bool holds_matching_org(const tracker::tracker& tracker, tracker::request_index request,
                                      const policy_match& match);

}  // namespace pushguard::policy
