#include "base/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace pushguard {

namespace asio = boost::asio;

bool is_cancellation(const std::exception_ptr& error) noexcept {
  if (!error)
    return false;
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

struct task_group::state {
  explicit state(asio::any_io_executor ex)
      : executor(std::move(ex)), ended(executor, asio::steady_timer::time_point::max()) {}

  void cancel() {
    is_cancelled = true;
    // A handler may end at once and leave the list, so each signal is emitted from a queue of its own.
    for (auto& signal : signals) {
      asio::post(executor, [kept = signal] { kept->emit(asio::cancellation_type::terminal); });
    }
  }

  asio::any_io_executor executor;
  asio::steady_timer ended;
  std::list<std::shared_ptr<asio::cancellation_signal>> signals;
  std::exception_ptr first_error;
  bool is_cancelled = false;
};

task_group::task_group(asio::any_io_executor executor)
    : state_(std::make_shared<state>(std::move(executor))) {}

task_group::~task_group() = default;

void task_group::spawn(asio::awaitable<void> task) {
  const auto signal = std::make_shared<asio::cancellation_signal>();
  const auto place = state_->signals.insert(state_->signals.end(), signal);
  asio::co_spawn(state_->executor, std::move(task),
                 asio::bind_cancellation_slot(
                     signal->slot(), [group = state_, place, signal](const std::exception_ptr& error) {
                       group->signals.erase(place);
                       if (error && !is_cancellation(error)) {
                         if (!group->first_error)
                           group->first_error = error;
                         group->cancel();
                       }
                       if (group->signals.empty())
                         group->ended.cancel();
                     }));
  if (state_->is_cancelled) {
    asio::post(state_->executor, [signal] { signal->emit(asio::cancellation_type::terminal); });
  }
}

void task_group::cancel() {
  state_->cancel();
}

asio::awaitable<void> task_group::join() {
  const auto group = state_;
  co_await asio::this_coro::throw_if_cancelled(false);
  auto cancellation = co_await asio::this_coro::cancellation_state;
  while (!group->signals.empty()) {
    boost::system::error_code ec;
    co_await group->ended.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (cancellation.cancelled() != asio::cancellation_type::none && !group->is_cancelled) {
      group->cancel();
      // Further waits must not end at once because the waiter itself is cancelled.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      cancellation = co_await asio::this_coro::cancellation_state;
    }
  }
  co_await asio::this_coro::throw_if_cancelled(true);
  if (group->first_error) {
    std::rethrow_exception(group->first_error);
  }
}

std::size_t task_group::size() const noexcept {
  return state_->signals.size();
}

bool task_group::was_cancelled() const noexcept {
  return state_->is_cancelled;
}

}  // namespace pushguard
