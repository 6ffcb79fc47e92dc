#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "agent/read_model.hpp"

namespace pushguard::agent {

/// How long series of a rollout, of its requests and of its rules stay after the end of its last request.
struct rollout_retention {
  duration after_end{};
  duration after_abort{};  ///< where an abort is in force, if that is longer
};

/// The families of `/metrics` that are made afresh from what is known at each scrape: hubs, channels,
/// requests, rules and rollouts. What has vanished from the model vanishes from the scrape.
[[nodiscard]] std::vector<prometheus::MetricFamily> make_model_families(const read_model& model,
                                                                        rollout_retention keep,
                                                                        wall_time now);

}  // namespace pushguard::agent
