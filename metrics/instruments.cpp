#include "metrics/instruments.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace pushguard::metrics {
namespace {

void check_name(std::string_view name) {
  if (!is_metric_name(name))
    throw std::invalid_argument("not a metric name: " + std::string(name));
}

void check_bounds(std::span<const double> bounds) {
  const auto is_finite = [](double bound) { return std::isfinite(bound); };
  const bool rises = std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) == bounds.end();
  if (!rises || !std::all_of(bounds.begin(), bounds.end(), is_finite))
    throw std::invalid_argument("histogram bounds must be finite and rise");
}

}  // namespace

void counter_handle::increment() {
  counter_->Increment();
}

void counter_handle::increment(double by) {
  counter_->Increment(by);
}

double counter_handle::value() const {
  return counter_->Value();
}

void gauge_handle::set(double value) {
  gauge_->Set(value);
}

double gauge_handle::value() const {
  return gauge_->Value();
}

void histogram_handle::observe(double value) {
  histogram_->Observe(value);
}

struct instruments::state {
  prometheus::Registry registry;
  prometheus::Labels common;

  /// The labels of one series; each name may occur once.
  [[nodiscard]] prometheus::Labels with_common(const label_values& labels) const {
    prometheus::Labels all = common;
    for (const auto& [name, value] : labels) {
      if (!is_label_name(name))
        throw std::invalid_argument("not a label name: " + name);
      if (!all.emplace(name, value).second)
        throw std::invalid_argument("the label " + name + " is given twice");
    }
    return all;
  }
};

instruments::instruments(label_list common) : state_(std::make_unique<state>()) {
  state_->common = state_->with_common(to_values(common));
}

instruments::~instruments() = default;

counter_handle instruments::counter(std::string_view name, std::string_view help, label_list labels) {
  return make_counter(name, help, to_values(labels));
}

gauge_handle instruments::gauge(std::string_view name, std::string_view help, label_list labels) {
  check_name(name);
  auto& family =
      prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(state_->registry);
  return gauge_handle(family.Add(state_->with_common(to_values(labels))));
}

histogram_handle instruments::histogram(std::string_view name, std::string_view help,
                                        std::span<const double> bounds, label_list labels) {
  return make_histogram(name, help, bounds, to_values(labels));
}

counter_handle instruments::make_counter(std::string_view name, std::string_view help,
                                         const label_values& labels) {
  check_name(name);
  if (!name.ends_with("_total"))
    throw std::invalid_argument("a counter's name ends in _total: " + std::string(name));
  auto& family =
      prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(state_->registry);
  return counter_handle(family.Add(state_->with_common(labels)));
}

histogram_handle instruments::make_histogram(std::string_view name, std::string_view help,
                                             std::span<const double> bounds, const label_values& labels) {
  check_name(name);
  check_bounds(bounds);
  const prometheus::Labels all = state_->with_common(labels);
  if (all.contains("le"))
    throw std::invalid_argument("the label le is reserved in a histogram");
  auto& family =
      prometheus::BuildHistogram().Name(std::string(name)).Help(std::string(help)).Register(state_->registry);
  return histogram_handle(
      family.Add(all, prometheus::Histogram::BucketBoundaries(bounds.begin(), bounds.end())));
}

std::vector<prometheus::MetricFamily> instruments::collect() const {
  return state_->registry.Collect();
}

}  // namespace pushguard::metrics
