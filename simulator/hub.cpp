#include "simulator/hub.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "base/condition.hpp"
#include "base/deadline.hpp"
#include "base/task_group.hpp"
#include "base/url.hpp"
#include "simulator/bayeux_endpoint.hpp"
#include "simulator/dice.hpp"
#include "simulator/event_channel.hpp"
#include "simulator/push_events.hpp"
#include "simulator/rest.hpp"
#include "simulator/token_desk.hpp"
#include "simulator/world.hpp"

namespace pushguard::simulator {
namespace {

namespace asio = boost::asio;

// Looks at the retention at least this often, and bounds the sleep of a world with nothing to do.
constexpr duration rest_max = std::chrono::minutes(10);

/// The hub's streaming half.
streaming_plan streaming_plan_of(const scenario& plan) {
  const stream_plan& stream = plan.stream;
  streaming_plan made;
  made.seed = plan.seed;
  made.credentials = plan.credentials;
  made.channels = {{.name = stream.channel, .retention = stream.retention}};
  made.nodes = stream.nodes;
  made.routing_cookie_life = stream.routing_cookie_life;
  made.clients_max = stream.clients_max;
  made.faults = stream.faults;
  made.chaos = stream.chaos;
  return made;
}

class simulated_hub final : public hub {
 public:
  simulated_hub(scenario plan, time_source& time, logger& log)
      : time_(time),
        log_(log),
        world_(std::move(plan)),
        started_(time.now()),
        calendar_{started_.wall, world_.plan().time_scale},
        tokens_(world_.plan().credentials, world_.plan().seed, started_.steady),
        rest_(world_, calendar_, tokens_),
        channels_(world_.plan().seed),
        pushes_(channels_.add(streaming_plan_of(world_.plan()).channels.front(),
                              [this](std::string& out, const event_log& events, const logged_event& event) {
                                append_push_event(out, {world_, calendar_}, events, event);
                              })),
        endpoint_(
            streaming_plan_of(world_.plan()), tokens_, channels_, [this] { return now(); }, time, log) {}

  http_handler handler() override {
    return [this](const http_request& request) { return answer(request); };
  }

  asio::awaitable<void> run() override;
  hub_truth truth() const override;
  bool is_finished() const override { return world_.is_finished(); }
  void revoke_tokens() override { tokens_.revoke_all(); }
  void revoke_refresh_tokens() override { tokens_.revoke_refresh_tokens(); }
  void deactivate_user() override { tokens_.deactivate_user(); }
  void activate_user() override { tokens_.activate_user(); }
  std::string issue_token() override { return tokens_.issue(time_.steady_now()); }
  void move_instance(std::string instance_url) override;
  void add_api_fault(api_fault_plan fault) override { rest_.add_fault(std::move(fault)); }

 private:
  asio::awaitable<http_reply> answer(const http_request& request);
  std::optional<http_reply> lead_to_instance(const http_request& request) const;
  asio::awaitable<result<>> next_change();
  asio::awaitable<void> pause(duration length);
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
  channel_list channels_;
  event_channel& pushes_;
  bayeux_endpoint endpoint_;
  std::optional<origin> moved_to_;
  condition queue_changed_;  ///< what run() sleeps until may be due earlier; or run() has ended
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
  channels_.purge(at.steady);
  tell_requests();
  if (!changes.empty())
    endpoint_.wake();
}

void simulated_hub::publish(const job_change& change) {
  const std::uint64_t subject = subject_of(change);
  if (dice(world_.plan().seed, draw::event, subject).falls(world_.plan().stream.loss)) {
    ++events_lost_;
    return;
  }
  ++events_published_;
  pushes_.log.append(subject, {}, {calendar_.at(change.at), time_.steady_now()});
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

/// So that an answer that is held up does not hold up the end of the hub.
asio::awaitable<void> simulated_hub::pause(duration length) {
  const steady_time end = time_.steady_now() + length;
  while (!is_stopping_ && time_.steady_now() < end) {
    const auto woken = co_await with_deadline(time_, end, "waiting for a fault", next_change());
    (void)woken;
  }
}

asio::awaitable<void> simulated_hub::run() {
  struct closing {
    simulated_hub& owner;
    ~closing() {
      owner.endpoint_.stop();
      owner.is_stopping_ = true;
      owner.queue_changed_.notify_all();
    }
  } const at_end{*this};
  is_stopping_ = false;
  endpoint_.start();
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
  if (request.path() == token_path) {
    http_reply login = co_await endpoint_.log_in(request);
    co_return login;
  }
  if (auto elsewhere = lead_to_instance(request))
    co_return std::move(*elsewhere);
  if (request.path().starts_with("/cometd/")) {
    http_reply streamed = co_await endpoint_.answer(request);
    co_return streamed;
  }
  const auto next_before = world_.next_event();
  rest_answer made = rest_.serve(request, now());
  if (world_.next_event() != next_before)
    queue_changed_.notify_all();
  tell_requests();
  if (made.fault)
    log_.info("simulated_fault", {{"fault", name_of(*made.fault)}, {"request", made.call}});
  co_await pause(made.delay);
  co_return std::move(made.reply);
}

void simulated_hub::move_instance(std::string instance_url) {
  const auto to = parse_url(instance_url);
  if (!to || to->target != "/")
    throw std::invalid_argument("an instance must be an URL without a path");
  moved_to_ = to->origin;
  tokens_.tell_instance(to->origin.text());
}

/// A Host header says no scheme; behind a proxy that ends TLS it is the instance's nevertheless.
std::optional<http_reply> simulated_hub::lead_to_instance(const http_request& request) const {
  if (!moved_to_)
    return std::nullopt;
  const std::string_view scheme = moved_to_->security == security::tls ? "https://" : "http://";
  const auto asked = parse_url(std::string(scheme) + std::string(request.headers.find("Host").value_or("")));
  if (asked && asked->origin == *moved_to_)
    return std::nullopt;
  return http_reply{.status = 302, .headers = {{"Location", moved_to_->text() + request.target}}};
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
    request.is_orphan = row.is_orphan;
    for (row_index job = row.first_job; job < row.first_job + row.job_count; ++job) {
      const push_state state = jobs[job].state;
      const std::string org = world_.org_key(jobs[job].org);
      const bool is_failed = state == push_state::failed;
      const std::string type(is_failed ? world_.error_type_of(jobs[job]) : "");
      if (is_failed)
        ++request.failed_by_error_type[type];
      if (state == push_state::canceled && !row.is_orphan)
        made.spared_orgs.push_back(org);
      made.jobs.push_back({job_id_of(job), request.id, org, state, type, row.is_history});
    }
    for (const push_state state : all_push_states) {
      if (!row.is_history && !row.is_orphan)
        count_of(made.rollout_jobs, state) += count_of(row.jobs, state);
    }
  }
  made.cancel_attempts = rest_.cancel_attempts();
  made.api_calls = rest_.calls();
  for (const login_flow flow : all_login_flows) {
    made.logins_by_flow[std::string(name_of(flow))] = tokens_.logins(flow);
    made.logins += tokens_.logins(flow);
  }
  made.api_calls_by = rest_.calls_by_label();
  for (const auto& [kind, count] : rest_.faults_hit())
    made.faults_hit[std::string(name_of(kind))] = count;
  made.refused_logins = tokens_.refused();
  made.open_sessions = endpoint_.server().open_sessions(time_.steady_now());
  made.handshakes = endpoint_.server().handshakes();
  made.disconnects = endpoint_.server().disconnects();
  made.events_published = events_published_;
  made.events_lost = events_lost_;
  made.events_delivered = endpoint_.server().events_delivered();
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
