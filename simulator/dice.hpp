#pragma once

#include <cstdint>
#include <span>

#include "simulator/scenario.hpp"

namespace pushguard::simulator {

/// What is drawn for; keeps the draws of one subject independent of each other.
enum class draw : std::uint64_t {
  org,
  deal,
  request,
  job,
  failure,
  event,
  replay_id,
  token,
  client,
  error,
  event_uuid,
  fault,
  refresh_token,
  request_end
};

/// Random numbers that depend only on the seed, the purpose and the subject, never on the order in which
/// the world is asked: two runs of a scenario agree in every org, whoever looked and when.
/// SplitMix64 (Steele, Lea, Flood 2014).
class dice {
 public:
  dice(std::uint64_t seed, draw purpose, std::uint64_t subject) noexcept
      : state_(mix(mix(seed ^ (static_cast<std::uint64_t>(purpose) << 56U)) + subject)) {}

  [[nodiscard]] std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    return mix(state_);
  }
  /// In [0, 1).
  [[nodiscard]] double unit() noexcept { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  /// In [0, count); `count` is positive.
  [[nodiscard]] std::uint64_t below(std::uint64_t count) noexcept { return next() % count; }
  [[nodiscard]] bool falls(double odds) noexcept { return unit() < odds; }
  [[nodiscard]] duration between(const duration_bounds& bounds) noexcept {
    const auto width = static_cast<std::uint64_t>((bounds.most - bounds.least).count());
    return bounds.least + duration(static_cast<duration::rep>(below(width + 1)));
  }
  /// The index of one of `names`, which is not empty, by weight.
  [[nodiscard]] std::size_t pick(std::span<const weighted_name> names) noexcept {
    double total = 0;
    for (const weighted_name& each : names)
      total += each.weight;
    double left = unit() * total;
    for (std::size_t index = 0; index + 1 < names.size(); ++index) {
      left -= names[index].weight;
      if (left < 0)
        return index;
    }
    return names.size() - 1;
  }

 private:
  static constexpr std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
  }

  std::uint64_t state_;
};

}  // namespace pushguard::simulator
