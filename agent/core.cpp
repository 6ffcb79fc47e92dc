#include "agent/core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "agent/alert_center.hpp"
#include "agent/alert_texts.hpp"
#include "agent/alerting_texts.hpp"
#include "agent/audit_backlog.hpp"
#include "agent/audit_trail.hpp"
#include "agent/probe_alerts.hpp"
#include "agent/receiver_making.hpp"
#include "agent/store/ports.hpp"
#include "agent/store_watch.hpp"
#include "base/task_group.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

constexpr duration beat_interval = std::chrono::seconds(1);

std::vector<std::string> receiver_names(const configuration::alerting& from) {
  std::vector<std::string> names;
  for (const configuration::receiver& receiver : from.receivers)
    names.push_back(receiver.name);
  return names;
}

/// nullptr without a watchdog.
const configuration::receiver* watchdog_receiver(const configuration::alerting& from) {
  if (!from.watchdog)
    return nullptr;
  const auto found =
      std::ranges::find(from.receivers, from.watchdog->receiver, &configuration::receiver::name);
  return found == from.receivers.end() ? nullptr : &*found;
}

bool has_same_watchdog(const configuration::alerting& a, const configuration::alerting& b) {
  const configuration::receiver* of_a = watchdog_receiver(a);
  const configuration::receiver* of_b = watchdog_receiver(b);
  return a.watchdog == b.watchdog && (of_a == nullptr || of_b == nullptr ? of_a == of_b : *of_a == *of_b);
}

alerts::alert_book_options book_options(const configuration::alerting& from) {
  alerts::alert_book_options options{.repeat_interval = from.repeat_interval,
                                     .inhibitions = alert_inhibitions()};
  for (const configuration::receiver& receiver : from.receivers)
    options.traits.emplace(receiver.name, traits_of(receiver));
  return options;
}

/// Counts what the outbox does, and tells the center.
class outbox_listener final : public alerts::outbox_observer {
 public:
  explicit outbox_listener(alerts::outbox_observer& counts) : counts_(counts) {}

  void tell(alert_center& center) noexcept { center_ = &center; }

  void on_outcome(std::string_view receiver, alerts::notification_outcome outcome,
                  alerts::delivery_reason reason) override {
    counts_.on_outcome(receiver, outcome, reason);
    note_change();
  }
  void on_queue(std::string_view receiver, std::size_t length, std::optional<wall_time> oldest) override {
    counts_.on_queue(receiver, length, oldest);
    note_change();
  }
  void on_end(const alerts::outbox_row& row, const alerts::outbox_done& how) override {
    if (center_ != nullptr)
      center_->on_end(row, how);
  }

 private:
  void note_change() {
    if (center_ != nullptr)
      center_->on_outbox_changed();
  }

  alerts::outbox_observer& counts_;
  alert_center* center_ = nullptr;
};

}  // namespace

agent_identity this_build() {
  return {PUSHGUARD_VERSION, PUSHGUARD_COMMIT};
}

agent_core::agent_core(core_parts parts, std::shared_ptr<tls_trust> trust, hub_certificates certificates)
    : parts_(std::move(parts)),
      random_(parts_.seed),
      trust_(std::move(trust)),
      fleet_({.network = parts_.network,
              .time = parts_.time,
              .log = parts_.log,
              .random = random_,
              .views = parts_.views,
              .agent_version = parts_.identity.version,
              .agent_url = parts_.agent_url},
             parts_.configuration, std::move(certificates)),
      notification_instruments_(receiver_names(parts_.configuration->alerts)) {}

result<std::unique_ptr<agent_core>> agent_core::make(core_parts parts) {
  auto trust = load_tls_trust(std::nullopt);
  if (!trust) {
    return fail_in("reading the system's certificates", trust.error());
  }
  auto certificates = hub_certificates::read(*parts.configuration);
  if (!certificates) {
    return std::unexpected(certificates.error());
  }
  return std::unique_ptr<agent_core>(
      new agent_core(std::move(parts), std::move(*trust), std::move(*certificates)));
}

std::unique_ptr<alerts::receiver> agent_core::make_receiver(const configuration::receiver& from,
                                                            std::optional<duration> ends_after) {
  return agent::make_receiver(from, {.network = parts_.network,
                                     .time = parts_.time,
                                     .log = parts_.log,
                                     .trust = trust_,
                                     .random = random_engine(random_()),
                                     .ends_after = ends_after});
}

std::optional<alerts::watchdog_duty> agent_core::make_watchdog_duty(const configuration::alerting& from) {
  const configuration::receiver* to = watchdog_receiver(from);
  if (to == nullptr)
    return std::nullopt;
  const duration interval = from.watchdog->interval;
  return alerts::watchdog_duty{.to = make_receiver(*to, interval * alerts::watchdog_ends_after_intervals),
                               .interval = interval};
}

asio::awaitable<void> agent_core::beat() {
  for (;;) {
    parts_.state.last_turn = parts_.time.steady_now().time_since_epoch().count();
    co_await parts_.time.sleep_for(beat_interval);
  }
}

