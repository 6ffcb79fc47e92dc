#include "alerts/outbox_store.hpp"

#include <algorithm>

namespace pushguard::alerts {

outbox_id outbox_ids::next(wall_time now) {
  constexpr outbox_id ids_per_millisecond = 1000;
  last_ = std::max(last_ + 1, now.time_since_epoch().count() * ids_per_millisecond);
  return last_;
}

void outbox_ids::skip(outbox_id used) {
  last_ = std::max(last_, used);
}

std::vector<outbox_row> make_outbox_rows(const notification& from, wall_time now, outbox_ids& ids) {
  std::vector<outbox_row> out;
  out.reserve(from.notices.size());
  for (const notice& each : from.notices) {
    out.push_back({.id = ids.next(now),
                   .receiver = each.receiver,
                   .kind = each.kind,
                   .content = from.record.content,
                   .created_at = now,
                   .attempts = 0,
                   .next_attempt_at = now});
  }
  return out;
}

std::string_view to_string(outbox_end end) noexcept {
  switch (end) {
    case outbox_end::sent:
      return "sent";
    case outbox_end::dropped:
      return "dropped";
    case outbox_end::superseded:
      return "superseded";
  }
  return "";
}

}  // namespace pushguard::alerts
