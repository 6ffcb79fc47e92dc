#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/time.hpp"

/// A Salesforce of a few faults, for one client: it replays events as fast as the client takes them.
namespace pushguard::bench {

/// What happens to a client whose poll is held. The names are in the table of the results.
enum class fault {
  node_restart,   ///< /meta/disconnect, and 403 Unknown client with advice `none`, for that session for ever
  token_expired,  ///< 401 with advice `none` until a request comes with the next token
  response_cut,   ///< the connection is reset in the middle of a response with five events
  unavailable,    ///< for three seconds every request is answered by a 503 page of a proxy
  position_lost,  ///< 403 Unknown client with advice `handshake`, and older replay ids are refused then
};
inline constexpr std::array all_faults{fault::node_restart, fault::token_expired, fault::response_cut,
                                       fault::unavailable, fault::position_lost};
[[nodiscard]] std::string_view to_string(fault which) noexcept;

struct replay_server_options {
  std::size_t message_size = 384;     ///< bytes of each event's message
  std::size_t batch = 100;            ///< events in one response, at most
  std::optional<unsigned> core = {};  ///< where its thread stays; anywhere without
};

struct fault_report {
  steady_time when;
  /// Of the event that is published when the fault is over, or waits until the client can have it.
  std::uint64_t last_event = 0;
};

/// A server on a loopback port and on a thread of its own, until destroyed. Tokens are `token-1`,
/// `token-2` and so on: the next one is valid when the one before it has expired.
class replay_server {
 public:
  /// Throws std::runtime_error where no port can be opened.
  explicit replay_server(replay_server_options options);
  ~replay_server();
  replay_server(const replay_server&) = delete;
  replay_server& operator=(const replay_server&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;

  /// Publishes `count` more events; answers the number of the last one. The first event is number 0.
  std::uint64_t publish(std::uint64_t count);

  /// Lets `which` happen as soon as the client has taken every event and its poll is held. Nothing where
  /// that does not come to pass within `patience`.
  [[nodiscard]] std::optional<fault_report> strike(fault which, duration patience);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace pushguard::bench
