#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/exposition.hpp"
#include "agent/org_series.hpp"
#include "base/text.hpp"
#include "metrics/text_format.hpp"
#include "tests/support/exposition_reader.hpp"
#include "tests/support/line_text.hpp"

namespace {

using namespace pushguard;
using agent::job_view;
using agent::org_view;

void demand(bool is_right) {
  if (!is_right)
    std::abort();
}

/// Takes the input apart: a length byte and as many bytes are a text, eight bytes are a number.
class pieces {
 public:
  explicit pieces(std::string_view input) : left_(input) {}

  bool is_empty() const { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty())
      return 0;
    const auto first = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return first;
  }
  std::string text() {
    const std::size_t size = std::min<std::size_t>(byte(), left_.size());
    std::string taken(left_.substr(0, size));
    left_.remove_prefix(size);
    return taken;
  }
  double number() {
    double value = 0;
    const std::string_view bytes = left_.substr(0, sizeof value);
    std::memcpy(&value, bytes.data(), bytes.size());
    left_.remove_prefix(bytes.size());
    return value;
  }

 private:
  std::string_view left_;
};

template <class Id>
Id make_id(std::string_view prefix, unsigned number) {
  std::string digits = std::to_string(number);
  return Id::parse(std::string(prefix) + std::string(12 - digits.size(), '0') + digits).value();
}

/// What a label value reads as: cut, and with what is no UTF-8 replaced.
std::string shown(std::string_view value) {
  return to_valid_utf8(cut_at_character(value, metrics::label_value_size_max));
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || a == b;
}

/// A family with one series for each pair of label values: what it says can be read back, in either format.
void check_families(pieces& in) {
  prometheus::MetricFamily family;
  family.name = "things";
  family.help = in.text();
  family.type = prometheus::MetricType::Gauge;
  std::map<std::pair<std::string, std::string>, double> expected;
  for (unsigned i = in.byte() % 8U; i > 0; --i) {
    const std::string first = in.text();
    const std::string second = in.text();
    const double value = in.number();
    if (!expected.emplace(std::pair(shown(first), shown(second)), value).second)
      continue;
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = {{.name = "first", .value = first}, {.name = "second", .value = second}};
    metric.gauge.value = value;
  }
  for (const metrics::exposition_format format : metrics::all_exposition_formats) {
    const auto read = test::read_exposition(metrics::to_text(family, format),
                                            format == metrics::exposition_format::openmetrics);
    demand(read.has_value() && read->size() == 1);
    demand(read->front().help == to_valid_utf8(family.help));
    demand(read->front().samples.size() == expected.size());
    for (const test::read_sample& sample : read->front().samples) {
      const auto its = expected.find({sample.labels.at("first"), sample.labels.at("second")});
      demand(its != expected.end() && same(its->second, sample.value));
    }
  }
}

/// Jobs and orgs as hubs and subscribers would have them: every scrape can be read, and keeps to the limit.
void check_orgs(pieces& in) {
  agent::read_model model;
  agent::org_series series({.limit = in.byte(), .keep_after_end = std::chrono::hours(1)});
  const std::string hub = in.text();
  std::map<std::string, std::string> names;
  while (!in.is_empty()) {
    agent::view_update update;
    const std::uint8_t what = in.byte();
    const unsigned number = what % 8U;
    if (what < 64) {
      org_view org;
      org.org = make_id<domain::org_key>("00D", number);
      org.name = in.text();
      org.sf_instance = in.text();
      names[std::string(org.org.key())] = shown(org.name);
      update.orgs.push_back({hub, {org}});
    } else {
      job_view job;
      job.request = make_id<domain::request_id>("0DV", in.byte() % 2U);
      job.id = make_id<domain::job_id>("0DX", number);
      job.org = make_id<domain::org_key>("00D", number);
      job.status = domain::all_push_statuses[in.byte() % domain::all_push_statuses.size()];
      job.start = wall_time{std::chrono::milliseconds(in.byte() * 1000)};
      job.end = wall_time{std::chrono::milliseconds(in.byte() * 100'000)};
      if (job.status == domain::push_status::failed)
        job.error = domain::all_error_types[in.byte() % domain::all_error_types.size()];
      job.error_message = in.text();
      update.jobs.push_back({hub, {job}});
    }
    model.apply(update);
    series.apply(update, model);
  }
  for (const metrics::exposition_format format : metrics::all_exposition_formats) {
    std::string text;
    for (const metrics::line_snapshot& each : series.snapshot())
      text += test::text_of(each, format);
    metrics::append_families(text, series.summary(), format);
    metrics::append_end(text, format);
    const auto read = test::read_exposition(text, format == metrics::exposition_format::openmetrics);
    demand(read.has_value());
    std::size_t count = 0;
    for (const test::read_family& family : *read) {
      const bool is_of_an_org =
          family.name.starts_with("pushguard_org_push") || family.name == "pushguard_org_info";
      count += is_of_an_org ? family.samples.size() : 0;
      if (family.name != "pushguard_org_info")
        continue;
      for (const test::read_sample& sample : family.samples)
        demand(sample.labels.at("org_name") == names.at(sample.labels.at("org_key")));
    }
    demand(count == series.series());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pieces in({reinterpret_cast<const char*>(data), size});
  if (in.byte() % 2U == 0)
    check_families(in);
  else
    check_orgs(in);
  return 0;
}
