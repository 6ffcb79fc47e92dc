#include "cometd/duplicate_window.hpp"

#include <utility>

namespace pushguard::cometd {

bool duplicate_window::insert(std::string key) {
  const auto [place, is_new] = keys_.insert(std::move(key));
  if (!is_new)
    return false;
  order_.push_back(&*place);
  if (order_.size() > capacity_) {
    // erase(key) with a key inside the set itself would be read after it is gone.
    keys_.erase(keys_.find(*order_.front()));
    order_.pop_front();
  }
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
