#include "agent/running_agent.hpp"

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>
#include <thread>

#include "agent/core.hpp"
#include "agent/reloading.hpp"
#include "agent/store/store.hpp"
#include "agent/web_server.hpp"
#include "base/condition.hpp"
#include "base/deadline.hpp"
#include "base/scheduling.hpp"
#include "base/task_group.hpp"
#include "base/tls_server.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

constexpr duration lock_retry = std::chrono::seconds(1);
// A command waits for at most a few commits; a loop that takes longer is in trouble.
constexpr duration command_patience = std::chrono::seconds(30);

// Rendering a hundred thousand orgs takes tens of milliseconds of a processor: where there are few of them,
// it lets a decision go first.
constexpr int serving_niceness = 5;

/// One io_context on a thread of its own, running one coroutine that can be asked to end.
class worker {
 public:
  ~worker() {
    stop();
    join();
  }

  /// `prepare` says how the thread shares processors.
  void start(asio::awaitable<void> task, void (*prepare)() noexcept) {
    asio::co_spawn(context_, std::move(task),
                   asio::bind_cancellation_slot(signal_.slot(), [this](const std::exception_ptr& error) {
                     if (!is_cancellation(error))
                       error_ = error;
                     keep_running_.reset();
                   }));
    thread_ = std::thread([this, prepare] {
      prepare();
      context_.run();
    });
  }

  void stop() {
    asio::post(context_, [this] { signal_.emit(asio::cancellation_type::terminal); });
  }

  void join() {
    if (thread_.joinable())
      thread_.join();
  }

  [[nodiscard]] asio::io_context& context() noexcept { return context_; }
  /// What the coroutine threw, after join().
  [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_running_{context_.get_executor()};
  asio::cancellation_signal signal_;
  std::exception_ptr error_;
  std::thread thread_;
};

class threaded_agent final : public running_agent {
 public:
  threaded_agent(configuration::configuration configuration, time_source& time, logger& log,
                 configuration_loader load, store_opener open_store)
      : configuration_(std::make_shared<const configuration::configuration>(std::move(configuration))),
        time_(time),
        log_(log),
        load_(std::move(load)),
        open_store_(std::move(open_store)),
        decide_network_(make_socket_network(time)) {}

  ~threaded_agent() override {
    stop();
    join();
  }

  result<> start() {
    auto listening = listen_secured(
        serve_.context().get_executor(), configuration_->listen.host, configuration_->listen.port,
        [this] { return server_ ? server_->tls() : tls_at_start(); }, time_, log_);
    if (!listening) {
      return fail_in("http.listen", listening.error());
    }
    listener_ = std::move(*listening);
    const agent_identity identity = this_build();
    auto core = agent_core::make({.configuration = configuration_,
                                  .network = *decide_network_,
                                  .time = time_,
                                  .log = log_,
                                  .state = state_,
                                  .views = [this](view_update update) { hand_over(std::move(update)); },
                                  .identity = identity,
                                  .agent_url = listener_->local().text(),
                                  .seed = std::random_device{}()});
    if (!core) {
      return std::unexpected(core.error());
    }
    core_ = std::move(*core);
    server_ = std::make_unique<web_server>(web_server_parts{
        .configuration = configuration_,
        .time = time_,
        .log = log_,
        .state = state_,
        .version = identity.version,
        .commit = identity.commit,
        .collect = [this] { return core_->collect(); },
        .reach_store = [this] { return reachable_store_.load(); },
        .perform = [this](operator_command command) { return ask_core(std::move(command)); },
        .reload =
            load_ ? reload_handler([this](std::string actor) { return reloading_->reload(std::move(actor)); })
                  : reload_handler()});
    reloading_.emplace(
        reloading_parts{.load = [this] { return load_beside(); },
                        .apply =
                            [this](configuration::shared_configuration next, std::string actor) {
                              // Without a deadline: what is to end says goodbye first.
                              return on(decide_.context().get_executor(),
                                        core_->reload(std::move(next), std::move(actor)));
                            },
                        .server = *server_,
                        .log = log_},
        configuration_);
    state_.last_turn = time_.steady_now().time_since_epoch().count();
    log_.info("agent_started", {{"version", identity.version},
                                {"commit", identity.commit},
                                {"listen", listener_->local().text()},
                                {"state", configuration_->state.string()}});
    serve_.start(server_->run(*listener_), []() noexcept { give_way(serving_niceness); });
    decide_.start(lead(), run_soon);
    return {};
  }

  origin local() const override { return listener_->local(); }

  void reload() override {
    asio::post(serve_.context(), [this] {
      if (!load_) {
        log_.warning("configuration_not_loaded", {{"problem", "this agent was not started from a file"}});
        return;
      }
      asio::co_spawn(serve_.context(), reloading_->reload("SIGHUP"),
                     [](const std::exception_ptr&, const reload_answer&) {});
    });
  }

  void stop() override { decide_.stop(); }

