#include "alerts/lane_queue.hpp"

#include <algorithm>
#include <utility>

namespace pushguard::alerts {
namespace {

bool gives_way(superseding mode, const outbox_row& row) {
  const notification_kind older = row.kind;
  if (row.content.kind == alert_kind::change) {
    return false;  // each turn is one of its own
  }
  switch (mode) {
    case superseding::any:
      return true;
    case superseding::updates:
      return older == notification_kind::updated || older == notification_kind::repeated;
  }
  return false;
}

outbox_row make_resend(const alert& content) {
  outbox_row out;
  out.kind =
      content.state == alert_state::resolved ? notification_kind::resolved : notification_kind::repeated;
  out.content = content;
  return out;
}

}  // namespace

lane_queue::lane_queue(superseding mode, std::optional<resend_policy> resends)
    : mode_(mode), resends_(resends) {}

std::vector<outbox_row> lane_queue::insert(outbox_row row, steady_time due) {
  const outbox_id id = row.id;
  const std::string alert_id = row.content.id;
  const bool is_new = rows_.try_emplace(id, waiting{std::move(row), due}).second;
  return is_new ? supersede(alert_id) : std::vector<outbox_row>{};
}

std::vector<outbox_row> lane_queue::supersede(const std::string& alert_id) {
  std::vector<outbox_row> gone;
  bool is_newest = true;
  for (auto each = rows_.end(); each != rows_.begin();) {
    --each;
    const outbox_row& row = each->second.row;
    if (row.content.id != alert_id) {
      continue;
    }
    if (!is_newest && !under_way_.contains(row.id) && gives_way(mode_, row)) {
      gone.push_back(row);
      each = rows_.erase(each);
    }
    is_newest = false;
  }
  return gone;
}

std::vector<outbox_row> lane_queue::gather(const outbox_row& first,
                                           const std::function<std::string(const alert&)>& group_of,
                                           const std::set<outbox_id>& alone, steady_time now,
                                           std::size_t rows_max) const {
  std::vector<outbox_row> out{first};
  const std::string group = group_of(first.content);
  if (group.empty() || alone.contains(first.id)) {
    return out;
  }
  std::set<std::string_view> alerts_seen{first.content.id};
  for (const auto& [id, each] : rows_) {
    if (out.size() == rows_max) {
      break;
    }
    const bool is_oldest = alerts_seen.insert(each.row.content.id).second;
    if (is_oldest && each.due <= now && !alone.contains(id) && group_of(each.row.content) == group) {
      out.push_back(each.row);
    }
  }
  return out;
}

void lane_queue::begin(outbox_id id) {
  under_way_.insert(id);
}

void lane_queue::finish(outbox_id id) {
  under_way_.erase(id);
  rows_.erase(id);
}

std::vector<outbox_row> lane_queue::postpone(outbox_id id, steady_time due, wall_time next_attempt_at) {
  under_way_.erase(id);
  const auto found = rows_.find(id);
  if (found == rows_.end()) {
    return {};
  }
  found->second.due = due;
  found->second.row.next_attempt_at = next_attempt_at;
  ++found->second.row.attempts;
  return supersede(found->second.row.content.id);
}

void lane_queue::remember(const alert& content, steady_time told) {
  if (resends_) {
    resent_.insert_or_assign(content.id, waiting{make_resend(content), told + resends_->interval});
  }
}

void lane_queue::recall(const alert& content, steady_time now) {
  if (resends_) {
    resent_.try_emplace(content.id, waiting{make_resend(content), now});
  }
}

void lane_queue::forget(std::string_view alert_id) {
  const auto found = resent_.find(alert_id);
  if (found != resent_.end()) {
    resent_.erase(found);
  }
}

void lane_queue::drop_ended_resends(wall_time wall) {
  std::erase_if(resent_, [&](const auto& each) {
    const alert& content = each.second.row.content;
    return content.state == alert_state::resolved &&
           wall - content.resolved_at.value_or(content.updated_at) > resends_->resolved_for;
  });
}

void lane_queue::postpone_resend(std::string_view alert_id, steady_time due) {
  const auto found = resent_.find(alert_id);
  if (found != resent_.end()) {
    found->second.due = due;
  }
}

bool lane_queue::goes_before(const lane_work& a, const lane_work& b, steady_time now) const {
  const bool is_a_due = a.due <= now;
  const bool is_b_due = b.due <= now;
  if (is_a_due != is_b_due) {
    return is_a_due;
  }
  // News goes before repetition, but not for so long that what the receiver knows would lapse.
  const auto rank = [&](const lane_work& work) {
    return work.due + (is_a_due && work.is_resend ? resends_->interval / 2 : duration::zero());
  };
  return rank(a) < rank(b);
}

std::optional<lane_work> lane_queue::next(instant now) {
  drop_ended_resends(now.wall);
  std::optional<lane_work> first;
  const auto offer = [&](const waiting& each, bool is_resend) {
    const lane_work work{.row = &each.row, .due = each.due, .is_resend = is_resend};
    if (!first || goes_before(work, *first, now.steady)) {
      first = work;
    }
  };
  std::set<std::string_view> alerts_seen;
  for (const auto& [id, each] : rows_) {
    if (alerts_seen.insert(each.row.content.id).second) {
      offer(each, false);
    }
  }
  for (const auto& [alert_id, each] : resent_) {
    if (!alerts_seen.contains(alert_id)) {
      offer(each, true);
    }
  }
  return first;
}

std::optional<wall_time> lane_queue::oldest() const {
  if (rows_.empty()) {
    return std::nullopt;
  }
  return rows_.begin()->second.row.created_at;
}

}  // namespace pushguard::alerts
