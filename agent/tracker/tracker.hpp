#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <map>
#include <span>
#include <string_view>

#include "agent/tracker/changes.hpp"
#include "agent/tracker/records.hpp"
#include "agent/tracker/text_pool.hpp"

namespace pushguard::tracker {

/// A rollout from an earlier run of the agent, so that numbers stay what they were.
struct known_rollout {
  domain::rollout_id id;
  std::vector<domain::request_id> requests;
  std::optional<wall_time> last_activity;  ///< where known: lets a late wave join it
};

struct tracker_options {
  duration rollout_gap = std::chrono::hours{24 * 7};
};

/// A request that stays Created for longer, with no start to come, was left behind by a failed scheduling.
inline constexpr duration stale_after = std::chrono::hours{24};
/// A job that runs for longer is abandoned: nothing more is expected of it.
inline constexpr duration abandoned_after = std::chrono::hours{24};
/// Error texts may be stack traces; what a human reads first is at their beginning.
inline constexpr std::size_t error_text_bytes_max = 512;
/// Error rows kept per job. More say nothing new, and a job with thousands must not fill the memory.
inline constexpr std::size_t errors_per_job_max = 20;

/// A later state of a job that is known already: a row without what never changes.
struct job_state {
  job_index job{};
  domain::push_status status = domain::push_status::unrecognized;
  maybe_time start{};
  maybe_time end{};
  maybe_time modified{};
};

/// How often a normalised error occurred, with some of the orgs it occurred in.
struct signature_count {
  std::string_view signature;  ///< valid for the tracker's life
  std::uint32_t orgs = 0;      ///< distinct
  std::vector<org_index> sample_orgs;
};

/// What is known of one hub's push upgrades: truth from queries, made early by the stream.
///
/// apply() takes rows and events in any order and any number of times and answers what changed. Of two
/// rows about the same thing the one with the newer SystemModstamp counts, but a terminal state that a
/// query has answered never goes back. What only the stream has said yields to every terminal row and to
/// every row that was asked for after the event was heard.
///
/// Plain data and arithmetic; for one thread.
class tracker {
 public:
  explicit tracker(tracker_options options = {}, std::span<const known_rollout> known = {});

  /// Makes room for so many jobs, each of an org of its own; more are welcome.
  void reserve(std::size_t jobs);

  // ---- apply ----

  /// Applies what a stream event says about a job or a request. One that names neither a known job nor a
  /// known request together with a status changes nothing and is counted as a hint.
  [[nodiscard]] changes apply(const domain::push_event& event, wall_time now);

  /// Rows of requests, in any order; rows of one call are put into rollouts by the order of their starts.
  /// `asked` is when the query was sent.
  [[nodiscard]] changes apply(std::span<const domain::request_row> rows, wall_time asked);
  /// Rows of jobs. Their requests must have been applied before; a row of an unknown one is a hint.
  [[nodiscard]] changes apply(std::span<const domain::job_row> rows, wall_time asked);
  /// The same for jobs whose indexes are at hand.
  [[nodiscard]] changes apply(std::span<const job_state> states, wall_time asked);
  /// All error rows of `read`, which are failed jobs: those without rows are known to have none.
  [[nodiscard]] changes apply_errors(std::span<const domain::job_id> read,
                                     std::span<const domain::error_row> rows);
  [[nodiscard]] changes apply(std::span<const domain::subscriber_row> rows);

  /// Marks the end of a complete read: everything Salesforce knows of active requests has been applied.
  [[nodiscard]] changes reconciled(wall_time now);
  /// Closes rollouts whose last request became stale or abandoned by the passing of time. Cheap.
  [[nodiscard]] changes refresh(wall_time now);

  // ---- find ----

  [[nodiscard]] std::optional<request_index> find(const domain::request_id& id) const;
  [[nodiscard]] std::optional<job_index> find(const domain::job_id& id) const;
  [[nodiscard]] std::optional<org_index> find(const domain::org_key& key) const;
  /// Number 0 finds the version's latest rollout.
  [[nodiscard]] std::optional<rollout_index> find(const domain::rollout_id& id) const;

  [[nodiscard]] const request_record& at(request_index index) const;
  [[nodiscard]] const job_record& at(job_index index) const;
  [[nodiscard]] const org_record& at(org_index index) const;
  [[nodiscard]] const rollout_record& at(rollout_index index) const;
  [[nodiscard]] std::string_view at(text_index index) const { return texts_.at(index); }

  /// In the order in which they were first seen: the index is the position.
  [[nodiscard]] std::span<const request_record> requests() const noexcept { return requests_; }
  [[nodiscard]] std::span<const job_record> jobs() const noexcept { return jobs_; }
  [[nodiscard]] std::span<const org_record> orgs() const noexcept { return orgs_; }
  [[nodiscard]] std::span<const rollout_record> rollouts() const noexcept { return rollouts_; }

  // ---- ask ----

