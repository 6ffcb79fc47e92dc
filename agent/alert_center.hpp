#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/alert_links.hpp"
#include "agent/operator_command.hpp"
#include "agent/store/store.hpp"
#include "agent/views.hpp"
#include "alerts/alert_book.hpp"
#include "alerts/outbox.hpp"
#include "base/backoff.hpp"
#include "base/condition.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// References outlive the center.
struct alert_center_parts {
  store::store& store;
  alerts::outbox& outbox;
  time_source& time;
  logger& log;
  random_engine& random;
  std::function<alert_site()> site;  ///< where alerts lead to now
  /// What changed, for whoever shows it.
  std::function<void(std::shared_ptr<const alerting_view>)> publish;
};

/// Raises and resolves alerts, keeps them durable, and wakes the outbox. An alert that belongs to a
/// decision travels in the decision's own commit; the others are committed by run(). While the store takes
/// nothing, they are told all the same, and stored when it does again.
///
/// It also watches the receivers: those that cannot be reached or refuse something are themselves an alert to
/// the others. For one thread.
class alert_center {
 public:
  /// Alert records and notifications on their way into the store.
  struct luggage {
    std::vector<alerts::alert_record> alerts;
    std::vector<alerts::outbox_row> notifications;
    std::vector<std::string> forgotten;

    [[nodiscard]] bool empty() const noexcept {
      return alerts.empty() && notifications.empty() && forgotten.empty();
    }
    void add_to(store::batch& batch) const;
  };

  alert_center(alerts::alert_book book, alert_center_parts parts)
      : book_(std::move(book)), parts_(std::move(parts)) {}

  /// Puts back what was stored. Before anything is raised.
  [[nodiscard]] boost::asio::awaitable<result<>> restore(alerts::outbox_id newest_notification,
                                                         std::vector<alerts::dead_letter> dead_letters);

  /// New routes and intervals, after a reload.
  void configure(std::vector<alerts::route> routes, alerts::alert_book_options options);

  void raise(alerts::alert what);
  /// Raises an alert whose record and notifications travel in `with`: it is so only if that is stored.
  /// Answers what announce() is to log then; nothing where there is nothing new.
  [[nodiscard]] std::optional<alerts::notification> raise_into(luggage& with, alerts::alert what);
  void announce(const std::optional<alerts::notification>& raised);
  void resolve(std::string_view id);
  /// As resolve(), and at once, whatever its keep_firing_for: it cannot come back.
  void end(std::string_view id);
  /// As end(), with last words.
  void end(alerts::alert what);

  /// Acknowledges or mutes an alert, and answers when that is stored, with an entry in the audit trail.
  [[nodiscard]] boost::asio::awaitable<operator_answer> perform(operator_command command, std::string name);

  /// The outbox tells of a row that has ended, and of anything that has changed.
  void on_end(const alerts::outbox_row& row, const alerts::outbox_done& how);
  void on_outbox_changed();

  /// What waits to be stored, for a caller who commits it with something of its own and then calls
  /// stored() or put_back().
  [[nodiscard]] luggage take();
  void stored(luggage what);
  void put_back(luggage what);
  /// Takes an alert that nobody has heard of out of `what`, and out of the book: what it told is not so.
  void withdraw(luggage& what, std::string_view id);

  /// Commits what is raised and resolved, repeats what is due, until cancelled; then commits once more.
  [[nodiscard]] boost::asio::awaitable<void> run();

  /// Resolves everything that fires about a hub: it is watched no more.
  void resolve_all_of(std::string_view hub);

  [[nodiscard]] std::vector<alerts::alert_record> snapshot() const { return book_.snapshot(); }

 private:
  void lead(alerts::alert& what) const;
  void add(const alerts::notification& from);
  void add_to(luggage& with, const alerts::notification& from);
  void note_resolved(const std::optional<alerts::notification>& told);
  [[nodiscard]] boost::asio::awaitable<bool> commit_waiting();
  void lend();
  void drop_what_was_delivered(luggage& what);
  void watch_receivers();
  void tell_of_dropped();
  [[nodiscard]] boost::asio::awaitable<void> publish();

  alerts::alert_book book_;
  alert_center_parts parts_;
  alerts::outbox_ids ids_;
  std::shared_ptr<const std::vector<alerts::dead_letter>> dead_letters_ =
      std::make_shared<std::vector<alerts::dead_letter>>();  ///< never null
  struct told_drop {
    alerts::outbox_id last = 0;  ///< the newest dead letter that the alert speaks of
    steady_time at{};
  };
  std::map<std::string, told_drop, std::less<>> told_drops_;  ///< by receiver
  /// Notifications that were handed to the outbox although the store does not hold them, and whether they
  /// have ended.
  std::map<alerts::outbox_id, bool> lent_;
  bool is_published_ = false;
  luggage waiting_;
  condition changed_;
};

}  // namespace pushguard::agent
