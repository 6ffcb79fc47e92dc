#include "agent/alert_center.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <iterator>

#include "agent/alerting_texts.hpp"
#include "agent/operator_trail.hpp"
#include "agent/store/ports.hpp"
#include "base/deadline.hpp"
#include "base/yield_turn.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

constexpr duration resolved_looked_back = std::chrono::minutes(15);  // as long as a book remembers them
constexpr duration last_commit_patience = std::chrono::seconds(2);
constexpr duration looking_interval = std::chrono::milliseconds(500);
constexpr duration receiver_patience = std::chrono::minutes(5);  // before others are told of a failing one
constexpr duration dropped_retold_after = std::chrono::minutes(10);  // that there are more dead letters

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

asio::awaitable<result<>> alert_center::restore(alerts::outbox_id newest_notification,
                                                std::vector<alerts::dead_letter> dead_letters) {
  ids_.skip(newest_notification);
  const auto outbox_port = store::make_outbox_store(parts_.store);
  auto records = co_await outbox_port->load_alerts(parts_.time.wall_now() - resolved_looked_back);
  if (!records) {
    co_return fail_in("reading the alerts", records.error());
  }
  book_.restore(std::move(*records));
  // What an earlier life has told of, or is too old to be told now.
  const wall_time since = parts_.time.wall_now() - resolved_looked_back;
  for (const alerts::dead_letter& letter : dead_letters) {
    const alerts::alert_record* told = book_.find(dropped_alert_id(letter.row.receiver));
    const bool is_told = told != nullptr && told->content.updated_at >= letter.dropped_at;
    if (is_told || letter.dropped_at < since)
      told_drops_[letter.row.receiver].last = letter.row.id;
  }
  dead_letters_ = std::make_shared<const std::vector<alerts::dead_letter>>(std::move(dead_letters));
  co_return result<>{};
}

void alert_center::add_to(luggage& with, const alerts::notification& from) {
  with.alerts.push_back(from.record);
  append(with.notifications, alerts::make_outbox_rows(from, parts_.time.wall_now(), ids_));
}

void alert_center::add(const alerts::notification& from) {
  add_to(waiting_, from);
  is_published_ = false;
  changed_.notify_all();
}

// Once for all that changes until run() looks again: deliveries can be many.
void alert_center::on_outbox_changed() {
  if (std::exchange(is_published_, false))
    changed_.notify_all();
}

/// Every alert leads somewhere; most texts leave that to the center.
void alert_center::lead(alerts::alert& what) const {
  if (!what.generator_url.empty())
    return;
  const auto label = [&](std::string_view name) -> std::string_view {
    const auto found = what.labels.find(name);
    return found == what.labels.end() ? std::string_view{} : found->second;
  };
  const std::string_view rule = label("rule");
  add_links(what, parts_.site(),
            {.hub = label("hub"),
             .rollout = label("rollout"),
             .policy = label("policy"),
             .rule = rule.empty() ? std::string_view(what.name) : rule});
}

void alert_center::announce(const std::optional<alerts::notification>& raised) {
  if (!raised)
    return;
  parts_.log.info("alert_raised", {{"alert", raised->record.content.name},
                                   {"severity", to_string(raised->record.content.severity)},
                                   {"id", raised->record.content.id},
                                   {"summary", raised->record.content.summary}});
}

void alert_center::raise(alerts::alert what) {
  lead(what);
  const auto told = book_.raise(std::move(what), parts_.time.wall_now());
  announce(told);
  if (told)
    add(*told);
}

std::optional<alerts::notification> alert_center::raise_into(luggage& with, alerts::alert what) {
  lead(what);
  auto told = book_.raise(std::move(what), parts_.time.wall_now());
  if (told) {
    add_to(with, *told);
    is_published_ = false;
  }
  return told;
}

void alert_center::configure(std::vector<alerts::route> routes, alerts::alert_book_options options) {
  book_.configure(std::move(routes), std::move(options));
  on_outbox_changed();
}

void alert_center::resolve_all_of(std::string_view hub) {
  std::vector<std::string> gone;
  for (const auto& [id, record] : book_.records()) {
    const auto label = record.content.labels.find("hub");
    if (label != record.content.labels.end() && label->second == hub)
      gone.push_back(id);
  }
  for (const std::string& id : gone)
    end(id);
}

void alert_center::note_resolved(const std::optional<alerts::notification>& told) {
  if (!told)
    return;
  if (told->record.content.state == alerts::alert_state::resolved) {
    parts_.log.info("alert_resolved",
                    {{"alert", told->record.content.name}, {"id", told->record.content.id}});
  }
  add(*told);
}

void alert_center::resolve(std::string_view id) {
  note_resolved(book_.resolve(id, parts_.time.wall_now()));
}

void alert_center::end(std::string_view id) {
  note_resolved(book_.end(id, parts_.time.wall_now()));
}

void alert_center::end(alerts::alert what) {
  lead(what);
  note_resolved(book_.resolve(std::move(what), parts_.time.wall_now()));
}

// ---- what operators do ----

