#include "alerts/settler.hpp"

#include <utility>

#include "alerts/jittered_wait.hpp"
#include "base/deadline.hpp"
#include "base/fault_point.hpp"

namespace pushguard::alerts {

namespace asio = boost::asio;

settler::settler(outbox_store& store, time_source& time, logger& log, random_engine& random,
                 const outbox_options& options)
    : store_(store), time_(time), log_(log), random_(random), options_(options) {}

void settler::finish(outbox_done done) {
  const outbox_id id = done.id;
  unsaved_[id] = change{.number = ++changes_made_, .end = std::move(done), .retry = {}};
  changed_.notify_all();
}

void settler::postpone(outbox_retry row) {
  unsaved_[row.id] = change{.number = ++changes_made_, .end = {}, .retry = row};
  changed_.notify_all();
}

asio::awaitable<void> settler::run() {
  while (true) {
    while (unsaved_.empty()) {
      co_await changed_.wait();
    }
    const result<> saved = co_await save(options_.store_timeout);
    note(saved);
    if (!saved) {
      co_await time_.sleep_for(jittered_wait(options_.retry, failures_, random_));
    }
  }
}

asio::awaitable<void> settler::drain() {
  if (unsaved_.empty()) {
    co_return;
  }
  const result<> saved = co_await save(options_.drain);
  note(saved);
}

asio::awaitable<result<>> settler::save(duration timeout) {
  outbox_changes changes;
  for (const auto& [id, each] : unsaved_) {
    if (each.end) {
      changes.done.push_back(*each.end);
    } else {
      changes.retried.push_back(each.retry);
    }
  }
  const std::uint64_t taken = changes_made_;
  fault_point("outbox.before_settle");
  auto settling = store_.settle(std::move(changes));
  const result<> saved = co_await with_deadline(time_, time_.steady_now() + timeout,
                                                "settling deliveries in the store", std::move(settling));
  fault_point("outbox.after_settle");
  if (saved) {
    std::erase_if(unsaved_, [&](const auto& each) { return each.second.number <= taken; });
  }
  co_return saved;
}

void settler::note(const result<>& saved) {
  if (saved) {
    if (failures_ > 0) {
      log_.info("outbox_store_recovered", {{"failures", failures_}});
    }
    failures_ = 0;
    return;
  }
  if (failures_ == 0) {
    log_.error("outbox_store_failing", {{"error", saved.error().text()}});
  }
  ++failures_;
}

std::set<outbox_id> settler::ended() const {
  std::set<outbox_id> out;
  for (const auto& [id, each] : unsaved_) {
    if (each.end) {
      out.insert(id);
    }
  }
  return out;
}

}  // namespace pushguard::alerts
