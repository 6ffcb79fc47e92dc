#pragma once

#include <string>

#include "agent/history/past_push.hpp"

/// Lines of a history file, each with its `\n`: JSON with the keys in the order of docs/history-format.md,
/// instants as in `2025-09-02T01:01:01.000Z`, valid UTF-8, `null` for what is not known. The same data makes
/// the same line. Texts are cut at text_bytes_max.
namespace pushguard::history {

[[nodiscard]] std::string write_header(const history_header& header);

/// Error rows that would make the line longer than line_bytes_max are left out from the back and counted in
/// `errors_omitted`.
[[nodiscard]] std::string write_job(const history_job& job);

}  // namespace pushguard::history
