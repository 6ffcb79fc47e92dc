#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "agent/org_series.hpp"
#include "agent/scrapes.hpp"
#include "base/http_client.hpp"
#include "base/http_server.hpp"
#include "base/net.hpp"
#include "metrics/line_blocks.hpp"
#include "metrics/text_format.hpp"
#include "program/server_thread.hpp"
#include "tests/bench/support/allocation_counter.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/net_world.hpp"
#include "tests/support/scratch_directory.hpp"

/// What /metrics/orgs is made of, beside the same series in a prometheus-cpp registry and its serializer.
namespace pushguard::bench {
namespace {

namespace asio = boost::asio;

enum family : std::size_t { success, failure_info, push_duration, running_since, info, family_count };

constexpr std::array<std::string_view, family_count> names{
    "pushguard_org_push_success", "pushguard_org_push_failure_info", "pushguard_org_push_duration_seconds",
    "pushguard_org_push_running_since_timestamp_seconds", "pushguard_org_info"};

/// One org of a rollout of waves of 1 000: of twenty, one has failed and one is running.
struct org {
  std::string key;
  std::string request;
  std::string name;
  std::string instance;
  std::size_t place;
  double seconds;

  [[nodiscard]] bool has_failed() const { return place % 20 == 7; }
  [[nodiscard]] bool is_running() const { return place % 20 == 13; }
  [[nodiscard]] agent::job_view as_job() const {
    agent::job_view job;
    job.id = domain::job_id::parse(fmt::format("0DX5g0000{:06}", place)).value();
    job.request = domain::request_id::parse(request).value();
    job.org = domain::org_key::parse(key).value();
    const auto length = std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
    job.start = wall_time{std::chrono::seconds(1'756'774'861)};
    if (is_running()) {
      job.status = domain::push_status::in_progress;
      *job.start += length;
      return job;
    }
    job.status = has_failed() ? domain::push_status::failed : domain::push_status::succeeded;
    job.end = *job.start + length;
    if (has_failed())
      job.error = domain::error_type::apex_test_failure;
    return job;
  }
};

std::vector<org> make_orgs(std::size_t count) {
  std::vector<org> orgs;
  orgs.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    orgs.push_back({.key = fmt::format("00D5g0000{:06}", i),
                    .request = fmt::format("0DV5g0000{:06}", i / 1000),
                    .name = fmt::format("Customer {} GmbH & Co. KG", i),
                    .instance = fmt::format("EU{}", i % 60),
                    .place = i,
                    .seconds = 30.0 + static_cast<double>(i % 977) * 0.5});
  }
  return orgs;
}

// --- the encoder alone -----------------------------------------------------------------------------

/// Renders orgs one after the other in the same buffers; what all orgs of a request share is rendered
/// once per request.
struct org_lines {
  std::array<std::string, family_count> texts;
  std::string labels;
  std::string request;
  std::string hub_labels;
  std::string request_labels;

  org_lines() { metrics::append_labels(hub_labels, {{"hub", "devhub"}}); }

