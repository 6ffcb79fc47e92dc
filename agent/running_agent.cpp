#include "agent/running_agent.hpp"

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <random>
#include <thread>

#include "agent/core.hpp"
#include "agent/store/store.hpp"
#include "agent/web_server.hpp"
#include "base/condition.hpp"
#include "base/deadline.hpp"
#include "base/task_group.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

constexpr duration lock_retry = std::chrono::seconds(1);
// A command waits for at most a few commits; a loop that takes longer is in trouble.
constexpr duration command_patience = std::chrono::seconds(30);

/// One io_context on a thread of its own, running one coroutine that can be asked to end.
class worker {
 public:
  ~worker() {
    stop();
    join();
  }

  void start(asio::awaitable<void> task) {
    asio::co_spawn(context_, std::move(task),
                   asio::bind_cancellation_slot(signal_.slot(), [this](const std::exception_ptr& error) {
                     if (!is_cancellation(error))
                       error_ = error;
                     keep_running_.reset();
                   }));
    thread_ = std::thread([this] { context_.run(); });
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
                 store_opener open_store)
      : configuration_(std::move(configuration)),
        time_(time),
        log_(log),
        open_store_(std::move(open_store)),
        decide_network_(make_socket_network(time)),
        serve_network_(make_socket_network(time)) {}

  ~threaded_agent() override {
    stop();
    join();
  }

  result<> start() {
    auto listening = serve_network_->listen(serve_.context().get_executor(), configuration_.listen.host,
                                            configuration_.listen.port);
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
        .configuration_loaded = time_.wall_now(),
        .collect = [this] { return core_->collect(); },
        .reach_store = [this] { return reachable_store_.load(); },
        .perform = [this](operator_command command) { return ask_core(std::move(command)); }});
    state_.last_turn = time_.steady_now().time_since_epoch().count();
    log_.info("agent_started", {{"version", identity.version},
                                {"commit", identity.commit},
                                {"listen", listener_->local().text()},
                                {"state", configuration_.state.string()}});
    serve_.start(server_->run(*listener_));
    decide_.start(lead());
    return {};
  }

  origin local() const override { return listener_->local(); }

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
    serve_.stop();
    serve_.join();
    if (store_) {
      store_->close();
    }
  }

  void hand_over(view_update update) {
    asio::post(serve_.context(), [this, kept = std::move(update)] { server_->apply(kept); });
  }

  /// Has `decide` do it, and waits on `serve`. The two threads share nothing but the answer on its way.
  asio::awaitable<operator_answer> ask_core(operator_command command) {
    struct waiting {
      condition answered;
      std::optional<operator_answer> answer;
    };
    const auto shared = std::make_shared<waiting>();
    asio::co_spawn(decide_.context(), core_->perform(std::move(command)),
                   [this, shared](const std::exception_ptr& error, operator_answer answer) {
                     if (error)
                       answer.text = "the command could not be carried out";
                     asio::post(serve_.context(), [shared, kept = std::move(answer)]() mutable {
                       shared->answer = std::move(kept);
                       shared->answered.notify_all();
                     });
                   });
    const auto wait = [](std::shared_ptr<waiting> on) -> asio::awaitable<result<operator_answer>> {
      while (!on->answer)
        co_await on->answered.wait();
      co_return *on->answer;
    };
    auto answered = co_await with_deadline(time_, time_.steady_now() + command_patience,
                                           "waiting for the deciding loop", wait(shared));
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
      auto taken = try_lock(configuration_.state);
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

  const configuration::configuration configuration_;
  time_source& time_;
  logger& log_;
  const store_opener open_store_;
  std::unique_ptr<network> decide_network_;
  std::unique_ptr<network> serve_network_;
  agent_state state_;
  // Before everything that has sockets on their contexts, and so destroyed after it.
  worker serve_;
  worker decide_;
  bool was_told_to_wait_ = false;
  result<> outcome_;
  std::unique_ptr<listener> listener_;
  std::unique_ptr<agent_core> core_;
  std::unique_ptr<web_server> server_;
  std::unique_ptr<store::store> store_;
  std::atomic<store::store*> reachable_store_ = nullptr;
};

}  // namespace

store_opener sqlite_store_opener() {
  return [](file_lock lock) { return store::open_sqlite_store(std::move(lock)); };
}

result<std::unique_ptr<running_agent>> start_agent(configuration::configuration configuration,
                                                   time_source& time, logger& log, store_opener open_store) {
  auto made = std::make_unique<threaded_agent>(std::move(configuration), time, log, std::move(open_store));
  if (auto started = made->start(); !started) {
    return std::unexpected(started.error());
  }
  return made;
}

}  // namespace pushguard::agent
