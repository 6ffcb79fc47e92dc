#pragma once

#include <string>

namespace pushguard::cometd {

/// One event, as it was delivered.
struct event {
  std::string channel;       ///< where it was published
  std::string subscription;  ///< the wanted channel that it came through; differs for wildcards and filters
  std::string data;          ///< raw JSON text
  std::string replay_id;     ///< raw JSON token, opaque; empty where the server gives none
  std::string event_uuid;    ///< empty where there is none

  friend bool operator==(const event&, const event&) = default;
};

}  // namespace pushguard::cometd
