#include "agent/hub_agent.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <deque>
#include <list>
#include <map>

#include "agent/audit_trail.hpp"
#include "agent/call_meter.hpp"
#include "agent/dry_run.hpp"
#include "agent/enforcement.hpp"
#include "agent/hub_clock.hpp"
#include "agent/hub_connection.hpp"
#include "agent/operator_desk.hpp"
#include "agent/policy/judge.hpp"
#include "agent/rollout_news.hpp"
#include "agent/rollout_watch.hpp"
#include "agent/store/ports.hpp"
#include "agent/stream_adapters.hpp"
#include "agent/view_making.hpp"
#include "base/condition.hpp"
#include "base/deadline.hpp"
#include "base/task_group.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

// A hint brings the next look forward to this, so that a burst of events costs one look.
constexpr duration hint_delay = std::chrono::seconds(2);
// How often /limits is asked where answers do not tell the allocation.
constexpr duration limits_interval = std::chrono::hours(1);
// Complete reads whose cost says what the next one will cost.
constexpr std::size_t reads_remembered = 4;
// The judge looks at the clock at least so often: blindness and abandonment come with time alone.
constexpr duration judging_interval = std::chrono::seconds(5);
// What has time waits so long after an evaluation: whatever that led to has been sent then.
constexpr duration tending_delay = std::chrono::milliseconds(100);
// The first failures that decide are read at once, later ones together: each reading costs calls.
constexpr duration confirming_interval = std::chrono::seconds(2);

asio::awaitable<result<>> wait_for(condition& changed) {
  co_await changed.wait();
  co_return result<>{};
}

/// Waits for `changed`, but not beyond `until`.
asio::awaitable<void> wait_until(time_source& time, steady_time until, condition& changed) {
  (void)co_await with_deadline(time, until, "waiting", wait_for(changed));
}

class watching_agent final : public hub_agent {
 public:
  explicit watching_agent(hub_agent_parts parts);

  asio::awaitable<void> run(const store::loaded_state& known) override;
  asio::awaitable<operator_answer> perform(operator_command command) override {
    return desk_.ask(std::move(command));
  }
  bool knows(const domain::request_id& request) const override { return tracked_.find(request).has_value(); }
  void look_again() override { mark_changed(); }
  void reconfigure(configuration::shared_configuration next) override {
    next_ = std::move(next);
    mark_changed();
  }

 private:
  // Seeing.
  asio::awaitable<void> read_forever();
  asio::awaitable<result<>> read_once();
  asio::awaitable<void> look_around();
  asio::awaitable<void> ask_for_limits();
  void on_read(const result<>& read, duration took);
  void tell_login(const result<>& read);
  void tell_budget();
  std::uint64_t expected_calls() const;
  duration interval() const;
  duration wanted_interval() const;
  duration least_interval() const;
  asio::awaitable<void> listen();
  event_outcome on_event(const domain::push_event& event);
  void on_changes(const tracker::changes& changes);
  void mark_changed();
  void observe_durations(const tracker::changes& changes);

  // Judging.
  asio::awaitable<void> judge_forever();
  asio::awaitable<void> tend_forever();
  policy::freshness freshness() const;
  void take_configuration();
  void remember_outgoing(policy::judgement& judged) const;
  void end_alerts_of_outgoing();
  void tell(const policy::judgement& judged);
  void tell_blindness(policy::freshness hub);
  void tell_clock();
  void wake_judge_at(steady_time when);
  asio::awaitable<void> wake_judge(steady_time when);
  steady_time ask_to_confirm(std::vector<domain::job_id> jobs);
  asio::awaitable<void> confirm(std::vector<domain::job_id> jobs);

  asio::awaitable<void> restore(const store::loaded_state& known);
  alert_context context_of(const domain::rollout_id& rollout) const;
  alert_site site() const { return site_of(*parts_.configuration, parts_.agent_url); }

