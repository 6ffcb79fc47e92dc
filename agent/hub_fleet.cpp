#include "agent/hub_fleet.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <iterator>
#include <set>

#include "agent/hub_connection.hpp"
#include "base/backoff.hpp"
#include "base/condition.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/task_group.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

constexpr std::size_t certificates_size_max = std::size_t{16} * 1024 * 1024;
constexpr backoff_limits load_retry{.first = std::chrono::milliseconds(200),
                                    .longest = std::chrono::seconds(10)};

std::vector<std::string> channel_names(const configuration::hub& hub) {
  std::vector<std::string> names;
  for (const configuration::channel& channel : hub.channels)
    names.push_back(channel.wanted.channel);
  return names;
}

std::vector<std::string> policy_names(const configuration::configuration& from) {
  std::vector<std::string> names;
  for (const policy::policy_specification& policy : from.policies)
    names.push_back(policy.name);
  return names;
}

}  // namespace

result<hub_certificates> hub_certificates::read(const configuration::configuration& from) {
  const auto system = load_tls_trust(std::nullopt);
  if (!system) {
    return fail_in("reading the system's certificates", system.error());
  }
  hub_certificates out;
  for (const configuration::hub& hub : from.hubs) {
    if (!hub.ca_file) {
      out.by_hub_.emplace(hub.name, believed{*system, ""});
      continue;
    }
    auto own = load_hub_trust(hub);
    if (!own)
      return std::unexpected(own.error());
    const auto text = read_file(*hub.ca_file, certificates_size_max);
    if (!text)
      return fail_in("hub " + hub.name, text.error());
    out.by_hub_.emplace(hub.name, believed{std::move(*own), sha256_hex(*text)});
  }
  return out;
}

/// One hub with its agent. Whoever runs it keeps it until it has ended.
struct hub_fleet::place {
  configuration::hub hub;
  std::shared_ptr<hub_instruments> instruments;
  std::unique_ptr<hub_agent> agent{};  ///< while the fleet runs
  task_group* tasks = nullptr;         ///< while the agent runs
  bool is_to_end = false;
  bool has_ended = false;
  condition ended{};
};

hub_fleet::hub_fleet(hub_fleet_parts parts, configuration::shared_configuration configuration,
                     hub_certificates certificates)
    : parts_(std::move(parts)),
      configuration_(std::move(configuration)),
      certificates_(std::move(certificates)) {
  for (const configuration::hub& hub : configuration_->hubs)
    add(hub);
}

hub_fleet::~hub_fleet() = default;

void hub_fleet::add(const configuration::hub& hub) {
  const auto made = std::make_shared<place>();
  made->hub = hub;
  made->instruments =
      std::make_shared<hub_instruments>(hub.name, channel_names(hub), policy_names(*configuration_));
  places_.insert_or_assign(hub.name, made);
  const std::scoped_lock lock(mutex_);
  instruments_.push_back(made->instruments);
}

void hub_fleet::start(hub_services services, const store::loaded_state& known) {
  services_.emplace(std::move(services));
  for (const auto& [name, at] : places_)
    set_going(at, &known);
}

void hub_fleet::ended() {
  for (const auto& [name, at] : places_)
    at->agent.reset();
  services_.reset();
}

void hub_fleet::set_going(const std::shared_ptr<place>& at, const store::loaded_state* known) {
  at->agent = make_hub_agent({.configuration = configuration_,
                              .hub = at->hub,
                              .network = parts_.network,
                              .time = parts_.time,
                              .log = parts_.log,
                              .random = parts_.random,
                              .store = services_->store,
                              .alerts = services_->alerts,
                              .numbers = services_->numbers,
                              .audit = services_->audit,
                              .instruments = *at->instruments,
                              .holds = services_->holds,
                              .views = parts_.views,
                              .trust = certificates_.by_hub_.at(at->hub.name).trust,
                              .agent_version = parts_.agent_version,
                              .agent_url = parts_.agent_url});
  services_->spawn(run(at, known));
}

