#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace pushguard::agent {

/// A channel that has not been live for so long is worth an alert: sessions that are begun anew take less.
inline constexpr duration channel_patience = std::chrono::minutes(5);

/// Since when each configured channel of a stream is not live, and why. Pure: time is handed in.
class channel_watch {
 public:
  /// None of the channels is live at `now`.
  channel_watch(std::span<const std::string> channels, instant now);

  /// `reason` is why the channel itself is not live; may be empty. Channels that are not watched are ignored.
  void note(std::string_view channel, bool is_live, std::string_view reason, instant now);
  /// What is wrong with the session that carries all channels; empty where nothing is.
  void note_trouble(std::string_view reason) { trouble_ = reason; }

  enum class state {
    live,
    away,     ///< for a while only
    missing,  ///< for channel_patience without a break
  };
  struct sight {
    std::string channel;
    state is = state::away;
    wall_time since{};   ///< when it was last seen live, or the watch began; of those that are not live
    std::string reason;  ///< why it is not live, as far as is known; may be empty
  };
  /// All channels in the order of their names.
  [[nodiscard]] std::vector<sight> look(steady_time now) const;

 private:
  struct channel_state {
    std::optional<instant> away_since;  ///< nothing: live
    std::string reason;
  };

  std::map<std::string, channel_state, std::less<>> channels_;
  std::string trouble_;
};

}  // namespace pushguard::agent
