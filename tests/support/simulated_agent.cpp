#include "tests/support/simulated_agent.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <stdexcept>

#include "agent/past_push_reader.hpp"
#include "base/http_server.hpp"
#include "base/task_group.hpp"
#include "tests/support/refusing_store.hpp"

namespace pushguard::test {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::string_view enforcing_policy = R"(
  - name: production
    mode: enforce
    in_progress: try
    rules:
      - name: failure-rate
        failure_rate: { above: 5%, confidence: 99%, min_started: 10 }
        action: abort
)";

// https, as only then the environment's proxy is used; on pipes there is no TLS.
constexpr std::string_view far_host = "hub.example.com";
constexpr std::string_view far_url = "https://hub.example.com";
constexpr std::string_view proxy_url = "http://me:pr0xy-s3cret@proxy:3128";
constexpr const char* proxy_authorization = "Basic bWU6cHIweHktczNjcmV0";

std::string text_at(const json::value& alert, std::string_view pointer) {
  boost::system::error_code ec;
  const json::value* found = alert.find_pointer(pointer, ec);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

}  // namespace

simulator::scenario make_lifelike_rollout(double failure_rate, std::uint64_t seed) {
  simulator::demo_options options;
  options.failure_rate = failure_rate;
  options.seed = seed;
  options.time_scale = 1;
  return simulator::make_demo_scenario(options);
}

/// One life of the agent.
struct simulated_agent::run {
  std::unique_ptr<store::store> store;
  asio::cancellation_signal stop;
  bool has_ended = false;
};

simulated_agent::simulated_agent(simulator::scenario plan, hub_place place)
    : policies_(enforcing_policy), place_(place), plan_(std::move(plan)) {
  std::string name = std::filesystem::temp_directory_path() / "pushguard-simulated-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("no temporary directory");
  directory_ = name;
  const auto executor = context_.get_executor();
  if (place == hub_place::near)
    hub_listener_ = network_->listen(executor, "127.0.0.1", 0).value();
  else
    listen_behind_proxy();
  hub_ = simulator::make_hub(plan_, time_, log_);
  alertmanager_listener_ = network_->listen(executor, "127.0.0.1", 0).value();
  web_listener_ = network_->listen(executor, "127.0.0.1", 0).value();
  const auto world = [this]() -> asio::awaitable<void> {
    task_group tasks(context_.get_executor());
    tasks.spawn(hub_->run());
    tasks.spawn(serve_http(*hub_listener_, hub_gate(), {}, time_, log_));
    tasks.spawn(serve_http(*alertmanager_listener_, alertmanager(), {}, time_, log_));
    if (proxy_)
      tasks.spawn(proxy_->run());
    co_await tasks.join();
  };
  asio::co_spawn(context_, world,
                 asio::bind_cancellation_slot(stop_world_.slot(), [](const std::exception_ptr&) {}));
}

simulated_agent::~simulated_agent() {
  stop();
  stop_world_.emit(asio::cancellation_type::terminal);
  close_second_door_.emit(asio::cancellation_type::terminal);
  for (const auto& [name, other] : others_)
    other->stop.emit(asio::cancellation_type::terminal);
  run_for(std::chrono::minutes(1));
  std::error_code ec;
  std::filesystem::remove_all(directory_, ec);
}

void simulated_agent::listen_behind_proxy() {
  const auto executor = context_.get_executor();
  plan_.credentials.instance_url = far_url;
  hub_listener_ = far_network_->listen(executor, far_host, 443).value();
  proxy_listener_ = network_->listen(executor, "proxy", 3128).value();
  proxy_ = std::make_unique<connect_proxy>(*proxy_listener_, *far_network_,
                                           connect_proxy_options{.authorization = proxy_authorization});
}

