#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/notification.hpp"
#include "alerts/routing.hpp"

namespace pushguard::alerts {

struct alert_book_options {
  duration repeat_interval = std::chrono::hours(4);
  /// How long a resolved alert is remembered: for the API, and for receivers that are told again.
  duration resolved_kept = std::chrono::minutes(15);
  std::vector<inhibition> inhibitions = {};
  receiver_traits_map traits = {};
};

/// Which alerts fire, and who has been told: life cycle, deduplication, routing, muting and inhibition. Pure:
/// time is handed in, and what it decides is returned for the caller to store and send.
///
/// An alert that is muted or inhibited is quiet: who does no silencing of its own hears no beginning, no
/// update and no repetition of it. When it is quiet no more and fires still, what was missed is told. The end
/// is told to all who know of the alert.
///
/// It holds one entry per alert id, so its size is bounded by what its caller watches.
class alert_book {
 public:
  explicit alert_book(std::vector<route> routes, alert_book_options options = {});

  /// Says that the trouble is there. Answers what to tell, or nothing when this was known:
  /// - a new or resolved id fires: its `starts_at` is `now`, and every matching receiver is told `fired`;
  /// - changed content is told as `updated` to all who know of it, and as `fired` to receivers that
  ///   match only now (a raised severity, say);
  /// - unchanged content is `repeated` once the repeat interval has passed, unless somebody acknowledged it.
  /// A higher severity takes an acknowledgement back; one that ends_when_acknowledged ends where it has one.
  /// State and times of `what` are ignored; its texts are bounded.
  [[nodiscard]] std::optional<notification> raise(alert what, wall_time now);

  /// Says that the trouble is over: all who were told are told so, at once or by due() when keep_firing_for
  /// has passed without another raise(). Nothing if it does not fire.
  [[nodiscard]] std::optional<notification> resolve(std::string_view id, wall_time now);

  /// As resolve(), and at once: what could come back is gone itself.
  [[nodiscard]] std::optional<notification> end(std::string_view id, wall_time now);

  /// As end(), with last words: the content that the resolved alert is to show. Its id names it.
  [[nodiscard]] std::optional<notification> resolve(alert what, wall_time now);

  /// Somebody looks after it: all who were told are told so, it is repeated no more, and it ends if that is
  /// all it waits for. Nothing if it does not fire, is a change or was acknowledged before.
  [[nodiscard]] std::optional<notification> acknowledge(std::string_view id, acknowledgement by);

  /// Keeps it quiet until `by.until`, which may be earlier than that of a muting before. Tells nobody;
  /// answers the record to be stored, or nothing if it does not fire.
  [[nodiscard]] std::optional<notification> mute(std::string_view id, muting by);

  /// What time alone has made due: repetitions, ends after keep_firing_for, what was missed while quiet, and
  /// what receivers do not know that new routes lead to. Call it about every minute.
  [[nodiscard]] std::vector<notification> due(wall_time now);

  /// Forgets what has been resolved for longer than `resolved_kept` and is not muted; answers the ids, to
  /// delete their records.
  [[nodiscard]] std::vector<std::string> forget_resolved(wall_time now);

  /// Puts back what was stored, replacing what the book holds. Tells nobody.
  void restore(std::vector<alert_record> records);
  /// Forgets an alert as if it had never been raised.
  void forget(std::string_view id);
  /// Takes back what acknowledge() or mute() made of `before`, as it could not be stored; what else has
  /// become of the alert meanwhile stays.
  void undo(const alert_record& before, const alert_record& after);

  /// New routes and intervals, after a reload. Who was told stays known, so that resolutions reach them.
  void configure(std::vector<route> routes, alert_book_options options);

  /// The record of an alert, firing or lately resolved; null where there is none. Valid until the next
  /// change.
  [[nodiscard]] const alert_record* find(std::string_view id) const;
  [[nodiscard]] bool is_firing(std::string_view id) const;
  /// The id that has this fingerprint, or that is `name` itself; nothing where there is none.
  [[nodiscard]] std::optional<std::string> find_id(std::string_view name) const;
  /// The ids of the firing alerts that inhibit this one.
  [[nodiscard]] std::vector<std::string> inhibitors_of(const alert& what) const;
  /// Every record by its id. Valid until the next change.
  [[nodiscard]] const std::map<std::string, alert_record, std::less<>>& records() const noexcept {
    return records_;
  }
  /// Copies of them, in the same order.
  [[nodiscard]] std::vector<alert_record> snapshot() const;

 private:
  void put_back(alert_record record);
  [[nodiscard]] std::vector<std::string> audience_of(const alert_record& record, wall_time now) const;
  [[nodiscard]] notification notify(alert_record& record, std::optional<notification_kind> kind,
                                    wall_time now);
  [[nodiscard]] notification finish(alert_record& record, wall_time now);
  [[nodiscard]] alert_record* find_firing(std::string_view id);
  [[nodiscard]] bool is_quiet(const alert_record& record, wall_time now) const;
  [[nodiscard]] bool is_repeat_due(const alert_record& record, wall_time now) const;
  [[nodiscard]] std::optional<notification> due(alert_record& record, wall_time now);

  std::vector<route> routes_;
  alert_book_options options_;
  std::map<std::string, alert_record, std::less<>> records_;
};

}  // namespace pushguard::alerts