  /// The error rows of a job; empty where there are none or they are not read yet.
  [[nodiscard]] std::span<const error_record> errors(job_index job) const;
  [[nodiscard]] std::string_view signature(std::uint32_t index) const { return signatures_[index]; }
  /// The most frequent errors of a rollout's failed jobs, most frequent first, each with up to
  /// `samples_max` orgs. Costs one pass over the failed jobs of the hub.
  [[nodiscard]] std::vector<signature_count> top_errors(rollout_index rollout, std::size_t count_max,
                                                        std::size_t samples_max) const;
  /// Failed jobs whose errors are not read: what the next query for errors should ask for.
  [[nodiscard]] std::vector<domain::job_id> jobs_with_unread_errors(request_index request) const;

  /// Jobs of all requests of a rollout, by status.
  [[nodiscard]] status_counts job_counts(rollout_index rollout) const;

  /// Its status, but in progress where a job of it has left the queue although the request was last read as
  /// not started: the stream tells of jobs, and a request is read less often.
  [[nodiscard]] domain::push_status present_status(request_index request) const;
  /// Nothing more is to be expected of it. The jobs tell; the request's own status is only a hint.
  [[nodiscard]] bool is_complete(request_index request, wall_time now) const;
  /// Created long ago, with no start to come.
  [[nodiscard]] bool is_stale(request_index request, wall_time now) const;
  /// Neither complete nor stale.
  [[nodiscard]] bool is_active(request_index request, wall_time now) const;
  /// In progress and not complete, or due to start: what calls for the short polling interval.
  [[nodiscard]] bool is_running_or_due(request_index request, wall_time now) const;
  [[nodiscard]] bool is_running_or_due(wall_time now) const;
  /// The earliest scheduled start that is still to come of an active request.
  [[nodiscard]] std::optional<wall_time> next_start(wall_time now) const;
  [[nodiscard]] bool is_abandoned(job_index job, wall_time now) const;

  /// When a complete read last ended; nothing before the first.
  [[nodiscard]] std::optional<wall_time> last_reconciled() const noexcept { return last_reconciled_; }

 private:
  void apply_row(const domain::request_row& row, wall_time asked, changes& out);
  void update_request(request_index index, const domain::request_row& row, wall_time asked, changes& out);
  void apply_row(const domain::job_row& row, request_index request, wall_time asked, changes& out);
  void update_job(const job_state& state, wall_time asked, changes& out);
  void apply_row(const domain::subscriber_row& row, changes& out);
  void apply_job_event(job_index job, const domain::push_event& event, wall_time now, changes& out);
  void recount_after(job_index job, wall_time now, changes& out);
  void apply_request_event(request_index request, domain::push_status status, wall_time now, changes& out);
  void add_request(const domain::request_row& row, wall_time asked, changes& out);
  void add_job(const domain::job_row& row, request_index request, wall_time asked, changes& out);
  [[nodiscard]] org_index intern_org(const domain::org_key& key);
  [[nodiscard]] std::optional<job_index> job_of(const domain::push_event& event) const;
  void change_status(job_index job, domain::push_status status, wall_time when, changes& out);
  void note_progress(request_index request, wall_time when);
  [[nodiscard]] static std::uint64_t installed_key(org_index org, text_index package) noexcept;
  [[nodiscard]] bool remember_from_version(job_index job);
  [[nodiscard]] bool update_org(org_index index, const domain::subscriber_row& row);
  void set_errors(job_index job, std::vector<error_record> errors, changes& out);
  [[nodiscard]] error_record make_error(const domain::error_row& row);
  [[nodiscard]] std::uint32_t intern_signature(const domain::error_row& row);

  [[nodiscard]] rollout_index place_request(const domain::request_row& row, wall_time asked, changes& out);
  [[nodiscard]] bool can_join(const rollout_record& rollout, wall_time begins, wall_time now) const;
  [[nodiscard]] std::optional<wall_time> last_activity(const request_record& request, wall_time now) const;
  void recount_open(rollout_index rollout, wall_time now, changes& out);

  tracker_options options_;
  std::vector<job_record> jobs_;
  std::vector<org_record> orgs_;
  std::vector<request_record> requests_;
  std::vector<rollout_record> rollouts_;
  boost::unordered_flat_map<domain::job_id, job_index, std::hash<domain::job_id>> job_index_;
  boost::unordered_flat_map<domain::org_key, org_index, std::hash<domain::org_key>> org_index_;
  boost::unordered_flat_map<domain::request_id, request_index, std::hash<domain::request_id>> request_index_;
  std::map<domain::rollout_id, rollout_index> rollout_index_;
  /// Requests of earlier runs that have not been read in this one.
  boost::unordered_flat_map<domain::request_id, rollout_index, std::hash<domain::request_id>> promised_;
  boost::unordered_flat_map<std::uint32_t, std::vector<error_record>> errors_;  ///< by job_index
  std::deque<std::string> signatures_;  // a deque: views into it stay valid
  boost::unordered_flat_map<std::string_view, std::uint32_t> signature_index_;
  /// The version each org was last seen to have installed, by org and package.
  boost::unordered_flat_map<std::uint64_t, text_index> installed_;
  text_pool texts_;
  std::optional<wall_time> last_reconciled_;
};

}  // namespace pushguard::tracker
