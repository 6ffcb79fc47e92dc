#include "agent/store/schema.hpp"

#include <SQLiteCpp/Transaction.h>

#include <array>

#include "agent/store/sql.hpp"

namespace pushguard::store {
namespace {

struct migration {
  const char* what;
  const char* sql;
};

// Append only: what was released once is never changed. Instants are milliseconds since 1970, UTC; records
// and contents are JSON. `…_key` is the 15-character form of the id beside it, so that both forms meet.
constexpr std::array migrations{
    migration{"decisions, watched rollouts, checkpoints, alerts, outbox", R"sql(
CREATE TABLE decisions (
  id INTEGER PRIMARY KEY,
  hub TEXT NOT NULL,
  version_key TEXT NOT NULL,
  version_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  mode TEXT NOT NULL,
  policy TEXT NOT NULL,
  rule TEXT NOT NULL,
  decided_at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  failed INTEGER NOT NULL,
  started INTEGER NOT NULL,
  excluded INTEGER NOT NULL,
  in_flight INTEGER NOT NULL,
  observed_ratio REAL,
  lower_bound_ratio REAL,
  threshold_ratio REAL,
  configuration_hash TEXT NOT NULL,
  agent_version TEXT NOT NULL,
  outcome TEXT,
  ended_at INTEGER,
  spared_orgs INTEGER NOT NULL DEFAULT 0,
  UNIQUE (hub, version_key, number, epoch, mode, policy, rule)
) STRICT;
CREATE INDEX open_decisions ON decisions (id) WHERE outcome IS NULL;

CREATE TABLE decision_plans (
  decision INTEGER NOT NULL REFERENCES decisions (id),
  request_key TEXT NOT NULL,
  request_id TEXT NOT NULL,
  status_at_decision TEXT NOT NULL,
  action TEXT NOT NULL,
  step TEXT NOT NULL,
  outcome TEXT,
  salesforce_code TEXT NOT NULL,
  salesforce_message TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (decision, request_key)
) STRICT;

CREATE TABLE decision_signatures (
  decision INTEGER NOT NULL REFERENCES decisions (id),
  position INTEGER NOT NULL,
  text TEXT NOT NULL,
  orgs INTEGER NOT NULL,
  sample_orgs TEXT NOT NULL,
  PRIMARY KEY (decision, position)
) STRICT;

CREATE TABLE spared_orgs (
  decision INTEGER NOT NULL REFERENCES decisions (id),
  org_key TEXT NOT NULL,
  PRIMARY KEY (decision, org_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE watched_rollouts (
  id INTEGER PRIMARY KEY,
  hub TEXT NOT NULL,
  version_key TEXT NOT NULL,
  version_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  epoch_since INTEGER,
  last_activity INTEGER,
  UNIQUE (hub, version_key, number)
) STRICT;

CREATE TABLE watched_requests (
  rollout INTEGER NOT NULL REFERENCES watched_rollouts (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  PRIMARY KEY (rollout, position)
) STRICT;

CREATE TABLE rule_armings (
  rollout INTEGER NOT NULL REFERENCES watched_rollouts (id) ON DELETE CASCADE,
  policy TEXT NOT NULL,
  rule TEXT NOT NULL,
  state TEXT NOT NULL,
  since INTEGER NOT NULL,
  mode TEXT NOT NULL,
  PRIMARY KEY (rollout, policy, rule)
) STRICT;

CREATE TABLE checkpoints (
  hub TEXT NOT NULL,
  channel TEXT NOT NULL,
  replay_id TEXT NOT NULL,
  event_uuid TEXT NOT NULL,
  org_id TEXT NOT NULL,
  updated INTEGER NOT NULL,
  PRIMARY KEY (hub, channel)
) STRICT;

CREATE TABLE alerts (
  id TEXT PRIMARY KEY,
  resolved_at INTEGER,
  record TEXT NOT NULL
) STRICT;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  receiver TEXT NOT NULL,
  kind TEXT NOT NULL,
  content TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_receiver ON outbox (receiver, id);
)sql"},
    migration{"the position of a channel that has brought nothing yet", R"sql(
ALTER TABLE checkpoints ADD COLUMN quiet_since INTEGER;
)sql"},
    // REPLACE deletes without asking the trigger for it, but must insert; hence
    // the third.
    migration{"the audit trail", R"sql(
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  hub TEXT NOT NULL,
  rollout TEXT NOT NULL,
  decision INTEGER,
  actor TEXT NOT NULL,
  details TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_decision ON audit (decision, sequence) WHERE decision IS NOT NULL;
CREATE TRIGGER audit_is_not_updated BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_appended BEFORE INSERT ON audit
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
)sql"},
    migration{"holds of operators; what a hold is wider than is empty, and 0", R"sql(
CREATE TABLE holds (
  hub TEXT NOT NULL,
  version_key TEXT NOT NULL,
  version_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  policy TEXT NOT NULL,
  rule TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (hub, version_key, number, policy, rule)
) STRICT;
)sql"},
    migration{"how many more orgs could start and fail after a decision", R"sql(
ALTER TABLE decisions ADD COLUMN still_to_start INTEGER NOT NULL DEFAULT 0;
)sql"},
    migration{"what happened after the decisions of dry runs", R"sql(
CREATE TABLE decision_aftermaths (
  decision INTEGER PRIMARY KEY REFERENCES decisions (id),
  counted_at INTEGER NOT NULL,
  orgs INTEGER NOT NULL,
  started INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  is_final INTEGER NOT NULL
) STRICT;
)sql"},
    migration{"notifications that their receivers will never take", R"sql(
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY,
  receiver TEXT NOT NULL,
  kind TEXT NOT NULL,
  content TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  dropped_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
)sql"}};

constexpr const char* migrations_table = R"sql(
CREATE TABLE IF NOT EXISTS migrations (
  version INTEGER PRIMARY KEY,
  what TEXT NOT NULL,
  applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT)sql";

result<> check_owner(SQLite::Database& database) {
  const std::int64_t owner = database.execAndGet("PRAGMA application_id").getInt64();
  const std::int64_t tables = database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt64();
  const bool is_new = owner == 0 && tables == 0;
  if (!is_new && owner != application_id)
    return fail(errc::storage, fmt::format("{} belongs to another program", database.getFilename()));
  return {};
}

}  // namespace

std::int64_t newest_schema() noexcept {
  return static_cast<std::int64_t>(migrations.size());
}

result<> migrate(SQLite::Database& database) {
  if (auto owned = check_owner(database); !owned)
    return owned;
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  database.exec(fmt::format("PRAGMA application_id = {}", application_id));
  database.exec(migrations_table);
  const std::int64_t present =
      database.execAndGet("SELECT coalesce(max(version), 0) FROM migrations").getInt64();
  if (present > newest_schema())
    return fail(errc::storage,
                fmt::format("{} was written by a newer Pushguard (its schema is {}, this version knows {})",
                            database.getFilename(), present, newest_schema()));
  for (std::int64_t version = present + 1; version <= newest_schema(); ++version) {
    const migration& step = migrations[static_cast<std::size_t>(version - 1)];
    database.exec(step.sql);
    SQLite::Statement record(database, "INSERT INTO migrations (version, what) VALUES (?, ?)");
    binder(record) << version << std::string_view(step.what);
    run(record);
  }
  transaction.commit();
  return {};
}

}  // namespace pushguard::store
