#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "base/http_server.hpp"
#include "metrics/line_blocks.hpp"

namespace pushguard::agent {

/// Answers scrapes in the format and with the compression that the client asks for. For one thread; `time`
/// outlives it and its answers.
///
/// What is written is what was there when the scrape began: a client that reads slowly keeps that, and delays
/// nobody. It is given up after the timeout that Prometheus tells (X-Prometheus-Scrape-Timeout-Seconds), and
/// two minutes without one.
class scrapes {
 public:
  /// Large answers at once; more are told to come again (503).
  static constexpr std::size_t large_max = 16;

  explicit scrapes(time_source& time) : time_(time) {}

  [[nodiscard]] static http_reply small(const http_request& request,
                                        const std::vector<prometheus::MetricFamily>& families);

  /// Written piece by piece: the lines of each, then `rest`.
  [[nodiscard]] http_reply large(const http_request& request, std::vector<metrics::line_snapshot> lines,
                                 std::vector<prometheus::MetricFamily> rest);

 private:
  time_source& time_;
  std::shared_ptr<std::size_t> running_ = std::make_shared<std::size_t>(0);
};

}  // namespace pushguard::agent
