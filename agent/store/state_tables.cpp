#include "agent/store/state_tables.hpp"

#include <algorithm>

#include "alerts/alert_json.hpp"
#include "base/text.hpp"

namespace pushguard::store {
namespace {

/// How a hold of a rule is keyed, whatever the rollout.
const rollout_key every_rollout{.hub = "", .version = {}, .number = 0};

void write_watched_requests(SQLite::Database& database, std::int64_t id, const watched_rollout& rollout) {
  SQLite::Statement statement(
      database, "INSERT INTO watched_requests (rollout, position, request_id) VALUES (?, ?, ?)");
  std::int64_t position = 0;
  for (const domain::request_id& request : rollout.requests) {
    binder(statement) << id << position++ << request.text();
    run(statement);
  }
}

void write_armings(SQLite::Database& database, std::int64_t id, const watched_rollout& rollout) {
  SQLite::Statement statement(
      database,
      "INSERT INTO rule_armings (rollout, policy, rule, state, since, mode) VALUES (?, ?, ?, ?, ?, ?)");
  for (const rule_arming& rule : rollout.rules) {
    binder(statement) << id << rule.policy << rule.rule << to_string(rule.state) << rule.since
                      << to_string(rule.mode);
    run(statement);
  }
}

void read_watched_requests(SQLite::Database& database, std::int64_t id, watched_rollout& rollout) {
  SQLite::Statement statement(database,
                              "SELECT request_id FROM watched_requests WHERE rollout = ? ORDER BY position");
  binder(statement) << id;
  while (statement.executeStep())
    rollout.requests.push_back(row_reader(statement).id<domain::request_id>());
}

void read_armings(SQLite::Database& database, std::int64_t id, watched_rollout& rollout) {
  SQLite::Statement statement(
      database,
      "SELECT policy, rule, state, since, mode FROM rule_armings WHERE rollout = ? ORDER BY policy, rule");
  binder(statement) << id;
  while (statement.executeStep()) {
    row_reader row(statement);
    rule_arming rule;
    rule.policy = row.text();
    rule.rule = row.text();
    rule.state = row.one_of(all_arming_states);
    rule.since = row.time();
    rule.mode = row.one_of(all_decision_modes);
    rollout.rules.push_back(std::move(rule));
  }
}

template <class Parsed>
auto readable(Parsed parsed) {
  if (!parsed)
    throw unreadable_value{parsed.error().text()};
  return std::move(*parsed);
}

}  // namespace

void replace_watched(SQLite::Database& database, const watched_rollout& rollout) {
  delete_watched(database, rollout.key);
  SQLite::Statement statement(database,
                              "INSERT INTO watched_rollouts (hub, version_key, version_id, number, epoch, "
                              "epoch_since, last_activity) VALUES (?, ?, ?, ?, ?, ?, ?)");
  binder(statement) << rollout.key.hub << rollout.key.version.key() << rollout.key.version.text()
                    << rollout.key.number << rollout.epoch << rollout.epoch_since << rollout.last_activity;
  run(statement);
  const std::int64_t id = database.getLastInsertRowid();
  write_watched_requests(database, id, rollout);
  write_armings(database, id, rollout);
}

void delete_watched(SQLite::Database& database, const rollout_key& rollout) {
  SQLite::Statement statement(
      database, "DELETE FROM watched_rollouts WHERE hub = ? AND version_key = ? AND number = ?");
  binder(statement) << rollout.hub << rollout.version.key() << rollout.number;
  run(statement);
}

std::vector<watched_rollout> select_watched(SQLite::Database& database) {
  SQLite::Statement statement(
      database,
      "SELECT id, hub, version_id, number, epoch, epoch_since, last_activity FROM watched_rollouts "
      "ORDER BY hub, version_key, number");
  std::vector<watched_rollout> rollouts;
  while (statement.executeStep()) {
    row_reader row(statement);
    const std::int64_t id = row.integer();
    watched_rollout rollout;
    rollout.key.hub = row.text();
    rollout.key.version = row.id<domain::version_id>();
    rollout.key.number = row.integer();
    rollout.epoch = row.integer();
    rollout.epoch_since = row.maybe_time();
    rollout.last_activity = row.maybe_time();
    read_watched_requests(database, id, rollout);
    read_armings(database, id, rollout);
    rollouts.push_back(std::move(rollout));
  }
  return rollouts;
}

void replace_hold(SQLite::Database& database, const hold_record& hold) {
  SQLite::Statement statement(database, R"sql(
      INSERT OR REPLACE INTO holds (hub, version_key, version_id, number, policy, rule, actor, reason, since, until)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?))sql");
  const rollout_key key = hold.target.rollout.value_or(every_rollout);
  binder(statement) << key.hub << key.version.key() << key.version.text() << key.number << hold.target.policy
                    << hold.target.rule << hold.actor << hold.reason << hold.since << hold.until;
  run(statement);
}

