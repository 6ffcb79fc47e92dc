#include "metrics/families.hpp"

#include <stdexcept>

namespace pushguard::metrics {
namespace {

prometheus::ClientMetric::Label to_model(label each) {
  if (!is_label_name(each.name))
    throw std::invalid_argument("not a label name: " + std::string(each.name));
  return {.name = std::string(each.name), .value = std::string(each.value)};
}

prometheus::ClientMetric make_series(label_list labels, prometheus::MetricType type, double value) {
  prometheus::ClientMetric series;
  series.label.reserve(labels.size() + 1);
  for (const label& each : labels)
    series.label.push_back(to_model(each));
  if (type == prometheus::MetricType::Counter)
    series.counter.value = value;
  else
    series.gauge.value = value;
  return series;
}

}  // namespace

family_builder::family_builder(prometheus::MetricType type, std::string_view name, std::string_view help) {
  if (!is_metric_name(name))
    throw std::invalid_argument("not a metric name: " + std::string(name));
  if (type != prometheus::MetricType::Gauge && type != prometheus::MetricType::Counter)
    throw std::invalid_argument("a built family is a gauge or a counter: " + std::string(name));
  family_.name = name;
  family_.help = help;
  family_.type = type;
}

family_builder& family_builder::add(label_list labels, double value) {
  family_.metric.push_back(make_series(labels, family_.type, value));
  return *this;
}

void family_builder::add_with(label_list labels, label last, double value) {
  family_.metric.push_back(make_series(labels, family_.type, value));
  family_.metric.back().label.push_back(to_model(last));
}

family_builder gauge(std::string_view name, std::string_view help) {
  return {prometheus::MetricType::Gauge, name, help};
}

family_builder counter(std::string_view name, std::string_view help) {
  if (!name.ends_with("_total"))
    throw std::invalid_argument("a counter's name ends in _total: " + std::string(name));
  return {prometheus::MetricType::Counter, name, help};
}

}  // namespace pushguard::metrics
