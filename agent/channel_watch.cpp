#include "agent/channel_watch.hpp"

namespace pushguard::agent {

channel_watch::channel_watch(std::span<const std::string> channels, instant now) {
  for (const std::string& channel : channels)
    channels_.emplace(channel, channel_state{.away_since = now, .reason = {}});
}

void channel_watch::note(std::string_view channel, bool is_live, std::string_view reason, instant now) {
  const auto found = channels_.find(channel);
  if (found == channels_.end())
    return;
  channel_state& known = found->second;
  known.reason = reason;
  if (is_live)
    known.away_since.reset();
  else if (!known.away_since)
    known.away_since = now;
}

std::vector<channel_watch::sight> channel_watch::look(steady_time now) const {
  std::vector<sight> seen;
  for (const auto& [name, known] : channels_) {
    sight& made = seen.emplace_back();
    made.channel = name;
    if (!known.away_since) {
      made.is = state::live;
      continue;
    }
    made.is = now - known.away_since->steady >= channel_patience ? state::missing : state::away;
    made.since = known.away_since->wall;
    made.reason = known.reason.empty() ? trouble_ : known.reason;
  }
  return seen;
}

}  // namespace pushguard::agent
