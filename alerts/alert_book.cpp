#include "alerts/alert_book.hpp"

#include <algorithm>
#include <utility>

namespace pushguard::alerts {

alert_book::alert_book(std::vector<route> routes, alert_book_options options)
    : routes_(std::move(routes)), options_(std::move(options)) {}

std::optional<notification> alert_book::raise(alert what, wall_time now) {
  what = make_bounded(std::move(what));
  alert_record& record = records_[what.id];
  if (record.content.id.empty() || record.content.state == alert_state::resolved) {
    what.state = alert_state::firing;
    what.starts_at = now;
    what.updated_at = now;
    what.resolved_at.reset();
    what.acknowledged.reset();
    record = alert_record{
        .content = std::move(what), .receivers = {}, .notified_at = now, .muted = std::move(record.muted)};
    return notify(record, notification_kind::fired, now);
  }
  record.ceased_at.reset();
  if (!has_same_content(record.content, what)) {
    what.state = alert_state::firing;
    what.starts_at = record.content.starts_at;
    what.updated_at = now;
    what.resolved_at.reset();
    what.acknowledged = record.content.acknowledged;
    if (what.severity < record.content.severity) {
      what.acknowledged.reset();  // it has become worse than what somebody looks after
    }
    record.content = std::move(what);
    const bool is_over = record.content.ends_when_acknowledged && record.content.acknowledged;
    return is_over ? finish(record, now) : notify(record, notification_kind::updated, now);
  }
  if (is_repeat_due(record, now) && !is_quiet(record, now)) {
    return notify(record, notification_kind::repeated, now);
  }
  return std::nullopt;
}

bool alert_book::is_quiet(const alert_record& record, wall_time now) const {
  return (record.muted && record.muted->until > now) || !inhibitors_of(record.content).empty();
}

// Those who may hear of it now, sorted.
std::vector<std::string> alert_book::audience_of(const alert_record& record, wall_time now) const {
  std::vector<std::string> names = receivers_for(routes_, options_.traits, record.content);
  if (is_quiet(record, now)) {
    std::erase_if(names, [&](const std::string& name) {
      const auto traits = options_.traits.find(name);
      return traits == options_.traits.end() || !traits->second.does_its_own_silencing;
    });
  }
  return names;
}

// Who was told before hears `kind`, if there is one; who matches only now hears that it fired.
notification alert_book::notify(alert_record& record, std::optional<notification_kind> kind, wall_time now) {
  const std::vector<std::string> audience = audience_of(record, now);
  const bool quiet = is_quiet(record, now);
  const auto hears = [&](const std::string& name) {
    return !quiet || std::ranges::binary_search(audience, name);
  };
  std::map<std::string, notification_kind> kinds;
  for (const std::string& name : audience) {
    kinds.emplace(name, notification_kind::fired);
  }
  for (const std::string& name : record.receivers) {
    kinds.erase(name);
    if (kind && hears(name)) {
      kinds.emplace(name, *kind);
    }
  }
  if (!quiet) {
    record.notified_at = now;
  }
  notification out;
  for (const auto& [name, told] : kinds) {
    out.notices.push_back({.receiver = name, .kind = told});
    if (!std::ranges::binary_search(record.receivers, name)) {
      record.receivers.insert(std::ranges::lower_bound(record.receivers, name), name);
    }
  }
  out.record = record;
  return out;
}

alert_record* alert_book::find_firing(std::string_view id) {
  const auto found = records_.find(id);
  const bool is_firing = found != records_.end() && found->second.content.state == alert_state::firing;
  return is_firing ? &found->second : nullptr;
}

std::optional<notification> alert_book::resolve(std::string_view id, wall_time now) {
  alert_record* record = find_firing(id);
  if (record == nullptr || record->ceased_at) {
    return std::nullopt;
  }
  if (record->content.keep_firing_for > duration::zero()) {
    record->ceased_at = now;
    return notification{.record = *record, .notices = {}};
  }
  return finish(*record, now);
}

std::optional<notification> alert_book::end(std::string_view id, wall_time now) {
  alert_record* record = find_firing(id);
  return record == nullptr ? std::nullopt : std::optional(finish(*record, now));
}

std::optional<notification> alert_book::resolve(alert what, wall_time now) {
  what = make_bounded(std::move(what));
  alert_record* record = find_firing(what.id);
  if (record == nullptr) {
    return std::nullopt;
  }
  what.starts_at = record->content.starts_at;
  what.acknowledged = record->content.acknowledged;
  record->content = std::move(what);
  return finish(*record, now);
}

notification alert_book::finish(alert_record& record, wall_time now) {
  record.content.state = alert_state::resolved;
  record.content.resolved_at = now;
  record.content.updated_at = now;
  record.notified_at = now;
  record.ceased_at.reset();
  notification out;
  for (const auto& name : record.receivers) {
    out.notices.push_back({.receiver = name, .kind = notification_kind::resolved});
  }
  out.record = record;
  return out;
}

std::optional<notification> alert_book::acknowledge(std::string_view id, acknowledgement by) {
  alert_record* record = find_firing(id);
  if (record == nullptr || record->content.acknowledged || record->content.kind == alert_kind::change) {
    return std::nullopt;
  }
  const wall_time now = by.at;
  record->content.acknowledged = std::move(by);
  if (record->content.ends_when_acknowledged) {
    return finish(*record, now);
  }
  record->notified_at = now;
  notification out{.record = *record, .notices = {}};
  for (const auto& name : record->receivers) {
    out.notices.push_back({.receiver = name, .kind = notification_kind::acknowledged});
  }
  return out;
}

std::optional<notification> alert_book::mute(std::string_view id, muting by) {
  alert_record* record = find_firing(id);
  if (record == nullptr) {
    return std::nullopt;
  }
  record->muted = std::move(by);
  return notification{.record = *record, .notices = {}};
}

bool alert_book::is_repeat_due(const alert_record& record, wall_time now) const {
  return record.content.state == alert_state::firing && record.content.kind == alert_kind::trouble &&
         !record.content.acknowledged && !record.receivers.empty() &&
         now - record.notified_at >= options_.repeat_interval;
}

std::optional<notification> alert_book::due(alert_record& record, wall_time now) {
  if (record.content.state != alert_state::firing) {
    return std::nullopt;
  }
  if (record.ceased_at && now - *record.ceased_at >= record.content.keep_firing_for) {
    return finish(record, now);
  }
  const bool was_muted = record.muted && record.muted->until <= now;
  if (was_muted) {
    record.muted.reset();
  }
  std::optional<notification_kind> kind;
  if (!is_quiet(record, now)) {
    if (record.content.updated_at > record.notified_at) {
      kind = notification_kind::updated;  // while it was quiet
    } else if (is_repeat_due(record, now) || (was_muted && !record.content.acknowledged)) {
      kind = notification_kind::repeated;
    }
  }
  const bool is_news_to_somebody = !std::ranges::includes(record.receivers, audience_of(record, now));
  if (kind || is_news_to_somebody) {
    return notify(record, kind, now);
  }
  return was_muted ? std::optional(notification{.record = record, .notices = {}}) : std::nullopt;
}

std::vector<notification> alert_book::due(wall_time now) {
  std::vector<notification> out;
  for (auto& [id, record] : records_) {
    if (auto told = due(record, now)) {
      out.push_back(*std::move(told));
    }
  }
  return out;
}

std::vector<std::string> alert_book::forget_resolved(wall_time now) {
  std::vector<std::string> forgotten;
  for (auto each = records_.begin(); each != records_.end();) {
    const alert_record& record = each->second;
    const auto& resolved_at = record.content.resolved_at;
    const bool is_muted = record.muted && record.muted->until > now;
    if (record.content.state == alert_state::resolved && !is_muted &&
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
    put_back(std::move(record));
  }
}

void alert_book::forget(std::string_view id) {
  if (const auto found = records_.find(id); found != records_.end()) {
    records_.erase(found);
  }
}

void alert_book::put_back(alert_record record) {
  std::ranges::sort(record.receivers);
  std::string id = record.content.id;
  records_.insert_or_assign(std::move(id), std::move(record));
}

void alert_book::undo(const alert_record& before, const alert_record& after) {
  const auto found = records_.find(before.content.id);
  if (found == records_.end()) {
    return;
  }
  alert_record& present = found->second;
  if (present == after) {
    present = before;
    return;
  }
  if (present.content.acknowledged == after.content.acknowledged) {
    present.content.acknowledged = before.content.acknowledged;
  }
  if (present.muted == after.muted) {
    present.muted = before.muted;
  }
}

void alert_book::configure(std::vector<route> routes, alert_book_options options) {
  routes_ = std::move(routes);
  options_ = std::move(options);
}

const alert_record* alert_book::find(std::string_view id) const {
  const auto found = records_.find(id);
  return found == records_.end() ? nullptr : &found->second;
}

bool alert_book::is_firing(std::string_view id) const {
  const alert_record* record = find(id);
  return record != nullptr && record->content.state == alert_state::firing;
}

std::optional<std::string> alert_book::find_id(std::string_view name) const {
  for (const auto& [id, record] : records_) {
    if (id == name || alert_fingerprint(id) == name) {
      return id;
    }
  }
  return std::nullopt;
}

std::vector<std::string> alert_book::inhibitors_of(const alert& what) const {
  std::vector<std::string> out;
  for (const inhibition& rule : options_.inhibitions) {
    if (std::ranges::find(rule.targets, what.name) == rule.targets.end()) {
      continue;  // the common case, without a look at all the others
    }
    for (const auto& [id, record] : records_) {
      if (record.content.state == alert_state::firing && inhibits(rule, record.content, what)) {
        out.push_back(id);
      }
    }
  }
  return out;
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
