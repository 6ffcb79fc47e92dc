#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "agent/store/sqlite_database.hpp"
#include "agent/store/store.hpp"

namespace pushguard::store {
namespace {

namespace asio = boost::asio;

// Callers wait for their answers, so only a runaway loop reaches this.
constexpr std::size_t waiting_max = 10'000;
// Batches written with one sync: enough to share it, few enough that nobody waits long for the others.
constexpr std::size_t group_max = 64;

template <class T>
using completion = std::move_only_function<void(result<T>)>;

struct waiting_commit {
  batch changes;
  completion<commit_outcome> done;
};
using waiting_read = std::move_only_function<void(sqlite_database&)>;

failure closed_failure() {
  return {errc::closed, "the store is closed"};
}

/// Resumes an awaiting coroutine on its own executor, from whatever thread.
template <class T, class Handler>
completion<T> resume_on_own_executor(Handler handler) {
  auto executor =
      asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
  return [handler = std::move(handler), executor = std::move(executor)](result<T> answer) mutable {
    asio::post(executor, [handler = std::move(handler), answer = std::move(answer)]() mutable {
      std::move(handler)(std::move(answer));
    });
  };
}

/// Owns the thread that owns the database.
class threaded_store final : public store {
 public:
  explicit threaded_store(sqlite_database database)
      : worker_([this, opened = std::move(database)]() mutable { work(std::move(opened)); }) {}

  ~threaded_store() override { close(); }

  asio::awaitable<result<commit_outcome>> commit(batch changes) override {
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(result<commit_outcome>)>(
        [this](auto handler, batch taken) {
          this->enqueue_commit(
              waiting_commit{std::move(taken), resume_on_own_executor<commit_outcome>(std::move(handler))});
        },
        asio::use_awaitable, std::move(changes));
  }

  asio::awaitable<result<loaded_state>> load() override {
    return read<loaded_state>([](sqlite_database& from) { return from.load(); });
  }

  asio::awaitable<result<std::vector<decision_record>>> decisions(decision_query query) override {
    return read<std::vector<decision_record>>(
        [query = std::move(query)](sqlite_database& from) { return from.decisions(query); });
  }

  asio::awaitable<result<std::vector<audit_row>>> audit_page(audit_query query) override {
    return read<std::vector<audit_row>>(
        [query = std::move(query)](sqlite_database& from) { return from.audit_page(query); });
  }

  asio::awaitable<result<std::vector<domain::org_key>>> spared_orgs_of(rollout_key rollout) override {
    return read<std::vector<domain::org_key>>(
        [rollout = std::move(rollout)](sqlite_database& from) { return from.spared_orgs_of(rollout); });
  }

  asio::awaitable<result<std::vector<cometd::checkpoint>>> checkpoints_of(std::string hub) override {
    return read<std::vector<cometd::checkpoint>>(
        [hub = std::move(hub)](sqlite_database& from) { return from.checkpoints_of(hub); });
  }

  asio::awaitable<result<alerts::outbox_page>> notifications_for(std::string receiver,
                                                                 std::size_t rows_max) override {
    return read<alerts::outbox_page>([receiver = std::move(receiver), rows_max](sqlite_database& from) {
      return from.notifications_for(receiver, rows_max);
    });
  }

  asio::awaitable<result<std::vector<alerts::alert_record>>> alert_records(
      wall_time resolved_since) override {
    return read<std::vector<alerts::alert_record>>(
        [resolved_since](sqlite_database& from) { return from.alert_records(resolved_since); });
  }

  void close() noexcept override {
    {
      const std::lock_guard hold(mutex_);
      is_closing_ = true;
    }
    wake_.notify_one();
    if (worker_.joinable())
      worker_.join();
  }

 private:
  template <class T>
  asio::awaitable<result<T>> read(std::function<result<T>(sqlite_database&)> ask) {
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(result<T>)>(
        [this](auto handler, std::function<result<T>(sqlite_database&)> asked) {
          this->template enqueue_read<T>(resume_on_own_executor<T>(std::move(handler)), std::move(asked));
        },
        asio::use_awaitable, std::move(ask));
  }

  void enqueue_commit(waiting_commit added) {
    {
      const std::lock_guard hold(mutex_);
      if (!is_closing_ && commits_.size() < waiting_max) {
        commits_.push_back(std::move(added));
        wake_.notify_one();
        return;
      }
    }
    added.done(std::unexpected(refusal()));
  }

  template <class T>
  void enqueue_read(completion<T> done, std::function<result<T>(sqlite_database&)> ask) {
    {
      const std::lock_guard hold(mutex_);
      if (!is_closing_ && reads_.size() < waiting_max) {
        reads_.emplace_back([done = std::move(done), ask = std::move(ask)](sqlite_database& from) mutable {
          done(ask(from));
        });
        wake_.notify_one();
        return;
      }
    }
    done(std::unexpected(refusal()));
  }

