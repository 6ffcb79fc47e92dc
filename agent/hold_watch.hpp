#pragma once

#include <optional>
#include <span>
#include <string>

#include "agent/alert_center.hpp"
#include "agent/standing_alerts.hpp"
#include "agent/store/records.hpp"

namespace pushguard::agent {

/// So long before a hold ends, operators are told.
inline constexpr duration hold_notice = std::chrono::minutes(30);

/// When it is time to say that the hold ends: hold_notice before, or half of the hold where that is shorter.
[[nodiscard]] wall_time notice_due(const store::hold_record& hold) noexcept;

/// Tells of holds that are about to end. For one thread; the center must outlive it.
class hold_watch {
 public:
  explicit hold_watch(alert_center& center) : center_(center), told_(center) {}

  /// Raises what is due and resolves the rest, also what an earlier life of the agent left. `held` are all
  /// holds. Answers when to look again at the latest, where the passing of time alone calls for it.
  std::optional<wall_time> look(std::span<const store::hold_record> held, wall_time now);

 private:
  [[nodiscard]] std::vector<std::string> breached_under(const store::hold_record& hold) const;

  alert_center& center_;
  standing_alerts told_;
  bool has_adopted_ = false;
};

}  // namespace pushguard::agent
