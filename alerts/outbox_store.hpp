#pragma once

#include <boost/asio/awaitable.hpp>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/notification.hpp"
#include "base/result.hpp"

namespace pushguard::alerts {

/// A notification's number: unique on one store for ever, and increasing in the order of making, so that
/// it also orders the notifications of an alert and serves receivers as idempotency key.
using outbox_id = std::int64_t;

/// Makes outbox ids before anything is stored, so that a batch is complete when it is handed over:
/// milliseconds since the epoch times 1000, or one above the last where that is more. Below 2⁵³.
class outbox_ids {
 public:
  [[nodiscard]] outbox_id next(wall_time now);
  /// Says that `used` exists: later ids are above it. Call it with the newest stored row at start.
  void skip(outbox_id used);

 private:
  outbox_id last_ = 0;
};

/// One notification for one receiver, until it is delivered or given up.
struct outbox_row {
  outbox_id id = 0;
  std::string receiver;
  notification_kind kind = notification_kind::fired;
  alert content;  ///< as it was when the notification was made; content.id is the dedup key
  wall_time created_at{};
  unsigned attempts = 0;        ///< how many have failed
  wall_time next_attempt_at{};  ///< not before this

  friend bool operator==(const outbox_row&, const outbox_row&) = default;
};

/// The rows of a notification: one for each receiver that is to be told. They are committed together
/// with the record and the decision behind it, and then handed to outbox::notify_committed().
[[nodiscard]] std::vector<outbox_row> make_outbox_rows(const notification& from, wall_time now,
                                                       outbox_ids& ids);

/// How a row ended.
enum class outbox_end {
  sent,
  dropped,     ///< the receiver refuses it for good
  superseded,  ///< a newer notification of the same alert stands for it
};

[[nodiscard]] std::string_view to_string(outbox_end end) noexcept;

struct outbox_done {
  outbox_id id = 0;
  outbox_end end = outbox_end::sent;
  wall_time at{};           ///< when it was dropped
  std::string reason = {};  ///< why it was dropped: to_string(delivery_reason)
  std::string detail = {};  ///< the same in one sentence, which holds no secret

  friend bool operator==(const outbox_done&, const outbox_done&) = default;
};

struct outbox_retry {
  outbox_id id = 0;
  unsigned attempts = 0;
  wall_time next_attempt_at{};

  friend bool operator==(const outbox_retry&, const outbox_retry&) = default;
};

/// What delivering changed. Applying it twice changes nothing more; ids that are gone are ignored.
struct outbox_changes {
  std::vector<outbox_done> done;  ///< these rows are not delivered again: what was dropped is a dead letter
  std::vector<outbox_retry> retried;
};

/// A notification that its receiver will never take.
struct dead_letter {
  outbox_row row;
  wall_time dropped_at{};
  std::string reason;
  std::string detail;

  friend bool operator==(const dead_letter&, const dead_letter&) = default;
};

/// Some undelivered rows of a receiver.
struct outbox_page {
  std::vector<outbox_row> rows;  ///< the oldest ones, in order of id
  std::size_t total = 0;         ///< how many there are, with those that are not in `rows`
};

/// Where undelivered notifications are kept. Rows come into it by the caller's own commits; the outbox
/// only reads and settles them. Every operation reacts to terminal cancellation.
class outbox_store {
 public:
  virtual ~outbox_store() = default;

  /// The oldest undelivered rows of `receiver`, at most `rows_max`, whenever they may be due.
  [[nodiscard]] virtual boost::asio::awaitable<result<outbox_page>> load_rows(std::string receiver,
                                                                              std::size_t rows_max) = 0;

  /// The records of all alerts that fire, and of those resolved at or after `resolved_since`.
  [[nodiscard]] virtual boost::asio::awaitable<result<std::vector<alert_record>>> load_alerts(
      wall_time resolved_since) = 0;

  /// Makes `changes` durable, all or none.
  [[nodiscard]] virtual boost::asio::awaitable<result<>> settle(outbox_changes changes) = 0;
};

}  // namespace pushguard::alerts
