#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

/// What a client says it takes: `Accept` and `Accept-Encoding` (RFC 9110 §12.5).
namespace pushguard {

/// One element of such a header. The views are of the header's text.
struct accepted_item {
  std::string_view value;  ///< `text/plain`, `gzip`, `*`; compares without case
  double quality = 1;      ///< 0 (not acceptable) to 1
  std::vector<std::pair<std::string_view, std::string_view>> parameters = {};  ///< but for `q`; unquoted

  /// The first one of that name.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

/// The elements in the order they stand. One that cannot be read is left out: a client that is not understood
/// is served what everybody is.
[[nodiscard]] std::vector<accepted_item> parse_accepted(std::string_view header);

/// Whether `coding` may be used by this Accept-Encoding header; `*` stands for codings that are not named.
[[nodiscard]] bool accepts_coding(std::string_view header, std::string_view coding);

}  // namespace pushguard