  failure refusal() {
    const std::lock_guard hold(mutex_);
    return is_closing_ ? closed_failure() : failure{errc::unavailable, "too much waits for the store"};
  }

  void work(sqlite_database database) {
    while (true) {
      std::vector<waiting_commit> group;
      waiting_read asked;
      if (!take(group, asked))
        return;
      write(database, group);
      if (asked)
        asked(database);
    }
  }

  /// Waits for work: every commit that waits, up to a group, and one read. False when closed and done.
  bool take(std::vector<waiting_commit>& group, waiting_read& asked) {
    std::unique_lock hold(mutex_);
    wake_.wait(hold, [this] { return is_closing_ || !commits_.empty() || !reads_.empty(); });
    while (!commits_.empty() && group.size() < group_max) {
      group.push_back(std::move(commits_.front()));
      commits_.pop_front();
    }
    if (!reads_.empty()) {
      asked = std::move(reads_.front());
      reads_.pop_front();
    }
    return !group.empty() || asked;
  }

  static void write(sqlite_database& database, std::vector<waiting_commit>& group) {
    if (group.empty())
      return;
    std::vector<batch> batches;
    batches.reserve(group.size());
    for (waiting_commit& one : group)
      batches.push_back(std::move(one.changes));
    auto outcomes = database.commit_group(batches);
    for (std::size_t i = 0; i < group.size(); ++i)
      group[i].done(std::move(outcomes[i]));
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<waiting_commit> commits_;
  std::deque<waiting_read> reads_;
  bool is_closing_ = false;
  std::thread worker_;  // last: it uses the rest
};

/// Works in the caller's coroutine, after giving others a turn as the thread would.
class inline_store final : public store {
 public:
  explicit inline_store(sqlite_database database) : database_(std::move(database)) {}

  asio::awaitable<result<commit_outcome>> commit(batch changes) override {
    return ask<commit_outcome>(
        [changes = std::move(changes)](sqlite_database& from) { return from.commit(changes); });
  }

  asio::awaitable<result<loaded_state>> load() override {
    return ask<loaded_state>([](sqlite_database& from) { return from.load(); });
  }

  asio::awaitable<result<std::vector<decision_record>>> decisions(decision_query query) override {
    return ask<std::vector<decision_record>>(
        [query = std::move(query)](sqlite_database& from) { return from.decisions(query); });
  }

  asio::awaitable<result<std::vector<audit_row>>> audit_page(audit_query query) override {
    return ask<std::vector<audit_row>>(
        [query = std::move(query)](sqlite_database& from) { return from.audit_page(query); });
  }

  asio::awaitable<result<std::vector<domain::org_key>>> spared_orgs_of(rollout_key rollout) override {
    return ask<std::vector<domain::org_key>>(
        [rollout = std::move(rollout)](sqlite_database& from) { return from.spared_orgs_of(rollout); });
  }

  asio::awaitable<result<std::vector<cometd::checkpoint>>> checkpoints_of(std::string hub) override {
    return ask<std::vector<cometd::checkpoint>>(
        [hub = std::move(hub)](sqlite_database& from) { return from.checkpoints_of(hub); });
  }

  asio::awaitable<result<alerts::outbox_page>> notifications_for(std::string receiver,
                                                                 std::size_t rows_max) override {
    return ask<alerts::outbox_page>([receiver = std::move(receiver), rows_max](sqlite_database& from) {
      return from.notifications_for(receiver, rows_max);
    });
  }

  asio::awaitable<result<std::vector<alerts::alert_record>>> alert_records(
      wall_time resolved_since) override {
    return ask<std::vector<alerts::alert_record>>(
        [resolved_since](sqlite_database& from) { return from.alert_records(resolved_since); });
  }

  void close() noexcept override { database_.reset(); }

 private:
  template <class T>
  asio::awaitable<result<T>> ask(std::function<result<T>(sqlite_database&)> asked) {
    const auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
    if (!database_)
      co_return std::unexpected(closed_failure());
    co_return asked(*database_);
  }

  std::optional<sqlite_database> database_;
};

}  // namespace

result<std::unique_ptr<store>> open_sqlite_store(file_lock lock, sqlite_options options) {
  auto database = sqlite_database::open(std::move(lock), options);
  if (!database)
    return std::unexpected(database.error());
  return std::make_unique<threaded_store>(std::move(*database));
}

result<std::unique_ptr<store>> open_inline_sqlite_store(file_lock lock, sqlite_options options) {
  auto database = sqlite_database::open(std::move(lock), options);
  if (!database)
    return std::unexpected(database.error());
  return std::make_unique<inline_store>(std::move(*database));
}

}  // namespace pushguard::store
