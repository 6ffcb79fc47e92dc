#pragma once

#include "base/time_source.hpp"

namespace pushguard::test {

/// Another time source whose calendar is set wrong. Waits go by the other's steady clock.
class shifted_time final : public time_source {
 public:
  explicit shifted_time(time_source& right) : right_(right) {}

  /// How far this calendar is ahead of the right one; negative: behind.
  void set_ahead(duration ahead) noexcept { ahead_ = ahead; }

  [[nodiscard]] wall_time wall_now() const override { return right_.wall_now() + ahead_; }
  [[nodiscard]] steady_time steady_now() const override { return right_.steady_now(); }
  [[nodiscard]] boost::asio::awaitable<void> sleep_until(steady_time when) override {
    return right_.sleep_until(when);
  }

 private:
  time_source& right_;
  duration ahead_{};
};

}  // namespace pushguard::test
