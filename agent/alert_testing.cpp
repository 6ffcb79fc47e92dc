#include "agent/alert_testing.hpp"

#include <boost/asio/this_coro.hpp>

#include "alerts/outbox.hpp"
#include "alerts/single_attempt.hpp"
#include "base/task_group.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

using alerts::notification_kind;

/// What the tests of all receivers share.
struct test_run {
  const alerts::alert content;
  time_source& time;
  std::function<void(alert_test_step)> on_step;
  alerts::outbox_ids ids = {};
};

asio::awaitable<void> take_step(test_run& run, std::size_t place, alerts::receiver& to,
                                notification_kind step) {
  const wall_time now = run.time.wall_now();
  alerts::alert content = run.content;
  if (step == notification_kind::resolved) {
    content.state = alerts::alert_state::resolved;
    content.updated_at = now;
    content.resolved_at = now;
  }
  auto row = alerts::make_unstored_row(to.name(), step, std::move(content), now, run.ids);
  auto outcome =
      co_await alerts::tell_once(to, {std::move(row)}, run.time, alerts::outbox_options{}.delivery_timeout);
  run.on_step({.receiver = place, .step = step, .outcome = std::move(outcome)});
}

asio::awaitable<void> test_one(test_run& run, std::size_t place, alerts::receiver& to) {
  co_await take_step(run, place, to, notification_kind::fired);
  co_await take_step(run, place, to, notification_kind::resolved);
}

}  // namespace

asio::awaitable<void> test_receivers(const std::vector<std::unique_ptr<alerts::receiver>>& receivers,
                                     test_sender sender, time_source& time,
                                     std::function<void(alert_test_step)> on_step) {
  test_run run{
      .content = make_test_alert(sender, time.wall_now()), .time = time, .on_step = std::move(on_step)};
  task_group tasks(co_await asio::this_coro::executor);
  for (std::size_t place = 0; place < receivers.size(); ++place)
    tasks.spawn(test_one(run, place, *receivers[place]));
  co_await tasks.join();
}

}  // namespace pushguard::agent