  hub_agent_parts parts_;
  const std::string& name_;
  call_meter meter_;
  hub_clock clock_;
  hub_connection hub_;
  tracker::tracker tracked_;
  policy::judge judge_;
  publisher views_;
  hub_reader reader_;
  std::string instance_url_;

  std::optional<task_group> tasks_;
  condition changed_;          ///< something to judge
  condition judged_;           ///< something to tend to
  std::uint64_t changes_ = 0;  ///< how often: what comes while the judge waits for the store is not missed
  steady_time judge_wakes_at_ = steady_time::max();
  condition look_sooner_;     ///< a hint came
  condition version_chosen_;  ///< the stream may start
  steady_time last_complete_;
  duration effective_interval_;  ///< as it was when the last complete read ended: until the next is due
  std::optional<steady_time> hinted_at_;
  std::string last_failure_;
  bool was_read_ = false;  ///< completely, in this life
  bool is_clock_wrong_ = false;
  policy::freshness told_freshness_ = policy::freshness::fresh;
  std::deque<std::uint64_t> calls_of_reads_;  ///< of the last complete ones
  steady_time ask_limits_at_;
  bool is_login_refused_ = false;
  bool is_budget_low_ = false;
  std::vector<bool> timed_;  ///< by job: its duration was observed, or never will be
  bool is_confirming_ = false;
  std::vector<domain::job_id> confirmed_;  ///< asked for last
  steady_time confirm_more_at_;
  steady_time confirm_again_at_;
  enforcement acting_;
  dry_run_follower dry_runs_;
  operator_desk desk_;
  rollout_news news_;
  rollout_watch watch_;
  configuration::shared_configuration next_;                     ///< to be taken before the next evaluation
  std::map<policy::judgement_key, policy::judgement> outgoing_;  ///< of the policies before, until the next
};

watching_agent::watching_agent(hub_agent_parts parts)
    : parts_(std::move(parts)),
      name_(parts_.hub.name),
      meter_(parts_.instruments, parts_.hub.reconcile.call_budget, parts_.time),
      clock_(parts_.time, meter_),
      hub_(parts_.hub, {.network = parts_.network,
                        .time = parts_.time,
                        .log = parts_.log,
                        .random = parts_.random,
                        .trust = parts_.trust,
                        .observer = meter_}),
      judge_(parts_.configuration->policies),
      views_(parts_.hub.name, tracked_, parts_.views),
      reader_(
          {parts_.hub.packages, parts_.configuration->rollout_gap}, hub_.queries(), tracked_,
          [this](const tracker::changes& changes) { on_changes(changes); }, clock_, parts_.log),
      last_complete_(parts_.time.steady_now()),
      effective_interval_(parts_.hub.reconcile.active_interval),
      acting_({.agent = parts_,
               .hub = hub_,
               .clock = clock_,
               .reader = reader_,
               .tracked = tracked_,
               .judge = judge_,
               .views = views_,
               .version_chosen = version_chosen_,
               .on_changes = [this](const tracker::changes& changes) { on_changes(changes); },
               .context_of = [this](const domain::rollout_id& rollout) { return context_of(rollout); },
               .mark_changed = [this] { mark_changed(); },
               .spawn = [this](asio::awaitable<void> task) { tasks_->spawn(std::move(task)); }}),
      dry_runs_({.hub = name_,
                 .tracked = tracked_,
                 .memory = acting_.memory(),
                 .views = views_,
                 .store = parts_.store,
                 .audit = parts_.audit,
                 .time = parts_.time,
                 .hub_clock = clock_,
                 .log = parts_.log}),
      desk_({.agent = parts_,
             .acting = acting_,
             .tracked = tracked_,
             .judge = judge_,
             .views = views_,
             .context_of = [this](const domain::rollout_id& rollout) { return context_of(rollout); },
             .mark_changed = [this] { mark_changed(); }}),
      news_({.alerts = parts_.alerts,
             .tracked = tracked_,
             .memory = acting_.memory(),
             .epoch_of = [this](const domain::rollout_id& rollout) { return judge_.epoch(rollout); },
             .context_of = [this](const domain::rollout_id& rollout) { return context_of(rollout); }}),
      watch_({.agent = parts_,
              .tracked = tracked_,
              .judge = judge_,
              .memory = acting_.memory(),
              .context_of = [this](const domain::rollout_id& rollout) { return context_of(rollout); }}) {
  for (const configuration::channel& channel : parts_.hub.channels)
    views_.hub().channels.push_back({channel.wanted.channel, false, "not subscribed yet"});
}