http_handler simulated_agent::hub_gate() {
  return [this, inner = hub_->handler()](const http_request& request) -> asio::awaitable<http_reply> {
    ++hub_requests_;
    if (is_out_) {
      http_reply reply;
      reply.status = 503;
      reply.headers.set("Content-Type", "text/html");
      reply.body = "<html>We are down for maintenance.</html>";
      co_return reply;
    }
    if (request.method == "PATCH" && cancel_delay_ > duration::zero())
      co_await time_.sleep_for(cancel_delay_);
    auto reply = co_await inner(request);
    if (!is_usage_told_ && reply.headers.find("Sforce-Limit-Info"))
      reply.headers.set("Sforce-Limit-Info", "");
    co_return reply;
  };
}

http_handler simulated_agent::alertmanager() {
  return [this](const http_request& request) -> asio::awaitable<http_reply> {
    if (request.target != "/api/v2/alerts") {
      posted_.push_back(request);
      co_return http_reply{};
    }
    const json::value alerts = json::parse(request.body);
    for (const json::value& alert : alerts.as_array()) {
      const auto ends = parse_time(text_at(alert, "/endsAt"));
      alerts_.push_back({text_at(alert, "/labels/alertname"), text_at(alert, "/labels/severity"),
                         text_at(alert, "/annotations/summary"), text_at(alert, "/annotations/outcome"),
                         ends && *ends <= time_.wall_now(), text_at(alert, "/annotations/description"),
                         text_at(alert, "/generatorURL"), text_at(alert, "/annotations/dashboard_url")});
    }
    co_return http_reply{};
  };
}

std::string simulated_agent::hub_text(const std::string& name, const std::string& url,
                                      const simulator::scenario& plan) const {
  std::string lines = login_.empty() || name != "devhub"
                          ? fmt::format(
                                "login_url: {}\nauth:\n  client_credentials: {{ client_id: {}, "
                                "client_secret: {} }}\n",
                                url, plan.credentials.client_id, plan.credentials.client_secret)
                          : login_;
  if (const auto at = lines.find("{hub}"); at != std::string::npos)
    lines.replace(at, 5, url);
  lines += hub_keys_;
  if (place_ == hub_place::behind_configured_proxy)
    lines += fmt::format("proxy: {}\n", proxy_url);
  if (uses_stream_)
    lines += fmt::format(R"(streaming:
  channels:
    - channel: {}
      fields:
        request_id: payload.Request_Id__c
        job_id: payload.Job_Id__c
        org_key: payload.Org_Key__c
        status: payload.Status__c
        error_type: payload.Error_Type__c
)",
                         plan.stream.channel);
  std::string text = fmt::format("  - name: {}\n", name);
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    text += fmt::format("    {}\n", line);
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return text;
}

std::string simulated_agent::configuration_text() const {
  std::string hubs = hub_text("devhub", proxy_ ? std::string(far_url) : hub_listener_->local().text(), plan_);
  for (const auto& [name, other] : others_)
    hubs += hub_text(name, other->door->local().text(), other->plan);
  return fmt::format(R"(hubs:
{}
policies:{}
alerts:
  receivers:
    - name: prometheus
      alertmanager: {{ urls: ["{}"] }}
  routes:
    - {{ receivers: [prometheus] }}
state: sqlite://{}
{})",
                     hubs, policies_, alertmanager_listener_->local().text(),
                     (directory_ / "state.db").string(),
                     tokens_.empty() ? "" : "http: { api_tokens_file: api.tokens }\n");
}

void simulated_agent::use_tokens(const std::string& lines) {
  tokens_ = lines;
  std::ofstream(directory_ / "api.tokens") << lines;
}

http_response simulated_agent::send(http_request request) {
  const auto client = make_http_client(*network_, time_, web_listener_->local());
  auto reply = simulate(context_, time_, client->send(std::move(request)), std::chrono::minutes(1));
  if (!reply)
    throw std::runtime_error(reply.error().text());
  return std::move(*reply);
}

