#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "tests/bench/decision/served_hub.hpp"

/// The rows of the served hub, and what queries over them answer.
namespace pushguard::bench {

struct push_request {
  std::uint32_t version = 0;
  std::uint32_t first_job = 0;
  std::uint32_t job_count = 0;
  std::string_view status;
  wall_time modified;
  std::map<std::string_view, std::uint32_t> job_counts = {};  ///< by status; some may be 0
  std::string record = {};                                    ///< the row as JSON
};

struct push_job {
  std::uint32_t request = 0;
  std::string_view status;
  wall_time modified;
  std::string record = {};  ///< the row as JSON
};

[[nodiscard]] std::string request_id(std::uint32_t request);
[[nodiscard]] std::string job_id(std::uint32_t job);

/// Each job has an org of its own, of the same number. All requests push one package. Rows are written as
/// JSON when they change, not when they are asked for: a hub is another machine, and making a page must not
/// keep its thread from noticing that a call came.
class push_rows {
 public:
  push_rows(const hub_size& size, wall_time now);

  [[nodiscard]] const std::vector<small_rollout>& rollouts_of_one() const noexcept { return of_one_; }
  [[nodiscard]] const std::vector<small_rollout>& rollouts_of_many() const noexcept { return of_many_; }
  [[nodiscard]] std::uint32_t running_jobs() const noexcept { return running_jobs_; }

  void set_job(std::uint32_t job, std::string_view status, wall_time now);
  void set_request(std::uint32_t request, std::string_view status, wall_time now);
  /// The request and its jobs are cancelled; an id of no request changes nothing.
  void cancel(std::string_view id, wall_time now);

  /// The JSON that Salesforce would answer to one of the agent's own queries, jobs on pages and other rows
  /// all at once; nothing for a query that it is not known to ask.
  [[nodiscard]] std::optional<std::string> answer(std::string_view soql);
  /// The next page of the last query for jobs that had one.
  [[nodiscard]] std::string next_page();
  /// The `data` of an event that tells the job's status.
  [[nodiscard]] std::string event_data(std::uint32_t job, std::uint64_t replay_id) const;

 private:
  std::uint32_t add_request(std::uint32_t version, std::string_view status, std::uint32_t jobs,
                            std::string_view job_status, wall_time now);
  small_rollout add_small_rollout(std::uint32_t version, std::uint32_t waiting, std::uint32_t orgs,
                                  wall_time now);
  void write_request(std::uint32_t request);
  void write_job(std::uint32_t job);
  [[nodiscard]] std::string requests(std::string_view soql) const;
  [[nodiscard]] std::string jobs(std::string_view soql);
  [[nodiscard]] std::string job_counts(std::string_view soql) const;
  [[nodiscard]] std::string subscribers() const;

  wall_time began_;
  std::vector<push_request> requests_;
  std::vector<push_job> jobs_;
  std::vector<small_rollout> of_one_;
  std::vector<small_rollout> of_many_;
  std::uint32_t running_jobs_ = 0;  ///< the first ones
  std::vector<std::uint32_t> answered_jobs_;
  std::size_t next_answered_ = 0;
};

}  // namespace pushguard::bench