asio::awaitable<void> watching_agent::run(const store::loaded_state& known) {
  const auto executor = co_await asio::this_coro::executor;
  tasks_.emplace(executor);
  co_await restore(known);
  tasks_->spawn(read_forever());
  tasks_->spawn(tend_forever());
  tasks_->spawn(judge_forever());
  if (!parts_.hub.channels.empty()) {
    tasks_->spawn(listen());
  }
  co_await tasks_->join();
  desk_.close();
  hub_.rest().close();
}

asio::awaitable<void> watching_agent::restore(const store::loaded_state& known) {
  hub_memory& memory = acting_.memory();
  memory.restore(known);
  tracked_ = tracker::tracker({.rollout_gap = parts_.configuration->rollout_gap}, memory.known_rollouts());
  judge_ = policy::judge(parts_.configuration->policies, memory.for_judge());
  co_await acting_.carry_on();
  views_.flush(parts_.time.wall_now());
}

// ---- seeing ----

duration watching_agent::least_interval() const {
  return meter_.budget().shortest_interval(expected_calls(), parts_.time.steady_now());
}

/// What the next read will cost: the mean of the last ones, but for the dearest, which read all of a rollout
/// for the first time.
std::uint64_t watching_agent::expected_calls() const {
  constexpr std::uint64_t steady_calls = 4;
  if (calls_of_reads_.empty())
    return steady_calls;
  if (calls_of_reads_.size() == 1)
    return std::min(calls_of_reads_.front(), steady_calls);
  std::uint64_t sum = 0;
  for (const std::uint64_t calls : calls_of_reads_)
    sum += calls;
  sum -= *std::ranges::max_element(calls_of_reads_);
  const std::uint64_t others = calls_of_reads_.size() - 1;
  return (sum + others - 1) / others;
}

duration watching_agent::interval() const {
  return std::max(wanted_interval(), least_interval());
}

duration watching_agent::wanted_interval() const {
  const auto& pace = parts_.hub.reconcile;
  const wall_time now = clock_.wall_now();
  if (tracked_.is_running_or_due(now)) {
    return pace.active_interval;
  }
  if (const auto next = tracked_.next_start(now)) {
    return std::clamp<duration>(*next - now, pace.active_interval, pace.idle_interval);
  }
  return pace.idle_interval;
}

asio::awaitable<result<>> watching_agent::read_once() {
  if (hub_.rest().api_version().empty()) {
    const auto version = co_await hub_.queries().choose_version(parts_.hub.api_version);
    if (!version) {
      co_return fail_in("choosing the API version", version.error());
    }
    parts_.log.info("api_version_chosen", {{"hub", name_}, {"version", *version}});
    version_chosen_.notify_all();
    co_await look_around();
  }
  const auto session = co_await hub_.session().current();
  if (!session) {
    co_return fail_in("logging in", session.error());
  }
  instance_url_ = session->instance.text();
  views_.hub().instance_url = instance_url_;
  auto read = co_await reader_.reconcile();
  co_await ask_for_limits();
  co_return read;
}

