#include "simulator/streaming_org.hpp"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>
#include <stdexcept>
#include <utility>

#include "base/task_group.hpp"
#include "simulator/bayeux_endpoint.hpp"
#include "simulator/event_payload.hpp"
#include "simulator/token_desk.hpp"
#include "simulator/world.hpp"

namespace pushguard::simulator {
namespace {

namespace asio = boost::asio;

// How often events are looked through for those that are too old to be retained.
constexpr duration purge_interval = std::chrono::minutes(1);
// Enough for a measurement with as many clients as an org may have, two connections each.
constexpr std::size_t connections_max = 8192;

class simulated_streaming_org final : public streaming_org {
 public:
  simulated_streaming_org(const streaming_plan& plan, time_source& time, logger& log)
      : time_(time),
        tokens_(plan.credentials, plan.seed, plan.org_id.empty() ? hub_org_id() : plan.org_id,
                time.steady_now()),
        channels_(plan.seed),
        endpoint_(plan, tokens_, channels_, [&time] { return time.now(); }, time, log) {
    for (const channel_plan& each : plan.channels) {
      if (!kind_of_channel(each.name))
        throw std::invalid_argument(fmt::format("{} is no channel of events", each.name));
      channels_.add(each, append_event_data);
    }
    if (plan.nodes == 0)
      throw std::invalid_argument("an org must have a node");
  }

  http_handler handler() override {
    return [this](const http_request& request) { return answer(request); };
  }

  asio::awaitable<void> run() override;

  published_event publish(std::string_view channel, std::string_view payload) override;

  void inject(fault_plan fault) override { endpoint_.faults().add(std::move(fault)); }
  std::size_t faults_pending() const override { return endpoint_.faults().pending(); }
  std::map<fault_kind, std::size_t> faults_happened() const override { return endpoint_.faults().happened(); }

  void end_sessions() override { endpoint_.restart(); }
  void revoke_tokens() override { tokens_.revoke_all(); }
  void purge(std::string_view channel) override { find(channel).log.clear(); }
  void migrate(std::string new_org_id) override;
  void set_refusal(std::string_view channel, std::string error) override {
    find(channel).refusal = std::move(error);
  }

  std::string issue_token() override { return tokens_.issue(time_.steady_now()); }

  streaming_truth truth() const override;

 private:
  asio::awaitable<http_reply> answer(const http_request& request);
  event_channel& find(std::string_view channel);

  time_source& time_;
  token_desk tokens_;
  channel_list channels_;
  bayeux_endpoint endpoint_;
};

asio::awaitable<void> simulated_streaming_org::run() {
  struct closing {
    bayeux_endpoint& endpoint;
    ~closing() { endpoint.stop(); }
  } const at_end{endpoint_};
  endpoint_.start();
  while (true) {
    channels_.purge(time_.steady_now());
    co_await time_.sleep_for(purge_interval);
  }
}

asio::awaitable<http_reply> simulated_streaming_org::answer(const http_request& request) {
  if (request.path() == token_path) {
    http_reply login = co_await endpoint_.log_in(request);
    co_return login;
  }
  channels_.purge(time_.steady_now());
  http_reply reply = co_await endpoint_.answer(request);
  co_return reply;
}

event_channel& simulated_streaming_org::find(std::string_view channel) {
  event_channel* found = channels_.find(channel);
  if (found == nullptr)
    throw std::invalid_argument(fmt::format("the org has no channel {}", channel));
  return *found;
}

published_event simulated_streaming_org::publish(std::string_view channel, std::string_view payload) {
  event_channel& to = find(channel);
  const channel_kind kind = kind_of_channel(channel).value();
  const instant now = time_.now();
  const std::string uuid = has_event_uuid(kind) ? to.log.next_event_uuid() : "";
  const logged_event& made = to.log.append(0, begin_event_data(kind, payload, now.wall, uuid), now);
  ++to.published;
  endpoint_.wake();
  return {to.log.replay_id(made), uuid};
}

void simulated_streaming_org::migrate(std::string new_org_id) {
  for (auto& [name, channel] : channels_)
    channel.log.renumber();
  if (!new_org_id.empty())
    tokens_.move_to(std::move(new_org_id));
  endpoint_.restart();
}

streaming_truth simulated_streaming_org::truth() const {
  const bayeux_server& server = endpoint_.server();
  const steady_time now = time_.steady_now();
  streaming_truth made{.requests = endpoint_.requests(),
                       .handshakes = server.handshakes(),
                       .disconnects = server.disconnects(),
                       .open_sessions = server.open_sessions(now),
                       .open_sessions_peak = server.open_sessions_peak(),
                       .published = {},
                       .deliveries = server.events_delivered(),
                       .overlaps = server.overlaps(),
                       .unauthorized_requests = endpoint_.unauthorized_requests(),
                       .logins = tokens_.given(),
                       .access_token = tokens_.newest(now).value_or("")};
  for (const auto& [name, channel] : channels_)
    made.published[name] = channel.published;
  return made;
}

}  // namespace

std::unique_ptr<streaming_org> make_streaming_org(const streaming_plan& plan, time_source& time,
                                                  logger& log) {
  return std::make_unique<simulated_streaming_org>(plan, time, log);
}

asio::awaitable<void> serve_streaming_org(streaming_org& served, listener& from, time_source& time,
                                          logger& log) {
  const auto executor = co_await asio::this_coro::executor;
  task_group tasks(executor);
  tasks.spawn(served.run());
  tasks.spawn(
      serve_http(from, served.handler(), http_server_limits{.connections_max = connections_max}, time, log));
  co_await tasks.join();
}

}  // namespace pushguard::simulator
