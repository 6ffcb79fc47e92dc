#include "agent/core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "agent/alert_center.hpp"
#include "agent/alert_texts.hpp"
#include "agent/audit_backlog.hpp"
#include "agent/audit_trail.hpp"
#include "agent/hub_connection.hpp"
#include "agent/store/ports.hpp"
#include "alerts/alertmanager.hpp"
#include "base/task_group.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

constexpr duration beat_interval = std::chrono::seconds(1);

std::vector<std::string> receiver_names(const configuration::configuration& from) {
  std::vector<std::string> names;
  for (const configuration::receiver& receiver : from.alerts.receivers)
    names.push_back(receiver.name);
  return names;
}

std::unique_ptr<hub_instruments> make_hub_instruments(const configuration::configuration& from,
                                                      const configuration::hub& hub) {
  std::vector<std::string> channels;
  std::vector<std::string> policies;
  for (const configuration::channel& channel : hub.channels)
    channels.push_back(channel.wanted.channel);
  for (const policy::policy_specification& policy : from.policies)
    policies.push_back(policy.name);
  return std::make_unique<hub_instruments>(hub.name, channels, policies);
}

}  // namespace

agent_identity this_build() {
  return {PUSHGUARD_VERSION, PUSHGUARD_COMMIT};
}

agent_core::agent_core(core_parts parts)
    : parts_(std::move(parts)),
      random_(parts_.seed),
      notification_instruments_(receiver_names(parts_.configuration)) {
  for (const configuration::hub& hub : parts_.configuration.hubs) {
    hub_instruments_.push_back(make_hub_instruments(parts_.configuration, hub));
  }
}

result<std::unique_ptr<agent_core>> agent_core::make(core_parts parts) {
  std::unique_ptr<agent_core> core(new agent_core(std::move(parts)));
  auto trust = load_tls_trust(std::nullopt);
  if (!trust) {
    return fail_in("reading the system's certificates", trust.error());
  }
  core->trust_ = *trust;
  for (const configuration::hub& hub : core->parts_.configuration.hubs) {
    if (!hub.ca_file) {
      core->hub_trust_.push_back(core->trust_);
      continue;
    }
    auto own = load_hub_trust(hub);
    if (!own) {
      return std::unexpected(own.error());
    }
    core->hub_trust_.push_back(std::move(*own));
  }
  return core;
}

std::vector<std::unique_ptr<alerts::receiver>> agent_core::make_receivers() {
  std::vector<std::unique_ptr<alerts::receiver>> receivers;
  for (const configuration::receiver& receiver : parts_.configuration.alerts.receivers) {
    const auto& kind = std::get<configuration::alertmanager_receiver>(receiver.kind);
    alerts::alertmanager_options options;
    options.name = receiver.name;
    options.urls = kind.urls;
    options.connect.trust = trust_;
    receivers.push_back(alerts::make_alertmanager_receiver(std::move(options), parts_.network, parts_.time,
                                                           parts_.log, random_engine(random_())));
  }
  return receivers;
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

asio::awaitable<operator_answer> agent_core::perform_on_rule(operator_command command, rule_target rule) {
  const auto& policies = parts_.configuration.policies;
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
  if (const auto* rule = std::get_if<rule_target>(&command.target)) {
    rule_target named = *rule;
    co_return co_await perform_on_rule(std::move(command), std::move(named));
  }
  for (const auto& [name, hub] : working_.hubs) {
    const auto* rollout = std::get_if<rollout_target>(&command.target);
    const bool is_meant =
        rollout != nullptr ? rollout->hub == name : hub->knows(std::get<domain::request_id>(command.target));
    if (is_meant)
      co_return co_await hub->perform(std::move(command));
  }
  co_return operator_answer{.outcome = operator_outcome::not_found,
                            .text = fmt::format("this agent knows no {}", target_text(command))};
}

asio::awaitable<result<>> agent_core::run(store::store& store) {
  const auto executor = co_await asio::this_coro::executor;
  const auto known = co_await store.load();
  if (!known) {
    co_return fail_in("reading the store", known.error());
  }
  const auto outbox_port = store::make_outbox_store(store);
  alerts::outbox outbox(executor, make_receivers(), *outbox_port, parts_.time, parts_.log,
                        notification_instruments_, random_engine(random_()));
  alert_center center(alerts::alert_book(parts_.configuration.alerts.routes,
                                         {.repeat_interval = parts_.configuration.alerts.repeat_interval}),
                      store, outbox, parts_.time, parts_.log, random_);
  const auto restored = co_await center.restore(known->newest_notification);
  if (!restored) {
    co_return restored;
  }
  decision_numbers numbers(known->next_decision_id);
  audit_backlog trail(store, parts_.time, parts_.log, random_);
  begin_trail(trail, center, known->audit);
  (void)co_await trail.flush();
  hold_book holds({.store = store,
                   .time = parts_.time,
                   .log = parts_.log,
                   .random = random_,
                   .publish =
                       [this](std::vector<hold_view> all) {
                         view_update update;
                         update.holds = std::move(all);
                         parts_.views(std::move(update));
                       }},
                  known->holds);
  std::vector<std::unique_ptr<hub_agent>> hubs;
  holds.on_change([&hubs] {
    for (const auto& hub : hubs)
      hub->look_again();
  });
  task_group tasks(executor);
  tasks.spawn(holds.run());
  tasks.spawn(beat());
  tasks.spawn(outbox.run());
  tasks.spawn(center.run());
  tasks.spawn(trail.run());
  for (std::size_t i = 0; i < parts_.configuration.hubs.size(); ++i) {
    hubs.push_back(make_hub_agent({.configuration = parts_.configuration,
                                   .hub = parts_.configuration.hubs[i],
                                   .network = parts_.network,
                                   .time = parts_.time,
                                   .log = parts_.log,
                                   .random = random_,
                                   .store = store,
                                   .alerts = center,
                                   .numbers = numbers,
                                   .audit = trail,
                                   .instruments = *hub_instruments_[i],
                                   .holds = holds,
                                   .views = parts_.views,
                                   .trust = hub_trust_[i],
                                   .agent_version = parts_.identity.version,
                                   .agent_url = parts_.agent_url}));
    tasks.spawn(hubs.back()->run(*known));
    working_.hubs.emplace(parts_.configuration.hubs[i].name, hubs.back().get());
  }
  working_.holds = &holds;
  co_await tasks.join();
  if (!co_await trail.flush())
    parts_.log.error("audit_entries_lost", {{"entries", trail.size()}});
  working_.holds = nullptr;
  working_.hubs.clear();
  while (working_.commands > 0)
    co_await working_.command_ended.wait();
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
    center.raise(make_audit_alert(found.problem, parts_.agent_url));
  }
  trail.add(audit_agent_started(parts_.identity.version, parts_.identity.commit, found, now));
  trail.add(audit_configuration_loaded(parts_.configuration, "pushguard", now));
}

std::vector<prometheus::MetricFamily> agent_core::collect() const {
  std::vector<prometheus::MetricFamily> families = notification_instruments_.collect();
  for (const auto& hub : hub_instruments_) {
    std::vector<prometheus::MetricFamily> more = hub->collect();
    std::move(more.begin(), more.end(), std::back_inserter(families));
  }
  return families;
}

}  // namespace pushguard::agent
