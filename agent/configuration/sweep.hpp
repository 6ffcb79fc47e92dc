#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// One number of one rule, and the values that it is to be tried with.
namespace pushguard::configuration {

/// Which number, by the names of the file: `production/failure-rate.above`.
struct swept_field {
  std::string policy;
  std::string rule;
  std::string field;

  [[nodiscard]] std::string text() const { return policy + "/" + rule + "." + field; }
  friend bool operator==(const swept_field&, const swept_field&) = default;
};

/// How values of a field are written.
enum class swept_kind : unsigned char { share, count, time };

struct sweep {
  swept_field field;
  std::string values;  ///< as typed, see sweep_values()

  friend bool operator==(const sweep&, const sweep&) = default;
};

/// Values tried at once. Each is a row of a table, and a policy of its own in the replay.
inline constexpr std::size_t swept_values_max = 100;

/// Reads `POLICY/RULE.FIELD=VALUES`. Fails with errc::invalid.
[[nodiscard]] result<sweep> parse_sweep(std::string_view text);

/// Unfolds `A..B` (10 values, evenly from A to B), `A..B/N` (N values), `A..B:STEP` (A, A+STEP, … up to B)
/// or `A,B,C` into values as the file has them; counts are rounded, and none comes twice. A is below B. Fails
/// with errc::invalid, also where there are more than swept_values_max. Whether the field may have such a
/// value is not looked at.
[[nodiscard]] result<std::vector<std::string>> sweep_values(std::string_view values, swept_kind kind);

}  // namespace pushguard::configuration
