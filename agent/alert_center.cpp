#include "agent/alert_center.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <iterator>

#include "agent/store/ports.hpp"
#include "base/deadline.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

constexpr duration resolved_looked_back = std::chrono::minutes(15);  // as long as a book remembers them
constexpr duration last_commit_patience = std::chrono::seconds(2);

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

asio::awaitable<result<>> wait_for(condition& changed) {
  co_await changed.wait();
  co_return result<>{};
}

}  // namespace

void alert_center::luggage::add_to(store::batch& batch) const {
  batch.alerts.insert(batch.alerts.end(), alerts.begin(), alerts.end());
  batch.notifications.insert(batch.notifications.end(), notifications.begin(), notifications.end());
  batch.forgotten_alerts.insert(batch.forgotten_alerts.end(), forgotten.begin(), forgotten.end());
}

asio::awaitable<result<>> alert_center::restore(alerts::outbox_id newest_notification) {
  ids_.skip(newest_notification);
  const auto outbox_port = store::make_outbox_store(store_);
  auto records = co_await outbox_port->load_alerts(time_.wall_now() - resolved_looked_back);
  if (!records) {
    co_return fail_in("reading the alerts", records.error());
  }
  book_.restore(std::move(*records));
  co_return result<>{};
}

void alert_center::add(const alerts::notification& from) {
  waiting_.alerts.push_back(from.record);
  append(waiting_.notifications, alerts::make_outbox_rows(from, time_.wall_now(), ids_));
  changed_.notify_all();
}

void alert_center::raise(alerts::alert what) {
  if (const auto told = book_.raise(std::move(what), time_.wall_now())) {
    log_.info("alert_raised", {{"alert", told->record.content.name},
                               {"severity", to_string(told->record.content.severity)},
                               {"id", told->record.content.id},
                               {"summary", told->record.content.summary}});
    add(*told);
  }
}

void alert_center::configure(std::vector<alerts::route> routes, alerts::alert_book_options options) {
  book_.configure(std::move(routes), options);
  changed_.notify_all();
}

void alert_center::resolve_all_of(std::string_view hub) {
  for (const alerts::alert_record& record : book_.snapshot()) {
    const auto label = record.content.labels.find("hub");
    if (label != record.content.labels.end() && label->second == hub)
      resolve(record.content.id);
  }
}

void alert_center::resolve(std::string_view id) {
  if (const auto told = book_.resolve(id, time_.wall_now())) {
    log_.info("alert_resolved", {{"alert", told->record.content.name}, {"id", told->record.content.id}});
    add(*told);
  }
}

alert_center::luggage alert_center::take() {
  return std::exchange(waiting_, {});
}

void alert_center::stored(luggage what) {
  if (!what.notifications.empty()) {
    outbox_.notify_committed(std::move(what.notifications));
  }
}

void alert_center::put_back(luggage what) {
  // What came meanwhile is newer, and records replace each other in order.
  append(what.alerts, std::move(waiting_.alerts));
  append(what.notifications, std::move(waiting_.notifications));
  append(what.forgotten, std::move(waiting_.forgotten));
  waiting_ = std::move(what);
  changed_.notify_all();
}

asio::awaitable<bool> alert_center::commit_waiting() {
  if (waiting_.empty()) {
    co_return true;
  }
  luggage taken = take();
  store::batch batch;
  taken.add_to(batch);
  const auto committed = co_await store_.commit(std::move(batch));
  if (!committed) {
    log_.error("alerts_not_stored", {{"error", committed.error().text()}});
    put_back(std::move(taken));
    co_return false;
  }
  stored(std::move(taken));
  co_return true;
}

asio::awaitable<void> alert_center::run() {
  backoff retry;
  try {
    for (;;) {
      for (const alerts::notification& due : book_.repeats_due(time_.wall_now()))
        add(due);
      append(waiting_.forgotten, book_.forget_resolved(time_.wall_now()));
      const bool is_stored = co_await commit_waiting();
      if (!is_stored) {
        co_await time_.sleep_for(retry.next(random_));
        continue;
      }
      retry.reset();
      if (waiting_.empty()) {
        // Woken by a change, or to look for repeats.
        const steady_time look_again = time_.steady_now() + std::chrono::minutes(1);
        (void)co_await with_deadline(time_, look_again, "waiting for alerts", wait_for(changed_));
      }
    }
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted)
      throw;
  }
  // Cancelled: what was raised last must not be lost with the process.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const steady_time patience = time_.steady_now() + last_commit_patience;
  for (;;) {
    const bool is_stored = co_await commit_waiting();
    if (is_stored || time_.steady_now() >= patience)
      co_return;
    co_await time_.sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace pushguard::agent
