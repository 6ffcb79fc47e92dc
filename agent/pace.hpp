#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "agent/read_model.hpp"

/// How fast orgs finish, and when they will have. Pure.
namespace pushguard::agent {

/// How many orgs had finished at which instant, of the last ten minutes.
class pace {
 public:
  /// Instants that go back (a clock that was set) begin anew.
  void note(wall_time now, std::size_t finished);
  /// Orgs a minute from the first instant kept until `now`; nothing before ten seconds were seen.
  [[nodiscard]] std::optional<double> per_minute(wall_time now) const;

 private:
  struct sample {
    wall_time at;
    std::size_t finished = 0;
  };
  std::deque<sample> samples_;  ///< the first may be older than ten minutes: what the others are counted from
};

/// How far a wave or a rollout is, in orgs.
struct progress {
  std::size_t orgs = 0;      ///< those with a push job
  std::size_t started = 0;   ///< left the queue: run, succeeded or failed
  std::size_t finished = 0;  ///< ended, however
  std::size_t failed = 0;
  std::size_t spared = 0;                 ///< canceled
  std::optional<double> per_minute = {};  ///< how many succeed or fail a minute
  std::optional<wall_time> estimated_end = {};
};

/// Without pace and estimate.
[[nodiscard]] progress count_progress(const status_counts& jobs) noexcept;

/// The paces of all requests and rollouts of a model. Follows the same messages, after it.
class pace_book {
 public:
  void apply(const view_update& update, const read_model& model, wall_time now);

  /// The estimate is there while the wave runs and moves.
  [[nodiscard]] progress of(const request_view& wave, wall_time now) const;
  /// The estimate is that of the wave that ends last; a wave that has not begun takes as long as the
  /// rollout's pace lets it, from when it is scheduled.
  [[nodiscard]] progress of(const rollout_view& rollout, const read_model& model, wall_time now) const;

 private:
  std::map<read_model::hub_and_request, pace> requests_;
  std::map<std::pair<std::string, std::string>, pace> rollouts_;
};

}  // namespace pushguard::agent
