#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cometd/message.hpp"
#include "cometd/session.hpp"

/// What it costs to read a response full of events, beside boost::json::parse with its default storage on the
/// same text, and to carry them through the session.
namespace pushguard::bench {
namespace {

using namespace std::chrono_literals;
using cometd::message;
using cometd::message_parser;
using cometd::session;
using cometd::session_input;

constexpr std::size_t body_size = 1'000'000;
constexpr std::size_t piece_size = 16'384;  // what the HTTP client reads at once
constexpr std::string_view channel = "/event/Push_Upgrade__e";
constexpr std::string_view connect_reply =
    R"({"clientId":"2t3jk8xw4n1zq6ap","advice":{"interval":0,"timeout":110000,"reconnect":"retry"},)"
    R"("channel":"/meta/connect","id":"17","successful":true})";

/// One platform event of `size` bytes, as Salesforce writes them; a text field takes up what is left.
std::string make_event(std::size_t size, std::uint64_t number) {
  std::string event = fmt::format(
      R"({{"data":{{"schema":"2xkMJ0dvwSQn4rPcVmGzGA","payload":{{"CreatedDate":"2026-03-10T12:00:00.000Z",)"
      R"("CreatedById":"0055g00000AbCdEAAV","Request_Id__c":"0DV5g0000000{:03}GAE","Failed__c":{}.0,)"
      R"("Is_Last__c":false,"Message__c":"")",
      number % 1000, number % 100);
  const std::string rest = fmt::format(
      R"(}},"event":{{"EventUuid":"6b1f77aa-0c1d-4e5f-9a2b-{:012x}","replayId":{}}}}},"channel":"{}"}})",
      number, 16'777'216 + number, channel);
  const std::size_t used = event.size() + rest.size();
  event.insert(event.size() - 1, size > used ? size - used : 0, 'x');
  return event + rest;
}

/// A connect response of about `body_size` bytes.
struct batch {
  std::string body;
  std::int64_t events = 0;

  /// Numbers the events from `first`, so that no two batches need have one in common.
  void fill(std::size_t event_size, std::uint64_t first) {
    body = "[";
    for (events = 0; body.size() < body_size; ++events)
      body.append(make_event(event_size, first + static_cast<std::uint64_t>(events))).append(",");
    body.append(connect_reply).append("]");
  }
};

/// Calls `take(messages)` with what each piece completes, as the client does.
template <class Take>
void parse_in_pieces(std::string_view body, std::size_t size, Take take) {
  message_parser parser;
  for (; !body.empty(); body.remove_prefix(std::min(size, body.size()))) {
    std::vector<message> messages;
    (void)parser.feed(body.substr(0, size), messages);
    take(std::move(messages));
  }
  if (!parser.finish() || parser.skipped() > 0)
    std::abort();
}

/// CPU time, so that what else runs on the machine takes no side.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Arguments: bytes of an event, bytes of a piece (0: all at once).
void parse(benchmark::State& state) {
  batch made;
  made.fill(static_cast<std::size_t>(state.range(0)), 0);
  const std::size_t size = state.range(1) == 0 ? made.body.size() : static_cast<std::size_t>(state.range(1));
  double ours = 0;
  double theirs = 0;
  for (auto _ : state) {
    const double start = cpu_seconds();
    parse_in_pieces(made.body, size,
                    [](const std::vector<message>& got) { benchmark::DoNotOptimize(got.data()); });
    const double between = cpu_seconds();
    benchmark::DoNotOptimize(boost::json::parse(made.body));
    theirs += cpu_seconds() - between;
    ours += between - start;
    state.SetIterationTime(between - start);
  }
  const double all_events = static_cast<double>(made.events * state.iterations());
  state.counters["ns_per_event"] = ours / all_events * 1e9;
  state.counters["boost_ns_per_event"] = theirs / all_events * 1e9;
  state.counters["share_of_boost"] = ours / theirs;
}

/// Brings a session to its first poll.
void begin_polling(session& machine, instant now) {
  (void)machine.resume(cometd::input::start{}, now);
  for (const std::string_view kind : {"handshake", "subscribe"}) {
    message reply;
    reply.channel = fmt::format("/meta/{}", kind);
    reply.client_id = "c";
    reply.successful = true;
    const std::uint64_t generation = machine.generation();
    (void)machine.resume(cometd::input::received{.generation = generation, .messages = {reply}}, now);
    (void)machine.resume(
        cometd::input::exchange_ended{.generation = generation, .status = 200, .trouble = {}}, now);
  }
  if (machine.phase() != cometd::session_phase::polling)
    std::abort();
}

/// The whole way of an event inside the client: bytes to messages to deliveries. Argument: bytes of an event.
void parse_and_deliver(benchmark::State& state) {
  random_engine random(1);
  session machine({.channels = {{.channel = std::string(channel)}}}, random);
  const instant now{.wall = {}, .steady = steady_time(1h)};
  begin_polling(machine, now);
  batch made;
  std::int64_t events = 0;
  std::int64_t delivered = 0;
  double seconds = 0;
  for (auto _ : state) {
    made.fill(static_cast<std::size_t>(state.range(0)), static_cast<std::uint64_t>(events));
    const double start = cpu_seconds();
    parse_in_pieces(made.body, piece_size, [&](std::vector<message> got) {
      const auto actions = machine.resume(
          cometd::input::received{.generation = machine.generation(), .messages = std::move(got)}, now);
      delivered += std::ranges::count_if(
          actions, [](const auto& each) { return std::holds_alternative<cometd::action::deliver>(each); });
    });
    const double length = cpu_seconds() - start;
    seconds += length;
    events += made.events;
    state.SetIterationTime(length);
  }
  if (delivered != events)
    state.SkipWithError("not every event was delivered");
  state.counters["ns_per_event"] = seconds / static_cast<double>(events) * 1e9;
}

constexpr auto milliseconds = benchmark::kMillisecond;

BENCHMARK(parse)
    ->Name("bayeux/parse")
    ->ArgNames({"event", "piece"})
    ->ArgsProduct({{384, 950}, {piece_size, 0}})
    ->UseManualTime()
    ->Unit(milliseconds);
BENCHMARK(parse_and_deliver)
    ->Name("bayeux/parse_and_deliver")
    ->ArgName("event")
    ->Arg(384)
    ->Arg(950)
    ->UseManualTime()
    ->Unit(milliseconds);

}  // namespace
}  // namespace pushguard::bench
