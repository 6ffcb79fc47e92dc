#include "tests/support/streaming_world.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "cometd/duplicate_window.hpp"
#include "tests/support/run_simulated.hpp"

namespace pushguard::test {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::vector<std::string> names_of(const cometd::client_options& options) {
  std::vector<std::string> names;
  for (const auto& wanted : options.session.channels)
    names.push_back(wanted.channel);
  return names;
}

// The number that publish_on() put into the event.
int number_in(const cometd::event& event) {
  const json::value data = json::parse(event.data);
  for (const char* place : {"/payload/Number__c", "/sobject/Number__c", "/payload"}) {
    boost::system::error_code ec;
    const json::value* found = data.find_pointer(place, ec);
    if (found != nullptr && found->is_int64())
      return static_cast<int>(found->get_int64());
  }
  throw std::runtime_error("an event without its number: " + event.data);
}

std::string payload_for(std::string_view channel, int number) {
  const std::string digits = std::to_string(number);
  return channel.starts_with("/u/") ? digits : R"({"Number__c":)" + digits + "}";
}

}  // namespace

asio::awaitable<result<cometd::access>> org_tokens::current() {
  if (token_.empty())
    token_ = org_.issue_token();
  co_return cometd::access{endpoint, secret(token_), org_id};
}

asio::awaitable<result<cometd::access>> org_tokens::renew() {
  ++renewals;
  token_.clear();
  return current();
}

asio::awaitable<result<>> number_keeper::consume(cometd::delivery batch) {
  if (failures_left > 0) {
    --failures_left;
    co_return fail(errc::storage, "the disk is full");
  }
  for (const auto& each : batch.events) {
    const std::string key = cometd::duplicate_key(each.channel, each.replay_id, each.event_uuid);
    if (!older_keys_.contains(key) && keys_.insert(key).second) {
      numbers[each.subscription].push_back(number_in(each));
    } else {
      ++repeated;
    }
  }
  co_return result<>{};
}

void number_keeper::forget() {
  numbers.clear();
  older_keys_ = std::exchange(keys_, {});
}

asio::awaitable<result<std::vector<cometd::checkpoint>>> losable_checkpoints::load() {
  return kept.load();
}

asio::awaitable<result<>> losable_checkpoints::save(std::vector<cometd::checkpoint> batch) {
  if (!loses_saves)
    co_return co_await kept.save(std::move(batch));
  co_return result<>{};
}

void measuring_observer::handshake_begun(cometd::handshake_reason reason) {
  into_.handshake_begun(reason);
}
void measuring_observer::gap_found(const cometd::gap& found) {
  into_.gap_found(found.channel);
}
void measuring_observer::event_delivered(std::string_view channel) {
  into_.event_seen(channel, agent::event_outcome::applied);
}
void measuring_observer::duplicate_dropped(std::string_view channel) {
  into_.event_seen(channel, agent::event_outcome::duplicate);
}
void measuring_observer::problem_found(cometd::problem_kind kind) {
  into_.problem_found(kind);
}

asio::awaitable<result<std::unique_ptr<transport>>> failing_network::connect(origin to,
                                                                             connect_options options) {
  if (failures_left > 0) {
    --failures_left;
    co_return fail(errc::unreachable, to.text() + ": resolving: no such host");
  }
  co_return co_await of_.connect(std::move(to), std::move(options));
}