/// Finds out what is documented nowhere. The queries do without, by failing first.
asio::awaitable<void> watching_agent::look_around() {
  const auto probe = co_await hub_.queries().probe();
  if (!probe) {
    parts_.log.warning("hub_not_probed", {{"hub", name_}, {"error", probe.error().text()}});
    co_return;
  }
  for (const std::string& status : probe->unknown_statuses)
    parts_.log.warning("status_unknown", {{"hub", name_}, {"status", status}});
  if (!probe->can_cancel)
    parts_.log.warning("abort_not_permitted",
                       {{"hub", name_}, {"error", "this user may not change the status of push requests"}});
  parts_.log.info("hub_probed", {{"hub", name_}, {"reads_changes", probe->reads_changes}});
}

/// Every answer tells the allocation, as a rule. Where none does, /limits is asked, but not often.
asio::awaitable<void> watching_agent::ask_for_limits() {
  if (meter_.budget().is_known() || parts_.time.steady_now() < ask_limits_at_)
    co_return;
  ask_limits_at_ = parts_.time.steady_now() + limits_interval;
  const auto limits = co_await hub_.rest().limits();
  if (!limits)
    co_return;
  const auto daily = std::ranges::find(*limits, "DailyApiRequests", &salesforce::org_limit::name);
  if (daily != limits->end())
    meter_.usage_told({.used = daily->max - std::min(daily->max, daily->remaining), .limit = daily->max});
}

void watching_agent::on_read(const result<>& read, duration took) {
  hub_view& hub = views_.hub();
  hub.was_tried = true;
  hub.is_up = read.has_value();
  if (read) {
    if (!std::exchange(was_read_, true)) {
      // An earlier life may have left them.
      for (const std::string& id : {blind_alert_id(name_), login_alert_id(name_), budget_alert_id(name_)})
        parts_.alerts.resolve(id);
    }
    if (!last_failure_.empty()) {
      parts_.log.info("hub_recovered", {{"hub", name_}});
    }
    last_failure_.clear();
    last_complete_ = parts_.time.steady_now();
    effective_interval_ = interval();
    hub.last_reconcile = parts_.time.wall_now();
    parts_.instruments.reconcile_ended(took);
  } else if (read.error().text() != last_failure_) {
    last_failure_ = read.error().text();
    parts_.log.error("hub_unreadable", {{"hub", name_}, {"error", last_failure_}});
  }
  hub.last_failure = last_failure_;
  tell_login(read);
  tell_budget();
  mark_changed();
}

void watching_agent::tell_login(const result<>& read) {
  if (!read && read.error().is(errc::unauthorized)) {
    if (std::exchange(is_login_refused_, true))
      return;
    parts_.log.error("login_refused", {{"hub", name_}, {"error", read.error().text()}});
    parts_.alerts.raise(make_login_alert(name_, read.error().text(), site()));
  } else if (read && std::exchange(is_login_refused_, false)) {
    parts_.alerts.resolve(login_alert_id(name_));
  }
}

void watching_agent::tell_budget() {
  const steady_time now = parts_.time.steady_now();
  const call_budget& budget = meter_.budget();
  const budget_view view{.spent = budget.spent(now),
                         .allowed = budget.allowed(),
                         .org_used = budget.usage().used,
                         .org_limit = budget.usage().limit,
                         .interval = interval(),
                         .wanted = wanted_interval()};
  const bool is_stretched = view.interval > view.wanted;
  if (!is_budget_low_ && is_stretched && budget.is_low(now)) {
    is_budget_low_ = true;
    parts_.log.warning("api_budget_low", {{"hub", name_},
                                          {"spent", view.spent},
                                          {"allowed", view.allowed},
                                          {"org_used", view.org_used},
                                          {"org_limit", view.org_limit},
                                          {"interval", format_duration(view.interval)}});
    parts_.alerts.raise(make_budget_alert(name_, view, site()));
  } else if (is_budget_low_ && !is_stretched) {
    is_budget_low_ = false;
    parts_.log.info("api_budget_recovered", {{"hub", name_}});
    parts_.alerts.resolve(budget_alert_id(name_));
  }
}