asio::awaitable<void> hub_fleet::run(std::shared_ptr<place> at, const store::loaded_state* known) {
  struct end_mark {
    explicit end_mark(place& of) : at(of) {}
    ~end_mark() {
      at.tasks = nullptr;
      at.has_ended = true;
      at.ended.notify_all();
    }
    end_mark(const end_mark&) = delete;
    end_mark& operator=(const end_mark&) = delete;

    place& at;
  };
  const end_mark mark(*at);
  if (at->is_to_end)
    co_return;
  task_group tasks(co_await asio::this_coro::executor);
  at->tasks = &tasks;
  tasks.spawn(live(at, known));
  co_await tasks.join();
}

asio::awaitable<void> hub_fleet::live(std::shared_ptr<place> at, const store::loaded_state* known) {
  std::optional<store::loaded_state> own;
  backoff retry(load_retry);
  while (known == nullptr) {
    auto loaded = co_await services_->store.load();
    if (loaded) {
      known = &own.emplace(std::move(*loaded));
      break;
    }
    parts_.log.error("store_not_read", {{"hub", at->hub.name}, {"error", loaded.error().text()}});
    co_await parts_.time.sleep_for(retry.next(parts_.random));
  }
  co_await at->agent->run(*known);
}

asio::awaitable<void> hub_fleet::end(std::shared_ptr<place> at) {
  at->is_to_end = true;
  if (at->tasks != nullptr)
    at->tasks->cancel();
  while (!at->has_ended)
    co_await at->ended.wait();
}

bool hub_fleet::is_as_it_was(const place& at, const configuration::configuration& next,
                             const hub_certificates& certificates) const {
  const auto hub = std::ranges::find(next.hubs, at.hub.name, &configuration::hub::name);
  return hub != next.hubs.end() && *hub == at.hub && next.rollout_gap == configuration_->rollout_gap &&
         certificates.by_hub_.at(hub->name).digest == certificates_.by_hub_.at(hub->name).digest;
}

asio::awaitable<void> hub_fleet::change_to(configuration::shared_configuration next,
                                           hub_certificates certificates) {
  place_map outgoing;
  for (const auto& [name, at] : places_) {
    if (!is_as_it_was(*at, *next, certificates))
      outgoing.emplace(name, at);
  }
  configuration_ = std::move(next);
  certificates_ = std::move(certificates);
  for (const auto& [name, at] : places_) {
    at->instruments->configure(channel_names(at->hub), policy_names(*configuration_));
    if (!outgoing.contains(name) && at->agent)
      at->agent->reconfigure(configuration_);
  }
  for (const auto& [name, at] : outgoing) {
    if (services_) {
      parts_.log.info("hub_ending", {{"hub", name}});
      co_await end(at);
      view_update update;
      update.forgotten_hubs.push_back(name);
      parts_.views(std::move(update));
      if (std::ranges::find(configuration_->hubs, name, &configuration::hub::name) ==
          configuration_->hubs.end())
        services_->alerts.resolve_all_of(name);
    }
    places_.erase(name);
    const std::scoped_lock lock(mutex_);
    std::erase(instruments_, at->instruments);
  }
  for (const configuration::hub& hub : configuration_->hubs) {
    if (places_.contains(hub.name))
      continue;
    add(hub);
    if (services_ && !is_closed_)
      set_going(places_.at(hub.name), nullptr);
  }
}

hub_agent* hub_fleet::find(std::string_view hub) const {
  const auto found = places_.find(hub);
  return found == places_.end() || found->second->is_to_end ? nullptr : found->second->agent.get();
}

hub_agent* hub_fleet::find_knowing(const domain::request_id& request) const {
  for (const auto& [name, at] : places_) {
    if (at->agent && !at->is_to_end && at->agent->knows(request))
      return at->agent.get();
  }
  return nullptr;
}

void hub_fleet::look_again() const {
  for (const auto& [name, at] : places_) {
    if (at->agent)
      at->agent->look_again();
  }
}

std::vector<prometheus::MetricFamily> hub_fleet::collect() const {
  std::vector<std::shared_ptr<hub_instruments>> all;
  {
    const std::scoped_lock lock(mutex_);
    all = instruments_;
  }
  std::vector<prometheus::MetricFamily> families;
  for (const auto& hub : all) {
    std::vector<prometheus::MetricFamily> more = hub->collect();
    std::move(more.begin(), more.end(), std::back_inserter(families));
  }
  return families;
}

}  // namespace pushguard::agent