/// A coroutine of its own that can be ended.
class streaming_world::task {
 public:
  task(asio::io_context& on, asio::awaitable<void> work) {
    asio::co_spawn(on, std::move(work),
                   asio::bind_cancellation_slot(stop_.slot(), [this](const std::exception_ptr& error) {
                     error_ = error;
                     has_ended_ = true;
                   }));
  }
  void stop() { stop_.emit(asio::cancellation_type::terminal); }
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
  [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

 private:
  asio::cancellation_signal stop_;
  std::exception_ptr error_;
  bool has_ended_ = false;
};

streaming_world::streaming_world(const simulator::streaming_plan& plan, cometd::client_options client_plan)
    : org(simulator::make_streaming_org(plan, time, null_logger())),
      tokens(*org),
      instruments("devhub", names_of(client_plan), {}),
      observer(instruments),
      options(std::move(client_plan)),
      pipes_(make_pipe_network()),
      random_(7) {
  tokens.endpoint = open_address();
}

streaming_world::~streaming_world() {
  stop();
  for (const auto& each : servers_)
    each->stop();
  const auto have_ended = [this] { return std::ranges::all_of(servers_, &task::has_ended); };
  EXPECT_EQ(run_simulated(context, time, have_ended, std::chrono::hours(1)), simulated_end::done);
}

origin streaming_world::open_address() {
  listeners_.push_back(pipes_->listen(context.get_executor(), "127.0.0.1", 0).value());
  servers_.push_back(std::make_unique<task>(
      context,
      servers_.empty()
          ? simulator::serve_streaming_org(*org, *listeners_.back(), time, null_logger())
          : serve_http(*listeners_.back(), org->handler(), http_server_limits{}, time, null_logger())));
  return listeners_.back()->local();
}

void streaming_world::start() {
  client = cometd::make_client(options, {.network = net,
                                         .time = time,
                                         .tokens = tokens,
                                         .checkpoints = checkpoints,
                                         .consumer = consumer,
                                         .observer = observer,
                                         .log = log,
                                         .random = random_});
  running_ = std::make_unique<task>(context, client->run());
}

void streaming_world::stop() {
  if (!running_)
    return;
  running_->stop();
  EXPECT_EQ(run_simulated(
                context, time, [this] { return running_->has_ended(); }, std::chrono::minutes(1)),
            simulated_end::done)
      << "it does not stop";
  EXPECT_FALSE(running_->error()) << "run() returns, it does not throw";
  running_.reset();
  client.reset();
}

void streaming_world::kill() {
  checkpoints.loses_saves = true;
  stop();
  checkpoints.loses_saves = false;
}

void streaming_world::publish(int count) {
  for (int i = 0; i < count; ++i) {
    for (const auto& wanted : options.session.channels)
      publish_on(wanted.channel, 1);
  }
}

void streaming_world::publish_on(const std::string& channel, int count) {
  const std::string_view name = cometd::replay_key(channel);
  for (int i = 0; i < count; ++i)
    org->publish(name, payload_for(name, published[channel]++));
}

void streaming_world::inject(simulator::fault_kind kind, simulator::request_kind on, std::size_t times) {
  org->inject({.kind = kind, .on = on, .times = times});
}

void streaming_world::until(const std::function<bool()>& is_so, duration within) {
  EXPECT_EQ(run_simulated(context, time, is_so, within), simulated_end::done) << "it did not happen\n"
                                                                              << log.text();
}

void streaming_world::until_live(duration within) {
  const int before = observer.polls;
  until([&] { return is_live() && observer.polls > before; }, within);
}

int streaming_world::forgotten_of(const std::string& channel) const {
  const auto place = forgotten_.find(channel);
  return place == forgotten_.end() ? 0 : place->second;
}

bool streaming_world::has_everything() const {
  return std::ranges::all_of(published, [this](const auto& each) {
    const auto place = consumer.numbers.find(each.first);
    const std::size_t here = place == consumer.numbers.end() ? 0 : place->second.size();
    return here >= static_cast<std::size_t>(each.second - forgotten_of(each.first));
  });
}

void streaming_world::expect_everything(duration within) {
  until([this] { return has_everything(); }, within);
  for (const auto& [channel, count] : published) {
    std::vector<int> expected;
    for (int i = forgotten_of(channel); i < count; ++i)
      expected.push_back(i);
    EXPECT_EQ(consumer.numbers[channel], expected) << channel << "\n" << log.text();
  }
}

void streaming_world::expect_everything_and_forget(duration within) {
  expect_everything(within);
  forgotten_ = published;
  consumer.forget();
  log.clear();
}

void streaming_world::pass(duration length) {
  run_simulated_for(context, time, length);
}

double streaming_world::metric(std::string_view family, std::string_view label,
                               std::string_view value) const {
  double sum = 0;
  for (const auto& each : instruments.collect()) {
    if (each.name != family)
      continue;
    for (const auto& series : each.metric) {
      const auto is_it = [&](const auto& one) { return one.name == label && one.value == value; };
      if (std::ranges::any_of(series.label, is_it))
        sum += series.counter.value;
    }
  }
  return sum;
}

}  // namespace pushguard::test
