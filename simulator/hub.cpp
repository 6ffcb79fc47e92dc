#include "simulator/hub.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <set>
#include <utility>

#include "base/condition.hpp"
#include "base/deadline.hpp"
#include "base/task_group.hpp"
#include "simulator/bayeux.hpp"
#include "simulator/dice.hpp"
#include "simulator/event_log.hpp"
#include "simulator/push_events.hpp"
#include "simulator/rest.hpp"
#include "simulator/token_desk.hpp"
#include "simulator/world.hpp"

namespace pushguard::simulator {
namespace {

namespace asio = boost::asio;

// Looks at the retention at least this often, and bounds the sleep of a world with nothing to do.
constexpr duration rest_max = std::chrono::minutes(10);

class simulated_hub final : public hub {
 public:
  simulated_hub(scenario plan, time_source& time, logger& log)
      : time_(time),
        log_(log),
        world_(std::move(plan)),
        started_(time.now()),
        calendar_{started_.wall, world_.plan().time_scale},
        tokens_(world_.plan().credentials, world_.plan().seed),
        rest_(world_, calendar_, tokens_),
        events_(world_.plan().seed, world_.plan().stream.retention),
        bayeux_(world_.plan().stream, world_.plan().seed, tokens_, events_,
                [this](std::string& out, const logged_event& event) {
                  append_push_event(out, {world_, calendar_}, event);
                }) {}

  http_handler handler() override {
    return [this](const http_request& request) { return answer(request); };
  }

  asio::awaitable<void> run() override;
  hub_truth truth() const override;
  bool is_finished() const override { return world_.is_finished(); }
  void revoke_tokens() override { tokens_.revoke_all(); }

 private:
  asio::awaitable<http_reply> answer(const http_request& request);
  asio::awaitable<http_reply> hold(held_poll poll);
  asio::awaitable<result<>> next_change();
  void advance();
  void publish(const job_change& change);
  instant now() const;
  steady_time next_wake() const;
  void tell_requests();

