#include "agent/store/sqlite_database.hpp"

#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "agent/store/audit_table.hpp"
#include "agent/store/decision_tables.hpp"
#include "agent/store/schema.hpp"
#include "agent/store/state_tables.hpp"
#include "base/fault_point.hpp"

namespace pushguard::store {

struct sqlite_database::connection {
  file_lock lock;
  keeping_database database;

  [[nodiscard]] std::string name() const { return lock.path().string(); }
};

namespace {

// Another program that looks into the file (sqlite3, a backup) holds it for moments.
constexpr int busy_wait_ms = 5000;
// After a burst the write-ahead log is cut back to this.
constexpr std::int64_t journal_bytes_max = 16LL * 1024 * 1024;

/// Makes the file where there is none, for its owner only: SQLite would let the group read it. Its errors
/// also say more than SQLite's.
result<> make_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(errc::storage, fmt::format("cannot open {} for writing: {}", path.string(),
                                           std::generic_category().message(errno)));
  ::close(descriptor);
  return {};
}

void configure(SQLite::Database& database, const sqlite_options& options) {
  database.exec("PRAGMA foreign_keys = ON");
  database.exec("PRAGMA synchronous = FULL");
  database.exec("PRAGMA cell_size_check = ON");
  database.execAndGet(fmt::format("PRAGMA journal_size_limit = {}", journal_bytes_max));
  if (options.pages_max)
    database.execAndGet(fmt::format("PRAGMA max_page_count = {}", *options.pages_max));
}

result<> check_integrity(SQLite::Database& database) {
  const std::string verdict = database.execAndGet("PRAGMA integrity_check(1)").getString();
  if (verdict != "ok")
    return fail(errc::storage, fmt::format("{} is damaged ({}); restore it from a backup or move it away",
                                           database.getFilename(), verdict));
  return {};
}

result<> use_write_ahead_log(SQLite::Database& database) {
  const std::string mode = database.execAndGet("PRAGMA journal_mode = WAL").getString();
  if (mode != "wal")
    return fail(errc::storage, fmt::format("{} cannot use a write-ahead log (journal mode {}): is it on a "
                                           "network file system?",
                                           database.getFilename(), mode));
  return {};
}

result<> prepare(SQLite::Database& database, const sqlite_options& options) {
  if (sqlite3_db_readonly(database.getHandle(), "main") != 0)
    return fail(errc::storage, fmt::format("{} is read-only", database.getFilename()));
  if (auto sound = check_integrity(database); !sound)
    return sound;
  configure(database, options);
  if (auto migrated = migrate(database); !migrated)
    return migrated;
  return use_write_ahead_log(database);
}

failure describe_unreadable(const unreadable_value& error, std::string_view database) {
  return failure{errc::storage,
                 fmt::format("{} holds a value that cannot be read: {}", database, error.what)};
}

/// Runs `work`, turning what the database throws into a failure.
template <class Work>
auto guarded(const std::string& database, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    return std::unexpected(describe(error, database));
  } catch (const unreadable_value& error) {
    return std::unexpected(describe_unreadable(error, database));
  }
}

std::unexpected<failure> no_decision(std::int64_t id) {
  return fail(errc::not_found, fmt::format("there is no decision {} to update", id));
}

result<> write_decision_changes(keeping_database& database, const batch& changes) {
  for (const decision_update& update : changes.decision_updates) {
    if (!update_decision(database, update))
      return no_decision(update.id);
  }
  for (const spared_orgs& spared : changes.spared) {
    if (!insert_spared(database, spared))
      return no_decision(spared.decision);
  }
  return {};
}

void write_state(keeping_database& database, const batch& changes) {
  for (const watched_rollout& rollout : changes.watched)
    replace_watched(database, rollout);
  for (const rollout_key& rollout : changes.unwatched)
    delete_watched(database, rollout);
  for (const hold_record& hold : changes.holds)
    replace_hold(database, hold);
  for (const hold_target& target : changes.released)
    delete_hold(database, target);
  for (const hub_checkpoint& at : changes.checkpoints)
    replace_checkpoint(database, at);
  for (const alerts::alert_record& record : changes.alerts)
    replace_alert(database, record);
  for (const std::string& id : changes.forgotten_alerts)
    delete_alert(database, id);
  for (const alerts::outbox_row& row : changes.notifications)
    insert_notification(database, row);
  settle_notifications(database, changes.delivered);
}

/// Writes a batch inside a transaction. Anything but an applied outcome leaves it to be rolled back.
result<commit_outcome> write(keeping_database& database, const batch& changes) {
  commit_outcome outcome;
  for (const decision_record& record : changes.decisions) {
    if (!insert_decision(database, record))
      outcome.already_recorded.push_back(record.key);
  }
  if (!outcome.is_applied())
    return outcome;
  if (auto written = write_decision_changes(database, changes); !written)
    return std::unexpected(written.error());
  write_state(database, changes);
  append_audit(database, changes.audit);
  return outcome;
}

