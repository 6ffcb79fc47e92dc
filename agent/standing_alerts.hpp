#pragma once

#include <functional>
#include <set>
#include <string>

#include "agent/alert_center.hpp"

namespace pushguard::agent {

/// The alerts of one kind, told by whoever finds out again and again which of them should stand. For one
/// thread; the center must outlive it.
class standing_alerts {
 public:
  explicit standing_alerts(alert_center& center) : center_(center) {}

  /// Takes over alerts that an earlier life of the agent raised: those firing that `is_one` knows as its
  /// kind.
  void adopt(const std::function<bool(const alerts::alert&)>& is_one);

  [[nodiscard]] bool has(const std::string& id) const { return ids_.contains(id); }
  /// Other words than before are told as an update.
  void raise(alerts::alert what);
  /// Resolves all but these.
  void keep_only(const std::set<std::string>& ids);

 private:
  alert_center& center_;
  std::set<std::string> ids_;
};

}  // namespace pushguard::agent