  time_source& time_;
  logger& log_;
  world world_;
  instant started_;
  calendar calendar_;
  token_desk tokens_;
  rest_service rest_;
  event_log events_;
  bayeux_server bayeux_;
  condition changed_;        ///< events, or a session that a held poll belongs to
  condition queue_changed_;  ///< what run() sleeps until may be due earlier
  bool is_stopping_ = false;
  std::uint64_t events_published_ = 0;
  std::uint64_t events_lost_ = 0;
  std::vector<push_state> told_states_;
};

/// The hub's own calendar goes with the steady clock: someone setting the wall clock does not move it.
instant simulated_hub::now() const {
  const steady_time steady = time_.steady_now();
  return {started_.wall + std::chrono::floor<duration>(steady - started_.steady), steady};
}

void simulated_hub::advance() {
  const instant at = now();
  const auto since_start = std::chrono::floor<duration>(at.steady - started_.steady);
  const std::vector<job_change> changes = world_.advance_to(calendar_.world_time(since_start));
  for (const job_change& change : changes)
    publish(change);
  events_.purge(at.steady);
  tell_requests();
  if (!changes.empty())
    changed_.notify_all();
}

void simulated_hub::publish(const job_change& change) {
  const auto subject =
      std::uint64_t{change.job} * all_push_states.size() + static_cast<std::uint64_t>(change.state);
  if (dice(world_.plan().seed, draw::event, subject).falls(world_.plan().stream.loss)) {
    ++events_lost_;
    return;
  }
  ++events_published_;
  events_.append(change, {calendar_.at(change.at), time_.steady_now()});
}

void simulated_hub::tell_requests() {
  const auto& requests = world_.requests();
  for (row_index index = 0; index < requests.size(); ++index) {
    const push_state state = requests[index].state;
    if (index < told_states_.size() && told_states_[index] == state)
      continue;
    told_states_.resize(std::max<std::size_t>(told_states_.size(), index + 1));
    told_states_[index] = state;
    if (!requests[index].is_history)
      log_.info("simulated_request_changed", {{"request_id", request_id_of(index)},
                                              {"status", to_salesforce(state, in_progress_spelling::joined)},
                                              {"jobs", requests[index].job_count}});
  }
}

steady_time simulated_hub::next_wake() const {
  const steady_time at = time_.steady_now();
  const auto next = world_.next_event();
  if (!next)
    return at + rest_max;
  // Not before the next millisecond, whatever rounding makes of the scale.
  return std::clamp<steady_time>(started_.steady + calendar_.clock_time(*next), at + duration(1),
                                 at + rest_max);
}

asio::awaitable<result<>> simulated_hub::next_change() {
  co_await queue_changed_.wait();
  co_return result<>{};
}

asio::awaitable<void> simulated_hub::run() {
  struct closing {
    simulated_hub& owner;
    ~closing() {
      owner.is_stopping_ = true;
      owner.changed_.notify_all();
    }
  } const at_end{*this};
  is_stopping_ = false;
  while (true) {
    advance();
    // Either end of the wait means: look again.
    const auto woken =
        co_await with_deadline(time_, next_wake(), "waiting for the simulated world", next_change());
    (void)woken;
  }
}

asio::awaitable<http_reply> simulated_hub::answer(const http_request& request) {
  advance();
  if (request.path().starts_with("/cometd/")) {
    auto received = bayeux_.receive(request, now());
    changed_.notify_all();  // it may have superseded or ended the session of another poll
    if (auto* reply = std::get_if<http_reply>(&received))
      co_return std::move(*reply);
    http_reply held = co_await hold(std::get<held_poll>(std::move(received)));
    co_return held;
  }
  const auto next_before = world_.next_event();
  http_reply reply = rest_.answer(request, now());
  if (world_.next_event() != next_before)
    queue_changed_.notify_all();
  tell_requests();
  co_return reply;
}

asio::awaitable<http_reply> simulated_hub::hold(held_poll poll) {
  struct leaving {
    simulated_hub& owner;
    const held_poll& poll;
    ~leaving() { owner.bayeux_.abandon(poll, owner.time_.steady_now()); }
  } const at_end{*this, poll};
  const auto look = [](simulated_hub& self) -> asio::awaitable<result<>> {
    co_await self.changed_.wait();
    co_return result<>{};
  };
  while (!is_stopping_) {
    if (auto reply = bayeux_.resume(poll, time_.steady_now()))
      co_return std::move(*reply);
    const auto woken = co_await with_deadline(time_, poll.until, "holding a connect", look(*this));
    (void)woken;
  }
  co_return http_reply{.status = 503, .after = after_reply::close};
}

hub_truth simulated_hub::truth() const {
  hub_truth made;
  const auto& jobs = world_.jobs();
  for (row_index index = 0; index < world_.requests().size(); ++index) {
    const request_row& row = world_.requests()[index];
    request_truth& request = made.requests.emplace_back();
    request.id = request_id_of(index);
    request.state = row.state;
    request.jobs = row.jobs;
    request.scheduled_start = calendar_.record_time(row.scheduled);
    request.is_history = row.is_history;
    for (row_index job = row.first_job; job < row.first_job + row.job_count; ++job) {
      const push_state state = jobs[job].state;
      const std::string org = org_key_of(jobs[job].org);
      const bool is_failed = state == push_state::failed;
      const std::string type(is_failed ? world_.error_type_of(jobs[job]) : "");
      if (is_failed)
        ++request.failed_by_error_type[type];
      if (state == push_state::canceled)
        made.spared_orgs.push_back(org);
      made.jobs.push_back({job_id_of(job), request.id, org, state, type, row.is_history});
    }
    for (const push_state state : all_push_states) {
      if (!row.is_history)
        count_of(made.rollout_jobs, state) += count_of(row.jobs, state);
    }
  }
  made.cancel_attempts = rest_.cancel_attempts();
  made.api_calls = rest_.calls();
  made.logins = tokens_.given();
  made.refused_logins = tokens_.refused();
  made.open_sessions = bayeux_.open_sessions(time_.steady_now());
  made.handshakes = bayeux_.handshakes();
  made.disconnects = bayeux_.disconnects();
  made.events_published = events_published_;
  made.events_lost = events_lost_;
  made.events_delivered = bayeux_.events_delivered();
  return made;
}

}  // namespace

std::unique_ptr<hub> make_hub(scenario plan, time_source& time, logger& log) {
  return std::make_unique<simulated_hub>(std::move(plan), time, log);
}

asio::awaitable<void> serve_hub(hub& served, listener& from, time_source& time, logger& log) {
  const auto executor = co_await asio::this_coro::executor;
  task_group tasks(executor);
  tasks.spawn(served.run());
  tasks.spawn(serve_http(from, served.handler(), http_server_limits{}, time, log));
  co_await tasks.join();
}

}  // namespace pushguard::simulator
