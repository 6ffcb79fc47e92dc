#pragma once

#include <atomic>

#include "base/time_source.hpp"

namespace pushguard::bench {

/// The machine's time, which can be put forward: what the agent does at most every other second need not be
/// waited for. Waits under way are not shortened. Thread-safe.
class forward_time final : public time_source {
 public:
  [[nodiscard]] wall_time wall_now() const override { return real_->wall_now() + ahead(); }
  [[nodiscard]] steady_time steady_now() const override { return real_->steady_now() + ahead(); }
  [[nodiscard]] boost::asio::awaitable<void> sleep_until(steady_time when) override {
    // The far future stays where it is.
    return real_->sleep_until(when == steady_time::max() ? when : when - ahead());
  }

  void put_forward(duration by) { ahead_ += by.count(); }

 private:
  [[nodiscard]] duration ahead() const { return duration(ahead_.load()); }

  std::unique_ptr<time_source> real_ = make_system_time();
  std::atomic<duration::rep> ahead_ = 0;
};

}  // namespace pushguard::bench
