#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "agent/salesforce/queries.hpp"
#include "agent/tracker/tracker.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// Told after each piece that was applied, so that judging and publishing never wait for a whole read.
using changes_handler = std::function<void(const tracker::changes&)>;

struct hub_reader_options {
  std::vector<domain::package_id> packages;           ///< empty: all of the hub
  duration ended_since = std::chrono::hours(24 * 7);  ///< how far back ended requests are read
};

/// Reads what a hub knows of its push requests into a tracker. For one executor without concurrency; the
/// references must outlive it.
class hub_reader {
 public:
  hub_reader(hub_reader_options options, salesforce::push_queries& queries, tracker::tracker& tracked,
             changes_handler on_changes, time_source& time, logger& log)
      : options_(std::move(options)),
        queries_(queries),
        tracked_(tracked),
        on_changes_(std::move(on_changes)),
        time_(time),
        log_(log) {}

  /// One complete reconciliation: requests, then the jobs of those whose counts moved, the errors of newly
  /// failed jobs, and the subscribers behind new jobs. Only if all of it succeeded is the tracker told that
  /// it is reconciled; what was read before a failure stays applied.
  [[nodiscard]] boost::asio::awaitable<result<>> reconcile();

  /// Reads these failed jobs and their errors again: a breach rests on them.
  [[nodiscard]] boost::asio::awaitable<result<>> confirm(std::vector<domain::job_id> jobs);

  /// Reads these requests, known or not, and every job of them.
  [[nodiscard]] boost::asio::awaitable<result<>> read_requests_with_jobs(
      std::vector<domain::request_id> requests);

 private:
  [[nodiscard]] boost::asio::awaitable<result<>> read_requests();
  [[nodiscard]] boost::asio::awaitable<result<>> read_moved_jobs();
  [[nodiscard]] boost::asio::awaitable<result<>> read_jobs_of(std::vector<domain::request_id> requests);
  [[nodiscard]] boost::asio::awaitable<result<>> read_errors();
  [[nodiscard]] boost::asio::awaitable<result<>> read_subscribers();
  template <class Row>
  [[nodiscard]] boost::asio::awaitable<void> apply(salesforce::read<Row> read, wall_time asked,
                                                   std::string_view what);
  template <class Row>
  void note_malformed(const salesforce::read<Row>& read, std::string_view what);
  [[nodiscard]] boost::asio::awaitable<result<>> apply_errors(
      result<salesforce::read<domain::error_row>> read, std::vector<domain::job_id> jobs);
  [[nodiscard]] static bool is_cheaper_by_request(std::size_t unread, std::size_t failed);
  [[nodiscard]] bool is_settled(tracker::request_index request, wall_time now) const;
  [[nodiscard]] std::vector<domain::request_id> unsettled_requests();
  [[nodiscard]] std::vector<domain::request_id> moved_requests(
      const salesforce::job_counts_read& counted, std::vector<domain::request_id> candidates) const;

  hub_reader_options options_;
  salesforce::push_queries& queries_;
  tracker::tracker& tracked_;
  changes_handler on_changes_;
  time_source& time_;
  logger& log_;
  std::set<domain::request_id> read_whole_;  ///< whose jobs were read completely once
  std::optional<wall_time> last_asked_;      ///< when the last successful reading of jobs began
  /// By package and org: a subscriber row is asked for once per run.
  std::map<domain::package_id, std::vector<bool>> asked_subscribers_;
  // By request, so that a pass does not look at every job that was ever pushed: how many jobs it had when it
  // was found settled, and of how many of its first jobs the orgs were asked for.
  std::vector<std::size_t> settled_jobs_;
  std::vector<std::size_t> asked_jobs_;
};

}  // namespace pushguard::agent