asio::awaitable<void> watching_agent::read_forever() {
  backoff retry({.first = std::chrono::seconds(1), .longest = parts_.hub.reconcile.active_interval});
  for (;;) {
    const steady_time began = parts_.time.steady_now();
    hinted_at_.reset();
    const std::uint64_t calls_before = meter_.calls_made();
    const auto read = co_await read_once();
    const std::uint64_t calls = meter_.calls_made() - calls_before;
    if (read) {
      calls_of_reads_.push_back(calls);
      if (calls_of_reads_.size() > reads_remembered)
        calls_of_reads_.pop_front();
    }
    on_read(read, std::chrono::duration_cast<duration>(parts_.time.steady_now() - began));
    if (!read) {
      // Attempts that fail may count against the allocation, too.
      const duration paced = meter_.budget().shortest_interval(calls, parts_.time.steady_now());
      co_await parts_.time.sleep_for(std::max(retry.next(parts_.random), paced));
      continue;
    }
    retry.reset();
    for (steady_time planned = steady_time::max();;) {
      // The passing of time may bring the next read forward, and never puts it off.
      planned = std::min(planned, began + interval());
      steady_time next = planned;
      // A hint that came while reading may be about something that was not read any more.
      if (hinted_at_)
        next =
            std::min(next, std::max(*hinted_at_ + std::min(hint_delay, parts_.hub.reconcile.active_interval),
                                    began + least_interval()));
      if (parts_.time.steady_now() >= next)
        break;
      co_await wait_until(parts_.time, next, look_sooner_);
    }
  }
}

asio::awaitable<void> watching_agent::listen() {
  while (hub_.rest().api_version().empty()) {
    co_await version_chosen_.wait();
  }
  std::map<std::string, salesforce::event_decoder> decoders;
  cometd::client_options options;
  options.path = "/cometd/" + hub_.rest().api_version();
  options.connect = hub_.connecting();
  for (const configuration::channel& channel : parts_.hub.channels) {
    options.session.channels.push_back(channel.wanted);
    decoders.emplace(channel.wanted.channel, salesforce::event_decoder(channel.fields));
  }
  stream_tokens tokens(hub_.session());
  stream_events events(
      std::move(decoders), [this](const domain::push_event& event) { return on_event(event); },
      parts_.instruments, parts_.log);
  stream_news news(views_, parts_.instruments, watch_, parts_.time);
  const auto checkpoints = store::make_checkpoint_store(parts_.store, name_);
  const auto client = cometd::make_client(std::move(options), {.network = parts_.network,
                                                               .time = parts_.time,
                                                               .tokens = tokens,
                                                               .checkpoints = *checkpoints,
                                                               .consumer = events,
                                                               .observer = news,
                                                               .log = parts_.log,
                                                               .random = parts_.random});
  co_await client->run();
}

event_outcome watching_agent::on_event(const domain::push_event& event) {
  const tracker::changes changes = tracked_.apply(event, clock_.wall_now());
  const tracker::apply_counts counts = changes.counts;
  on_changes(changes);
  // Every event brings the next look forward: the query corrects what the event may have got wrong.
  if (!hinted_at_)
    hinted_at_ = parts_.time.steady_now();
  look_sooner_.notify_all();
  if (counts.unrecognized > 0)
    return event_outcome::unrecognized;
  if (counts.stale > 0)
    return event_outcome::stale;
  if (counts.duplicate > 0)
    return event_outcome::duplicate;
  return event_outcome::applied;
}