bool holds_containment(std::span<const batch> group) {
  return std::ranges::any_of(group, [](const batch& changes) {
    return !changes.decisions.empty() || !changes.decision_updates.empty();
  });
}

/// As write(), but what is not applied is undone here and the transaction goes on.
result<commit_outcome> write_or_undo(keeping_database& database, const batch& changes) {
  database.exec("SAVEPOINT batch");
  auto outcome = write(database, changes);
  if (!outcome || !outcome->is_applied())
    database.exec("ROLLBACK TO batch");
  database.exec("RELEASE batch");
  return outcome;
}

}  // namespace

sqlite_database::sqlite_database(std::unique_ptr<connection> made) : connection_(std::move(made)) {}
sqlite_database::sqlite_database(sqlite_database&&) noexcept = default;
sqlite_database& sqlite_database::operator=(sqlite_database&&) noexcept = default;
sqlite_database::~sqlite_database() = default;

result<sqlite_database> sqlite_database::open(file_lock lock, const sqlite_options& options) {
  const std::string name = lock.path().string();
  if (auto made = make_file(lock.path()); !made)
    return std::unexpected(made.error());
  return guarded(name, [&]() -> result<sqlite_database> {
    keeping_database database(name, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, busy_wait_ms);
    if (auto prepared = prepare(database, options); !prepared)
      return std::unexpected(prepared.error());
    return sqlite_database(std::make_unique<connection>(connection{std::move(lock), std::move(database)}));
  });
}

std::vector<result<commit_outcome>> sqlite_database::commit_group(std::span<const batch> group) {
  std::vector<result<commit_outcome>> outcomes;
  const auto written = guarded(connection_->name(), [&]() -> result<> {
    SQLite::Transaction transaction(connection_->database, SQLite::TransactionBehavior::IMMEDIATE);
    for (const batch& changes : group)
      outcomes.push_back(write_or_undo(connection_->database, changes));
    fault_point(holds_containment(group) ? "database.before_containment" : "database.before_other");
    transaction.commit();
    fault_point(holds_containment(group) ? "database.after_containment" : "database.after_other");
    return {};
  });
  if (written)
    return outcomes;
  outcomes.clear();
  if (group.size() == 1) {
    outcomes.emplace_back(std::unexpected(written.error()));
    return outcomes;
  }
  // One bad batch must not take the others with it.
  for (const batch& changes : group)
    outcomes.push_back(commit(changes));
  return outcomes;
}

result<commit_outcome> sqlite_database::commit(const batch& changes) {
  return std::move(commit_group(std::span(&changes, 1)).front());
}

result<loaded_state> sqlite_database::load() {
  return guarded(connection_->name(), [&]() -> result<loaded_state> {
    SQLite::Database& database = connection_->database;
    loaded_state state;
    state.watched = select_watched(database);
    state.decisions = select_current_decisions(database);
    state.holds = select_holds(database);
    state.next_decision_id = database.execAndGet("SELECT coalesce(max(id), 0) + 1 FROM decisions").getInt64();
    state.newest_notification = select_newest_notification(database);
    state.dead_letters = select_dead_letters(database);
    state.audit = check_audit(database);
    return state;
  });
}

result<std::vector<decision_record>> sqlite_database::decisions(const decision_query& query) {
  return guarded(connection_->name(), [&]() -> result<std::vector<decision_record>> {
    return select_decisions(connection_->database, query);
  });
}

result<std::vector<audit_row>> sqlite_database::audit_page(const audit_query& query) {
  return guarded(connection_->name(), [&]() -> result<std::vector<audit_row>> {
    return select_audit(connection_->database, query);
  });
}

result<std::vector<domain::org_key>> sqlite_database::spared_orgs_of(const rollout_key& rollout) {
  return guarded(connection_->name(), [&]() -> result<std::vector<domain::org_key>> {
    return select_spared(connection_->database, rollout);
  });
}

result<std::vector<cometd::checkpoint>> sqlite_database::checkpoints_of(const std::string& hub) {
  return guarded(connection_->name(), [&]() -> result<std::vector<cometd::checkpoint>> {
    return select_checkpoints(connection_->database, hub);
  });
}

result<alerts::outbox_page> sqlite_database::notifications_for(const std::string& receiver,
                                                               std::size_t rows_max) {
  return guarded(connection_->name(), [&]() -> result<alerts::outbox_page> {
    return select_notifications(connection_->database, receiver, rows_max);
  });
}

result<std::vector<alerts::alert_record>> sqlite_database::alert_records(wall_time resolved_since) {
  return guarded(connection_->name(), [&]() -> result<std::vector<alerts::alert_record>> {
    return select_alerts(connection_->database, resolved_since);
  });
}

}  // namespace pushguard::store
