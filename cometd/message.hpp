#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace pushguard::cometd {

/// What a server tells a client to do next. `unrecognized` is a word outside Bayeux.
enum class reconnect { retry, handshake, none, unrecognized };

/// Advice as it stood in one message; what was absent is absent. It holds for the reply that carries it
/// and for no other (a stale `handshake` is how clients came to handshake in a loop).
struct advice {
  std::optional<cometd::reconnect> reconnect;
  std::optional<duration> interval;  ///< wait before the next connect; negative is kept: do not retry
  std::optional<duration> timeout;   ///< how long the server holds a connect
  std::optional<duration> max_interval;
  std::vector<std::string> hosts;  ///< other servers to handshake with, in order

  friend bool operator==(const advice&, const advice&) = default;
};

/// One message from a server. Texts that were absent, or not of the promised type, are empty.
struct message {
  std::string channel;
  std::string id;  ///< of a number: its digits
  std::string client_id;
  std::string version;
  std::vector<std::string> supported_connection_types;
  std::optional<bool> successful;
  std::vector<std::string> subscriptions;  ///< `subscription`, whether one or an array
  std::string error;
  std::optional<cometd::advice> advice;
  std::string failure_reason;    ///< ext.sfdc.failureReason: where present, truer than `error`
  bool supports_replay = false;  ///< ext.replay is true
  bool supports_ack = false;     ///< ext.ack of a handshake is true, or has `enabled: true`
  /// ext.ack of a connect, or its `batch`: the number of the batch of events that this response carries.
  std::optional<std::int64_t> ack;
  /// The raw JSON text of `data`, as the server wrote it.
  std::optional<std::string> data;
  /// data.event.replayId as the JSON token it was: `17`, or `"17"` with its quotes. Opaque; never a number.
  std::string replay_id;
  std::string event_uuid;  ///< data.event.EventUuid
  /// When the event was made: data.payload.ChangeEventHeader.commitTimestamp, or else
  /// data.event.createdDate, or else data.payload.CreatedDate. A change event has the last one too where a
  /// record was created, and there it is the record's.
  std::optional<wall_time> created;
  bool is_repaired = false;      ///< read only after replacing bad text
  bool follows_skipped = false;  ///< a message between this and the one before could not be read

  [[nodiscard]] bool is_meta() const noexcept { return channel.starts_with("/meta/"); }
  /// A delivery: falsy data (`""`, `0`, `null`) is data too.
  [[nodiscard]] bool is_event() const noexcept { return !channel.empty() && !is_meta() && data.has_value(); }

  friend bool operator==(const message&, const message&) = default;
};

struct parser_limits {
  /// Salesforce events are at most 1 MB; escapes can make them several times that.
  std::size_t message_size = std::size_t{8} * 1024 * 1024;
  /// Nested values in one message. Salesforce's nest about five deep. Reading recurses: stay below a
  /// thousand.
  std::size_t depth = 64;
};

/// Reads the messages of one HTTP body as its bytes come: an array of objects, or a lone object.
///
/// Where a message cannot be read as JSON, its end is found by brackets and quotes, so that it does not cost
/// the others: it is skipped and counted, as is one above the limit, which is not kept meanwhile. Before it
/// is given up, invalid UTF-8 and lone surrogates in it are replaced by U+FFFD and control characters by
/// their escapes, because an event that could never be read would be replayed for ever. A byte order mark at
/// the start is ignored. Of duplicate keys the last counts, also where its value is of the wrong type. Never
/// throws on input.
class message_parser {
 public:
  explicit message_parser(parser_limits limits = {});
  ~message_parser();
  message_parser(message_parser&&) noexcept;
  message_parser& operator=(message_parser&&) noexcept;

  /// Takes the next piece and appends the messages that it completes to `into`. Fails with
  /// errc::malformed where the body is not what it should be, and from then on always.
  [[nodiscard]] result<> feed(std::string_view piece, std::vector<message>& into);

  /// The body ended. Fails with errc::malformed where it was empty or stopped in the middle.
  [[nodiscard]] result<> finish();

  [[nodiscard]] std::size_t skipped() const noexcept;   ///< messages that could not be read
  [[nodiscard]] std::size_t repaired() const noexcept;  ///< messages read only after replacing bad text

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// One message to a server. What is empty is not sent.
struct request_message {
  std::string channel;
  std::string id = {};
  std::string client_id = {};
  std::string subscription = {};
  /// ext.replay of a subscribe: a raw token, under the subscription's name without its `?filter`.
  std::string replay_from = {};
  bool wants_replay = false;  ///< ext.replay of a handshake
  bool wants_ack = false;     ///< ext.ack of a handshake
  /// ext.ack of a connect: the batch received last, 0 before the first.
  std::optional<std::int64_t> ack = {};
  /// advice.timeout of a connect; zero asks for an answer at once.
  std::optional<duration> timeout = {};

  friend bool operator==(const request_message&, const request_message&) = default;
};

/// Salesforce answers 413 above this.
inline constexpr std::size_t post_size_max = 32'768;

/// The body of a POST: always an array, also of one (cometd-nodejs-server refuses a lone object).
/// Fails with errc::too_large above post_size_max.
[[nodiscard]] result<std::string> serialize(std::span<const request_message> messages);

/// The key of a channel in a replay map: its name without `?filter`, which the server leaves out.
[[nodiscard]] std::string_view replay_key(std::string_view channel) noexcept;

/// Whether `token` can be sent as a replay id: one JSON number or string, at most 256 bytes.
[[nodiscard]] bool is_replay_token(std::string_view token) noexcept;

}  // namespace pushguard::cometd
