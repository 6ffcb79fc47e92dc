#include "cometd/duplicate_window.hpp"

namespace pushguard::cometd {

bool duplicate_window::insert(std::string_view key) {
  if (known_.contains(key))
    return false;
  if (ring_.size() < capacity_) {
    if (ring_.empty())
      ring_.reserve(capacity_);
    known_.insert(ring_.emplace_back(key));
    return true;
  }
  std::string& place = ring_[oldest_];
  oldest_ = (oldest_ + 1) % capacity_;
  known_.erase(place);
  known_.insert(place.assign(key));
  return true;
}

std::string duplicate_key(std::string_view channel, std::string_view replay_id, std::string_view event_uuid) {
  if (!event_uuid.empty())
    return std::string(event_uuid);
  if (replay_id.empty())
    return {};
  // A blank occurs in no channel name, so the two parts cannot run together.
  return std::string(channel).append(" ").append(replay_id);
}

}  // namespace pushguard::cometd
