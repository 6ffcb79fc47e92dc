#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/backoff.hpp"
#include "base/log.hpp"
#include "base/net.hpp"
#include "base/secret.hpp"
#include "cometd/checkpoint_store.hpp"
#include "cometd/session.hpp"

namespace pushguard::cometd {

/// What a request is made with.
struct access {
  origin endpoint;          ///< the org's own address
  secret bearer = {};       ///< sent to `endpoint` only; without one no Authorization header is sent
  std::string org_id = {};  ///< kept with checkpoints; may be empty
};

/// Gives credentials for each request, so that a token is never older than it must be.
class token_provider {
 public:
  virtual ~token_provider() = default;

  /// What there is, logging in where there is nothing yet.
  [[nodiscard]] virtual boost::asio::awaitable<result<access>> current() = 0;
  /// The server refused the token: log in again. The endpoint may have changed.
  [[nodiscard]] virtual boost::asio::awaitable<result<access>> renew() = 0;
};

/// Events for the consumer, and where reading goes on behind them. Valid until the call completes.
struct delivery {
  std::span<const event> events;  ///< never empty; in the order of their channels
  /// One for each subscription among `events` that has replay ids. The client stores them by itself once
  /// the delivery is acknowledged. A consumer that commits its effects, the events' duplicate_key() and
  /// these in one batch, into the store the client loads from, sees every event exactly once.
  std::span<const checkpoint> checkpoints;
};

/// Where events go, in order, one call at a time.
class event_consumer {
 public:
  virtual ~event_consumer() = default;

  /// Success acknowledges all of it and lets the checkpoints advance. After a failure the same events come
  /// again, later: delivery is at least once. A slow consumer does not delay polling.
  [[nodiscard]] virtual boost::asio::awaitable<result<>> consume(delivery batch) = 0;
};

/// What went wrong without ending anything; a closed set, also a metric's label.
enum class problem_kind {
  body,         ///< a response that is not Bayeux, or larger than the cap
  message,      ///< a message that cannot be read was skipped
  text,         ///< characters that JSON forbids were replaced
  cookie,       ///< a cookie that cannot be read, or belongs elsewhere, was skipped
  checkpoints,  ///< positions could not be loaded or stored
  login,        ///< there are no credentials
};
[[nodiscard]] std::string_view to_string(problem_kind kind) noexcept;
inline constexpr auto problem_kind_count = 6;

/// Told as it happens, on the client's thread. Must not block and must not call the client.
class client_observer {
 public:
  virtual ~client_observer() = default;

  virtual void channel_changed(const channel_status& status) = 0;
  virtual void handshake_begun(handshake_reason reason) = 0;
  virtual void gap_found(const gap& found) = 0;
  virtual void event_delivered(std::string_view channel) = 0;
  virtual void duplicate_dropped(std::string_view channel) = 0;
  virtual void problem_found(problem_kind kind) = 0;
  /// What is wrong with the session is something else now (session::trouble()); empty: nothing is.
  virtual void trouble_changed(std::string_view reason) = 0;
  /// A response to a connect ended, whole or not.
  virtual void poll_ended(wall_time when) = 0;
};

/// Hears nothing.
[[nodiscard]] client_observer& null_observer() noexcept;

struct client_options {
  std::string path = "/cometd/62.0";
  session_options session;
  connect_options connect;

  /// A response body above this is cut: what was parsed is delivered, the rest is replayed.
  std::size_t body_size = std::size_t{64} * 1024 * 1024;
  /// Above these the consumer is behind: nothing more is taken until half of it is done.
  std::size_t backlog_events = 100'000;
  std::size_t backlog_bytes = std::size_t{64} * 1024 * 1024;
  std::size_t batch_events = 500;  ///< at most so many in one call of the consumer
  duration checkpoint_delay =
      std::chrono::seconds(1);  ///< but for a channel's first, which is stored at once
};

/// Everything here must outlive the client.
struct client_parts {
  pushguard::network& network;
  time_source& time;
  token_provider& tokens;
  checkpoint_store& checkpoints;
  event_consumer& consumer;
  client_observer& observer;
  logger& log;
  random_engine& random;
};

struct client_snapshot {
  session_phase phase = session_phase::idle;
  bool is_live = false;  ///< every wanted channel is acknowledged
  std::vector<channel_status> channels;
  std::optional<wall_time> last_poll_ended;
  std::size_t backlog_events = 0;
  std::map<problem_kind, std::uint64_t> problems;  ///< what did not happen is absent
};

/// A durable subscriber. For one thread.
class client {
 public:
  virtual ~client() = default;

  /// Receives until cancelled; then says /meta/disconnect, writes the last checkpoints (2 s for each at
  /// most) and returns. With the generic profile it also returns when the server ordered to stop.
  /// Call it once. Never throws for failures of life: it waits and tries again.
  [[nodiscard]] virtual boost::asio::awaitable<void> run() = 0;

  [[nodiscard]] virtual client_snapshot snapshot() const = 0;
};

[[nodiscard]] std::unique_ptr<client> make_client(client_options options, client_parts parts);

}  // namespace pushguard::cometd
