#pragma once

#include <string>

#include "simulator/event_log.hpp"
#include "simulator/objects.hpp"

namespace pushguard::simulator {

/// Appends the `data` of a platform event as JSON: schema, payload and replay id, with as much about the
/// job as the scenario says.
void append_push_event(std::string& out, const database& data, const logged_event& event);

}  // namespace pushguard::simulator
