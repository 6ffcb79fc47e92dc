#pragma once

#include "base/http_server.hpp"
#include "simulator/bayeux_request.hpp"
#include "simulator/faults.hpp"

namespace pushguard::simulator {

/// The answer as the fault leaves it. `made` is what the protocol answered; an empty reply where the fault
/// comes before that. What takes time, and what becomes of sessions and tokens, is the business of the
/// caller.
[[nodiscard]] http_reply spoil_answer(const fault& what, const bayeux_request& request, http_reply made,
                                      std::uint64_t seed);

}  // namespace pushguard::simulator
