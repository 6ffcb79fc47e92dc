#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "agent/configuration/configuration.hpp"
#include "agent/read_model.hpp"
#include "metrics/line_blocks.hpp"

namespace pushguard::agent {

/// The per-org series of `/metrics/orgs`, as lines that are rendered when a job changes. Follows the same
/// messages as the read model, after it. For one thread; snapshots may go to others.
///
/// Never more series than the limit. Past it failed orgs come first: they displace others, the oldest first,
/// and who is left out comes back as soon as there is room.
class org_series {
 public:
  explicit org_series(configuration::org_series options);

  /// `model` has taken in `update` already.
  void apply(const view_update& update, const read_model& model);

  /// Renders everything anew, by other options after a reload.
  void configure(configuration::org_series options, const read_model& model, wall_time now);

  /// Drops the series of requests that ended longer ago than the configuration keeps them.
  void forget_ended(const read_model& model, wall_time now);

  /// The lines at this instant: of the jobs, and of the orgs.
  [[nodiscard]] std::vector<metrics::line_snapshot> snapshot() {
    return {job_blocks_.snapshot(), org_blocks_.snapshot()};
  }
  /// `pushguard_org_series`, `…_limit` and `…_suppressed`, which stand behind the lines.
  [[nodiscard]] std::vector<prometheus::MetricFamily> summary() const;

  [[nodiscard]] std::size_t series() const noexcept { return job_blocks_.series() + org_blocks_.series(); }
  /// Push jobs left out because of the limit.
  [[nodiscard]] std::size_t suppressed() const noexcept { return suppressed_; }

 private:
  using job_lines = std::array<std::string, 4>;
  using place = metrics::line_blocks::place;

  /// A push job that has something to show, beside its block. A suppressed one has a block without lines.
  struct pushed {
    domain::job_id job;          ///< empty: this place is nobody's
    std::uint8_t series : 6 {};  ///< that it has or would have
    bool is_failed : 1 {};
    bool is_shown : 1 {};
    std::uint32_t request = 0;
    place org = 0;           ///< of the org's block
    std::uint32_t turn = 0;  ///< of its place in a queue; what else stands there of it is stale
  };
  static_assert(sizeof(pushed) == 32);  // there is one for each job

  /// How many push jobs an org's block stands for.
  struct org_uses {
    std::uint32_t jobs = 0;
    std::uint32_t shown = 0;
  };
  struct queued {
    place at = 0;
    std::uint32_t turn = 0;
  };
  using queue = std::deque<queued>;

  struct request_entry {
    read_model::hub_and_request key;
    std::uint32_t hub = 0;
    std::string labels;         ///< those that all lines of the request have
    bool is_forgotten = false;  ///< ended long ago: not shown again
  };

  [[nodiscard]] std::uint32_t hub_index(const std::string& hub);
  [[nodiscard]] std::uint32_t request_index(const std::string& hub, const domain::request_id& request);
  [[nodiscard]] place add_job(std::uint32_t request, const domain::org_key& org);
  [[nodiscard]] place add_org(std::uint32_t hub, const domain::org_key& org);
  void render(const request_entry& request, const job_view& job);
  void note(const std::string& hub, const job_view& job, const read_model& model);
  void settle(place at, const domain::org_key& org, const read_model& model);
  void show(place at, const domain::org_key& org, const read_model& model);
  void suppress(place at);
  void hide(place at);
  void remove(place at);
  [[nodiscard]] bool has_room_for(const pushed& of) const;
  [[nodiscard]] bool displace_one();
  [[nodiscard]] bool is_current(const queued& what) const noexcept;
  void enqueue(queue& to, place at);
  void fill(const read_model& model);
  void show_org(std::uint32_t hub, place at, const domain::org_key& org, const read_model& model);

  configuration::org_series options_;
  metrics::line_blocks job_blocks_;
  metrics::line_blocks org_blocks_;
  std::deque<pushed> pushed_;  ///< by place; nobody's where `job` is null
  std::deque<org_uses> orgs_;  ///< by place
  std::vector<std::string> hubs_;
  std::vector<request_entry> requests_;
  std::map<read_model::hub_and_request, std::uint32_t> request_indices_;
  queue displaceable_;          ///< shown, had not failed
  queue waiting_failed_;        ///< suppressed
  queue waiting_;               ///< suppressed, had not failed
  std::size_t used_ = 0;        ///< series of what is shown, one for each org's info included
  std::size_t suppressed_ = 0;  ///< jobs
  std::uint32_t turns_ = 0;
  bool has_more_room_ = false;  ///< since fill() was called last
  // Used again and again, as what is rendered needs no memory of its own then.
  job_lines lines_;  ///< of the job that is rendered
  std::array<std::string, 1> org_lines_;
  std::string labels_;
};

}  // namespace pushguard::agent