void delete_hold(SQLite::Database& database, const hold_target& target) {
  SQLite::Statement statement(database,
                              "DELETE FROM holds WHERE hub = ? AND version_key = ? AND number = ? AND "
                              "policy = ? AND rule = ?");
  const rollout_key key = target.rollout.value_or(every_rollout);
  binder(statement) << key.hub << key.version.key() << key.number << target.policy << target.rule;
  run(statement);
}

std::vector<hold_record> select_holds(SQLite::Database& database) {
  SQLite::Statement statement(database,
                              "SELECT hub, version_id, number, policy, rule, actor, reason, since, until "
                              "FROM holds ORDER BY until, hub, version_key, number, policy, rule");
  std::vector<hold_record> holds;
  while (statement.executeStep()) {
    row_reader row(statement);
    hold_record hold;
    rollout_key key{.hub = row.text(), .version = {}, .number = 0};
    if (key.hub.empty())
      row.skip();
    else
      key.version = row.id<domain::version_id>();
    key.number = row.integer();
    if (!key.hub.empty())
      hold.target.rollout = std::move(key);
    hold.target.policy = row.text();
    hold.target.rule = row.text();
    hold.actor = row.text();
    hold.reason = row.text();
    hold.since = row.time();
    hold.until = row.time();
    holds.push_back(std::move(hold));
  }
  return holds;
}

void replace_checkpoint(SQLite::Database& database, const hub_checkpoint& at) {
  SQLite::Statement statement(database, R"sql(
      INSERT OR REPLACE INTO checkpoints (hub, channel, replay_id, event_uuid, org_id, updated, quiet_since)
      VALUES (?, ?, ?, ?, ?, ?, ?))sql");
  binder(statement) << at.hub << at.checkpoint.channel << at.checkpoint.replay_id << at.checkpoint.event_uuid
                    << at.checkpoint.org_id << at.checkpoint.updated << at.checkpoint.quiet_since;
  run(statement);
}

std::vector<cometd::checkpoint> select_checkpoints(SQLite::Database& database, const std::string& hub) {
  SQLite::Statement statement(database,
                              "SELECT channel, replay_id, event_uuid, org_id, updated, quiet_since "
                              "FROM checkpoints WHERE hub = ? ORDER BY channel");
  binder(statement) << hub;
  std::vector<cometd::checkpoint> checkpoints;
  while (statement.executeStep()) {
    row_reader row(statement);
    cometd::checkpoint checkpoint;
    checkpoint.channel = row.text();
    checkpoint.replay_id = row.text();
    checkpoint.event_uuid = row.text();
    checkpoint.org_id = row.text();
    checkpoint.updated = row.time();
    checkpoint.quiet_since = row.maybe_time();
    checkpoints.push_back(std::move(checkpoint));
  }
  return checkpoints;
}

void replace_alert(keeping_database& database, const alerts::alert_record& record) {
  const auto statement =
      database.lend("INSERT OR REPLACE INTO alerts (id, resolved_at, record) VALUES (?, ?, ?)");
  const bool is_resolved = record.content.state == alerts::alert_state::resolved;
  // A resolved alert without its instant is kept as if resolved when it last changed, and a muted one for as
  // long as the muting lasts.
  std::optional<wall_time> resolved_at;
  if (is_resolved) {
    resolved_at = std::max(record.content.resolved_at.value_or(record.content.updated_at),
                           record.muted ? record.muted->until : wall_time::min());
  }
  binder(*statement) << record.content.id << resolved_at << alerts::to_json(record);
  run(*statement);
}

void delete_alert(SQLite::Database& database, const std::string& id) {
  SQLite::Statement statement(database, "DELETE FROM alerts WHERE id = ?");
  binder(statement) << id;
  run(statement);
}

std::vector<alerts::alert_record> select_alerts(SQLite::Database& database, wall_time resolved_since) {
  SQLite::Statement statement(
      database, "SELECT record FROM alerts WHERE resolved_at IS NULL OR resolved_at >= ? ORDER BY id");
  binder(statement) << resolved_since;
  std::vector<alerts::alert_record> records;
  while (statement.executeStep())
    records.push_back(readable(alerts::parse_alert_record(row_reader(statement).text())));
  return records;
}