void watching_agent::observe_durations(const tracker::changes& changes) {
  for (const tracker::job_change& change : changes.jobs) {
    const tracker::job_record& job = tracked_.at(change.job);
    const auto place = static_cast<std::size_t>(change.job);
    if (timed_.size() <= place)
      timed_.resize(place + 1);
    // A job that had ended before it was first seen says nothing about this run. One that the stream says has
    // ended is timed when a query brings both instants.
    if (change.is_new() && domain::is_terminal(change.after))
      timed_[place] = true;
    if (timed_[place] || !domain::is_terminal(change.after) || !job.start.has_value() || !job.end.has_value())
      continue;
    timed_[place] = true;
    const duration took = *job.end.get() - *job.start.get();
    if (change.after == domain::push_status::succeeded)
      parts_.instruments.job_ended(job_result::success, took);
    if (change.after == domain::push_status::failed)
      parts_.instruments.job_ended(job_result::failure, took);
  }
}

void watching_agent::on_changes(const tracker::changes& changes) {
  observe_durations(changes);
  judge_.apply(tracked_, changes);
  views_.note(changes);
  dry_runs_.note(changes);
  for (const tracker::rollout_change& change : changes.rollouts) {
    const tracker::rollout_record& rollout = tracked_.at(change.rollout);
    if (change.event == tracker::rollout_event::opened || change.event == tracker::rollout_event::joined) {
      std::vector<domain::request_id> requests;
      for (const tracker::request_index request : rollout.requests)
        requests.push_back(tracked_.at(request).row.id);
      acting_.join(rollout.id, requests);
    }
  }
  // Also those that a restart finds again: whether they were contained is in the decision's plan alone.
  for (const tracker::request_change& change : changes.requests) {
    if (change.is_new())
      acting_.expect_latecomers(tracked_.at(tracked_.at(change.request).rollout).id);
  }
  mark_changed();
}

void watching_agent::mark_changed() {
  ++changes_;
  changed_.notify_all();
}

// ---- judging ----

policy::freshness watching_agent::freshness() const {
  const duration age = std::chrono::duration_cast<duration>(parts_.time.steady_now() - last_complete_);
  const duration allowed = std::max<duration>(3 * effective_interval_, parts_.hub.reconcile.blind_after);
  return age > allowed ? policy::freshness::blind : policy::freshness::fresh;
}

void watching_agent::tell_blindness(policy::freshness hub) {
  if (hub == told_freshness_)
    return;
  told_freshness_ = hub;
  views_.hub().is_blind = hub == policy::freshness::blind;
  if (hub == policy::freshness::blind) {
    parts_.log.error("hub_blind", {{"hub", name_}, {"error", last_failure_}});
    parts_.alerts.raise(make_blind_alert(name_, last_failure_, site()));
  } else {
    parts_.log.info("hub_seeing", {{"hub", name_}});
    parts_.alerts.resolve(blind_alert_id(name_));
  }
}

/// Rules about time go by the hub's clock; a human should know that ours, or theirs, is wrong.
void watching_agent::tell_clock() {
  constexpr duration told_above = std::chrono::minutes(1);
  const duration ahead = meter_.clock_ahead();
  if (std::exchange(is_clock_wrong_, std::chrono::abs(ahead) > told_above) == is_clock_wrong_)
    return;
  if (is_clock_wrong_)
    parts_.log.warning("hub_clock_differs",
                       {{"hub", name_}, {"hub_ahead_seconds", ahead / std::chrono::seconds(1)}});
  else
    parts_.log.info("hub_clock_agrees", {{"hub", name_}});
}

