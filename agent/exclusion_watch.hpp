#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/policy/judgement.hpp"
#include "agent/tracker/tracker.hpp"

/// Whether more orgs are excluded from judging than usual: what excuses a few orgs may hide a bad version.
/// Pure.
namespace pushguard::agent {

/// Fewer say nothing.
inline constexpr policy::org_count excluded_orgs_min = 10;
/// 1 - the confidence with which excluded orgs are beyond their usual, at every look.
inline constexpr double exclusion_alpha = 0.01;
/// An alert ends when the lower bound has fallen to this share of what is usual.
inline constexpr double exclusion_recovery = 0.8;

struct exclusion_counts {
  policy::org_count excluded = 0;
  policy::org_count started = 0;  ///< without the excluded

  [[nodiscard]] policy::org_count all() const noexcept { return excluded + started; }
};

/// Lower confidence bound of excluded / (started + excluded), valid at every look (policy/failure_rate.hpp).
/// `usual` in (0, 1). 0 where nothing is excluded.
[[nodiscard]] double exclusion_lower_bound(const exclusion_counts& counts, double usual) noexcept;
/// At least excluded_orgs_min are excluded and the bound is above `usual`; once told, until the bound is
/// below exclusion_recovery of it.
[[nodiscard]] bool is_beyond_usual(const exclusion_counts& counts, double usual, bool was_told) noexcept;

/// What a policy counts together.
struct exclusion_scope {
  domain::rollout_id rollout;
  domain::request_id request;  ///< empty above request scope
  std::string policy;

  friend bool operator==(const exclusion_scope&, const exclusion_scope&) = default;
  friend auto operator<=>(const exclusion_scope&, const exclusion_scope&) = default;
};

/// Adds up what judgements tell of each scope.
class exclusion_book {
 public:
  /// Takes the counts of a judgement of the policy's rule `rule`, which stands for all: they count the same
  /// orgs. A rule with `by:` tells them in pieces.
  void note(const policy::judgement& judged, const std::string& rule);
  void forget() { scopes_.clear(); }
  void forget(const exclusion_scope& scope) { scopes_.erase(scope); }

  [[nodiscard]] std::map<exclusion_scope, exclusion_counts> counts() const;

 private:
  std::map<exclusion_scope, std::map<std::string, exclusion_counts>> scopes_;  ///< by segment
};

struct title_count {
  std::string title;  ///< `IneligibleUpgrade: Ineligible for upgrade`
  std::size_t orgs = 0;
};
/// The most frequent errors of orgs that the policy excludes in a rollout, or in one request of it; most
/// frequent first. Costs one pass over the failed jobs.
[[nodiscard]] std::vector<title_count> top_excluded(const tracker::tracker& tracked,
                                                    tracker::rollout_index rollout,
                                                    std::optional<tracker::request_index> request,
                                                    const policy::policy_specification& policy,
                                                    std::size_t count_max);

}  // namespace pushguard::agent
