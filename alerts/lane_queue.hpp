#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/outbox_store.hpp"
#include "alerts/receiver.hpp"

namespace pushguard::alerts {

/// What a lane should do next, and when. `row` is valid until the queue changes.
struct lane_work {
  const outbox_row* row = nullptr;
  steady_time due{};
  bool is_resend = false;  ///< of an alert that was delivered before; no row stands behind it
};

/// The notifications that wait for one receiver, and the alerts it is to be told again. Pure.
///
/// Of each alert only the oldest notification is offered, so their order holds whatever is retried; the
/// alerts among themselves go by when they are due.
class lane_queue {
 public:
  lane_queue(superseding mode, std::optional<resend_policy> resends);

  /// Adds a row, not before `due`. Answers the rows that are superseded by it, or by which it is: they
  /// are gone from the queue. A row that is held already stays as it is.
  [[nodiscard]] std::vector<outbox_row> insert(outbox_row row, steady_time due);

  /// The rows that may be delivered together with `first`: due by `now`, each the oldest of another alert,
  /// and of its group; `first` is the first of them. At most `rows_max`.
  [[nodiscard]] std::vector<outbox_row> gather(const outbox_row& first,
                                               const std::function<std::string(const alert&)>& group_of,
                                               const std::set<outbox_id>& alone, steady_time now,
                                               std::size_t rows_max) const;

  /// The row is being delivered until finish() or postpone(): it can not be superseded meanwhile.
  void begin(outbox_id id);
  /// The row is not being delivered, after all.
  void release(outbox_id id) { under_way_.erase(id); }
  /// Takes the row out.
  void finish(outbox_id id);
  /// Keeps the row for another attempt. Answers what is superseded, which may be the row itself.
  [[nodiscard]] std::vector<outbox_row> postpone(outbox_id id, steady_time due, wall_time next_attempt_at);

  /// The receiver has `content` as of `told`: it is told again at the interval, until it has been
  /// resolved for long enough. Without a resend policy nothing is kept.
  void remember(const alert& content, steady_time told);
  /// As remember(), unless the alert is known, and due at once: what a store remembers.
  void recall(const alert& content, steady_time now);
  /// Puts the next re-send of the alert off.
  void postpone_resend(std::string_view alert_id, steady_time due);
  void forget(std::string_view alert_id);

  /// What to do first; nothing where there is nothing to do. It may be due later than `now`. Re-sends
  /// that have ended are forgotten on the way; an alert with a row waiting is not re-sent.
  [[nodiscard]] std::optional<lane_work> next(instant now);

  [[nodiscard]] bool holds(outbox_id id) const { return rows_.contains(id); }
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
  /// When the oldest row was made.
  [[nodiscard]] std::optional<wall_time> oldest() const;

 private:
  struct waiting {
    outbox_row row;
    steady_time due;
  };

  [[nodiscard]] std::vector<outbox_row> supersede(const std::string& alert_id);
  void drop_ended_resends(wall_time wall);
  [[nodiscard]] bool goes_before(const lane_work& a, const lane_work& b, steady_time now) const;

  superseding mode_;
  std::optional<resend_policy> resends_;
  std::map<outbox_id, waiting> rows_;
  std::map<std::string, waiting, std::less<>> resent_;  // by alert id
  std::set<outbox_id> under_way_;
};

}  // namespace pushguard::alerts
