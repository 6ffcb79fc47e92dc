#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "agent/domain/ids.hpp"
#include "agent/domain/rollout_id.hpp"
#include "agent/domain/rows.hpp"
#include "agent/domain/status.hpp"
#include "base/time.hpp"

/// What the tracker keeps. There is one record per job, so job_record is small: texts are interned, rare
/// things (errors) stand aside, and records refer to each other by index. An index stays valid for the
/// life of its tracker; a reference to a record only until the next apply().
namespace pushguard::tracker {

enum class job_index : std::uint32_t {};
enum class org_index : std::uint32_t {};
enum class request_index : std::uint32_t {};
enum class rollout_index : std::uint32_t {};
/// An interned text; the first one is the empty text, for what is not known.
enum class text_index : std::uint16_t {};

inline constexpr job_index no_job{std::numeric_limits<std::uint32_t>::max()};

/// Jobs by status.
using status_counts = std::array<std::uint32_t, domain::all_push_statuses.size()>;

[[nodiscard]] constexpr std::uint32_t count_of(const status_counts& counts,
                                               domain::push_status status) noexcept {
  return counts[static_cast<std::size_t>(status)];
}

/// Where a state comes from. Hearsay may act only after a query has confirmed it.
enum class evidence : std::uint8_t {
  queried,   ///< Salesforce answered it to a query
  streamed,  ///< only a stream event has said so
};

/// How much is known about why a job failed.
enum class error_knowledge : std::uint8_t {
  unread,  ///< its errors were not asked for since it failed
  read,    ///< all its error rows are known; there may be none
};

/// An instant that may be missing, in half the room of std::optional.
class maybe_time {
 public:
  constexpr maybe_time() = default;
  explicit(false) constexpr maybe_time(const std::optional<wall_time>& time)
      : time_(time.value_or(missing)) {}
  explicit(false) constexpr maybe_time(wall_time time) : time_(time) {}

  [[nodiscard]] constexpr bool has_value() const noexcept { return time_ != missing; }
  [[nodiscard]] constexpr wall_time value_or(wall_time otherwise) const noexcept {
    return has_value() ? time_ : otherwise;
  }
  [[nodiscard]] constexpr std::optional<wall_time> get() const noexcept {
    return has_value() ? std::optional(time_) : std::nullopt;
  }
  friend bool operator==(const maybe_time&, const maybe_time&) = default;

 private:
  static constexpr wall_time missing = wall_time::min();
  wall_time time_ = missing;
};

struct job_record {
  domain::job_id id{};
  domain::push_status status = domain::push_status::unrecognized;
  evidence source = evidence::queried;
  error_knowledge errors = error_knowledge::unread;
  /// Of a failed job: the type of its first error row, or what a stream event named; else `unknown`.
  domain::error_type first_error = domain::error_type::unknown;
  text_index from_version{};  ///< installed before this job, as far as is known
  request_index request{};
  org_index org{};
  job_index next_of_org = no_job;  ///< the same org's job that was seen before this one
  maybe_time start{};
  maybe_time end{};
  maybe_time modified{};  ///< SystemModstamp of the newest row
  maybe_time heard{};     ///< when the stream said the present status; missing once a query has answered it

  /// Since when the job runs, as well as is known. Meaningful once it has left the queue.
  [[nodiscard]] wall_time running_since() const noexcept {
    return start.value_or(heard.value_or(modified.value_or(wall_time{})));
  }
  /// When the job ended, as well as is known. Meaningful once its status is terminal.
  [[nodiscard]] wall_time ended() const noexcept {
    return end.value_or(heard.value_or(modified.value_or(running_since())));
  }
};

struct org_record {
  domain::org_key key{};
  domain::org_type type = domain::org_type::production;
  text_index sf_instance{};
  text_index org_status{};
  job_index newest_job = no_job;  ///< the one seen last; the others follow by job_record::next_of_org
  std::string name{};             ///< empty until its subscriber row is read
};

/// When a request starts or started, as well as is known.
[[nodiscard]] inline wall_time start_of(const domain::request_row& row, wall_time first_seen) noexcept {
  return row.scheduled_start.value_or(row.start.value_or(row.modified.value_or(first_seen)));
}

struct request_record {
  domain::request_row row{};  ///< status: the newest known, from a query or the stream
  evidence source = evidence::queried;
  rollout_index rollout{};
  text_index package{};
  text_index version{};
  wall_time first_seen{};
  maybe_time heard{};          ///< when the stream said the present status
  maybe_time last_progress{};  ///< when a job of it was last seen to change its status
  status_counts job_counts{};
  std::vector<job_index> jobs{};  ///< in the order in which they were seen

  [[nodiscard]] wall_time begins() const noexcept { return start_of(row, first_seen); }
};

struct rollout_record {
  domain::rollout_id id{};
  domain::package_id package{};
  std::vector<request_index> requests{};  ///< in the order in which they joined
  maybe_time last_activity{};             ///< from the store, where its requests are not read any more
  std::uint32_t open_requests = 0;        ///< as of the last apply() or refresh()

  [[nodiscard]] bool is_open() const noexcept { return open_requests != 0; }
};

/// One error row of a failed job. Texts are shortened to error_text_bytes_max.
struct error_record {
  domain::error_severity severity = domain::error_severity::error;
  domain::error_type type = domain::error_type::unknown;
  text_index title{};
  std::uint32_t signature = 0;  ///< index into the tracker's signatures
  std::string message{};
  std::string details{};
};

}  // namespace pushguard::tracker
