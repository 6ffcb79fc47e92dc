#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace pushguard::test {

struct read_sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct read_family {
  std::string name;
  std::string help;
  std::string type;
  std::vector<read_sample> samples;
};

/// Reads the Prometheus text format 0.0.4, or OpenMetrics 1.0, by its grammar and nothing of what wrote it.
/// Stricter than Prometheus: every family has HELP and TYPE, in this order, and its samples directly behind
/// them; no series is there twice; OpenMetrics ends with `# EOF`. Timestamps and exemplars are not read.
[[nodiscard]] result<std::vector<read_family>> read_exposition(std::string_view text, bool is_openmetrics);

}  // namespace pushguard::test
