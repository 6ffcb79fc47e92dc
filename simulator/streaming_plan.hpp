#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "simulator/faults.hpp"
#include "simulator/scenario.hpp"

namespace pushguard::simulator {

/// How the replay ids of a channel are written: as numbers, as JSON strings that mean nothing, or as numbers
/// that only fit an unsigned 64-bit integer.
enum class replay_id_form : std::uint8_t { number, text, huge };

struct channel_plan {
  /// `/event/…`, `/data/…`, `/topic/…` or `/u/…`.
  std::string name = "/event/Push_Upgrade__e";
  replay_id_form form = replay_id_form::number;
  duration retention = std::chrono::hours(72);
  std::string refusal = {};  ///< what a subscribe is answered with, where not empty: `403::…`
};

/// The streaming half of a simulated org. Durations are clock time.
struct streaming_plan {
  std::uint64_t seed = 1;
  credentials_plan credentials = {};
  std::string org_id = {};  ///< 18 characters; empty: that of the simulated hub
  std::vector<channel_plan> channels = {channel_plan{}};
  std::size_t nodes = 2;                                 ///< each knows only its own sessions; at least 1
  duration routing_cookie_life = std::chrono::hours(3);  ///< of sfdc-stream
  duration poll_timeout = std::chrono::seconds(110);     ///< how long a connect is held
  duration session_timeout = std::chrono::seconds(40);   ///< to the next connect, after an answer
  std::size_t clients_max = 2000;                        ///< concurrent CometD clients of the org
  std::optional<std::uint64_t> daily_events_max = {};    ///< deliveries in any 24 hours
  unsigned version_oldest = 37;                          ///< of the API
  std::size_t events_per_reply_max = 1000;               ///< keeps an answer under a mebibyte
  std::vector<fault_plan> faults = {};
  std::optional<random_faults> chaos = {};
};

}  // namespace pushguard::simulator
