#include "cometd/session.hpp"

namespace pushguard::cometd {

std::string_view to_string(handshake_reason reason) noexcept {
  switch (reason) {
    case handshake_reason::start:
      return "start";
    case handshake_reason::failed_handshake:
      return "failed_handshake";
    case handshake_reason::unknown_client:
      return "unknown_client";
    case handshake_reason::credentials:
      return "credentials";
    case handshake_reason::server_disconnect:
      return "server_disconnect";
    case handshake_reason::lost_poll:
      return "lost_poll";
    case handshake_reason::advice:
      return "advice";
    case handshake_reason::cookies:
      return "cookies";
    case handshake_reason::overload:
      return "overload";
    case handshake_reason::backlog:
      return "backlog";
    case handshake_reason::stalled:
      return "stalled";
  }
  return "start";
}

std::string_view to_string(exchange_kind kind) noexcept {
  switch (kind) {
    case exchange_kind::handshake:
      return "handshake";
    case exchange_kind::subscribe:
      return "subscribe";
    case exchange_kind::connect:
      return "connect";
    case exchange_kind::disconnect:
      return "disconnect";
  }
  return "handshake";
}

std::string_view to_string(session_phase phase) noexcept {
  switch (phase) {
    case session_phase::idle:
      return "idle";
    case session_phase::waiting:
      return "waiting";
    case session_phase::renewing:
      return "renewing";
    case session_phase::handshaking:
      return "handshaking";
    case session_phase::subscribing:
      return "subscribing";
    case session_phase::polling:
      return "polling";
    case session_phase::abandoning:
      return "abandoning";
    case session_phase::stopping:
      return "stopping";
    case session_phase::ended:
      return "ended";
  }
  return "idle";
}

std::string_view to_string(channel_phase phase) noexcept {
  switch (phase) {
    case channel_phase::wanted:
      return "wanted";
    case channel_phase::subscribing:
      return "subscribing";
    case channel_phase::live:
      return "live";
    case channel_phase::parked:
      return "parked";
  }
  return "wanted";
}

}  // namespace pushguard::cometd
