#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "metrics/text_format.hpp"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace pushguard::metrics {

/// A closed label: its name and every value it can take, written by `to_string(value)`.
template <class Enum, std::size_t Count>
struct enum_label {
  std::string_view name;
  std::array<Enum, Count> values;
};
template <class Enum, std::size_t Count>
enum_label(const char*, std::array<Enum, Count>) -> enum_label<Enum, Count>;

/// Handles are as cheap to copy as a pointer, may be used from any thread, and live as long as the
/// `instruments` that made them.
class counter_handle {
 public:
  explicit counter_handle(prometheus::Counter& counter) : counter_(&counter) {}
  void increment();
  /// Not negative; a negative amount is ignored.
  void increment(double by);
  [[nodiscard]] double value() const;

 private:
  prometheus::Counter* counter_;
};

class gauge_handle {
 public:
  explicit gauge_handle(prometheus::Gauge& gauge) : gauge_(&gauge) {}
  void set(double value);
  [[nodiscard]] double value() const;

 private:
  prometheus::Gauge* gauge_;
};

class histogram_handle {
 public:
  explicit histogram_handle(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  void observe(double value);
  void observe(std::chrono::duration<double> length) { observe(length.count()); }

 private:
  prometheus::Histogram* histogram_;
};

/// The instruments of one family, one for every combination of its closed labels.
template <class Handle, class... Enums>
class instrument_family {
 public:
  instrument_family(std::vector<Handle> handles, std::tuple<std::vector<Enums>...> values)
      : handles_(std::move(handles)), values_(std::move(values)) {}

  /// Throws std::invalid_argument for a value that the label was not declared with.
  [[nodiscard]] Handle at(Enums... value) const {
    return handles_[index(std::index_sequence_for<Enums...>{}, value...)];
  }

 private:
  template <std::size_t... I>
  [[nodiscard]] std::size_t index(std::index_sequence<I...>, Enums... value) const {
    std::size_t found = 0;
    ((found = found * std::get<I>(values_).size() + position(std::get<I>(values_), value)), ...);
    return found;
  }
  template <class Enum>
  [[nodiscard]] static std::size_t position(const std::vector<Enum>& values, Enum value) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] == value)
        return i;
    }
    throw std::invalid_argument("a label value that its family was not declared with");
  }

  std::vector<Handle> handles_;
  std::tuple<std::vector<Enums>...> values_;
};

template <class... Enums>
using counter_family = instrument_family<counter_handle, Enums...>;
template <class... Enums>
using histogram_family = instrument_family<histogram_handle, Enums...>;

/// Long-lived counters, gauges and histograms. Each is there, at zero, from the moment it is declared.
///
/// One object per owner (the agent, one hub), with the labels that all its instruments share: when the
/// owner goes, its series go with it. Owners declare families of the same name; append_text() merges what
/// they collect. Thread-safe. Wrong names throw std::invalid_argument.
///
///     instruments own({{"hub", "devhub"}});
///     auto requests = own.counters("pushguard_salesforce_requests_total", "Requests sent.", {},
///                                  enum_label{"operation", all_operations},
///                                  enum_label{"outcome", all_outcomes});
///     requests.at(operation::query, outcome::ok).increment();
class instruments {
 public:
  explicit instruments(label_list common = {});
  ~instruments();
  instruments(const instruments&) = delete;
  instruments& operator=(const instruments&) = delete;

  [[nodiscard]] counter_handle counter(std::string_view name, std::string_view help, label_list labels = {});
  [[nodiscard]] gauge_handle gauge(std::string_view name, std::string_view help, label_list labels = {});
  /// `bounds` are upper bounds, strictly rising, without +Inf.
  [[nodiscard]] histogram_handle histogram(std::string_view name, std::string_view help,
                                           std::span<const double> bounds, label_list labels = {});

  template <class... Enums, std::size_t... Counts>
  [[nodiscard]] counter_family<Enums...> counters(std::string_view name, std::string_view help,
                                                  label_list labels, enum_label<Enums, Counts>... closed) {
    const auto make = [&](const label_values& set) { return make_counter(name, help, set); };
    return make_family<counter_handle>(make, labels, closed...);
  }

  template <class... Enums, std::size_t... Counts>
  [[nodiscard]] histogram_family<Enums...> histograms(std::string_view name, std::string_view help,
                                                      std::span<const double> bounds, label_list labels,
                                                      enum_label<Enums, Counts>... closed) {
    const auto make = [&](const label_values& set) { return make_histogram(name, help, bounds, set); };
    return make_family<histogram_handle>(make, labels, closed...);
  }

  /// What they show now.
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  using label_values = std::vector<std::pair<std::string, std::string>>;
  struct state;

  [[nodiscard]] counter_handle make_counter(std::string_view name, std::string_view help,
                                            const label_values& labels);
  [[nodiscard]] histogram_handle make_histogram(std::string_view name, std::string_view help,
                                                std::span<const double> bounds, const label_values& labels);

  [[nodiscard]] static label_values to_values(label_list labels) {
    label_values set;
    for (const label& each : labels)
      set.emplace_back(each.name, each.value);
    return set;
  }

  // Every combination of the closed labels, the last one turning fastest, as instrument_family counts.
  template <class Enum, std::size_t Count>
  [[nodiscard]] static std::vector<label_values> combine(const std::vector<label_values>& sets,
                                                         const enum_label<Enum, Count>& closed) {
    std::vector<label_values> combined;
    for (const label_values& set : sets) {
      for (const Enum value : closed.values) {
        combined.push_back(set);
        combined.back().emplace_back(closed.name, to_string(value));
      }
    }
    return combined;
  }

  template <class Handle, class Make, class... Enums, std::size_t... Counts>
  [[nodiscard]] static instrument_family<Handle, Enums...> make_family(
      const Make& make, label_list labels, const enum_label<Enums, Counts>&... closed) {
    std::vector<label_values> sets{to_values(labels)};
    ((sets = combine(sets, closed)), ...);
    std::vector<Handle> handles;
    handles.reserve(sets.size());
    for (const label_values& set : sets)
      handles.push_back(make(set));
    return {std::move(handles),
            std::tuple(std::vector<Enums>(closed.values.begin(), closed.values.end())...)};
  }

  std::unique_ptr<state> state_;
};

}  // namespace pushguard::metrics
