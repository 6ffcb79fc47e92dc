#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <set>
#include <string>

#include "agent/audit_backlog.hpp"
#include "agent/hub_memory.hpp"
#include "agent/publisher.hpp"
#include "agent/store/store.hpp"
#include "agent/tracker/tracker.hpp"

namespace pushguard::agent {

/// What became of the orgs that carrying out `decision` would have spared: those with a job in a request of
/// its plan that was to be cancelled, whom no other request of the rollout reached before. An org that was
/// pushed several times counts once, by its newest job. Nothing until the tracker knows these requests.
[[nodiscard]] std::optional<store::decision_aftermath> count_aftermath(const tracker::tracker& tracked,
                                                                       const store::decision_record& decision,
                                                                       wall_time now);

/// What following dry runs needs. Everything outlives the follower.
struct dry_run_parts {
  const std::string& hub;
  const tracker::tracker& tracked;
  hub_memory& memory;
  publisher& views;
  store::store& store;
  audit_backlog& audit;
  time_source& time;
  time_source& hub_clock;  ///< for what is compared with instants that Salesforce told
  logger& log;
};

/// Goes on counting after the decisions of dry runs: shows and stores what changed, and tells the audit trail
/// once nothing more is to come. For one executor without concurrency.
class dry_run_follower {
 public:
  explicit dry_run_follower(dry_run_parts parts) : parts_(parts) {}

  void note(const tracker::changes& changes);
  /// Counts again, at most every 15 seconds; what the store refuses is tried again with the next count.
  [[nodiscard]] boost::asio::awaitable<void> follow();

 private:
  [[nodiscard]] bool is_due(const store::decision_record& decision) const;
  [[nodiscard]] boost::asio::awaitable<void> record(store::decision_record decision);

  dry_run_parts parts_;
  steady_time next_;
  std::set<tracker::request_index> changed_;  ///< since the last count
  std::string last_failure_;
};

}  // namespace pushguard::agent
