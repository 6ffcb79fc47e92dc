#include "simulator/api_allocation.hpp"

#include <algorithm>

namespace pushguard::simulator {
namespace {

constexpr duration window = std::chrono::hours(24);
constexpr duration batch_length = std::chrono::seconds(1);  // keeps a day of calls in a few megabytes

}  // namespace

bool api_allocation::take(duration at) {
  if (used(at) >= max_)
    return false;
  if (batches_.empty() || at >= batches_.back().begin + batch_length)
    batches_.push_back({at, 0});
  ++batches_.back().calls;
  ++own_;
  return true;
}

std::uint64_t api_allocation::used(duration at) {
  while (!batches_.empty() && batches_.front().begin + window <= at) {
    own_ -= batches_.front().calls;
    batches_.pop_front();
  }
  const auto shared = std::chrono::duration<double, std::chrono::hours::period>(std::min(at, window));
  return own_ + static_cast<std::uint64_t>(shared.count() * static_cast<double>(others_per_hour_));
}

}  // namespace pushguard::simulator
