#pragma once

#include <boost/asio/awaitable.hpp>
#include <string_view>

#include "agent/store/store.hpp"
#include "alerts/alert_book.hpp"
#include "alerts/outbox.hpp"
#include "base/backoff.hpp"
#include "base/condition.hpp"
#include "base/log.hpp"
#include "base/time_source.hpp"

namespace pushguard::agent {

/// Raises and resolves alerts, keeps them durable, and wakes the outbox. An alert that belongs to a
/// decision travels in the decision's own commit; the others are committed by run(). For one thread; the
/// references must outlive it.
class alert_center {
 public:
  alert_center(alerts::alert_book book, store::store& store, alerts::outbox& outbox, time_source& time,
               logger& log, random_engine& random)
      : book_(std::move(book)), store_(store), outbox_(outbox), time_(time), log_(log), random_(random) {}

  /// Puts back what was stored. Before anything is raised.
  [[nodiscard]] boost::asio::awaitable<result<>> restore(alerts::outbox_id newest_notification);

  /// New routes and intervals, after a reload.
  void configure(std::vector<alerts::route> routes, alerts::alert_book_options options);

  void raise(alerts::alert what);
  void resolve(std::string_view id);

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
  /// What waits to be stored, for a caller who commits it with something of its own and then calls
  /// stored() or put_back().
  [[nodiscard]] luggage take();
  void stored(luggage what);
  void put_back(luggage what);

  /// Commits what is raised and resolved, repeats what is due, until cancelled; then commits once more.
  [[nodiscard]] boost::asio::awaitable<void> run();

  /// Resolves everything that fires about a hub: it is watched no more.
  void resolve_all_of(std::string_view hub);

  [[nodiscard]] std::vector<alerts::alert_record> snapshot() const { return book_.snapshot(); }

 private:
  void add(const alerts::notification& from);
  [[nodiscard]] boost::asio::awaitable<bool> commit_waiting();

  alerts::alert_book book_;
  store::store& store_;
  alerts::outbox& outbox_;
  time_source& time_;
  logger& log_;
  random_engine& random_;
  alerts::outbox_ids ids_;
  luggage waiting_;
  condition changed_;
};

}  // namespace pushguard::agent
