#pragma once

#include <prometheus/metric_family.h>

#include <concepts>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include "metrics/text_format.hpp"

namespace pushguard::metrics {

/// Makes a family afresh at each collection from what is known then: what has vanished is not
/// exported any more, and Prometheus marks it stale by itself.
///
///     auto lights = gauge("lights", "Traffic lights by colour.");
///     lights.add({{"town", town}, {"colour", "red"}}, 17);
///     families.push_back(std::move(lights).build());
class family_builder {
 public:
  /// Throws std::invalid_argument on a wrong name.
  family_builder(prometheus::MetricType type, std::string_view name, std::string_view help);

  /// One series. Throws std::invalid_argument on a wrong label name. The same labels must not be added
  /// twice: Prometheus refuses one of the two.
  family_builder& add(label_list labels, double value);

  /// One series per state, 1 for `current` and 0 for the others, told apart by the label `name`.
  /// The states' label values are what `to_string(state)` answers.
  template <std::ranges::input_range States>
  family_builder& add_states(label_list labels, std::string_view name, const States& states,
                             std::ranges::range_value_t<States> current) {
    for (const auto& state : states)
      add_with(labels, {name, to_string(state)}, state == current ? 1 : 0);
    return *this;
  }

  [[nodiscard]] prometheus::MetricFamily build() && { return std::move(family_); }

 private:
  void add_with(label_list labels, label last, double value);

  prometheus::MetricFamily family_;
};

/// A value that goes up and down.
[[nodiscard]] family_builder gauge(std::string_view name, std::string_view help);
/// A value that only grows; the name must end in `_total`, else std::invalid_argument.
[[nodiscard]] family_builder counter(std::string_view name, std::string_view help);

}  // namespace pushguard::metrics