void insert_notification(keeping_database& database, const alerts::outbox_row& row) {
  const auto statement = database.lend(R"sql(
      INSERT INTO outbox (id, receiver, kind, content, created_at, attempts, next_attempt_at)
      VALUES (?, ?, ?, ?, ?, ?, ?))sql");
  binder(*statement) << row.id << row.receiver << alerts::to_string(row.kind) << alerts::to_json(row.content)
                     << row.created_at << std::int64_t{row.attempts} << row.next_attempt_at;
  run(*statement);
}

namespace {

void keep_dead_letter(SQLite::Database& database, const alerts::outbox_done& dropped) {
  SQLite::Statement insert(database, R"sql(
      INSERT OR IGNORE INTO dead_letters
        (id, receiver, kind, content, created_at, attempts, dropped_at, reason, detail)
      SELECT id, receiver, kind, content, created_at, attempts, ?, ?, ? FROM outbox WHERE id = ?)sql");
  binder(insert) << dropped.at << to_valid_utf8(dropped.reason) << to_valid_utf8(dropped.detail)
                 << dropped.id;
  run(insert);
  SQLite::Statement forget(database, R"sql(
      DELETE FROM dead_letters WHERE id NOT IN
        (SELECT id FROM dead_letters ORDER BY dropped_at DESC, id DESC LIMIT ?))sql");
  binder(forget) << static_cast<std::int64_t>(dead_letters_max);
  run(forget);
}

/// Reads `kind, content`.
void read_told(row_reader& row, alerts::outbox_row& into) {
  const std::string kind = row.text();
  const auto parsed = alerts::parse_notification_kind(kind);
  if (!parsed)
    throw unreadable_value{fmt::format("'{}' is not a kind of notification this version knows", kind)};
  into.kind = *parsed;
  into.content = readable(alerts::parse_alert(row.text()));
}

}  // namespace

void settle_notifications(SQLite::Database& database, const alerts::outbox_changes& changes) {
  if (changes.done.empty() && changes.retried.empty())
    return;  // most batches: preparing statements is much of what a commit costs
  SQLite::Statement done(database, "DELETE FROM outbox WHERE id = ?");
  for (const alerts::outbox_done& row : changes.done) {
    if (row.end == alerts::outbox_end::dropped)
      keep_dead_letter(database, row);
    binder(done) << row.id;
    run(done);
  }
  SQLite::Statement retried(database, "UPDATE outbox SET attempts = ?, next_attempt_at = ? WHERE id = ?");
  for (const alerts::outbox_retry& row : changes.retried) {
    binder(retried) << std::int64_t{row.attempts} << row.next_attempt_at << row.id;
    run(retried);
  }
}

alerts::outbox_page select_notifications(SQLite::Database& database, const std::string& receiver,
                                         std::size_t rows_max) {
  SQLite::Statement statement(database, R"sql(
      SELECT id, kind, content, created_at, attempts, next_attempt_at
      FROM outbox WHERE receiver = ? ORDER BY id LIMIT ?)sql");
  binder(statement) << receiver << static_cast<std::int64_t>(rows_max);
  alerts::outbox_page page;
  while (statement.executeStep()) {
    row_reader row(statement);
    alerts::outbox_row found;
    found.id = row.integer();
    found.receiver = receiver;
    read_told(row, found);
    found.created_at = row.time();
    found.attempts = static_cast<unsigned>(row.integer());
    found.next_attempt_at = row.time();
    page.rows.push_back(std::move(found));
  }
  SQLite::Statement count(database, "SELECT count(*) FROM outbox WHERE receiver = ?");
  binder(count) << receiver;
  count.executeStep();
  page.total = static_cast<std::size_t>(row_reader(count).integer());
  return page;
}

alerts::outbox_id select_newest_notification(SQLite::Database& database) {
  // Of all there ever were, ids included that were refused: none is given twice.
  return database
      .execAndGet(
          "SELECT max(coalesce((SELECT max(id) FROM outbox), 0), "
          "coalesce((SELECT max(id) FROM dead_letters), 0))")
      .getInt64();
}

std::vector<alerts::dead_letter> select_dead_letters(SQLite::Database& database) {
  SQLite::Statement statement(database, R"sql(
      SELECT id, receiver, kind, content, created_at, attempts, dropped_at, reason, detail
      FROM dead_letters ORDER BY dropped_at, id)sql");
  std::vector<alerts::dead_letter> letters;
  while (statement.executeStep()) {
    row_reader row(statement);
    alerts::dead_letter found;
    found.row.id = row.integer();
    found.row.receiver = row.text();
    read_told(row, found.row);
    found.row.created_at = row.time();
    found.row.attempts = static_cast<unsigned>(row.integer());
    found.dropped_at = row.time();
    found.reason = row.text();
    found.detail = row.text();
    letters.push_back(std::move(found));
  }
  return letters;
}

}  // namespace pushguard::store
