#include "agent/standing_alerts.hpp"

namespace pushguard::agent {

void standing_alerts::adopt(const std::function<bool(const alerts::alert&)>& is_one) {
  for (const alerts::alert_record& record : center_.snapshot()) {
    if (record.content.state == alerts::alert_state::firing && is_one(record.content))
      ids_.insert(record.content.id);
  }
}

void standing_alerts::raise(alerts::alert what) {
  ids_.insert(what.id);
  center_.raise(std::move(what));
}

void standing_alerts::keep_only(const std::set<std::string>& ids) {
  std::erase_if(ids_, [&](const std::string& id) {
    if (ids.contains(id))
      return false;
    center_.resolve(id);
    return true;
  });
}

}  // namespace pushguard::agent
