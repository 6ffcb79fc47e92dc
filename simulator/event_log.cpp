#include "simulator/event_log.hpp"

#include <algorithm>

#include "simulator/dice.hpp"

namespace pushguard::simulator {

void event_log::append(const job_change& change, instant now) {
  constexpr std::uint64_t gap_max = 5;  // ids are shared with other channels of the org
  constexpr std::int64_t first_id = 2'000;
  dice roll(seed_, draw::replay_id, tip());
  last_id_ += 1 + static_cast<std::int64_t>(roll.below(gap_max));
  events_.push_back({first_id + last_id_, now.wall, now.steady, change});
}

void event_log::purge(steady_time now) {
  while (!events_.empty() && events_.front().kept_since + retention_ <= now) {
    events_.pop_front();
    ++purged_;
  }
}

std::optional<event_log::position> event_log::after(std::int64_t replay_id) const {
  const auto found = std::ranges::lower_bound(events_, replay_id, {}, &logged_event::replay_id);
  if (found == events_.end() || found->replay_id != replay_id)
    return std::nullopt;
  return purged_ + static_cast<position>(found - events_.begin()) + 1;
}

}  // namespace pushguard::simulator