history::past_push simulated_agent::read_past_push(std::string_view request) {
  configuration::hub hub;
  hub.name = "devhub";
  hub.login = salesforce::client_credentials{.login_url = parse_url(hub_address()).value(),
                                             .client_id = plan_.credentials.client_id,
                                             .client_secret = secret(plan_.credentials.client_secret)};
  random_engine random{1};
  agent::hub_connection connection(
      hub, {.network = *network_, .time = time_, .log = null_logger(), .random = random});
  agent::past_push_wish wish{.request = domain::request_id::parse(request).value(),
                             .hub = hub.name,
                             .api_version = std::nullopt,
                             .pushguard_version = "0.1.0"};
  auto made = simulate(context_, time_,
                       agent::read_past_push(connection, time_, std::move(wish), [](std::string_view) {}),
                       std::chrono::minutes(10));
  if (!made)
    throw std::runtime_error(made.error().text());
  return std::move(made->push);
}

http_response simulated_agent::post(const std::string& target, std::string body, const std::string& token) {
  http_request request{.method = "POST", .target = target, .headers = {}, .body = std::move(body)};
  if (!request.body.empty())
    request.headers.set("Content-Type", "application/json");
  if (!token.empty())
    request.headers.set("Authorization", "Bearer " + token);
  return send(std::move(request));
}

void simulated_agent::add_hub(std::string name, simulator::scenario plan) {
  auto made = std::make_unique<other_hub>();
  other_hub& other = *made;
  other.plan = std::move(plan);
  other.door = network_->listen(context_.get_executor(), "127.0.0.1", 0).value();
  other.hub = simulator::make_hub(other.plan, time_, log_);
  const auto life = [](simulated_agent& self, other_hub& of) -> asio::awaitable<void> {
    const http_handler gate =
        [&of, inner = of.hub->handler()](const http_request& request) -> asio::awaitable<http_reply> {
      if (of.is_out)
        co_return http_reply{.status = 0, .headers = {}, .body = "", .after = after_reply::reset};
      auto reply = co_await inner(request);
      co_return reply;
    };
    task_group tasks(self.context_.get_executor());
    tasks.spawn(of.hub->run());
    tasks.spawn(serve_http(*of.door, gate, {}, self.time_, self.log_));
    co_await tasks.join();
  };
  asio::co_spawn(context_, life(*this, other),
                 asio::bind_cancellation_slot(other.stop.slot(), [](const std::exception_ptr&) {}));
  others_.emplace(std::move(name), std::move(made));
}

void simulated_agent::move_hub() {
  second_door_ = network_->listen(context_.get_executor(), "127.0.0.1", 0).value();
  asio::co_spawn(context_, serve_http(*second_door_, hub_gate(), {}, time_, log_),
                 asio::bind_cancellation_slot(close_second_door_.slot(), [](const std::exception_ptr&) {}));
  hub_->move_instance(second_door_->local().text());
}

std::optional<std::string> simulated_agent::variable(std::string_view name) const {
  const bool is_named = name == "HTTPS_PROXY" && place_ == hub_place::behind_environment_proxy;
  return is_named ? std::optional<std::string>(proxy_url) : std::nullopt;
}

agent::loaded_configuration simulated_agent::read_file() const {
  return configuration::read_configuration(file(), directory_ / "pushguard.yaml",
                                           [this](std::string_view name) { return variable(name); });
}

agent::reload_answer simulated_agent::reload() {
  return simulate(context_, time_, reloading_->reload("SIGHUP"), std::chrono::minutes(1));
}

