#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alert_texts.hpp"
#include "agent/exclusion_watch.hpp"

/// What alerts say about things that are about to go wrong. Pure.
namespace pushguard::agent {

inline constexpr std::string_view stream_alert_name = "PushguardStreamDown";
inline constexpr std::string_view hold_alert_name = "PushguardHoldExpiring";
inline constexpr std::string_view exclusion_alert_name = "PushguardExcludedErrors";
inline constexpr std::string_view wave_alert_name = "PushguardWaveStartsEarly";

/// A channel of a hub's stream that is not live.
struct channel_outage {
  std::string hub;
  std::string channel;
  wall_time since;
  std::string reason;          ///< may be empty
  duration active_interval{};  ///< at which the hub is read meanwhile, while a request runs or is due
  duration idle_interval{};    ///< and else
};
/// `PushguardStreamDown`: no event comes; the hub is read all the same.
[[nodiscard]] alerts::alert make_stream_alert(const channel_outage& outage);

/// `PushguardHoldExpiring`: a hold is about to end. `breached_now` names what is breached under it, as
/// `production/failure-rate for 04t…/1 (devhub)`.
[[nodiscard]] alerts::alert make_hold_alert(const hold_view& hold,
                                            const std::vector<std::string>& breached_now);

/// Excluded orgs of what a policy counts together.
struct exclusion_excess {
  exclusion_scope scope;
  exclusion_counts counts;
  double lower_bound = 0;  ///< of their share
  double usual = 0;
  std::vector<title_count> titles;  ///< most frequent first; may be empty
};
/// `PushguardExcludedErrors`: more orgs are excluded than usual.
[[nodiscard]] alerts::alert make_exclusion_alert(const alert_context& context,
                                                 const exclusion_excess& excess);

/// A wave that starts although earlier ones are not done.
struct early_wave_view {
  struct unresolved_view {
    domain::request_id request;
    std::size_t jobs = 0;
  };

  domain::request_id request;
  wall_time start;
  std::size_t orgs = 0;  ///< of the wave
  std::vector<unresolved_view> unresolved;
};
/// `PushguardWaveStartsEarly`: earlier waves have not shown yet what the version does.
[[nodiscard]] alerts::alert make_wave_alert(const alert_context& context, const early_wave_view& wave);

/// The ids under which these alerts are raised and resolved.
[[nodiscard]] std::string stream_alert_id(std::string_view hub, std::string_view channel);
[[nodiscard]] std::string hold_alert_id(const hold_view& hold);
[[nodiscard]] std::string exclusion_alert_id(std::string_view hub, const exclusion_scope& scope);
[[nodiscard]] std::string wave_alert_id(std::string_view hub, const domain::request_id& request);

}  // namespace pushguard::agent
