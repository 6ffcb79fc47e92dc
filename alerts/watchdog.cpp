#include "alerts/watchdog.hpp"

#include <algorithm>
#include <utility>

#include "alerts/single_attempt.hpp"
#include "base/deadline.hpp"

namespace pushguard::alerts {

namespace asio = boost::asio;

watchdog::watchdog(alert content, time_source& time, logger& log, watchdog_observer& observer,
                   watchdog_options options)
    : content_(make_bounded(std::move(content))),
      time_(time),
      log_(log),
      observer_(observer),
      options_(options) {
  content_.state = alert_state::firing;
  content_.starts_at = time_.wall_now();
}

void watchdog::configure(std::optional<watchdog_duty> duty) {
  next_duty_ = std::move(duty);
  is_changed_ = true;
  change_.notify_all();
}

asio::awaitable<void> watchdog::run() {
  for (;;) {
    if (is_changed_)
      take_over();
    if (duty_ && due_ <= time_.steady_now())
      co_await tell();
    else
      co_await wait_until_due();
  }
}

void watchdog::take_over() {
  duty_ = std::exchange(next_duty_, std::nullopt);
  is_changed_ = false;
  due_ = time_.steady_now();
  was_told_ = false;
  failures_ = 0;
}

asio::awaitable<void> watchdog::tell() {
  const wall_time now = time_.wall_now();
  content_.updated_at = now;
  const notification_kind kind = was_told_ ? notification_kind::repeated : notification_kind::fired;
  outbox_row row = make_unstored_row(duty_->to->name(), kind, content_, now, ids_);
  const delivery outcome = co_await tell_once(*duty_->to, {std::move(row)}, time_, options_.delivery_timeout);
  note(outcome);
  // From beat to beat rather than from answer to answer, or slow answers would make the interval longer.
  const duration asked = std::min(outcome.retry_after.value_or(duration::zero()), options_.retry_after_max);
  due_ = std::max(due_ + duty_->interval, time_.steady_now() + asked);
}

void watchdog::note(const delivery& outcome) {
  const std::string& name = duty_->to->name();
  if (outcome.verdict == delivery_verdict::sent) {
    if (failures_ > 0)
      log_.info("watchdog_recovered", {{"receiver", name}, {"failures", failures_}});
    failures_ = 0;
    was_told_ = true;
    observer_.on_watchdog_sent(time_.wall_now());
    return;
  }
  if (failures_ == 0)
    log_.warning("watchdog_failing",
                 {{"receiver", name}, {"reason", to_string(outcome.reason)}, {"error", outcome.detail}});
  ++failures_;
}

asio::awaitable<void> watchdog::wait_until_due() {
  auto changing = changed();
  if (duty_) {
    const result<> ended = co_await with_deadline(time_, due_, "waiting", std::move(changing));
    static_cast<void>(ended);  // changed or due, run() looks again
  } else {
    const result<> ended = co_await std::move(changing);
    static_cast<void>(ended);
  }
}

asio::awaitable<result<>> watchdog::changed() {
  while (!is_changed_)
    co_await change_.wait();
  co_return result<>{};
}

}  // namespace pushguard::alerts
