#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "agent/configuration/configuration.hpp"
#include "agent/read_model.hpp"
#include "metrics/line_blocks.hpp"

namespace pushguard::agent {

/// The per-org series of `/metrics/orgs`, as lines that are rendered when a job changes. Follows the same
/// messages as the read model, after it. For one thread; snapshots may go to others.
///
/// Past the limit failed orgs come first: they displace others, and those are suppressed.
class org_series {
 public:
  explicit org_series(configuration::org_series options);

  /// `model` has taken in `update` already.
  void apply(const view_update& update, const read_model& model);

  /// Renders everything anew, by other options after a reload.
  void configure(configuration::org_series options, const read_model& model, wall_time now);

  /// Drops the series of requests that ended longer ago than the configuration keeps them.
  void forget_ended(const read_model& model, wall_time now);

  /// The lines at this instant.
  [[nodiscard]] metrics::line_snapshot snapshot() { return blocks_.snapshot(); }
  /// `pushguard_org_series`, `…_limit` and `…_suppressed`, as text to go behind the lines.
  [[nodiscard]] std::string summary() const;

  [[nodiscard]] std::size_t series() const noexcept { return blocks_.series(); }
  /// (Org, request) pairs left out because of the limit.
  [[nodiscard]] std::size_t suppressed() const noexcept { return suppressed_.size(); }

 private:
  using request_key = read_model::hub_and_request;

  struct shown_job {
    request_key request;
    domain::org_key org;
    bool is_failed = false;
  };

  void show(const std::string& hub, const job_view& job, const read_model& model);
  void show_org(const std::string& hub, const domain::org_key& org, const read_model& model);
  void hide(const std::string& key);
  [[nodiscard]] bool make_room(std::size_t wanted, const job_view& job);

  configuration::org_series options_;
  metrics::line_blocks blocks_;
  std::unordered_map<std::string, shown_job> shown_;  ///< by key of the block
  std::deque<std::string> displaceable_;  ///< keys of shown jobs that had not failed, oldest first
  std::unordered_set<std::string> suppressed_;
  std::map<request_key, std::unordered_set<std::string>> keys_of_;
  std::unordered_map<std::string, std::size_t> jobs_of_org_;  ///< shown jobs by key of the org's block
  std::set<request_key> forgotten_;                           ///< ended long ago: not shown again
};

}  // namespace pushguard::agent