/// Keeps what run() has made alive while a command uses it.
class agent_core::command_mark {
 public:
  explicit command_mark(working& at) : at_(at) { ++at_.commands; }
  ~command_mark() {
    --at_.commands;
    at_.command_ended.notify_all();
  }
  command_mark(const command_mark&) = delete;
  command_mark& operator=(const command_mark&) = delete;

 private:
  working& at_;
};

/// Nobody changes the configuration while run() begins by it.
class agent_core::beginning_mark {
 public:
  explicit beginning_mark(working& at) : at_(at) { at_.is_beginning = true; }
  ~beginning_mark() { end(); }
  beginning_mark(const beginning_mark&) = delete;
  beginning_mark& operator=(const beginning_mark&) = delete;

  void end() const {
    if (std::exchange(at_.is_beginning, false))
      at_.begun.notify_all();
  }

 private:
  working& at_;
};

asio::awaitable<operator_answer> agent_core::perform_on_rule(operator_command command, rule_target rule) {
  const auto& policies = parts_.configuration->policies;
  const auto policy = std::ranges::find(policies, rule.policy, &policy::policy_specification::name);
  const bool is_known =
      policy != policies.end() &&
      std::ranges::find(policy->rules, rule.rule, &policy::rule_specification::name) != policy->rules.end();
  if (!is_known) {
    co_return operator_answer{.outcome = operator_outcome::not_found,
                              .text = fmt::format("the configuration has no rule {}", target_text(command))};
  }
  store::hold_target target{.rollout = {}, .policy = std::move(rule.policy), .rule = std::move(rule.rule)};
  if (command.action == domain::operator_action::hold)
    co_return co_await working_.holds->put(std::move(command), std::move(target));
  if (command.action == domain::operator_action::release)
    co_return co_await working_.holds->remove(std::move(command), std::move(target));
  co_return operator_answer{.outcome = operator_outcome::invalid,
                            .text = "a rule can be held and released, and nothing else"};
}

asio::awaitable<operator_answer> agent_core::perform(operator_command command) {
  if (working_.holds == nullptr) {
    co_return operator_answer{.outcome = operator_outcome::unavailable,
                              .text = "this agent starts or ends; nothing was done"};
  }
  const command_mark mark(working_);
  if (const auto* alert = std::get_if<alert_target>(&command.target)) {
    std::string name = alert->name;
    co_return co_await working_.alerts->perform(std::move(command), std::move(name));
  }
  if (const auto* rule = std::get_if<rule_target>(&command.target)) {
    rule_target named = *rule;
    co_return co_await perform_on_rule(std::move(command), std::move(named));
  }
  const auto* rollout = std::get_if<rollout_target>(&command.target);
  hub_agent* meant = rollout != nullptr ? fleet_.find(rollout->hub)
                                        : fleet_.find_knowing(std::get<domain::request_id>(command.target));
  if (meant != nullptr)
    co_return co_await meant->perform(std::move(command));
  co_return operator_answer{.outcome = operator_outcome::not_found,
                            .text = fmt::format("this agent knows no {}", target_text(command))};
}

void agent_core::note_commit(const failure* why) {
  if (working_.alerts == nullptr || (why == nullptr && !is_store_failing_))
    return;
  is_store_failing_ = why != nullptr;
  if (why == nullptr) {
    working_.alerts->resolve(store_failing_alert_id());
    return;
  }
  const bool refuses =
      parts_.configuration->on_store_failure == configuration::store_failure_handling::refuse;
  working_.alerts->raise(make_store_failing_alert(*why, refuses));
}