  result<> wait() override {
    join();
    for (const std::exception_ptr& bug : {decide_.error(), serve_.error()}) {
      if (bug)
        std::rethrow_exception(bug);
    }
    return outcome_;
  }

 private:
  void join() {
    decide_.join();
    loading_.join();
    serve_.stop();
    serve_.join();
    if (store_) {
      store_->close();
    }
  }

  std::shared_ptr<const tls_server_context> tls_at_start() const {
    return configuration_->web ? configuration_->web->loaded->tls : nullptr;
  }

  void hand_over(view_update update) {
    asio::post(serve_.context(), [this, kept = std::move(update)] { server_->apply(kept); });
  }

  /// Runs `task` on another executor and answers on `serve`. The two threads share nothing but the answer on
  /// its way; a waiter that is cancelled leaves the task to itself.
  template <class T, class Executor>
  asio::awaitable<T> on(Executor executor, asio::awaitable<T> task) {
    struct waiting {
      condition answered;
      std::optional<T> answer;
      std::exception_ptr error;
    };
    const auto shared = std::make_shared<waiting>();
    asio::co_spawn(executor, std::move(task), [this, shared](const std::exception_ptr& error, T answer) {
      asio::post(serve_.context(), [shared, error, kept = std::move(answer)]() mutable {
        shared->answer = std::move(kept);
        shared->error = error;
        shared->answered.notify_all();
      });
    });
    while (!shared->answer)
      co_await shared->answered.wait();
    if (shared->error)
      std::rethrow_exception(shared->error);
    co_return std::move(*shared->answer);
  }

  /// Reads the file beside both threads: they go on meanwhile.
  asio::awaitable<loaded_configuration> load_beside() {
    const auto load = [](const configuration_loader& from) -> asio::awaitable<loaded_configuration> {
      co_return from();
    };
    co_return co_await on(loading_.get_executor(), load(load_));
  }

  asio::awaitable<operator_answer> ask_core(operator_command command) {
    const auto ask = [](threaded_agent& self,
                        operator_command what) -> asio::awaitable<result<operator_answer>> {
      co_return co_await self.on(self.decide_.context().get_executor(), self.core_->perform(std::move(what)));
    };
    auto answered = co_await with_deadline(time_, time_.steady_now() + command_patience,
                                           "waiting for the deciding loop", ask(*this, std::move(command)));
    if (answered)
      co_return std::move(*answered);
    co_return operator_answer{
        .outcome = operator_outcome::unavailable,
        .text = "the deciding loop does not answer; whether anything was done is not known: ask again"};
  }

  /// Waits for the store's lock, then decides until it is stopped.
  asio::awaitable<void> lead() {
    std::optional<file_lock> lock;
    while (!lock) {
      auto taken = try_lock(configuration_->state);
      if (taken) {
        lock.emplace(std::move(*taken));
        break;
      }
      if (!taken.error().is(errc::conflict)) {
        outcome_ = std::unexpected(taken.error());
        co_return;
      }
      if (!std::exchange(was_told_to_wait_, true)) {
        log_.warning("store_lock_waited_for", {{"error", taken.error().text()}});
      }
      state_.last_turn = time_.steady_now().time_since_epoch().count();
      co_await time_.sleep_for(lock_retry);
    }
    auto opened = open_store_(std::move(*lock));
    if (!opened) {
      outcome_ = std::unexpected(opened.error());
      co_return;
    }
    store_ = std::move(*opened);
    reachable_store_ = store_.get();
    state_.is_leader = true;
    outcome_ = co_await core_->run(*store_);
  }

  const configuration::shared_configuration configuration_;  ///< as it was at the start
  time_source& time_;
  logger& log_;
  const configuration_loader load_;
  const store_opener open_store_;
  std::unique_ptr<network> decide_network_;
  agent_state state_;
  // Before everything that has sockets on their contexts, and so destroyed after it.
  worker serve_;
  worker decide_;
  asio::thread_pool loading_{1};
  bool was_told_to_wait_ = false;
  result<> outcome_;
  std::unique_ptr<listener> listener_;
  std::unique_ptr<agent_core> core_;
  std::unique_ptr<web_server> server_;
  std::optional<reloading> reloading_;
  std::unique_ptr<store::store> store_;
  std::atomic<store::store*> reachable_store_ = nullptr;
};

}  // namespace

store_opener sqlite_store_opener() {
  return [](file_lock lock) { return store::open_sqlite_store(std::move(lock)); };
}

result<std::unique_ptr<running_agent>> start_agent(configuration::configuration configuration,
                                                   time_source& time, logger& log, configuration_loader load,
                                                   store_opener open_store) {
  auto made = std::make_unique<threaded_agent>(std::move(configuration), time, log, std::move(load),
                                               std::move(open_store));
  if (auto started = made->start(); !started) {
    return std::unexpected(started.error());
  }
  return made;
}

}  // namespace pushguard::agent