asio::awaitable<operator_answer> alert_center::perform(operator_command command, std::string name) {
  const wall_time now = parts_.time.wall_now();
  const auto id = book_.find_id(name);
  if (!id || !book_.is_firing(*id)) {
    co_return operator_answer{
        .outcome = id ? operator_outcome::conflict : operator_outcome::not_found,
        .text = id ? fmt::format("{} has ended: there is nothing to {}", *id, to_string(command.action))
                   : fmt::format("this agent knows no {}", target_text(command))};
  }
  const alerts::alert_record before = *book_.find(*id);
  const bool is_ack = command.action == domain::operator_action::ack;
  const auto told =
      is_ack
          ? book_.acknowledge(*id, {.by = command.actor, .reason = command.reason, .at = now})
          : book_.mute(
                *id,
                {.by = command.actor, .reason = command.reason, .since = now, .until = now + command.length});
  if (!told) {
    co_return operator_answer{
        .outcome = before.content.acknowledged ? operator_outcome::repeated : operator_outcome::invalid,
        .text = before.content.acknowledged
                    ? fmt::format("{} was acknowledged by {} at {}", *id, before.content.acknowledged->by,
                                  format_time(before.content.acknowledged->at))
                    : fmt::format("{} tells of a change, which nobody has to look after", *id)};
  }
  luggage taken = take();
  luggage own;
  add_to(own, *told);
  store::batch batch;
  taken.add_to(batch);
  own.add_to(batch);
  const auto label = [&](std::string_view wanted) {
    const auto found = before.content.labels.find(wanted);
    return found == before.content.labels.end() ? std::string() : found->second;
  };
  const auto committed =
      co_await commit_action(parts_.store, parts_.log, std::move(batch),
                             {.kind = is_ack ? store::audit_kind::acknowledged : store::audit_kind::muted,
                              .at = now,
                              .actor = command.actor,
                              .hub = label("hub"),
                              .rollout = label("rollout"),
                              .policy = label("policy"),
                              .rule = label("rule"),
                              .target = *id,
                              .reason = command.reason,
                              .until = is_ack ? std::nullopt : std::optional(now + command.length)});
  if (!committed) {
    book_.undo(before, told->record);
    put_back(std::move(taken));
    co_return operator_answer{
        .outcome = operator_outcome::unavailable,
        .text = fmt::format("nothing was done, as it could not be recorded: {}", committed.error().text())};
  }
  stored(std::move(taken));
  stored(std::move(own));
  is_published_ = false;
  co_await publish();  // who asks next sees it
  co_return operator_answer{
      .outcome = operator_outcome::done,
      .text = !is_ack ? fmt::format("{} is muted until {}", *id, format_time(now + command.length))
              : told->record.content.state == alerts::alert_state::resolved
                  ? fmt::format("{} is acknowledged, which ends it", *id)
                  : fmt::format("{} is acknowledged: it is repeated no more", *id)};
}

// ---- into the store and on to the outbox ----

alert_center::luggage alert_center::take() {
  drop_what_was_delivered(waiting_);
  return std::exchange(waiting_, {});
}

