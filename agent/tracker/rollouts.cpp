// Which request belongs to which rollout, and which rollouts are open.
#include <algorithm>

#include "agent/tracker/tracker.hpp"

namespace pushguard::tracker {

rollout_index tracker::place_request(const domain::request_row& row, wall_time asked, changes& out) {
  const auto joined = static_cast<request_index>(requests_.size());
  const auto join = [&](rollout_index rollout) {
    out.rollouts.push_back({rollout, rollout_event::joined, joined});
    return rollout;
  };
  if (const auto promised = promised_.find(row.id); promised != promised_.end()) {
    const auto rollout = promised->second;
    promised_.erase(promised);
    return rollout;
  }
  const wall_time begins = start_of(row, asked);
  std::uint32_t number = 1;
  // Latest first: where several would do, a request belongs to the newest.
  for (auto at = rollout_index_.upper_bound({row.version, std::numeric_limits<std::uint32_t>::max()});
       at != rollout_index_.begin();) {
    --at;
    if (at->first.version != row.version)
      break;
    number = std::max(number, at->first.number + 1);
    if (can_join(rollouts_[static_cast<std::size_t>(at->second)], begins, asked))
      return join(at->second);
  }
  const auto rollout = static_cast<rollout_index>(rollouts_.size());
  rollouts_.push_back({.id = {row.version, number}, .package = row.package});
  rollout_index_.emplace(domain::rollout_id{row.version, number}, rollout);
  out.rollouts.push_back({rollout, rollout_event::opened, std::nullopt});
  return join(rollout);
}

// No idle gap above rollout_gap lies between the request and what the rollout did, before or after it.
bool tracker::can_join(const rollout_record& rollout, wall_time begins, wall_time now) const {
  auto first = wall_time::max();
  std::optional<wall_time> last = rollout.last_activity.get();
  if (last)
    first = *last;
  for (const auto index : rollout.requests) {
    const auto& request = at(index);
    first = std::min(first, request.begins());
    const auto activity = last_activity(request, now);
    if (activity && (!last || *activity > *last))
      last = activity;
  }
  return last && begins - *last <= options_.rollout_gap && first - begins <= options_.rollout_gap;
}

std::optional<wall_time> tracker::last_activity(const request_record& request, wall_time now) const {
  std::optional<wall_time> last;
  const auto note = [&last](std::optional<wall_time> time) {
    if (time && (!last || *time > *last))
      last = time;
  };
  note(request.row.start);
  note(request.row.end);
  note(request.last_progress.get());
  const auto index = request_index_.find(request.row.id)->second;
  if (is_active(index, now)) {
    note(now);
    note(request.row.scheduled_start);
  }
  if (!last || request.row.status == domain::push_status::canceled)
    note(request.row.modified);
  if (!last)
    last = request.begins();
  return last;
}

void tracker::recount_open(rollout_index index, wall_time now, changes& out) {
  auto& rollout = rollouts_[static_cast<std::size_t>(index)];
  const bool was_open = rollout.is_open();
  rollout.open_requests = static_cast<std::uint32_t>(std::ranges::count_if(
      rollout.requests, [&](request_index request) { return is_active(request, now); }));
  if (was_open == rollout.is_open())
    return;
  const auto event = was_open ? rollout_event::closed : rollout_event::reopened;
  // An opened rollout is open: that it has become so needs no second word.
  const bool is_opening =
      !was_open && std::ranges::any_of(out.rollouts, [index](const rollout_change& change) {
        return change.rollout == index && change.event == rollout_event::opened;
      });
  if (!is_opening)
    out.rollouts.push_back({index, event, std::nullopt});
}

changes tracker::refresh(wall_time now) {
  changes out;
  for (std::size_t i = 0; i < rollouts_.size(); ++i) {
    if (rollouts_[i].is_open())
      recount_open(static_cast<rollout_index>(i), now, out);
  }
  return out;
}

}  // namespace pushguard::tracker