void watching_agent::tell(const policy::judgement& judged) {
  const rule_view rule = make_rule_view(name_, judged);
  views_.note(judged);
  watch_.note(judged);
  if (judged.value != judged.before) {
    const bool is_bad = judged.value == policy::verdict::breached || judged.value == policy::verdict::blind;
    parts_.log.write(is_bad ? log_level::warning : log_level::info, "verdict_changed",
                     std::array<log_field, 8>{
                         log_field{"hub", name_}, log_field{"rollout", rule.key.rollout},
                         log_field{"request_id", rule.key.request}, log_field{"policy", rule.key.policy},
                         log_field{"rule", rule.key.rule}, log_field{"segment", rule.key.segment},
                         log_field{"verdict", rule.verdict}, log_field{"reason", rule.reason}});
  }
  if (judged.value == policy::verdict::blind) {
    return;  // what is not seen neither fires nor ends an alert
  }
  const auto context = [&] { return context_of(judged.key.rollout); };
  acting_.tell_held(judged, rule);
  if (judged.value == policy::verdict::warning) {
    if (judged.before != policy::verdict::warning)
      parts_.alerts.raise(make_warning_alert(context(), rule));
  } else {
    parts_.alerts.resolve(warning_alert_id(rule.key));
  }
  if (judged.value != policy::verdict::breached) {
    // A decision that could not be recorded, and now need not be: its alert must not stand.
    acting_.forget_unrecorded(judged.firing());
    parts_.alerts.resolve(breach_alert_id(rule.key));
    parts_.alerts.resolve(unarmed_breach_alert_id(rule.key));
  } else if (judged.before != policy::verdict::breached) {
    // Told once with the numbers of that moment; how they go on is in the metrics.
    const auto severity = severity_of(judged.severity);
    if (judged.follows == policy::consequence::alert)
      parts_.alerts.raise(make_breach_alert(context(), rule, severity));
    if (judged.follows == policy::consequence::breached_before_arming) {
      parts_.alerts.raise(make_unarmed_breach_alert(context(), rule, severity));
    }
  }
}

void watching_agent::take_configuration() {
  if (!next_)
    return;
  for (policy::judgement& judged : judge_.current())
    outgoing_.insert_or_assign(judged.key, std::move(judged));
  acting_.keep_policies_in_force();
  parts_.configuration = std::exchange(next_, nullptr);
  judge_ = policy::judge(parts_.configuration->policies, judge_.memory());
  judge_.apply_all(tracked_);
  views_.forget_rules();
  watch_.forget_judgements();
}

/// A new judge has seen nothing before; what was told of a rule that is still there is not told again.
void watching_agent::remember_outgoing(policy::judgement& judged) const {
  if (const auto before = outgoing_.find(judged.key);
      before != outgoing_.end() && before->second.follows == judged.follows)
    judged.before = before->second.value;
}

void watching_agent::end_alerts_of_outgoing() {
  if (outgoing_.empty())
    return;
  for (const policy::judgement& judged : judge_.current())
    outgoing_.erase(judged.key);
  for (const auto& [key, gone] : outgoing_) {
    const rule_key rule = make_rule_view(name_, gone).key;
    acting_.forget_held(rule);
    acting_.forget_unrecorded(gone.firing());
    parts_.alerts.end(warning_alert_id(rule));
    parts_.alerts.end(breach_alert_id(rule));
    parts_.alerts.end(unarmed_breach_alert_id(rule));
  }
  outgoing_.clear();
}

asio::awaitable<void> watching_agent::judge_forever() {
  for (;;) {
    co_await desk_.serve();
    take_configuration();
    const wall_time now = parts_.time.wall_now();
    judge_.set_holds(parts_.holds.of(name_, now));
    if (const tracker::changes aged = tracked_.refresh(clock_.wall_now()); !aged.empty())
      on_changes(aged);
    const std::uint64_t judged_changes = changes_;
    const policy::freshness hub = freshness();
    tell_blindness(hub);
    tell_clock();
    judge_.set_clock_ahead(meter_.clock_ahead());
    policy::evaluation found = judge_.evaluate(tracked_, now, hub);
    acting_.memory().note(found.armings, now);
    for (policy::judgement& judged : found.judgements) {
      remember_outgoing(judged);
      tell(judged);
      if (judged.follows == policy::consequence::abort ||
          judged.follows == policy::consequence::would_abort) {
        co_await acting_.decide(std::move(judged));
      }
    }
    end_alerts_of_outgoing();
    const steady_time ask_again_at = ask_to_confirm(std::move(found.needs_errors));
    co_await acting_.remember_watched();
    co_await acting_.contain_latecomers();
    co_await dry_runs_.follow();
    judged_.notify_all();
    hub_view& shown = views_.hub();
    shown.last_evaluation = now;
    shown.calls_allowed = meter_.budget().allowed();
    shown.calls_made = meter_.budget().spent(parts_.time.steady_now());
    views_.flush(now);
    if (changes_ == judged_changes) {
      const steady_time next = parts_.time.steady_now() + judging_interval;
      wake_judge_at(std::min(next, ask_again_at));
      co_await changed_.wait();
    }
  }
}

