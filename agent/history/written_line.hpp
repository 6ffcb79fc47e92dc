#pragma once

#include <string_view>

#include "agent/history/past_push.hpp"

namespace pushguard::history {

/// Reads a job's line that stands byte for byte as write_job() writes it, without its end and without
/// escapes. False where it does not: that is no verdict on the line, only on this way of reading it, and
/// `into` is then half written. What it takes it takes as history_reader does.
[[nodiscard]] bool read_written_job(std::string_view line, const domain::request_row& request,
                                    history_job& into);

}  // namespace pushguard::history