  void add(family where, double value) { metrics::append_sample(texts[where], names[where], labels, value); }
  void render(const org& each) {
    for (std::string& text : texts)
      text.clear();
    if (request != each.request) {
      request = each.request;
      request_labels = hub_labels;
      metrics::append_labels(request_labels, {{"request_id", request}});
    }
    labels = request_labels;
    metrics::append_labels(labels, {{"org_key", each.key}});
    if (each.is_running()) {
      add(running_since, 1756774861 + each.seconds);
    } else {
      add(success, each.has_failed() ? 0 : 1);
      add(push_duration, each.seconds);
    }
    if (each.has_failed()) {
      metrics::append_labels(labels, {{"error_type", "ApexTestFailure"}});
      add(failure_info, 1);
    }
    labels = hub_labels;
    metrics::append_labels(labels, {{"org_key", each.key},
                                    {"org_name", each.name},
                                    {"org_type", "Production"},
                                    {"sf_instance", each.instance}});
    add(info, 1);
  }
};

std::unique_ptr<metrics::line_blocks> make_blocks() {
  std::vector<metrics::family_header> headers;
  headers.reserve(names.size());
  for (const std::string_view name : names)
    headers.push_back({.name = std::string(name), .help = "What a scrape says about an org."});
  return std::make_unique<metrics::line_blocks>(headers);
}

void set_orgs(metrics::line_blocks& blocks, const std::vector<org>& orgs, std::size_t every) {
  org_lines lines;
  std::string key;
  for (std::size_t i = 0; i < orgs.size(); i += every) {
    lines.render(orgs[i]);
    key = orgs[i].request;
    key += orgs[i].key;
    blocks.set(key, lines.texts);
  }
}

// --- with all that surrounds it --------------------------------------------------------------------

/// What `serve` has: the replica, which is there with or without metrics, and the series beside it.
struct served_world {
  agent::read_model model;
  std::unique_ptr<agent::org_series> series;

  explicit served_world(const std::vector<org>& orgs) {
    agent::view_update update;
    auto& views = update.orgs.emplace_back("devhub", std::vector<agent::org_view>()).second;
    for (const org& each : orgs)
      views.push_back({.org = domain::org_key::parse(each.key).value(),
                       .name = each.name,
                       .type = domain::org_type::production,
                       .sf_instance = each.instance});
    model.apply(update);
    model.apply(jobs_of(orgs, 1));
    forget();
  }

  static agent::view_update jobs_of(const std::vector<org>& orgs, std::size_t every) {
    agent::view_update update;
    auto& jobs = update.jobs.emplace_back("devhub", std::vector<agent::job_view>()).second;
    for (std::size_t i = 0; i < orgs.size(); i += every)
      jobs.push_back(orgs[i].as_job());
    return update;
  }
  void forget() {
    series = std::make_unique<agent::org_series>(
        configuration::org_series{.limit = 5'000'000, .keep_after_end = std::chrono::hours(24)});
  }
};

/// Every byte, in the pieces that are handed to the server.
std::size_t write_out(const metrics::line_snapshot& lines) {
  std::size_t bytes = 0;
  metrics::line_cursor cursor(lines);
  for (auto pieces = cursor.next(); !pieces.empty(); pieces = cursor.next()) {
    for (const std::string_view piece : pieces)
      bytes += piece.size();
    benchmark::DoNotOptimize(pieces.data());
  }
  return bytes;
}

std::size_t scrape(metrics::line_blocks& blocks) {
  return write_out(blocks.snapshot());
}

std::size_t scrape(agent::org_series& series) {
  std::size_t bytes = 0;
  for (const metrics::line_snapshot& lines : series.snapshot())
    bytes += write_out(lines);
  return bytes;
}

// --- prometheus-cpp --------------------------------------------------------------------------------

/// The registry with a handle for every value that changes: what its users do, as it cannot look up fast.
struct registry_world {
  prometheus::Registry registry;
  std::vector<prometheus::Gauge*> changing;
};

std::unique_ptr<registry_world> make_registry(const std::vector<org>& orgs) {
  auto world = std::make_unique<registry_world>();
  std::array<prometheus::Family<prometheus::Gauge>*, family_count> families{};
  for (std::size_t i = 0; i < family_count; ++i)
    families[i] = &prometheus::BuildGauge()
                       .Name(std::string(names[i]))
                       .Help("What a scrape says about an org.")
                       .Register(world->registry);
  for (const org& each : orgs) {
    prometheus::Labels labels{{"hub", "devhub"}, {"request_id", each.request}, {"org_key", each.key}};
    if (each.is_running()) {
      world->changing.push_back(&families[running_since]->Add(labels, 1756774861 + each.seconds));
    } else {
      families[success]->Add(labels, each.has_failed() ? 0.0 : 1.0);
      world->changing.push_back(&families[push_duration]->Add(labels, each.seconds));
    }
    families[info]->Add({{"hub", "devhub"},
                         {"org_key", each.key},
                         {"org_name", each.name},
                         {"org_type", "Production"},
                         {"sf_instance", each.instance}},
                        1.0);
    if (each.has_failed()) {
      labels.emplace("error_type", "ApexTestFailure");
      families[failure_info]->Add(labels, 1.0);
    }
  }
  return world;
}

std::size_t scrape(const registry_world& world) {
  const std::string text = prometheus::TextSerializer().Serialize(world.registry.Collect());
  benchmark::DoNotOptimize(text.data());
  return text.size();
}

// --- measuring -------------------------------------------------------------------------------------

/// CPU time, so that what else runs on the machine takes no side.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Freed memory stays with the process, so that the best round of either side is one for which the kernel had
/// no page to make: that is the dearest part in a virtual machine, and `org_series/memory` holds how many
/// they are. And what was freed is put together now: a registry leaves millions of pieces, which whoever
/// allocates next would pay for.
void settle_heap() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  constexpr std::size_t larger_than_any_bin = 100'000;
  std::free(std::malloc(larger_than_any_bin));
}

/// Both sides of a comparison: the best round of each counts, as other work on the machine only adds.
struct comparison {
  double ours_seconds = std::numeric_limits<double>::max();
  double theirs_seconds = std::numeric_limits<double>::max();

