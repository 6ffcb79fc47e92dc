#pragma once

#include "base/time_source.hpp"

namespace pushguard::test {

/// The machine's time, so many times faster from the moment it is made: what waits an hour waits a minute.
/// Thread-safe.
class quick_time final : public time_source {
 public:
  explicit quick_time(int factor) : factor_(factor), began_(real_->now()) {}

  [[nodiscard]] wall_time wall_now() const override {
    return began_.wall + std::chrono::floor<duration>(passed());
  }
  [[nodiscard]] steady_time steady_now() const override { return began_.steady + passed(); }
  [[nodiscard]] boost::asio::awaitable<void> sleep_until(steady_time when) override {
    // Far instants stay what they are, lest the arithmetic overflow.
    const auto length = std::min<steady_time::duration>(when - began_.steady, std::chrono::years(100));
    return real_->sleep_until(began_.steady + length / factor_);
  }

 private:
  [[nodiscard]] steady_time::duration passed() const {
    return (real_->steady_now() - began_.steady) * factor_;
  }

  int factor_;
  std::unique_ptr<time_source> real_ = make_system_time();
  instant began_;
};

}  // namespace pushguard::test
