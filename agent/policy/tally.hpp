#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/policy/standing.hpp"

namespace pushguard::policy {

enum class segment_index : std::uint32_t {};

/// Distinct orgs by where they stand.
struct org_counts {
  org_count failed = 0;
  org_count unsettled = 0;  ///< of the failed: those that a query could still unmake
  org_count succeeded = 0;
  org_count in_flight = 0;
  org_count excluded = 0;
  org_count present = 0;    ///< all that are counted in any way, the scheduled ones too
  org_count scheduled = 0;  ///< the most that were ever present; never shrinks

  /// Left the queue: the denominator of the failure rate.
  [[nodiscard]] org_count started() const noexcept { return failed + succeeded + in_flight; }
  /// Those that can still count as started.
  [[nodiscard]] org_count eligible() const noexcept { return present - excluded; }

  friend bool operator==(const org_counts&, const org_counts&) = default;
};

/// Counts the orgs of one scope, whole or by segment. Each change of an org costs the same however many
/// there are.
class tally {
 public:
  /// Without `by` there is one segment from the start, whose name is empty.
  explicit tally(std::optional<segmentation> by);

  [[nodiscard]] std::optional<segmentation> by() const noexcept { return by_; }

  /// Puts the org where it stands now. `segment` names its segment; an org whose segment becomes known later
  /// moves there.
  void set(tracker::org_index org, org_standing now, std::string_view segment);

  /// Segments in order of appearance: the index is the position. A segment appears with its first org and
  /// stays.
  [[nodiscard]] std::size_t segment_count() const noexcept { return segments_.size(); }
  [[nodiscard]] std::string_view name(segment_index segment) const { return at(segment).name; }
  [[nodiscard]] const org_counts& counts(segment_index segment) const { return at(segment).counts; }
  /// Failed jobs that a query could still unmake.
  [[nodiscard]] std::vector<tracker::job_index> unsettled_jobs(segment_index segment) const;

  /// Segments whose counts changed since the last call, each once.
  [[nodiscard]] std::vector<segment_index> take_changed();

 private:
  struct segment_state {
    std::string name{};
    org_counts counts{};
    bool is_changed = false;
    boost::unordered_flat_map<std::uint32_t, tracker::job_index> unsettled{};  // by org
  };
  struct entry {
    standing state = standing::absent;
    settlement settled = settlement::settled;
    segment_index segment{};
  };

  [[nodiscard]] const segment_state& at(segment_index segment) const {
    return segments_[static_cast<std::size_t>(segment)];
  }
  [[nodiscard]] segment_index find_or_add(std::string_view name);
  void add(const entry& where, tracker::org_index org, tracker::job_index job);
  void remove(const entry& where, tracker::org_index org);
  void mark(segment_index segment);

  std::optional<segmentation> by_;
  boost::unordered_flat_map<std::uint32_t, entry> orgs_;
  std::vector<segment_state> segments_;
  boost::unordered_flat_map<std::string, segment_index> index_;
  std::vector<segment_index> changed_;
};

}  // namespace pushguard::policy
