#include "simulator/delivery_quota.hpp"

#include <algorithm>

namespace pushguard::simulator {
namespace {

constexpr duration window = std::chrono::hours(24);
constexpr duration batch_length = std::chrono::minutes(1);  // a day is 1440 of them at most

}  // namespace

void delivery_quota::count(std::uint64_t delivered, steady_time now) {
  total_ += delivered;
  if (!daily_max_ || delivered == 0)
    return;
  if (batches_.empty() || batches_.back().since + batch_length <= now)
    batches_.push_back({now, 0});
  batches_.back().delivered += delivered;
  in_window_ += delivered;
}

std::uint64_t delivery_quota::left(steady_time now) {
  if (!daily_max_)
    return std::numeric_limits<std::uint64_t>::max();
  while (!batches_.empty() && batches_.front().since + window <= now) {
    in_window_ -= batches_.front().delivered;
    batches_.pop_front();
  }
  return *daily_max_ - std::min(*daily_max_, in_window_);
}

}  // namespace pushguard::simulator
