#include "alerts/single_attempt.hpp"

#include <utility>

#include "base/deadline.hpp"

namespace pushguard::alerts {

namespace asio = boost::asio;

namespace {

asio::awaitable<result<delivery>> deliver_to(receiver& to, std::vector<outbox_row> rows) {
  if (rows.size() == 1) {
    delivery of_one = co_await to.deliver(std::move(rows.front()));
    co_return of_one;
  }
  delivery of_all = co_await to.deliver_together(std::move(rows));
  co_return of_all;
}

}  // namespace

outbox_row make_unstored_row(std::string receiver, notification_kind kind, alert content, wall_time now,
                             outbox_ids& ids) {
  outbox_row row;
  row.id = -ids.next(now);
  row.receiver = std::move(receiver);
  row.kind = kind;
  row.content = std::move(content);
  row.created_at = now;
  row.next_attempt_at = now;
  return row;
}

asio::awaitable<delivery> tell_once(receiver& to, std::vector<outbox_row> rows, time_source& time,
                                    duration timeout) {
  auto delivering = deliver_to(to, std::move(rows));
  auto answer = co_await with_deadline(time, time.steady_now() + timeout, "telling " + to.name(),
                                       std::move(delivering));
  co_return answer ? *std::move(answer) : judge_failure(answer.error());
}

}  // namespace pushguard::alerts