void simulated_agent::start() {
  auto read = read_file();
  if (!read)
    throw std::runtime_error(fmt::format("{}", fmt::join(read.error(), "\n")));
  configuration_ = std::make_shared<const configuration::configuration>(std::move(*read));
  core_ = agent::agent_core::make(
              {.configuration = configuration_,
               .network = *network_,
               .time = agent_time_,
               .log = log_,
               .state = state_,
               .views =
                   [this](agent::view_update update) {
                     asio::post(context_, [this, kept = std::move(update)] { server_->apply(kept); });
                   },
               .identity = {"1.2.3", "abcdef"},
               .agent_url = "http://agent.example.com",
               .seed = 7})
              .value();
  server_ = std::make_unique<agent::web_server>(agent::web_server_parts{
      .configuration = configuration_,
      .time = agent_time_,
      .log = log_,
      .state = state_,
      .version = "1.2.3",
      .commit = "abcdef",
      .collect = [this] { return core_->collect(); },
      .reach_store = [this]() -> store::store* { return run_ ? run_->store.get() : nullptr; },
      .perform = [this](agent::operator_command command) { return core_->perform(std::move(command)); },
      .reload = [this](std::string actor) { return reloading_->reload(std::move(actor)); }});
  reloading_.emplace(
      agent::reloading_parts{
          .load = [this]() -> asio::awaitable<agent::loaded_configuration> { co_return read_file(); },
          .apply = [this](configuration::shared_configuration next,
                          std::string actor) { return core_->reload(std::move(next), std::move(actor)); },
          .server = *server_,
          .log = log_},
      configuration_);
  web_listener_ = network_->listen(context_.get_executor(), "127.0.0.1", 0).value();
  auto made = std::make_unique<run>();
  made->store = std::make_unique<refusing_store>(
      store::open_inline_sqlite_store(try_lock(configuration_->state).value()).value(), is_disk_full_);
  run_ = std::move(made);
  state_.is_leader = true;
  const auto life = [](simulated_agent& self) -> asio::awaitable<void> {
    task_group tasks(self.context_.get_executor());
    tasks.spawn([](simulated_agent& inner) -> asio::awaitable<void> {
      const auto ended = co_await inner.core_->run(*inner.run_->store);
      if (!ended)
        inner.log_.error("core_failed", {{"error", ended.error().text()}});
    }(self));
    tasks.spawn(self.server_->run(*self.web_listener_));
    co_await tasks.join();
  };
  asio::co_spawn(context_, life(*this),
                 asio::bind_cancellation_slot(run_->stop.slot(), [this](const std::exception_ptr& error) {
                   run_->has_ended = true;
                   if (error && !is_cancellation(error))
                     std::rethrow_exception(error);
                 }));
}

void simulated_agent::stop() {
  if (!run_)
    return;
  run_->stop.emit(asio::cancellation_type::terminal);
  if (!run_until([this] { return run_->has_ended; }, std::chrono::minutes(1))) {
    throw std::runtime_error("the agent did not end within a minute");
  }
  run_for(duration(0));
  run_.reset();
}

bool simulated_agent::run_until(const std::function<bool()>& is_done, duration bound) {
  return run_simulated(context_, time_, is_done, bound) == simulated_end::done;
}

std::vector<agent::decision_view> simulated_agent::decisions() const {
  std::vector<agent::decision_view> out;
  for (const auto& [id, decision] : model().decisions())
    out.push_back(decision);
  return out;
}

bool simulated_agent::run_until_armed() {
  return run_until([this] {
    const auto& rules = model().rules();
    return !rules.empty() && rules.begin()->second.is_armed;
  });
}

bool simulated_agent::run_to_the_end(duration bound) {
  return run_until(
      [this] {
        if (!hub_->is_finished())
          return false;
        const simulator::hub_truth real = hub_->truth();
        for (const auto& [id, decision] : model().decisions()) {
          if (decision.outcome.empty())
            return false;
        }
        std::size_t seen = 0;
        for (const auto& [key, rollout] : model().rollouts()) {
          for (const domain::push_status status : domain::all_push_statuses) {
            if (domain::is_terminal(status))
              seen += agent::count_of(rollout.jobs, status);
          }
        }
        std::size_t expected = 0;
        for (const std::size_t count : real.rollout_jobs)
          expected += count;
        return seen == expected;
      },
      bound);
}

std::string simulated_agent::get(const std::string& target) {
  http_request request;
  request.target = target;
  const http_response reply = send(std::move(request));
  if (reply.status != 200)
    throw std::runtime_error(fmt::format("{} answered {}: {}", target, reply.status, reply.body));
  return reply.body;
}

}  // namespace pushguard::test