  template <class Ours, class Theirs>
  void measure(benchmark::State& state, Ours ours, Theirs theirs) {
    settle_heap();
    const double start = cpu_seconds();
    ours();
    const double between = cpu_seconds();
    theirs();
    const double end = cpu_seconds();
    state.SetIterationTime(between - start);
    ours_seconds = std::min(ours_seconds, between - start);
    theirs_seconds = std::min(theirs_seconds, end - between);
  }
  void report(benchmark::State& state) const {
    state.counters["best_ms"] = 1000 * ours_seconds;
    state.counters["prometheus_cpp_best_ms"] = 1000 * theirs_seconds;
    state.counters["times_faster"] = theirs_seconds / ours_seconds;
  }
};

/// How much faster than prometheus-cpp a scrape of 100 000 orgs must be.
constexpr double times_faster_min = 20;
/// And the first one, with what the registry does not do: to find the org of each job, and to keep to the
/// limit.
constexpr double whole_times_faster_min = 8;

void demand_speed(benchmark::State& state, const comparison& compared, double times_min = times_faster_min) {
  compared.report(state);
  if (compared.theirs_seconds < times_min * compared.ours_seconds)
    state.SkipWithError(fmt::format("it is {:.1f} times as fast as prometheus-cpp, not {} times",
                                    compared.theirs_seconds / compared.ours_seconds, times_min)
                            .c_str());
}

/// From the orgs' data to the last byte, with nothing prepared on either side.
void cold(benchmark::State& state) {
  const auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  comparison compared;
  for (auto _ : state) {
    const auto blocks = make_blocks();
    std::unique_ptr<registry_world> world;
    compared.measure(
        state,
        [&] {
          set_orgs(*blocks, orgs, 1);
          scrape(*blocks);
        },
        [&] {
          world = make_registry(orgs);
          scrape(*world);
        });
  }
  demand_speed(state, compared);
}

/// The same from the messages of `decide`.
void cold_in_the_agent(benchmark::State& state) {
  const auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  served_world ours(orgs);
  const agent::view_update all = served_world::jobs_of(orgs, 1);
  comparison compared;
  for (auto _ : state) {
    ours.forget();
    std::unique_ptr<registry_world> world;
    compared.measure(
        state,
        [&] {
          ours.series->apply(all, ours.model);
          scrape(*ours.series);
        },
        [&] {
          world = make_registry(orgs);
          scrape(*world);
        });
  }
  demand_speed(state, compared, whole_times_faster_min);
}

/// Both sides hold all series; one org of a hundred changes, then comes a scrape.
void one_percent_changed(benchmark::State& state) {
  auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  served_world ours(orgs);
  ours.series->apply(served_world::jobs_of(orgs, 1), ours.model);
  scrape(*ours.series);
  const auto world = make_registry(orgs);
  comparison compared;
  for (auto _ : state) {
    for (std::size_t i = 0; i < orgs.size(); i += 100)
      orgs[i].seconds += 1.25;
    const agent::view_update changed = served_world::jobs_of(orgs, 100);
    ours.model.apply(changed);
    compared.measure(
        state,
        [&] {
          ours.series->apply(changed, ours.model);
          scrape(*ours.series);
        },
        [&] {
          for (std::size_t i = 0; i < orgs.size(); i += 100)
            world->changing[i]->Set(orgs[i].seconds);
          scrape(*world);
        });
  }
  demand_speed(state, compared);
}

/// Nothing has changed since the last scrape.
void unchanged(benchmark::State& state) {
  const auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  served_world ours(orgs);
  ours.series->apply(served_world::jobs_of(orgs, 1), ours.model);
  const auto world = make_registry(orgs);
  comparison compared;
  for (auto _ : state)
    compared.measure(state, [&] { scrape(*ours.series); }, [&] { scrape(*world); });
  demand_speed(state, compared);
}

/// What each side keeps on the heap, and the most that a scrape adds to it; and what is left of ours a day
/// after the end of the requests.
void memory(benchmark::State& state) {
  const auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  served_world ours(orgs);
  const agent::view_update all = served_world::jobs_of(orgs, 1);
  std::array<double, 2> kept{};
  std::array<double, 2> scraped{};
  double series = 1;
  double left = 0;
  for (auto _ : state) {
    ours.forget();
    const agent::view_update changed = served_world::jobs_of(orgs, 100);
    std::size_t before = live_bytes();
    ours.series->apply(all, ours.model);
    (void)ours.series->snapshot();
    series = static_cast<double>(ours.series->series());
    kept[0] = static_cast<double>(live_bytes() - before);
    reset_peak();
    ours.series->apply(changed, ours.model);
    scrape(*ours.series);
    scraped[0] = static_cast<double>(peak_bytes() - before);

    agent::view_update ended;
    for (std::size_t i = 0; i < orgs.size(); i += 1000) {
      agent::request_view request;
      request.hub = "devhub";
      request.row.id = domain::request_id::parse(orgs[i].request).value();
      request.ended = wall_time{};
      ended.requests.push_back(request);
    }
    const std::size_t with_series = live_bytes();
    ours.model.apply(ended);
    const std::size_t of_model = live_bytes() - with_series;
    ours.series->forget_ended(ours.model, wall_time{std::chrono::hours(24)});
    left = static_cast<double>(live_bytes()) - static_cast<double>(before + of_model);
    if (ours.series->series() != 0)
      state.SkipWithError("series are left after the end and the retention");

    before = live_bytes();
    const auto world = make_registry(orgs);
    kept[1] = static_cast<double>(live_bytes() - before);
    reset_peak();
    scrape(*world);
    scraped[1] = static_cast<double>(peak_bytes() - before);
  }
  state.counters["series"] = series;
  state.counters["bytes_per_series"] = kept[0] / series;
  state.counters["prometheus_cpp_bytes_per_series"] = kept[1] / series;
  state.counters["share_of_prometheus_cpp"] = kept[0] / kept[1];
  state.counters["peak_share_of_prometheus_cpp"] = scraped[0] / scraped[1];
  state.counters["share_left_after_retention"] = left / kept[0];
  if (kept[0] * 3 > kept[1])
    state.SkipWithError(
        fmt::format("a series takes {:.2f} of what prometheus-cpp takes for it", kept[0] / kept[1]).c_str());
  constexpr double left_max = 0.01;
  if (left > left_max * kept[0])
    state.SkipWithError(
        fmt::format("{} of {} bytes are left after the end and the retention", left, kept[0]).c_str());
}

constexpr std::size_t fewest = 1'000;

/// Ours alone, to see that the cost per org stays the same: from nothing to the last byte of a first scrape.
void linear(benchmark::State& state) {
  const auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  std::size_t bytes = 0;
  std::size_t series = 0;
  double best =
      std::numeric_limits<double>::max();  // the first rounds get memory that the process had not yet
  for (auto _ : state) {
    const auto blocks = make_blocks();
    const double start = cpu_seconds();
    set_orgs(*blocks, orgs, 1);
    bytes += scrape(*blocks);
    const double took = cpu_seconds() - start;
    state.SetIterationTime(took);
    best = std::min(best, took);
    series = blocks->series();
  }
  const double per_org = best / static_cast<double>(orgs.size());
  static double most_per_org = 0;
  most_per_org = std::max(most_per_org, per_org);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  state.counters["best_ns_per_org"] = per_org * 1e9;
  state.counters["series"] = static_cast<double>(series);
  if (orgs.size() != fewest)
    return;
  // The largest size came first, as the heap that smaller ones leave behind is slower for it.
  constexpr double growth_max = 3;  // what fits into the processor's caches costs less
  state.counters["most_of_this"] = most_per_org / per_org;
  if (most_per_org > growth_max * per_org)
    state.SkipWithError(
        fmt::format("an org among many costs {:.2f} times what one among few does", most_per_org / per_org)
            .c_str());
}

// --- Debian's Prometheus ----------------------------------------------------------------------------

/// Serves /metrics/orgs of a world, on a thread of its own.
class serving_side {
 public:
  explicit serving_side(served_world& world) {
    auto made = thread_.listen(*network_, "127.0.0.1", 0);
    if (!made)
      throw std::runtime_error(made.error().text());
    listener_ = std::move(*made);
    thread_.run(serve_http(
        *listener_,
        [this, &world](const http_request& request) -> asio::awaitable<http_reply> {
          co_return scrapes_.large(request, world.series->snapshot(), world.series->summary());
        },
        {}, *time_, null_logger()));
  }
  ~serving_side() { thread_.stop(); }
  serving_side(const serving_side&) = delete;
  serving_side& operator=(const serving_side&) = delete;

