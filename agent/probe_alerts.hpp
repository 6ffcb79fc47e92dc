#pragma once

#include <string>
#include <string_view>

#include "alerts/alert.hpp"

/// Alerts that tell of nothing but the way of alerting itself.
namespace pushguard::agent {

/// `PushguardWatchdog`: always fires. Its labels are the same at each start, so that it is one alert.
[[nodiscard]] alerts::alert make_watchdog_alert(std::string_view agent_url);

/// Who sends a test alert, and from where.
struct test_sender {
  std::string user;
  std::string host;
};

/// `PushguardTest`, firing since `now`, with an id of its own for each instant: two tests are two incidents.
/// Of severity warning: `info` wakes nobody at many services and would prove little, `critical` is for what
/// is.
[[nodiscard]] alerts::alert make_test_alert(const test_sender& sender, wall_time now);

}  // namespace pushguard::agent
