#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "agent/read_model.hpp"

namespace pushguard::agent {

/// The families of `/metrics` that are made afresh from what is known at each scrape: hubs, channels,
/// requests, rules and rollouts. What has vanished from the model vanishes from the scrape.
[[nodiscard]] std::vector<prometheus::MetricFamily> make_model_families(const read_model& model);

}  // namespace pushguard::agent
