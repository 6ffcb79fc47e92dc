#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alerts/alert.hpp"

namespace pushguard::alerts {

/// Why a receiver is told.
enum class notification_kind {
  fired,     ///< it has not been told of this alert since it fires
  updated,   ///< the content changed
  repeated,  ///< nothing changed, but the repeat interval has passed
  acknowledged,
  resolved,
};

[[nodiscard]] std::string_view to_string(notification_kind kind) noexcept;
[[nodiscard]] std::optional<notification_kind> parse_notification_kind(std::string_view text) noexcept;

/// Somebody wants no more of an alert for a while. Who was told is still told that it ends.
struct muting {
  std::string by;
  std::string reason;
  wall_time since{};
  wall_time until{};

  friend bool operator==(const muting&, const muting&) = default;
};

/// What is remembered of one alert, in memory and in the store, under the alert's id.
struct alert_record {
  alert content;
  std::vector<std::string> receivers;  ///< all that were told since it fires, sorted
  wall_time notified_at{};             ///< when the last notification was made
  std::optional<muting> muted = {};
  std::optional<wall_time> ceased_at = {};  ///< its trouble has gone, and keep_firing_for runs since then

  friend bool operator==(const alert_record&, const alert_record&) = default;
};

struct notice {
  std::string receiver;
  notification_kind kind = notification_kind::fired;

  friend bool operator==(const notice&, const notice&) = default;
};

/// A change of an alert that someone should hear of: the record as it is now, to be stored, and who is
/// to be told what (nobody, where no route matches). Record and outbox rows go into one commit.
struct notification {
  alert_record record;
  std::vector<notice> notices;
};

}  // namespace pushguard::alerts