  [[nodiscard]] std::string authority() const { return listener_->local().authority(); }

 private:
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  agent::scrapes scrapes_{*time_};
  program::server_thread thread_;
  std::unique_ptr<listener> listener_;
};

/// A Prometheus with its default timeout, which scrapes `target` every ten seconds.
class prometheus_side {
 public:
  explicit prometheus_side(const std::string& target) {
    const std::filesystem::path configuration = directory_.path() / "prometheus.yml";
    std::ofstream(configuration) << fmt::format(
        "global: {{ scrape_interval: 10s }}\nscrape_configs:\n  - job_name: orgs\n    metrics_path: "
        "/metrics/orgs\n"
        "    static_configs: [ {{ targets: [\"{}\"] }} ]\n",
        target);
    const auto probe = world_->net().listen(world_->context().get_executor(), "127.0.0.1", 0);
    if (!probe)
      throw std::runtime_error(probe.error().text());
    address_ = (*probe)->local();
    (*probe)->close();
    process_ = std::make_unique<test::child_process>(
        std::vector<std::string>{"prometheus", "--config.file=" + configuration.string(),
                                 "--storage.tsdb.path=" + (directory_.path() / "data").string(),
                                 "--web.listen-address=" + address_.authority(), "--log.level=error"});
  }

  /// What an expression is worth, as soon as it is; nothing after forty seconds.
  std::optional<double> ask(const std::string& expression) {
    std::optional<double> value;
    world_->run(ask_until(expression, value));
    return value;
  }

