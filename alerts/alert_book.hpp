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
};

/// Which alerts fire, and who has been told: life cycle, deduplication and routing. Pure: time is handed
/// in, and what it decides is returned for the caller to store and send.
///
/// It holds one entry per alert id, so its size is bounded by what its caller watches.
class alert_book {
 public:
  explicit alert_book(std::vector<route> routes, alert_book_options options = {});

  /// Says that the trouble is there. Answers what to tell, or nothing when this was known:
  /// - a new or resolved id fires: its `starts_at` is `now`, and every matching receiver is told `fired`;
  /// - changed content is told as `updated` to all who know of it, and as `fired` to receivers that
  ///   match only now (a raised severity, say);
  /// - unchanged content is `repeated` once the repeat interval has passed.
  /// State and times of `what` are ignored; its texts are bounded.
  [[nodiscard]] std::optional<notification> raise(alert what, wall_time now);

  /// Says that the trouble is over: all who were told are told so. Nothing if it does not fire.
  [[nodiscard]] std::optional<notification> resolve(std::string_view id, wall_time now);

  /// As resolve(), with last words: the content that the resolved alert is to show. Its id names it.
  [[nodiscard]] std::optional<notification> resolve(alert what, wall_time now);

  /// What is due again because nothing changed for the repeat interval. Call it when next_repeat() says.
  [[nodiscard]] std::vector<notification> repeats_due(wall_time now);
  /// When the next repeat is due; nothing when nothing fires that anyone was told of.
  [[nodiscard]] std::optional<wall_time> next_repeat() const;

  /// Forgets what has been resolved for longer than `resolved_kept`; answers the ids, to delete their
  /// records.
  [[nodiscard]] std::vector<std::string> forget_resolved(wall_time now);

  /// Puts back what was stored, replacing what the book holds. Tells nobody.
  void restore(std::vector<alert_record> records);

  /// New routes and intervals, after a reload. Who was told stays known, so that resolutions reach them.
  void configure(std::vector<route> routes, alert_book_options options);

  /// The record of an alert, firing or lately resolved; null where there is none. Valid until the next
  /// change.
  [[nodiscard]] const alert_record* find(std::string_view id) const;
  [[nodiscard]] bool is_firing(std::string_view id) const;
  /// Every record in order of id.
  [[nodiscard]] std::vector<alert_record> snapshot() const;

 private:
  [[nodiscard]] notification notify(alert_record& record, notification_kind kind, wall_time now);
  [[nodiscard]] notification end(alert_record& record, wall_time now);
  [[nodiscard]] bool is_repeat_due(const alert_record& record, wall_time now) const;

  std::vector<route> routes_;
  alert_book_options options_;
  std::map<std::string, alert_record, std::less<>> records_;
};

}  // namespace pushguard::alerts
