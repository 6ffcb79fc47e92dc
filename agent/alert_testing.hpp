#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/probe_alerts.hpp"
#include "alerts/delivery.hpp"
#include "alerts/notification.hpp"
#include "alerts/receiver.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// What came of one attempt to tell a receiver of the test alert.
struct alert_test_step {
  std::size_t receiver = 0;  ///< its place among those that are tested
  alerts::notification_kind step = alerts::notification_kind::fired;  ///< or resolved
  alerts::delivery outcome;
};

/// Tells each of `receivers`, side by side, that a test alert fires and then that it is over, one attempt
/// each and without a store. The end is told whatever came of the beginning: a receiver that did not answer
/// may have taken it. `on_step` hears of each attempt as it ends. The references outlive the call.
[[nodiscard]] boost::asio::awaitable<void> test_receivers(
    const std::vector<std::unique_ptr<alerts::receiver>>& receivers, test_sender sender, time_source& time,
    std::function<void(alert_test_step)> on_step);

}  // namespace pushguard::agent