asio::awaitable<result<>> agent_core::run(store::store& inner) {
  const auto executor = co_await asio::this_coro::executor;
  const beginning_mark beginning(working_);
  store_watch store(inner, [this](const failure* why) { note_commit(why); });
  const auto known = co_await store.load();
  if (!known) {
    co_return fail_in("reading the store", known.error());
  }
  const configuration::alerting& alerting = parts_.configuration->alerts;
  std::vector<std::unique_ptr<alerts::receiver>> receivers;
  receivers.reserve(alerting.receivers.size());
  for (const configuration::receiver& each : alerting.receivers)
    receivers.push_back(make_receiver(each));
  const auto outbox_port = store::make_outbox_store(store);
  outbox_listener listener(notification_instruments_);
  alerts::outbox outbox(executor, std::move(receivers), *outbox_port, parts_.time, parts_.log, listener,
                        random_engine(random_()));
  alerts::watchdog watchdog(make_watchdog_alert(site_of(*parts_.configuration, parts_.agent_url).agent_url),
                            parts_.time, parts_.log, notification_instruments_);
  watchdog.configure(make_watchdog_duty(alerting));
  alert_center center(alerts::alert_book(alerting.routes, book_options(alerting)),
                      {.store = store,
                       .outbox = outbox,
                       .time = parts_.time,
                       .log = parts_.log,
                       .random = random_,
                       .site = [this] { return site_of(*parts_.configuration, parts_.agent_url); },
                       .publish =
                           [this](std::shared_ptr<const alerting_view> all) {
                             view_update update;
                             update.alerting = std::move(all);
                             parts_.views(std::move(update));
                           }});
  listener.tell(center);
  const auto restored = co_await center.restore(known->newest_notification, known->dead_letters);
  if (!restored) {
    co_return restored;
  }
  decision_numbers numbers(known->next_decision_id);
  audit_backlog trail(store, parts_.time, parts_.log, random_);
  begin_trail(trail, center, known->audit);
  (void)co_await trail.flush();
  // Whoever is told to end by now must not begin: the join below would throw before it waits for anybody.
  if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
    if (trail.size() > 0)
      parts_.log.error("audit_entries_lost", {{"entries", trail.size()}});
    co_return result<>{};
  }
  hold_watch watched_holds(center);
  hold_book holds({.store = store,
                   .time = parts_.time,
                   .log = parts_.log,
                   .random = random_,
                   .watch = watched_holds,
                   .publish =
                       [this](std::vector<hold_view> all) {
                         view_update update;
                         update.holds = std::move(all);
                         parts_.views(std::move(update));
                       }},
                  known->holds);
  holds.on_change([this] { fleet_.look_again(); });
  task_group tasks(executor);
  tasks.spawn(holds.run());
  tasks.spawn(beat());
  tasks.spawn(outbox.run());
  tasks.spawn(watchdog.run());
  tasks.spawn(center.run());
  tasks.spawn(trail.run());
  fleet_.start({.store = store,
                .alerts = center,
                .numbers = numbers,
                .audit = trail,
                .holds = holds,
                .spawn = [&tasks](asio::awaitable<void> task) { tasks.spawn(std::move(task)); }},
               *known);
  working_.holds = &holds;
  working_.outbox = &outbox;
  working_.watchdog = &watchdog;
  working_.alerts = &center;
  working_.trail = &trail;
  beginning.end();
  co_await tasks.join();
  fleet_.close();
  if (!co_await trail.flush())
    parts_.log.error("audit_entries_lost", {{"entries", trail.size()}});
  working_.holds = nullptr;
  while (working_.commands > 0)
    co_await working_.command_ended.wait();
  fleet_.ended();
  co_return result<>{};
}

void agent_core::change_receivers(const configuration::alerting& before,
                                  const configuration::alerting& next) {
  std::vector<std::string> removed;
  std::vector<std::unique_ptr<alerts::receiver>> added;
  const auto is_in = [](const configuration::receiver& each, const configuration::alerting& alerting) {
    return std::ranges::find(alerting.receivers, each) != alerting.receivers.end();
  };
  for (const configuration::receiver& each : before.receivers) {
    if (!is_in(each, next))
      removed.push_back(each.name);
  }
  for (const configuration::receiver& each : next.receivers) {
    if (!is_in(each, before))
      added.push_back(make_receiver(each));
  }
  working_.outbox->configure(removed, std::move(added));
}

void agent_core::change_watchdog(const configuration::alerting& before, const configuration::alerting& next) {
  if (!has_same_watchdog(before, next))
    working_.watchdog->configure(make_watchdog_duty(next));
}

asio::awaitable<result<>> agent_core::reload(configuration::shared_configuration next, std::string actor) {
  auto certificates = hub_certificates::read(*next);
  if (!certificates) {
    co_return std::unexpected(certificates.error());
  }
  while (working_.is_beginning)
    co_await working_.begun.wait();
  const command_mark mark(working_);
  notification_instruments_.configure(receiver_names(next->alerts));
  const configuration::shared_configuration before = std::exchange(parts_.configuration, next);
  if (working_.holds != nullptr) {
    change_receivers(before->alerts, next->alerts);
    change_watchdog(before->alerts, next->alerts);
    working_.alerts->configure(next->alerts.routes, book_options(next->alerts));
    working_.trail->add(audit_configuration_loaded(*next, actor, parts_.time.wall_now()));
  }
  co_await fleet_.change_to(next, std::move(*certificates));
  co_return result<>{};
}

/// A broken chain stops nothing: what watches rollouts must not be put out by whoever can write to its file.
void agent_core::begin_trail(audit_backlog& trail, alert_center& center, const store::audit_state& found) {
  const wall_time now = parts_.time.wall_now();
  if (found.problem.empty()) {
    parts_.log.info("audit_chain_checked", {{"entries", found.entries}, {"last_hash", found.last_hash}});
    center.resolve(audit_alert_id());
  } else {
    parts_.log.error(
        "audit_chain_broken",
        {{"problem", found.problem}, {"intact_entries", found.entries}, {"last_hash", found.last_hash}});
    center.raise(make_audit_alert(found.problem, site_of(*parts_.configuration, parts_.agent_url)));
  }
  trail.add(audit_agent_started(parts_.identity.version, parts_.identity.commit, found, now));
  trail.add(audit_configuration_loaded(*parts_.configuration, "pushguard", now));
}

std::vector<prometheus::MetricFamily> agent_core::collect() const {
  std::vector<prometheus::MetricFamily> families = notification_instruments_.collect();
  std::vector<prometheus::MetricFamily> more = fleet_.collect();
  std::move(more.begin(), more.end(), std::back_inserter(families));
  return families;
}

}  // namespace pushguard::agent
