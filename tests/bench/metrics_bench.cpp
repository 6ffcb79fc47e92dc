#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/line_blocks.hpp"
#include "metrics/text_format.hpp"
#include "tests/bench/support/allocation_counter.hpp"

/// The text of /metrics/orgs beside the same series in a prometheus-cpp registry and its serializer.
namespace pushguard::bench {
namespace {

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
};

std::vector<org> make_orgs(std::size_t count) {
  std::vector<org> orgs;
  orgs.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    orgs.push_back({.key = fmt::format("00D5g0000{:06}", i),
                    .request = fmt::format("0DV5g00000{:05}GAE", i / 1000),
                    .name = fmt::format("Customer {} GmbH & Co. KG", i),
                    .instance = fmt::format("EU{}", i % 60),
                    .place = i,
                    .seconds = 30.0 + static_cast<double>(i % 977) * 0.5});
  }
  return orgs;
}

// --- line blocks -----------------------------------------------------------------------------------

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
  for (std::size_t i = 0; i < orgs.size(); i += every) {
    lines.render(orgs[i]);
    blocks.set(orgs[i].request + orgs[i].key, lines.texts);
  }
}

/// Every byte copied to a chunk, as it is handed to a socket.
std::size_t scrape(metrics::line_blocks& blocks) {
  metrics::line_cursor cursor(blocks.snapshot());
  std::size_t bytes = 0;
  for (std::string_view chunk = cursor.next(); !chunk.empty(); chunk = cursor.next()) {
    bytes += chunk.size();
    benchmark::DoNotOptimize(chunk.data());
  }
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

/// Both sides of a comparison, summed over the iterations.
struct comparison {
  double ours_seconds = 0;
  double theirs_seconds = 0;

  template <class Ours, class Theirs>
  void measure(benchmark::State& state, Ours ours, Theirs theirs) {
    const double start = cpu_seconds();
    ours();
    const double between = cpu_seconds();
    theirs();
    const double end = cpu_seconds();
    state.SetIterationTime(between - start);
    ours_seconds += between - start;
    theirs_seconds += end - between;
  }
  void report(benchmark::State& state) const {
    state.counters["prometheus_cpp_ms"] =
        1000 * theirs_seconds / static_cast<double>(std::max<std::int64_t>(state.iterations(), 1));
    state.counters["times_faster"] = theirs_seconds / ours_seconds;
  }
};

/// From the orgs' data to the last byte, with nothing prepared on either side.
void cold(benchmark::State& state) {
  const auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  comparison compared;
  for (auto _ : state) {
    auto blocks = make_blocks();
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
  compared.report(state);
}

/// Both sides hold all series; one org of a hundred changes, then comes a scrape.
void one_percent_changed(benchmark::State& state) {
  auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  auto blocks = make_blocks();
  set_orgs(*blocks, orgs, 1);
  scrape(*blocks);
  const auto world = make_registry(orgs);
  comparison compared;
  for (auto _ : state) {
    for (std::size_t i = 0; i < orgs.size(); i += 100)
      orgs[i].seconds += 1.25;
    compared.measure(
        state,
        [&] {
          set_orgs(*blocks, orgs, 100);
          scrape(*blocks);
        },
        [&] {
          for (std::size_t i = 0; i < orgs.size(); i += 100)
            world->changing[i]->Set(orgs[i].seconds);
          scrape(*world);
        });
  }
  compared.report(state);
}

/// Nothing has changed since the last scrape.
void unchanged(benchmark::State& state) {
  const auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  auto blocks = make_blocks();
  set_orgs(*blocks, orgs, 1);
  const auto world = make_registry(orgs);
  comparison compared;
  for (auto _ : state)
    compared.measure(state, [&] { scrape(*blocks); }, [&] { scrape(*world); });
  compared.report(state);
}

/// What each side keeps on the heap, and the most that a scrape adds to it.
void memory(benchmark::State& state) {
  const auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  std::array<double, 2> kept{};
  std::array<double, 2> scraped{};
  double series = 1;
  for (auto _ : state) {
    std::size_t before = live_bytes();
    auto blocks = make_blocks();
    set_orgs(*blocks, orgs, 1);
    (void)blocks->snapshot();
    series = static_cast<double>(blocks->series());
    kept[0] = static_cast<double>(live_bytes() - before);
    reset_peak();
    set_orgs(*blocks, orgs, 100);
    scrape(*blocks);
    scraped[0] = static_cast<double>(peak_bytes() - before);
    blocks.reset();

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
}

/// Ours alone, to see that the cost per org stays the same.
void linear(benchmark::State& state) {
  auto orgs = make_orgs(static_cast<std::size_t>(state.range(0)));
  auto blocks = make_blocks();
  set_orgs(*blocks, orgs, 1);
  scrape(*blocks);
  std::size_t bytes = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < orgs.size(); i += 100)
      orgs[i].seconds += 1.25;
    set_orgs(*blocks, orgs, 100);
    bytes += scrape(*blocks);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  state.counters["per_org"] =
      benchmark::Counter(static_cast<double>(orgs.size()) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["series"] = static_cast<double>(blocks->series());
}

constexpr auto milliseconds = benchmark::kMillisecond;

BENCHMARK(cold)->Name("org_lines/cold")->Arg(100'000)->Iterations(5)->UseManualTime()->Unit(milliseconds);
BENCHMARK(one_percent_changed)
    ->Name("org_lines/one_percent_changed")
    ->Arg(100'000)
    ->Iterations(5)
    ->UseManualTime()
    ->Unit(milliseconds);
BENCHMARK(unchanged)
    ->Name("org_lines/unchanged")
    ->Arg(100'000)
    ->Iterations(5)
    ->UseManualTime()
    ->Unit(milliseconds);
BENCHMARK(memory)->Name("org_lines/memory")->Arg(100'000)->Iterations(1)->Unit(milliseconds);
BENCHMARK(linear)
    ->Name("org_lines/linear")
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(500'000)
    ->Unit(milliseconds);

}  // namespace
}  // namespace pushguard::bench
