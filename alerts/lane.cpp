#include "alerts/lane.hpp"

#include <algorithm>
#include <utility>

#include "alerts/jittered_wait.hpp"
#include "alerts/single_attempt.hpp"
#include "base/deadline.hpp"
#include "base/fault_point.hpp"

namespace pushguard::alerts {

namespace asio = boost::asio;

namespace {

notification_outcome outcome_of(delivery_verdict verdict) noexcept {
  switch (verdict) {
    case delivery_verdict::sent:
      return notification_outcome::sent;
    case delivery_verdict::retry:
      return notification_outcome::retried;
    case delivery_verdict::drop:
      return notification_outcome::dropped;
  }
  return notification_outcome::dropped;
}

}  // namespace

lane::lane(std::unique_ptr<receiver> to, lane_context context)
    : receiver_(std::move(to)),
      context_(context),
      queue_(receiver_->supersedes(), receiver_->resends()),
      pace_(receiver_->rate()),
      has_more_alerts_(receiver_->resends().has_value()) {
  report_queue();
}

void lane::add(outbox_row row) {
  // Rows in the store may be older ones of the same alert: they come first. But while the store cannot
  // be read, an alert at hand is worth more than its place in the order.
  const bool may_follow_others = is_loading_ || (has_more_rows_ && load_failures_ == 0);
  if (!may_follow_others && has_room()) {
    insert(std::move(row));
  } else {
    has_more_rows_ = true;
    ++rows_beyond_;
    if (arrived_.size() < context_.options.rows_in_memory_max) {
      arrived_.push_back(std::move(row));
    } else {
      have_arrivals_overflowed_ = true;
    }
  }
  report_queue();
  wake();
}

void lane::insert(outbox_row row) {
  const instant now = context_.time.now();
  // A clock that was set must not keep a row for longer than any failure would.
  const duration wait =
      std::clamp(row.next_attempt_at - now.wall, duration::zero(), context_.options.retry_after_max);
  end_superseded(queue_.insert(std::move(row), now.steady + wait));
}

void lane::end(const outbox_row& row, outbox_done how) {
  context_.observer.on_end(row, how);
  context_.settled.finish(std::move(how));
}

void lane::end_superseded(const std::vector<outbox_row>& rows) {
  for (const outbox_row& row : rows) {
    alone_.erase(row.id);
    end(row, {.id = row.id, .end = outbox_end::superseded});
    context_.observer.on_outcome(name(), notification_outcome::superseded, delivery_reason::ok);
  }
}

asio::awaitable<void> lane::run() {
  while (true) {
    is_woken_ = false;
    const steady_time start = context_.time.steady_now();
    if (load_due().value_or(steady_time::max()) <= start) {
      co_await load();
    }
    const instant now = context_.time.now();
    const auto work = queue_.next(now);
    std::optional<steady_time> when = load_due();
    if (work) {
      const steady_time due = std::max({work->due, paused_until_, pace_.next()});
      when = std::min(when.value_or(due), due);
      if (due <= now.steady) {
        outbox_row row = *work->row;
        if (work->is_resend) {
          co_await resend(std::move(row));
        } else {
          const auto group_of = [this](const alert& content) { return receiver_->group_of(content); };
          std::vector<outbox_row> rows =
              queue_.gather(row, group_of, alone_, now.steady, receiver::gathered_max);
          co_await deliver(std::move(rows));
        }
        continue;
      }
    }
    co_await wait_until(when);
  }
}

// Nothing where there is nothing to read, or no room for it.
std::optional<steady_time> lane::load_due() const {
  // Half full is soon enough: the store is read in large pieces, and the lane never runs dry.
  const bool is_half_empty = queue_.size() <= context_.options.rows_in_memory_max / 2;
  if ((has_more_rows_ && is_half_empty) || has_more_alerts_) {
    return next_load_;
  }
  return std::nullopt;
}

asio::awaitable<void> lane::load() {
  result<> loaded = co_await load_rows();
  if (loaded && has_more_alerts_) {
    loaded = co_await load_alerts();
  }
  if (!loaded) {
    if (load_failures_ == 0) {
      context_.log.error("outbox_load_failing", {{"receiver", name()}, {"error", loaded.error().text()}});
    }
    ++load_failures_;
    next_load_ =
        context_.time.steady_now() + jittered_wait(context_.options.retry, load_failures_, context_.random);
    co_return;
  }
  if (load_failures_ > 0) {
    context_.log.info("outbox_load_recovered", {{"receiver", name()}, {"failures", load_failures_}});
  }
  load_failures_ = 0;
}

asio::awaitable<result<>> lane::load_rows() {
  // The oldest rows in the store are those at hand, those that have just ended, and then the new ones.
  const std::set<outbox_id> ended = context_.settled.ended();
  auto loading = context_.store.load_rows(name(), context_.options.rows_in_memory_max + ended.size());
  is_loading_ = true;
  auto page =
      co_await with_deadline(context_.time, context_.time.steady_now() + context_.options.store_timeout,
                             "reading the outbox", std::move(loading));
  is_loading_ = false;
  if (!page) {
    take_arrived_as_they_are();
    co_return std::unexpected(page.error());
  }
  take_in(*std::move(page), ended);
  report_queue();
  co_return result<>{};
}

void lane::take_in(outbox_page page, const std::set<outbox_id>& ended) {
  rows_beyond_ = page.total - page.rows.size();
  const auto take = [&](outbox_row& row) {
    if (queue_.holds(row.id) || ended.contains(row.id)) {
      return;
    }
    if (has_room()) {
      insert(std::move(row));
    } else {
      ++rows_beyond_;
    }
  };
  std::ranges::for_each(page.rows, take);
  const bool is_all_read = rows_beyond_ == 0 && !have_arrivals_overflowed_;
  if (is_all_read) {
    // Nothing is left in the store that would have to go before these.
    std::ranges::for_each(arrived_, take);
  }
  arrived_.clear();
  has_more_rows_ = rows_beyond_ > 0 || have_arrivals_overflowed_;
  have_arrivals_overflowed_ = false;
}

void lane::take_arrived_as_they_are() {
  while (!arrived_.empty() && has_room()) {
    insert(std::move(arrived_.back()));
    arrived_.pop_back();
    --rows_beyond_;
  }
  report_queue();
}

asio::awaitable<result<>> lane::load_alerts() {
  const instant now = context_.time.now();
  const duration resolved_for = receiver_->resends()->resolved_for;
  auto loading = context_.store.load_alerts(now.wall - resolved_for);
  const auto records = co_await with_deadline(context_.time, now.steady + context_.options.store_timeout,
                                              "reading the alerts", std::move(loading));
  if (!records) {
    co_return std::unexpected(records.error());
  }
  for (const alert_record& record : *records) {
    if (std::ranges::find(record.receivers, name()) != record.receivers.end()) {
      queue_.recall(record.content, context_.time.steady_now());
    }
  }
  has_more_alerts_ = false;
  co_return result<>{};
}

asio::awaitable<void> lane::deliver(std::vector<outbox_row> rows) {
  for (const outbox_row& row : rows) {
    queue_.begin(row.id);
  }
  fault_point("outbox.before_delivery");
  const delivery outcome = co_await attempt(rows);
  fault_point("outbox.after_delivery");
  if (outcome.verdict == delivery_verdict::drop && rows.size() > 1) {
    for (const outbox_row& row : rows) {
      queue_.release(row.id);
      alone_.insert(row.id);
    }
    co_return;
  }
  if (outcome.verdict == delivery_verdict::retry) {
    const duration wait = wait_after(outcome, rows.front().attempts + 1);
    for (const outbox_row& row : rows) {
      postpone(row, wait);
    }
  } else {
    for (const outbox_row& row : rows) {
      conclude(row, outcome);
    }
  }
  report_queue();
}

void lane::conclude(const outbox_row& row, const delivery& outcome) {
  queue_.finish(row.id);
  alone_.erase(row.id);
  if (outcome.verdict == delivery_verdict::sent) {
    queue_.remember(row.content, context_.time.steady_now());
    end(row, {.id = row.id, .end = outbox_end::sent});
    context_.log.info("notification_sent", {{"receiver", name()},
                                            {"kind", to_string(row.kind)},
                                            {"alert", row.content.id},
                                            {"notification_id", row.id},
                                            {"failed_attempts", row.attempts}});
    return;
  }
  queue_.forget(row.content.id);
  end(row, {.id = row.id,
            .end = outbox_end::dropped,
            .at = context_.time.wall_now(),
            .reason = std::string(to_string(outcome.reason)),
            .detail = outcome.detail});
  context_.log.error("notification_dropped", {{"receiver", name()},
                                              {"kind", to_string(row.kind)},
                                              {"alert", row.content.id},
                                              {"notification_id", row.id},
                                              {"reason", to_string(outcome.reason)},
                                              {"error", outcome.detail}});
}

asio::awaitable<void> lane::resend(outbox_row row) {
  const delivery outcome = co_await attempt({row});
  const steady_time now = context_.time.steady_now();
  if (outcome.verdict == delivery_verdict::retry) {
    queue_.postpone_resend(row.content.id, now + wait_after(outcome, 1));
  } else if (outcome.verdict == delivery_verdict::sent) {
    queue_.remember(row.content, now);
  } else {
    queue_.forget(row.content.id);
    context_.log.error("notification_dropped", {{"receiver", name()},
                                                {"kind", to_string(row.kind)},
                                                {"alert", row.content.id},
                                                {"reason", to_string(outcome.reason)},
                                                {"error", outcome.detail}});
  }
}

asio::awaitable<delivery> lane::attempt(std::vector<outbox_row> rows) {
  pace_.take(context_.time.steady_now());
  const delivery outcome =
      co_await tell_once(*receiver_, std::move(rows), context_.time, context_.options.delivery_timeout);
  context_.observer.on_outcome(name(), outcome_of(outcome.verdict), outcome.reason);
  if (outcome.verdict == delivery_verdict::retry) {
    note_failure(outcome);
  } else {
    note_recovery();
  }
  if (outcome.verdict == delivery_verdict::sent) {
    last_sent_at_ = context_.time.wall_now();
  }
  co_return outcome;
}

void lane::note_failure(const delivery& outcome) {
  if (failures_ == 0 || last_reason_ != outcome.reason) {
    const log_level level = needs_human(outcome.reason) ? log_level::error : log_level::warning;
    const logger::fields fields = {{"receiver", name()},
                                   {"reason", to_string(outcome.reason)},
                                   {"error", outcome.detail},
                                   {"failures", failures_ + 1}};
    context_.log.write(level, "receiver_failing", {fields.begin(), fields.size()});
  }
  if (failures_ == 0) {
    failing_since_ = context_.time.wall_now();
  }
  ++failures_;
  last_reason_ = outcome.reason;
  last_failure_ = outcome.detail;
}

void lane::note_recovery() {
  if (failures_ > 0) {
    context_.log.info("receiver_recovered", {{"receiver", name()}, {"failures", failures_}});
  }
  failures_ = 0;
  failing_since_.reset();
  paused_until_ = {};
  last_reason_ = delivery_reason::ok;
  last_failure_.clear();
}

// The lane pauses for what the receiver's failures in a row call for; the row waits for what its own
// attempts do, so that one that always fails leaves the others their turn.
duration lane::wait_after(const delivery& outcome, unsigned attempts) {
  const auto& options = context_.options;
  const backoff_limits& limits = needs_human(outcome.reason) ? options.slow_retry : options.retry;
  const duration asked = std::min(outcome.retry_after.value_or(duration::zero()), options.retry_after_max);
  const duration pause = std::max(jittered_wait(limits, failures_, context_.random), asked);
  paused_until_ = context_.time.steady_now() + pause;
  return std::max(jittered_wait(limits, attempts, context_.random), asked);
}

void lane::postpone(const outbox_row& row, duration wait) {
  const instant now = context_.time.now();
  const wall_time next_attempt_at = now.wall + wait;
  context_.settled.postpone({.id = row.id, .attempts = row.attempts + 1, .next_attempt_at = next_attempt_at});
  end_superseded(queue_.postpone(row.id, now.steady + wait, next_attempt_at));
}

asio::awaitable<void> lane::wait_until(std::optional<steady_time> when) {
  auto waking = woken();
  if (when) {
    const result<> ended = co_await with_deadline(context_.time, *when, "waiting", std::move(waking));
    static_cast<void>(ended);  // woken or due, the lane looks again
  } else {
    const result<> ended = co_await std::move(waking);
    static_cast<void>(ended);
  }
}

// Remembers a wake() that comes before the wait has begun.
asio::awaitable<result<>> lane::woken() {
  while (!is_woken_) {
    co_await wake_.wait();
  }
  co_return result<>{};
}

void lane::wake() {
  is_woken_ = true;
  wake_.notify_all();
}

void lane::report_queue() {
  context_.observer.on_queue(name(), queue_.size() + rows_beyond_, queue_.oldest());
}

receiver_status lane::status() const {
  return {.receiver = name(),
          .queue_length = queue_.size() + rows_beyond_,
          .oldest = queue_.oldest(),
          .failures = failures_,
          .failing_since = failing_since_,
          .last_reason = last_reason_,
          .last_failure = last_failure_,
          .last_sent_at = last_sent_at_};
}

}  // namespace pushguard::alerts
