#pragma once

#include "agent/call_meter.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// The calendar of one hub, as its answers tell it; waits are ours. What is compared with instants that
/// Salesforce told goes by it, so that a calendar that is set wrong makes no job look stuck.
class hub_clock final : public time_source {
 public:
  /// References outlive it.
  hub_clock(time_source& ours, const call_meter& meter) : ours_(ours), meter_(meter) {}

  [[nodiscard]] wall_time wall_now() const override { return ours_.wall_now() + meter_.clock_ahead(); }
  [[nodiscard]] steady_time steady_now() const override { return ours_.steady_now(); }
  [[nodiscard]] boost::asio::awaitable<void> sleep_until(steady_time when) override {
    return ours_.sleep_until(when);
  }

 private:
  time_source& ours_;
  const call_meter& meter_;
};

}  // namespace pushguard::agent
