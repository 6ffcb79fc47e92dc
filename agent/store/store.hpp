#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "agent/store/records.hpp"
#include "alerts/outbox_store.hpp"
#include "base/file_lock.hpp"
#include "base/result.hpp"

namespace pushguard::store {

/// What is written together: all of it or nothing. Parts are applied in the order of the members.
struct batch {
  std::vector<decision_record> decisions;  ///< new ones; a key that exists already refuses the batch
  std::vector<decision_update> decision_updates;
  std::vector<spared_orgs> spared;
  std::vector<watched_rollout> watched;      ///< each replaces what is stored of that rollout
  std::vector<rollout_key> unwatched;        ///< forgotten; their decisions stay
  std::vector<hold_record> holds;            ///< each replaces that of its target
  std::vector<hold_target> released;         ///< holds that ended, one way or the other
  std::vector<hub_checkpoint> checkpoints;   ///< each replaces that of its hub and channel
  std::vector<alerts::alert_record> alerts;  ///< each replaces that of its alert id
  std::vector<std::string> forgotten_alerts;
  std::vector<alerts::outbox_row> notifications;  ///< new ones
  alerts::outbox_changes delivered;               ///< ids that are gone are ignored
  std::vector<audit_entry> audit = {};            ///< added to the end of the trail, in this order
};

struct commit_outcome {
  /// The keys of new decisions that were recorded before, by whomever. Where there is one, nothing of the
  /// batch was written.
  std::vector<decision_key> already_recorded;

  [[nodiscard]] bool is_applied() const noexcept { return already_recorded.empty(); }
};

/// What checking the audit trail found.
struct audit_state {
  std::int64_t entries = 0;    ///< up to the first that is wrong
  std::string last_hash = {};  ///< of the last of those: an anchor to note elsewhere
  std::string problem = {};    ///< one sentence; empty where the chain is intact
};

/// How many notifications that were refused for good are kept: the newest.
inline constexpr std::size_t dead_letters_max = 1000;

/// What the agent needs when it starts.
struct loaded_state {
  std::vector<watched_rollout> watched;
  /// Those still open, and those of watched rollouts. Oldest first.
  std::vector<decision_record> decisions;
  std::vector<hold_record> holds;  ///< also those that expired while nobody looked
  std::int64_t next_decision_id = 1;
  alerts::outbox_id newest_notification = 0;           ///< for outbox_ids::skip(); 0 without any
  std::vector<alerts::dead_letter> dead_letters = {};  ///< oldest first, at most dead_letters_max
  audit_state audit = {};
};

/// Selects decisions, newest first.
struct decision_query {
  std::optional<rollout_key> rollout = std::nullopt;
  std::optional<std::int64_t> before = std::nullopt;  ///< only ids below: the last id of the page before
  std::size_t limit = 100;                            ///< at most 1 000
};

/// Selects entries of the audit trail, oldest first.
struct audit_query {
  std::int64_t after = 0;                         ///< only those of a higher sequence
  std::optional<audit_kind> kind = std::nullopt;  ///< only those of this kind
  std::vector<std::int64_t> decisions = {};       ///< where not empty: only those of these decisions
  std::size_t limit = 100;                        ///< at most 2 000
};

/// The agent's durable state. Thread-safe: each call resumes on its caller's executor. A call under way
/// completes although its caller is cancelled. A failure is errc::storage and says what the disk or the
/// database refused (errc::closed after close()); nothing of that batch was written then.
class store {
 public:
  virtual ~store() = default;

  /// Writes `changes` durably before it answers. errc::not_found where an update or spared orgs name a
  /// decision that is not there.
  [[nodiscard]] virtual boost::asio::awaitable<result<commit_outcome>> commit(batch changes) = 0;

  [[nodiscard]] virtual boost::asio::awaitable<result<loaded_state>> load() = 0;

  [[nodiscard]] virtual boost::asio::awaitable<result<std::vector<decision_record>>> decisions(
      decision_query query) = 0;

  [[nodiscard]] virtual boost::asio::awaitable<result<std::vector<audit_row>>> audit_page(
      audit_query query) = 0;

  /// The orgs that this rollout's decisions spared, in the order of their 15-character keys.
  [[nodiscard]] virtual boost::asio::awaitable<result<std::vector<domain::org_key>>> spared_orgs_of(
      rollout_key rollout) = 0;

  [[nodiscard]] virtual boost::asio::awaitable<result<std::vector<cometd::checkpoint>>> checkpoints_of(
      std::string hub) = 0;

  /// As alerts::outbox_store::load_rows.
  [[nodiscard]] virtual boost::asio::awaitable<result<alerts::outbox_page>> notifications_for(
      std::string receiver, std::size_t rows_max) = 0;

  /// As alerts::outbox_store::load_alerts.
  [[nodiscard]] virtual boost::asio::awaitable<result<std::vector<alerts::alert_record>>> alert_records(
      wall_time resolved_since) = 0;

  /// Finishes what was asked for and lets go of the database and its lock. Blocks until then. To be
  /// called before the executors of waiting callers are destroyed. Idempotent; the destructor does it.
  virtual void close() noexcept = 0;
};

struct sqlite_options {
  /// Where set, the database refuses to grow above so many pages: how tests provoke a full disk.
  std::optional<std::int64_t> pages_max = std::nullopt;
};

/// Opens the database that `lock` is for, or makes it; a thread of its own does the work. Batches that
/// queue up while one is written are written together, so that a decision waits for at most one commit.
/// Fails with errc::storage: cannot be opened, is not a database of Pushguard, is damaged, is of a newer
/// version, is read-only, the disk is full.
[[nodiscard]] result<std::unique_ptr<store>> open_sqlite_store(file_lock lock, sqlite_options options = {});

/// The same, but the work is done on the caller's own thread: for simulated time on one io_context.
[[nodiscard]] result<std::unique_ptr<store>> open_inline_sqlite_store(file_lock lock,
                                                                      sqlite_options options = {});

}  // namespace pushguard::store
