// This project's client, as bench_peers runs it: PORT CHANNEL WARM_UP EVENTS [parse].
// Receives until it is killed. With EVENTS 0 it prints a line for each event, `{"replay_id":…}`; otherwise a
// line after WARM_UP events and after each further EVENTS: what they cost.

#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "cometd/client.hpp"

namespace pushguard::bench {
namespace {

namespace asio = boost::asio;

/// `token-1`, then `token-2`: what the server takes next when it refuses one.
class numbered_tokens final : public cometd::token_provider {
 public:
  explicit numbered_tokens(origin endpoint) { access_.endpoint = std::move(endpoint); }

  asio::awaitable<result<cometd::access>> current() override {
    access_.bearer = secret(fmt::format("token-{}", number_));
    co_return access_;
  }
  asio::awaitable<result<cometd::access>> renew() override {
    ++number_;
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return co_await current();
  }

 private:
  cometd::access access_;
  unsigned number_ = 1;
};

void print_line(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

class follower final : public cometd::event_consumer {
 public:
  asio::awaitable<result<>> consume(cometd::delivery batch) override {
    for (const auto& each : batch.events)
      print_line(fmt::format(R"({{"replay_id":{}}})", each.replay_id));
    co_return result<>{};
  }
};

/// User and system time of this process, all threads.
std::int64_t cpu_microseconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) { return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

enum class events_as { text, parsed };

class meter final : public cometd::event_consumer {
 public:
  meter(std::uint64_t warm_up, std::uint64_t events, events_as what)
      : warm_up_(warm_up), events_(events), what_(what) {}

  asio::awaitable<result<>> consume(cometd::delivery batch) override {
    for (const auto& each : batch.events)
      take(each);
    co_return result<>{};
  }

 private:
  void take(const cometd::event& each) {
    std::uint64_t id = 0;
    std::from_chars(each.replay_id.data(), each.replay_id.data() + each.replay_id.size(), id);
    if (what_ == events_as::parsed && !boost::json::parse(each.data).is_object())
      ++misplaced_;
    if (last_id_ != 0 && id != last_id_ + 1)
      ++misplaced_;
    last_id_ = id;
    ++count_;
    if (count_ >= warm_up_ && (count_ - warm_up_) % events_ == 0)
      print_cost();
  }

  void print_cost() {
    const std::int64_t now = cpu_microseconds();
    print_line(fmt::format(R"({{"cpu_microseconds":{},"misplaced":{}}})", now - begin_, misplaced_));
    begin_ = cpu_microseconds();
  }

  std::uint64_t warm_up_;
  std::uint64_t events_;
  events_as what_;
  std::uint64_t count_ = 0;
  std::uint64_t last_id_ = 0;
  std::uint64_t misplaced_ = 0;  // events that did not come in their order
  std::int64_t begin_ = 0;
};

void receive(std::uint16_t port, const std::string& channel, cometd::event_consumer& consumer) {
  asio::io_context context{1};
  const auto time = make_system_time();
  const auto network = make_socket_network(*time);
  numbered_tokens tokens({.security = security::plain, .host = "127.0.0.1", .port = port});
  cometd::memory_checkpoint_store checkpoints;
  random_engine random{std::random_device{}()};
  cometd::client_options options;
  options.session.channels = {{.channel = channel, .first = cometd::replay_start::earliest}};
  const auto client = cometd::make_client(options, {.network = *network,
                                                    .time = *time,
                                                    .tokens = tokens,
                                                    .checkpoints = checkpoints,
                                                    .consumer = consumer,
                                                    .observer = cometd::null_observer(),
                                                    .log = null_logger(),
                                                    .random = random});
  asio::co_spawn(context, client->run(), [](const std::exception_ptr& error) {
    if (error)
      std::rethrow_exception(error);
  });
  context.run();
}

}  // namespace
}  // namespace pushguard::bench

int main(int argc, char** argv) {
  using namespace pushguard::bench;
  if (argc != 5 && argc != 6) {
    fmt::print(stderr, "usage: {} PORT CHANNEL WARM_UP EVENTS [parse]\n", argv[0]);
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::stoul(argv[1]));
  const std::uint64_t events = std::stoull(argv[4]);
  const bool parses = argc == 6 && std::string_view(argv[5]) == "parse";
  follower follows;
  meter measures(std::stoull(argv[3]), events, parses ? events_as::parsed : events_as::text);
  if (events == 0) {
    receive(port, argv[2], follows);
  } else {
    receive(port, argv[2], measures);
  }
}
