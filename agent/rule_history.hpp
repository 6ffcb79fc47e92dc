#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/views.hpp"

namespace pushguard::agent {

/// What a rule said at one instant.
struct rule_point {
  wall_time at;
  std::optional<double> observed_ratio;
  std::optional<double> lower_bound_ratio;
  std::optional<double> threshold_ratio;
  std::size_t failed = 0;
  std::size_t started = 0;
  std::string verdict;

  friend bool operator==(const rule_point&, const rule_point&) = default;
};

/// One rule's points over time, never more than points_max: the longer it goes on, the further apart. The
/// first, the last and where the verdict changed lately are kept exactly.
class rule_points {
 public:
  static constexpr std::size_t points_max = 512;

  /// An instant before the last one takes its place.
  void add(rule_point point);
  /// Oldest first.
  [[nodiscard]] const std::vector<rule_point>& all() const noexcept { return points_; }

 private:
  void thin();

  std::vector<rule_point> points_;
  duration apart_ = std::chrono::seconds(1);
};

/// The course of all rules since the agent started, for charts. Follows the messages of `decide`.
class rule_history {
 public:
  void apply(const view_update& update);

  [[nodiscard]] const std::map<rule_key, rule_points>& rules() const noexcept { return rules_; }

 private:
  std::map<rule_key, rule_points> rules_;
};

}  // namespace pushguard::agent
