#include "alerts/alert_book.hpp"

#include <algorithm>
#include <utility>

namespace pushguard::alerts {

alert_book::alert_book(std::vector<route> routes, alert_book_options options)
    : routes_(std::move(routes)), options_(options) {}

std::optional<notification> alert_book::raise(alert what, wall_time now) {
  what = make_bounded(std::move(what));
  auto& record = records_[what.id];
  if (record.content.id.empty() || record.content.state == alert_state::resolved) {
    what.state = alert_state::firing;
    what.starts_at = now;
    what.updated_at = now;
    what.resolved_at.reset();
    record = alert_record{.content = std::move(what), .receivers = {}, .notified_at = now};
    return notify(record, notification_kind::fired, now);
  }
  if (!has_same_content(record.content, what)) {
    what.state = alert_state::firing;
    what.starts_at = record.content.starts_at;
    what.updated_at = now;
    what.resolved_at.reset();
    record.content = std::move(what);
    return notify(record, notification_kind::updated, now);
  }
  if (is_repeat_due(record, now)) {
    return notify(record, notification_kind::repeated, now);
  }
  return std::nullopt;
}

// Who was told before hears `kind`; who matches only now hears that it fired.
notification alert_book::notify(alert_record& record, notification_kind kind, wall_time now) {
  std::map<std::string, notification_kind> kinds;
  for (auto& name : receivers_for(routes_, record.content)) {
    kinds.emplace(std::move(name), notification_kind::fired);
  }
  for (const auto& name : record.receivers) {
    kinds.insert_or_assign(name, kind);
  }
  record.receivers.clear();
  record.notified_at = now;
  notification out;
  for (const auto& [name, told] : kinds) {
    record.receivers.push_back(name);
    out.notices.push_back({.receiver = name, .kind = told});
  }
  out.record = record;
  return out;
}

std::optional<notification> alert_book::resolve(std::string_view id, wall_time now) {
  const auto found = records_.find(id);
  if (found == records_.end() || found->second.content.state != alert_state::firing) {
    return std::nullopt;
  }
  return end(found->second, now);
}

std::optional<notification> alert_book::resolve(alert what, wall_time now) {
  what = make_bounded(std::move(what));
  const auto found = records_.find(what.id);
  if (found == records_.end() || found->second.content.state != alert_state::firing) {
    return std::nullopt;
  }
  what.starts_at = found->second.content.starts_at;
  found->second.content = std::move(what);
  return end(found->second, now);
}

notification alert_book::end(alert_record& record, wall_time now) {
  record.content.state = alert_state::resolved;
  record.content.resolved_at = now;
  record.content.updated_at = now;
  record.notified_at = now;
  notification out;
  for (const auto& name : record.receivers) {
    out.notices.push_back({.receiver = name, .kind = notification_kind::resolved});
  }
  out.record = record;
  return out;
}

bool alert_book::is_repeat_due(const alert_record& record, wall_time now) const {
  return record.content.state == alert_state::firing && !record.receivers.empty() &&
         now - record.notified_at >= options_.repeat_interval;
}

std::vector<notification> alert_book::repeats_due(wall_time now) {
  std::vector<notification> out;
  for (auto& [id, record] : records_) {
    if (is_repeat_due(record, now)) {
      out.push_back(notify(record, notification_kind::repeated, now));
    }
  }
  return out;
}

std::optional<wall_time> alert_book::next_repeat() const {
  std::optional<wall_time> earliest;
  for (const auto& [id, record] : records_) {
    if (record.content.state == alert_state::firing && !record.receivers.empty()) {
      const wall_time due = record.notified_at + options_.repeat_interval;
      earliest = earliest ? std::min(*earliest, due) : due;
    }
  }
  return earliest;
}

std::vector<std::string> alert_book::forget_resolved(wall_time now) {
  std::vector<std::string> forgotten;
  for (auto each = records_.begin(); each != records_.end();) {
    const auto& resolved_at = each->second.content.resolved_at;
    if (each->second.content.state == alert_state::resolved &&
        (!resolved_at || now - *resolved_at > options_.resolved_kept)) {
      forgotten.push_back(each->first);
      each = records_.erase(each);
    } else {
      ++each;
    }
  }
  return forgotten;
}

void alert_book::restore(std::vector<alert_record> records) {
  records_.clear();
  for (auto& record : records) {
    std::string id = record.content.id;
    records_.insert_or_assign(std::move(id), std::move(record));
  }
}

void alert_book::configure(std::vector<route> routes, alert_book_options options) {
  routes_ = std::move(routes);
  options_ = options;
}

const alert_record* alert_book::find(std::string_view id) const {
  const auto found = records_.find(id);
  return found == records_.end() ? nullptr : &found->second;
}

bool alert_book::is_firing(std::string_view id) const {
  const alert_record* record = find(id);
  return record != nullptr && record->content.state == alert_state::firing;
}

std::vector<alert_record> alert_book::snapshot() const {
  std::vector<alert_record> out;
  out.reserve(records_.size());
  for (const auto& [id, record] : records_) {
    out.push_back(record);
  }
  return out;
}

}  // namespace pushguard::alerts
