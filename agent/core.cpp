#include "agent/core.hpp"

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
  std::vector<std::unique_ptr<hub_agent>> hubs;
  task_group tasks(executor);
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
                                   .views = parts_.views,
                                   .trust = hub_trust_[i],
                                   .agent_version = parts_.identity.version,
                                   .agent_url = parts_.agent_url}));
    tasks.spawn(hubs.back()->run(*known));
  }
  co_await tasks.join();
  if (!co_await trail.flush())
    parts_.log.error("audit_entries_lost", {{"entries", trail.size()}});
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
