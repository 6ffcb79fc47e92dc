#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace pushguard::metrics {

/// What this process uses, under the names that Prometheus' client libraries agree on:
/// `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_virtual_memory_bytes`,
/// `process_threads`, `process_open_fds`, `process_max_fds`, `process_start_time_seconds`. Read from /proc at
/// each call; what cannot be read there is left out, with its header kept.
[[nodiscard]] std::vector<prometheus::MetricFamily> collect_process_families();

}  // namespace pushguard::metrics
