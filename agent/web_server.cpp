#include "agent/web_server.hpp"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>

#include "agent/alert_api.hpp"
#include "agent/api.hpp"
#include "agent/event_stream.hpp"
#include "agent/exposition.hpp"
#include "agent/live_page.hpp"
#include "base/task_group.hpp"
#include "metrics/families.hpp"
#include "metrics/process_families.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

namespace {

constexpr duration turn_max = std::chrono::seconds(10);  // design §4: alive while the loop turned within it
constexpr duration sweep_interval = std::chrono::minutes(1);

http_reply text_reply(int status, std::string body) {
  http_reply reply;
  reply.status = status;
  reply.headers.set("Content-Type", "text/plain; charset=utf-8");
  reply.body = std::move(body);
  return reply;
}

/// No other process of this agent's had it: ids of events must not be taken for those of another life.
std::string name_of_life(wall_time now) {
  return fmt::format("{:x}", now.time_since_epoch().count());
}

}  // namespace

web_server::web_server(web_server_parts parts)
    : parts_(std::move(parts)),
      events_(
          source(), [this] { return facts(); }, name_of_life(parts_.time.wall_now())),
      series_(parts_.configuration->series),
      scrapes_(parts_.time),
      configuration_loaded_(parts_.time.wall_now()),
      callers_(parts_.time),
      gate_({.time = parts_.time,
             .log = parts_.log,
             .tokens = [this] { return std::span(parts_.configuration->api_tokens); },
             .callers = callers_},
            parts_.configuration->web) {
  add_routes();
}

void web_server::apply(const view_update& update) {
  model_.apply(update);
  paces_.apply(update, model_, parts_.time.wall_now());
  history_.apply(update);
  events_.note(update);
  if (!update.forgotten_hubs.empty())
    org_lists_.clear();
  if (update.forgotten_hubs.empty())
    series_.apply(update, model_);
  else
    series_.configure(parts_.configuration->series, model_, parts_.time.wall_now());
}

void web_server::configure(configuration::shared_configuration next) {
  const configuration::shared_configuration before = std::exchange(parts_.configuration, std::move(next));
  configuration_loaded_ = parts_.time.wall_now();
  is_reloaded_ = true;
  gate_.configure(parts_.configuration->web);
  if (before->series != parts_.configuration->series)
    series_.configure(parts_.configuration->series, model_, configuration_loaded_);
}

asio::awaitable<void> web_server::sweep() {
  for (;;) {
    co_await parts_.time.sleep_for(sweep_interval);
    series_.forget_ended(model_, parts_.time.wall_now());
  }
}

asio::awaitable<void> web_server::run(listener& from) {
  const auto executor = co_await asio::this_coro::executor;
  task_group tasks(executor);
  tasks.spawn(sweep());
  tasks.spawn(events_.run());
  tasks.spawn(serve_http(
      from, [this](const http_request& request) { return gate_.pass(request, router_); }, {}, parts_.time,
      parts_.log));
  co_await tasks.join();
}

http_reply web_server::metrics(const http_request& request) const {
  metrics::family_builder build = metrics::gauge("pushguard_build_info", "The version that runs here.");
  build.add({{"version", parts_.version}, {"commit", parts_.commit}}, 1);
  metrics::family_builder leader = metrics::gauge(
      "pushguard_leader", "This agent holds the lock of its store and acts; 0: it waits for it.");
  leader.add({}, parts_.state.is_leader ? 1 : 0);
  metrics::family_builder loaded = metrics::gauge("pushguard_config_last_reload_successful",
                                                  "The last attempt to load the configuration succeeded.");
  loaded.add({}, is_reloaded_ && gate_.is_current() ? 1 : 0);
  metrics::family_builder loaded_at = metrics::gauge("pushguard_config_last_reload_success_timestamp_seconds",
                                                     "When the configuration in force was loaded.");
  loaded_at.add({}, to_unix_seconds(configuration_loaded_));
  std::vector<prometheus::MetricFamily> families =
      make_model_families(model_,
                          {.after_end = parts_.configuration->series.keep_after_end,
                           .after_abort = parts_.configuration->rollout_gap},
                          parts_.time.wall_now());
  for (metrics::family_builder* own : {&build, &leader, &loaded, &loaded_at}) {
    families.push_back(std::move(*own).build());
  }
  std::vector<prometheus::MetricFamily> kept = parts_.collect();
  std::move(kept.begin(), kept.end(), std::back_inserter(families));
  for (prometheus::MetricFamily& family : metrics::collect_process_families())
    families.push_back(std::move(family));
  return scrapes::small(request, families);
}

http_reply web_server::org_metrics(const http_request& request) {
  return scrapes_.large(request, series_.snapshot(), series_.summary());
}

http_reply web_server::healthy() const {
  const steady_time last{steady_time::duration(parts_.state.last_turn.load())};
  const auto age = std::chrono::duration_cast<duration>(parts_.time.steady_now() - last);
  if (age > turn_max) {
    return text_reply(503, fmt::format("the deciding loop has not turned for {}\n", format_duration(age)));
  }
  return text_reply(200, "Pushguard is healthy.\n");
}

http_reply web_server::ready() const {
  std::string body;
  bool is_ready = true;
  for (const configuration::hub& hub : parts_.configuration->hubs) {
    const auto found = model_.hubs().find(hub.name);
    const bool was_tried = found != model_.hubs().end() && found->second.was_tried;
    is_ready = is_ready && was_tried;
    body += fmt::format("{}: {}\n", hub.name,
                        !was_tried            ? "not tried yet"
                        : found->second.is_up ? "up"
                                              : "not readable: " + found->second.last_failure);
  }
  return text_reply(is_ready ? 200 : 503, body);
}

api_source web_server::source() const {
  return {.model = model_, .paces = paces_, .history = history_, .time = parts_.time, .directory = [this] {
            return parts_.configuration->orgs;
          }};
}

agent_facts web_server::facts() const {
  return {.version = parts_.version,
          .commit = parts_.commit,
          .is_leader = parts_.state.is_leader,
          .takes_actions = !parts_.configuration->api_tokens.empty()};
}

asio::awaitable<operator_answer> web_server::perform(operator_command command) {
  if (!parts_.state.is_leader) {
    co_return operator_answer{.outcome = operator_outcome::unavailable,
                              .text = "this agent waits for the lock of its store: another one acts"};
  }
  co_return co_await parts_.perform(std::move(command));
}

void web_server::add_routes() {
  const auto add = [this](std::string_view path, auto answer) {
    router_.add("GET", path,
                [answer](const http_request& request, const path_parts&) -> asio::awaitable<http_reply> {
                  co_return answer(request);
                });
  };
  add_live_page(router_, embedded_page());
  add("/metrics", [this](const http_request& request) { return metrics(request); });
  add("/metrics/orgs", [this](const http_request& request) { return org_metrics(request); });
  add("/-/healthy", [this](const http_request&) { return healthy(); });
  add("/-/ready", [this](const http_request&) { return ready(); });
  add_api_routes(router_, source(), org_lists_, [this] { return facts(); });
  add_event_stream(router_, events_);
  add_alert_routes(router_, model_);
  add_decision_routes(router_, parts_.reach_store);
  add_operator_routes(router_,
                      {.tokens = [this] { return std::span(parts_.configuration->api_tokens); },
                       .callers = callers_,
                       .perform = [this](operator_command command) { return perform(std::move(command)); },
                       .reload = parts_.reload});
}

}  // namespace pushguard::agent
