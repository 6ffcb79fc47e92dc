#pragma once

#include <string>

#include "simulator/event_log.hpp"
#include "simulator/objects.hpp"

namespace pushguard::simulator {

/// The subject of the event that tells of a change.
[[nodiscard]] std::uint64_t subject_of(const job_change& change) noexcept;

/// Appends the `data` of a platform event as JSON: schema, payload and replay id, with as much about the
/// job as the scenario says. The event is one of `log` and was made with a subject_of().
void append_push_event(std::string& out, const database& data, const event_log& log,
                       const logged_event& event);

}  // namespace pushguard::simulator
