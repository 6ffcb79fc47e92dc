#include "agent/rule_history.hpp"

#include <utility>

namespace pushguard::agent {

void rule_points::add(rule_point point) {
  const bool goes_back = !points_.empty() && point.at < points_.back().at;
  const bool is_close = points_.size() > 1 && point.verdict == points_.back().verdict &&
                        point.at - points_[points_.size() - 2].at < apart_;
  if (goes_back || is_close)
    points_.back() = std::move(point);
  else
    points_.push_back(std::move(point));
  if (points_.size() > points_max)
    thin();
}

/// Leaves every other point, the first and the last among them.
void rule_points::thin() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points_.size(); i += 2)
    std::swap(points_[kept++], points_[i]);
  if (points_.size() % 2 == 0)
    std::swap(points_[kept++], points_.back());
  points_.resize(kept);
  apart_ *= 2;
}

void rule_history::apply(const view_update& update) {
  for (const auto* gone : {&update.forgotten_hubs, &update.forgotten_rules_of}) {
    for (const std::string& hub : *gone)
      std::erase_if(rules_, [&](const auto& entry) { return entry.first.hub == hub; });
  }
  for (const rule_view& rule : update.rules)
    rules_[rule.key].add({.at = rule.evaluated,
                          .observed_ratio = rule.observed_ratio,
                          .lower_bound_ratio = rule.lower_bound_ratio,
                          .threshold_ratio = rule.threshold_ratio,
                          .failed = rule.failed,
                          .started = rule.started,
                          .verdict = rule.verdict});
}

}  // namespace pushguard::agent