 private:
  asio::awaitable<void> ask_until(std::string expression, std::optional<double>& value) {
    constexpr std::chrono::milliseconds pause(500);
    constexpr int tries = 80;
    const auto client = make_http_client(world_->net(), world_->time(), address_);
    for (int i = 0; i < tries && !value; ++i) {
      http_request request;
      request.target = "/api/v1/query?query=" + percent_encode(expression);
      const auto answer = co_await client->send(std::move(request));
      if (answer && answer->status == 200)
        value = read_value(answer->body);
      if (!value)
        co_await world_->time().sleep_for(pause);
    }
  }
  /// `…"value":[1756774861.5,"0.25"]…`
  static std::optional<double> read_value(std::string_view answer) {
    const auto begin = answer.find("\"value\":[");
    const auto quote = answer.find(",\"", begin);
    if (begin == std::string_view::npos || quote == std::string_view::npos)
      return std::nullopt;
    return std::stod(std::string(answer.substr(quote + 2)));
  }

  test::scratch_directory directory_;
  std::unique_ptr<test::net_world> world_ = test::make_socket_world();
  origin address_;
  std::unique_ptr<test::child_process> process_;
};

/// The second scrape of an agent with 100 000 orgs: how long Prometheus takes for it, of the ten seconds that
/// it waits by default.
void prometheus_scrape(benchmark::State& state) {
  constexpr double timeout_seconds = 10;
  const auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  served_world world(orgs);
  world.series->apply(served_world::jobs_of(orgs, 1), world.model);
  const double series = static_cast<double>(world.series->series());
  for (auto _ : state) {
    const serving_side serving(world);
    prometheus_side prometheus(serving.authority());
    const bool was_scraped = prometheus.ask("count_over_time(up[1m]) >= 2").has_value();
    const auto seconds = prometheus.ask("scrape_duration_seconds");
    const auto samples = prometheus.ask("scrape_samples_scraped");
    if (!was_scraped || !seconds || !samples || prometheus.ask("up") != 1) {
      state.SkipWithError("Prometheus did not scrape the orgs");
      return;
    }
    state.SetIterationTime(*seconds);
    state.counters["samples"] = *samples;
    state.counters["share_of_timeout"] = *seconds / timeout_seconds;
    constexpr double share_max = 0.5;
    if (*samples < series || *seconds > share_max * timeout_seconds)
      state.SkipWithError(
          fmt::format("Prometheus took {:.2f} s for {} samples of {}", *seconds, *samples, series).c_str());
  }
}

constexpr auto milliseconds = benchmark::kMillisecond;

BENCHMARK(cold)->Name("org_lines/cold")->Arg(100'000)->Iterations(5)->UseManualTime()->Unit(milliseconds);
BENCHMARK(cold_in_the_agent)
    ->Name("org_series/cold")
    ->Arg(100'000)
    ->Iterations(5)
    ->UseManualTime()
    ->Unit(milliseconds);
BENCHMARK(one_percent_changed)
    ->Name("org_series/one_percent_changed")
    ->Arg(100'000)
    ->Iterations(5)
    ->UseManualTime()
    ->Unit(milliseconds);
BENCHMARK(unchanged)
    ->Name("org_series/unchanged")
    ->Arg(100'000)
    ->Iterations(5)
    ->UseManualTime()
    ->Unit(milliseconds);
BENCHMARK(memory)->Name("org_series/memory")->Arg(100'000)->Iterations(1)->Unit(milliseconds);
BENCHMARK(prometheus_scrape)
    ->Name("org_series/prometheus_scrape")
    ->Arg(100'000)
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(milliseconds);
BENCHMARK(linear)
    ->Name("org_lines/linear")
    ->Arg(500'000)
    ->Arg(100'000)
    ->Arg(10'000)
    ->Arg(fewest)
    ->Iterations(8)
    ->UseManualTime()
    ->Unit(milliseconds);

}  // namespace
}  // namespace pushguard::bench
