#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "simulator/push_errors.hpp"
#include "simulator/scenario.hpp"
#include "simulator/truth.hpp"

namespace pushguard::simulator {

/// Rows refer to each other by their place in the world's lists.
using row_index = std::uint32_t;

struct org_row {
  std::uint16_t instance = 0;  ///< index into org_plan::instances
  bool is_production = true;
  row_index version = 0;  ///< installed, of the package under rollout
};

// Instants inside the world are the time since it was made; history lies before zero.

struct request_row {
  row_index version = 0;
  push_state state = push_state::created;
  duration scheduled{};
  std::optional<duration> start = {};
  std::optional<duration> end = {};
  duration modified{};
  row_index first_job = 0;
  row_index job_count = 0;
  row_index next_job = 0;  ///< the first that has not started
  row_index running = 0;
  state_counts jobs{};
  std::vector<row_index> errors = {};  ///< rows of its jobs
  std::optional<double> failure_rate = {};
  bool is_history = false;
  bool is_orphan = false;  ///< never moves on by itself
};

struct job_row {
  row_index request = 0;
  row_index org = 0;
  push_state state = push_state::created;
  std::uint8_t error_count = 0;
  row_index first_error = 0;
  std::optional<duration> start = {};
  std::optional<duration> end = {};
  duration modified{};
};

struct error_row {
  row_index job = 0;
  error_form form = 0;
  std::uint32_t variation = 0;
};

/// A job has a new status.
struct job_change {
  row_index job = 0;
  push_state state = push_state::created;
  duration at{};

  friend bool operator==(const job_change&, const job_change&) = default;
};

enum class cancel_answer { accepted, refused };

/// The push requests of one rollout running their course: a queue of events and the rows they change.
/// It is a pure function of the scenario, the instants it is advanced to and the cancellations; being
/// advanced in one step or in many makes no difference.
class world {
 public:
  /// The scenario must have at least one instance and one error type, and no wave without orgs.
  explicit world(scenario plan);

  [[nodiscard]] const scenario& plan() const noexcept { return plan_; }
  [[nodiscard]] duration now() const noexcept { return now_; }

  /// Lets happen what is due by `when`; answers the changes of status in the order they happened.
  /// An instant in the past changes nothing.
  std::vector<job_change> advance_to(duration when);
  /// When something happens next; nothing once all is over.
  [[nodiscard]] std::optional<duration> next_event() const;

  /// Salesforce's rule: accepted from Created and Pending; the jobs follow within push_plan::cancel_lag.
  [[nodiscard]] cancel_answer cancel(row_index request);

  /// Every wave exists, and every request and job of it is terminal.
  [[nodiscard]] bool is_finished() const noexcept;

  /// Those that are pushed, then the case twins.
  [[nodiscard]] const std::vector<org_row>& orgs() const noexcept { return orgs_; }
  [[nodiscard]] const std::vector<request_row>& requests() const noexcept { return requests_; }
  [[nodiscard]] const std::vector<job_row>& jobs() const noexcept { return jobs_; }
  [[nodiscard]] const std::vector<error_row>& errors() const noexcept { return errors_; }

  /// The type of a failed job's first error row; "" for a job without rows.
  [[nodiscard]] std::string_view error_type_of(const job_row& job) const noexcept;
  /// The 15-character key of an org: org_key_of(), or that of a twin.
  [[nodiscard]] std::string org_key(row_index org) const;

 private:
  enum class event_kind : unsigned char {
    create_wave,
    make_pending,
    start_request,
    finish_job,
    end_request,
    cancel_jobs
  };
  struct event {
    duration at;
    std::uint64_t order;  ///< of equal instants: as they were queued
    event_kind kind;
    row_index subject;
  };
  struct later {
    bool operator()(const event& a, const event& b) const noexcept {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  struct job_plan;

  void make_orgs();
  void make_history(const past_request& past);
  void make_orphan(const orphan_request& orphan);
  [[nodiscard]] duration ago(duration age) const;
  void push(duration at, event_kind kind, row_index subject);
  void happen(const event& due, std::vector<job_change>& changes);
  void create_wave(row_index wave);
  void add_jobs(row_index request, row_index first_org, row_index count, duration at);
  void make_pending(row_index request, std::vector<job_change>& changes);
  void start_request(row_index request, std::vector<job_change>& changes);
  void start_jobs(row_index request, std::vector<job_change>& changes);
  void finish_job(row_index job, std::vector<job_change>& changes);
  void cancel_jobs(row_index request, std::vector<job_change>& changes);
  void end_request(row_index request);
  void set_state(row_index job, push_state state, std::vector<job_change>* changes);
  [[nodiscard]] job_plan plan_job(row_index job) const;
  void add_errors(row_index job, const job_plan& plan);

  scenario plan_;
  duration now_{};
  std::uint64_t events_queued_ = 0;
  std::priority_queue<event, std::vector<event>, later> events_;
  std::vector<row_index> first_org_of_wave_;
  std::vector<row_index> dealt_orgs_;  ///< a shuffle of the orgs; waves take theirs from it in order
  std::vector<org_row> orgs_;
  std::vector<request_row> requests_;
  std::vector<job_row> jobs_;
  std::vector<error_row> errors_;
  std::size_t waves_created_ = 0;
  std::size_t jobs_open_ = 0;      ///< of waves, not terminal
  std::size_t requests_open_ = 0;  ///< of waves, not terminal
};

/// Places of the rows that exist beside the rollout's own.
inline constexpr row_index version_from = 0;
inline constexpr row_index version_to = 1;
inline constexpr row_index version_of_other_package = 2;
inline constexpr row_index version_count = 3;
inline constexpr row_index package_main = 0;
inline constexpr row_index package_other = 1;
inline constexpr row_index package_count = 2;

[[nodiscard]] std::string request_id_of(row_index request);
[[nodiscard]] std::string job_id_of(row_index job);
[[nodiscard]] std::string error_id_of(row_index error);
[[nodiscard]] std::string version_id_of(row_index version);
[[nodiscard]] std::string package_id_of(row_index package);
/// The 15-character key of a subscriber's org that is no case twin.
[[nodiscard]] std::string org_key_of(row_index org);
/// The 18-character id of the org that the hub is.
[[nodiscard]] std::string hub_org_id();
/// The place of a request by its id in either form, if it exists.
[[nodiscard]] std::optional<row_index> find_request(const world& of, std::string_view id);

}  // namespace pushguard::simulator