/// News, and what is about to go wrong: beside the judge, as looking through all rollouts must stand neither
/// between an event and its verdict nor between a verdict and its calls.
asio::awaitable<void> watching_agent::tend_forever() {
  for (;;) {
    co_await judged_.wait();
    co_await parts_.time.sleep_for(tending_delay);
    const bool sees_rollouts = was_read_ && freshness() == policy::freshness::fresh;
    if (sees_rollouts)
      news_.tell(parts_.configuration->rollout_gap, parts_.time.wall_now());
    watch_.look(sees_rollouts ? rollout_watch::view::all : rollout_watch::view::channels, clock_.wall_now(),
                last_failure_);
  }
}

/// The judge waits for changes alone, and time comes to it as one: to wait for either would put a group of
/// coroutines, to be ended one after the other, between an event and its verdict.
void watching_agent::wake_judge_at(steady_time when) {
  if (when >= judge_wakes_at_)
    return;  // it will look again before
  judge_wakes_at_ = when;
  tasks_->spawn(wake_judge(when));
}

asio::awaitable<void> watching_agent::wake_judge(steady_time when) {
  co_await parts_.time.sleep_until(when);
  if (judge_wakes_at_ == when)
    judge_wakes_at_ = steady_time::max();
  changed_.notify_all();
}

/// Jobs that were just read and are wanted still are asked for again only after a while: Salesforce's answer
/// did not settle them, and the same question at once would bring the same answer. Answers when to come
/// again.
steady_time watching_agent::ask_to_confirm(std::vector<domain::job_id> jobs) {
  if (jobs.empty() || is_confirming_)
    return steady_time::max();  // the end of a confirmation is a change, too
  const steady_time now = parts_.time.steady_now();
  const steady_time ask_at = jobs == confirmed_ ? confirm_again_at_ : confirm_more_at_;
  if (now < ask_at)
    return ask_at;
  is_confirming_ = true;
  confirmed_ = jobs;
  confirm_more_at_ = now + confirming_interval;
  confirm_again_at_ = now + judging_interval;
  tasks_->spawn(confirm(std::move(jobs)));
  return steady_time::max();
}

asio::awaitable<void> watching_agent::confirm(std::vector<domain::job_id> jobs) {
  const auto read = co_await reader_.confirm(jobs);
  if (!read) {
    parts_.log.warning("breach_unconfirmed",
                       {{"hub", name_}, {"jobs", jobs.size()}, {"error", read.error().text()}});
    judge_.cannot_confirm(tracked_, jobs);
  }
  is_confirming_ = false;
  mark_changed();
}

// ---- what the texts need ----

alert_context watching_agent::context_of(const domain::rollout_id& rollout) const {
  alert_context context;
  context.hub = name_;
  context.rollout = rollout.text();
  context.instance_url = instance_url_;
  context.site = site();
  context.orgs = parts_.configuration->orgs;
  if (const auto index = tracked_.find(rollout); index && !tracked_.at(*index).requests.empty()) {
    const domain::request_row& row = tracked_.at(tracked_.at(*index).requests.front()).row;
    context.package_name = row.package_name;
    context.version_number = row.version_number;
    context.package = row.package;
    context.generation = row.generation;
  }
  return context;
}

}  // namespace

std::unique_ptr<hub_agent> make_hub_agent(hub_agent_parts parts) {
  return std::make_unique<watching_agent>(std::move(parts));
}

}  // namespace pushguard::agent
