#include "agent/audit_backlog.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

// A day of a full disk while every request of a large rollout is tried again and again.
constexpr std::size_t waiting_max = 10'000;

}  // namespace

std::vector<store::audit_entry> audit_backlog::luggage::entries() const {
  std::vector<store::audit_entry> out;
  for (const auto& [place, entry] : entries_)
    out.push_back(entry);
  return out;
}

void audit_backlog::add(store::audit_entry entry) {
  if (waiting_.size() >= waiting_max) {
    if (!is_losing_)
      log_.error("audit_entry_lost",
                 {{"kind", store::to_string(entry.kind)},
                  {"reason", "too many entries wait for the store; more are lost until it works again"}});
    is_losing_ = true;
    return;
  }
  waiting_.emplace(next_++, std::move(entry));
  added_.notify_all();
}

asio::awaitable<bool> audit_backlog::flush() {
  luggage carried = take();
  if (carried.empty())
    co_return true;
  store::batch batch;
  batch.audit = carried.entries();
  const auto committed = co_await store_.commit(std::move(batch));
  if (!committed) {
    if (committed.error().text() != last_failure_)
      log_.error("audit_not_stored", {{"error", committed.error().text()}});
    last_failure_ = committed.error().text();
    co_return false;
  }
  carried.stored();
  last_failure_.clear();
  is_losing_ = false;
  co_return true;
}

asio::awaitable<void> audit_backlog::run() {
  backoff retry;
  for (;;) {
    if (waiting_.empty()) {
      co_await added_.wait();
    }
    const bool is_written = co_await flush();
    if (is_written) {
      retry.reset();
    } else {
      co_await time_.sleep_for(retry.next(random_));
    }
  }
}

}  // namespace pushguard::agent