void alert_center::stored(luggage what) {
  // The outbox has what was lent to it; only its end needs the store now.
  std::erase_if(what.notifications,
                [this](const alerts::outbox_row& row) { return lent_.erase(row.id) > 0; });
  if (!what.notifications.empty()) {
    parts_.outbox.notify_committed(std::move(what.notifications));
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

void alert_center::withdraw(luggage& what, std::string_view id) {
  std::erase_if(what.alerts, [&](const alerts::alert_record& record) { return record.content.id == id; });
  std::erase_if(what.notifications, [&](const alerts::outbox_row& row) { return row.content.id == id; });
  book_.forget(id);
}

/// What the store does not take is told all the same.
void alert_center::lend() {
  std::vector<alerts::outbox_row> rows;
  for (const alerts::outbox_row& row : waiting_.notifications) {
    if (lent_.emplace(row.id, false).second)
      rows.push_back(row);
  }
  if (!rows.empty())
    parts_.outbox.notify_committed(std::move(rows));
}

void alert_center::drop_what_was_delivered(luggage& what) {
  std::erase_if(what.notifications, [this](const alerts::outbox_row& row) {
    const auto lent = lent_.find(row.id);
    if (lent == lent_.end() || !lent->second)
      return false;
    lent_.erase(lent);
    return true;
  });
}

asio::awaitable<bool> alert_center::commit_waiting() {
  drop_what_was_delivered(waiting_);
  if (waiting_.empty()) {
    co_return true;
  }
  luggage taken = take();
  store::batch batch;
  taken.add_to(batch);
  const auto committed = co_await parts_.store.commit(std::move(batch));
  if (!committed) {
    parts_.log.error("alerts_not_stored", {{"error", committed.error().text()}});
    put_back(std::move(taken));
    lend();
    co_return false;
  }
  stored(std::move(taken));
  co_return true;
}

// ---- the receivers ----

void alert_center::on_end(const alerts::outbox_row& row, const alerts::outbox_done& how) {
  if (const auto lent = lent_.find(row.id); lent != lent_.end())
    lent->second = true;
  if (how.end == alerts::outbox_end::dropped) {
    auto letters = std::make_shared<std::vector<alerts::dead_letter>>(*dead_letters_);
    letters->push_back({.row = row, .dropped_at = how.at, .reason = how.reason, .detail = how.detail});
    if (letters->size() > store::dead_letters_max)
      letters->erase(letters->begin());
    dead_letters_ = std::move(letters);
  }
  on_outbox_changed();
}

void alert_center::watch_receivers() {
  const wall_time now = parts_.time.wall_now();
  const std::vector<alerts::receiver_status> receivers = parts_.outbox.status();
  for (const alerts::receiver_status& status : receivers) {
    const std::string id = receiver_failing_alert_id(status.receiver);
    if (status.failures == 0) {
      resolve(id);
    } else if (!book_.is_firing(id) && (needs_human(status.last_reason) ||
                                        now - status.failing_since.value_or(now) >= receiver_patience)) {
      // Once, with the words of that moment: each attempt may fail in others.
      raise(make_receiver_failing_alert(status));
    }
  }
  std::vector<std::string> gone;
  for (const auto& [id, record] : book_.records()) {
    const std::string& about = record.content.about_receiver;
    if (!about.empty() &&
        std::ranges::find(receivers, about, &alerts::receiver_status::receiver) == receivers.end())
      gone.push_back(id);
  }
  for (const std::string& id : gone)
    end(id);
  tell_of_dropped();
}

/// At once of the first, and of more in one breath now and then: what refuses one refuses many.
void alert_center::tell_of_dropped() {
  std::map<std::string_view, std::size_t> counts;
  std::map<std::string_view, const alerts::dead_letter*> newest;
  for (const alerts::dead_letter& letter : *dead_letters_) {
    ++counts[letter.row.receiver];
    newest[letter.row.receiver] = &letter;
  }
  const steady_time now = parts_.time.steady_now();
  for (const auto& [receiver, letter] : newest) {
    told_drop& told = told_drops_[std::string(receiver)];
    const bool is_too_soon =
        book_.is_firing(dropped_alert_id(receiver)) && now - told.at < dropped_retold_after;
    if (letter->row.id == told.last || is_too_soon)
      continue;
    told = {.last = letter->row.id, .at = now};
    raise(make_dropped_alert(*letter, counts[receiver]));
  }
}

/// A few at a time: of many alerts, copies take as long as a decision may. What changes meanwhile is
/// published next, and so is all of it where this one is cancelled in between.
asio::awaitable<void> alert_center::publish() {
  constexpr std::size_t alerts_per_turn = 50;
  if (std::exchange(is_published_, true))
    co_return;
  struct taking_back {
    bool* flag;
    ~taking_back() {
      if (flag != nullptr)
        *flag = false;
    }
  } unless_done{&is_published_};
  alerting_view view;
  const auto& records = book_.records();
  for (auto at = records.begin(); at != records.end();) {
    const alerts::alert_record& record = at->second;
    std::vector<std::string> inhibitors;
    if (record.content.state == alerts::alert_state::firing)
      inhibitors = book_.inhibitors_of(record.content);
    view.alerts.push_back({.record = record, .inhibited_by = std::move(inhibitors)});
    if (view.alerts.size() % alerts_per_turn != 0) {
      ++at;
      continue;
    }
    const std::string last = at->first;
    co_await yield_turn();
    at = records.upper_bound(last);
  }
  view.receivers = parts_.outbox.status();
  view.dead_letters = dead_letters_;
  parts_.publish(std::make_shared<const alerting_view>(std::move(view)));
  unless_done.flag = nullptr;
}

asio::awaitable<void> alert_center::run() {
  backoff retry;
  steady_time look_at = parts_.time.steady_now();
  try {
    for (;;) {
      const bool is_time_to_look = parts_.time.steady_now() >= look_at;
      if (is_time_to_look) {
        watch_receivers();
        for (const alerts::notification& due : book_.due(parts_.time.wall_now()))
          note_resolved(due);
        append(waiting_.forgotten, book_.forget_resolved(parts_.time.wall_now()));
      }
      const bool is_stored = co_await commit_waiting();
      if (is_time_to_look) {
        co_await publish();
        look_at = parts_.time.steady_now() + looking_interval;
      }
      if (!is_stored) {
        co_await parts_.time.sleep_for(retry.next(parts_.random));
        continue;
      }
      retry.reset();
      if (waiting_.empty()) {
        // What is raised wakes at once; what deliveries bring, and time alone, waits for the next look.
        const steady_time until =
            is_published_ ? parts_.time.steady_now() + std::chrono::minutes(1) : look_at;
        (void)co_await with_deadline(parts_.time, until, "waiting for alerts", wait_for(changed_));
      }
    }
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted)
      throw;
  }
  // Cancelled: what was raised last must not be lost with the process.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const steady_time patience = parts_.time.steady_now() + last_commit_patience;
  for (;;) {
    const bool is_stored = co_await commit_waiting();
    if (is_stored || parts_.time.steady_now() >= patience)
      co_return;
    co_await parts_.time.sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace pushguard::agent
