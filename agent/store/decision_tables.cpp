#include "agent/store/decision_tables.hpp"

#include <algorithm>

namespace pushguard::store {
namespace {

constexpr std::string_view decision_columns =
    "id, hub, version_id, number, epoch, mode, policy, rule, decided_at, actor, reason, failed, started, "
    "excluded, in_flight, still_to_start, observed_ratio, lower_bound_ratio, threshold_ratio, "
    "configuration_hash, "
    "agent_version, outcome, ended_at, spared_orgs";

std::optional<std::string_view> maybe_text(const auto& value) {
  return value ? std::optional(to_string(*value)) : std::nullopt;
}

std::string join_keys(const std::vector<domain::org_key>& orgs) {
  std::string joined;
  for (const domain::org_key& org : orgs) {
    if (!joined.empty())
      joined += ' ';
    joined += org.text();
  }
  return joined;
}

std::vector<domain::org_key> split_keys(std::string_view joined) {
  std::vector<domain::org_key> orgs;
  while (!joined.empty()) {
    const std::size_t end = std::min(joined.find(' '), joined.size());
    auto org = domain::org_key::parse(joined.substr(0, end));
    if (!org)
      throw unreadable_value{org.error().text()};
    orgs.push_back(*org);
    joined.remove_prefix(std::min(end + 1, joined.size()));
  }
  return orgs;
}

void write_plan(keeping_database& database, std::int64_t decision, const std::vector<plan_entry>& plan) {
  const auto statement = database.lend(R"sql(
      INSERT INTO decision_plans (decision, request_key, request_id, status_at_decision, action, step, outcome,
                                  salesforce_code, salesforce_message, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (decision, request_key) DO UPDATE SET
        action = excluded.action, step = excluded.step, outcome = excluded.outcome,
        salesforce_code = excluded.salesforce_code, salesforce_message = excluded.salesforce_message,
        updated_at = excluded.updated_at)sql");
  for (const plan_entry& entry : plan) {
    binder(*statement) << decision << entry.request.key() << entry.request.text()
                       << domain::to_string(entry.status_at_decision) << to_string(entry.action)
                       << to_string(entry.step) << maybe_text(entry.outcome) << entry.salesforce_code
                       << entry.salesforce_message << entry.updated_at;
    run(*statement);
  }
}

void write_signatures(keeping_database& database, const decision_record& record) {
  const auto statement = database.lend(
      "INSERT INTO decision_signatures (decision, position, text, orgs, sample_orgs) "
      "VALUES (?, ?, ?, ?, ?)");
  std::int64_t position = 0;
  for (const error_signature& signature : record.signatures) {
    binder(*statement) << record.id << position++ << signature.text << signature.orgs
                       << join_keys(signature.sample_orgs);
    run(*statement);
  }
}

void write_aftermath(SQLite::Database& database, std::int64_t decision, const decision_aftermath& since) {
  SQLite::Statement statement(database, R"sql(
      INSERT OR REPLACE INTO decision_aftermaths (decision, counted_at, orgs, started, succeeded, failed, is_final)
      VALUES (?, ?, ?, ?, ?, ?, ?))sql");
  binder(statement) << decision << since.counted_at << since.orgs << since.started << since.succeeded
                    << since.failed << static_cast<std::int64_t>(since.is_final);
  run(statement);
}

bool decision_exists(SQLite::Database& database, std::int64_t id) {
  SQLite::Statement statement(database, "SELECT 1 FROM decisions WHERE id = ?");
  binder(statement) << id;
  return statement.executeStep();
}

decision_record read_decision(SQLite::Statement& statement) {
  row_reader row(statement);
  decision_record record;
  record.id = row.integer();
  record.key.rollout.hub = row.text();
  record.key.rollout.version = row.id<domain::version_id>();
  record.key.rollout.number = row.integer();
  record.key.epoch = row.integer();
  record.key.mode = row.one_of(all_decision_modes);
  record.key.policy = row.text();
  record.key.rule = row.text();
  record.decided_at = row.time();
  record.actor = row.text();
  record.reason = row.text();
  record.failed = row.integer();
  record.started = row.integer();
  record.excluded = row.integer();
  record.in_flight = row.integer();
  record.still_to_start = row.integer();
  record.observed_ratio = row.maybe_real();
  record.lower_bound_ratio = row.maybe_real();
  record.threshold_ratio = row.maybe_real();
  record.configuration_hash = row.text();
  record.agent_version = row.text();
  record.outcome = row.maybe_one_of(all_containment_outcomes);
  record.ended_at = row.maybe_time();
  record.spared_orgs = row.integer();
  return record;
}

void read_plan(SQLite::Database& database, decision_record& record) {
  SQLite::Statement statement(database, R"sql(
      SELECT request_id, status_at_decision, action, step, outcome, salesforce_code, salesforce_message, updated_at
      FROM decision_plans WHERE decision = ? ORDER BY rowid)sql");
  binder(statement) << record.id;
  while (statement.executeStep()) {
    row_reader row(statement);
    plan_entry entry;
    entry.request = row.id<domain::request_id>();
    entry.status_at_decision = domain::parse_push_status(row.text());
    entry.action = row.one_of(all_plan_actions);
    entry.step = row.one_of(all_plan_steps);
    entry.outcome = row.maybe_one_of(all_request_outcomes);
    entry.salesforce_code = row.text();
    entry.salesforce_message = row.text();
    entry.updated_at = row.time();
    record.plan.push_back(std::move(entry));
  }
}

void read_signatures(SQLite::Database& database, decision_record& record) {
  SQLite::Statement statement(
      database,
      "SELECT text, orgs, sample_orgs FROM decision_signatures WHERE decision = ? ORDER BY position");
  binder(statement) << record.id;
  while (statement.executeStep()) {
    row_reader row(statement);
    error_signature signature;
    signature.text = row.text();
    signature.orgs = row.integer();
    signature.sample_orgs = split_keys(row.text());
    record.signatures.push_back(std::move(signature));
  }
}

void read_aftermath(SQLite::Database& database, decision_record& record) {
  SQLite::Statement statement(
      database,
      "SELECT counted_at, orgs, started, succeeded, failed, is_final FROM decision_aftermaths "
      "WHERE decision = ?");
  binder(statement) << record.id;
  if (!statement.executeStep())
    return;
  row_reader row(statement);
  decision_aftermath since;
  since.counted_at = row.time();
  since.orgs = row.integer();
  since.started = row.integer();
  since.succeeded = row.integer();
  since.failed = row.integer();
  since.is_final = row.integer() != 0;
  record.since = since;
}

std::vector<decision_record> read_all(SQLite::Database& database, SQLite::Statement& statement) {
  std::vector<decision_record> records;
  while (statement.executeStep())
    records.push_back(read_decision(statement));
  for (decision_record& record : records) {
    read_plan(database, record);
    read_signatures(database, record);
    read_aftermath(database, record);
  }
  return records;
}

}  // namespace

bool insert_decision(keeping_database& database, const decision_record& record) {
  const auto statement = database.lend(R"sql(
      INSERT INTO decisions (id, hub, version_key, version_id, number, epoch, mode, policy, rule, decided_at,
                             actor, reason, failed, started, excluded, in_flight, still_to_start, observed_ratio,
                             lower_bound_ratio, threshold_ratio, configuration_hash, agent_version, outcome,
                             ended_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (hub, version_key, number, epoch, mode, policy, rule) DO NOTHING)sql");
  const rollout_key& rollout = record.key.rollout;
  binder(*statement) << record.id << rollout.hub << rollout.version.key() << rollout.version.text()
                     << rollout.number << record.key.epoch << to_string(record.key.mode) << record.key.policy
                     << record.key.rule << record.decided_at << record.actor << record.reason << record.failed
                     << record.started << record.excluded << record.in_flight << record.still_to_start
                     << record.observed_ratio << record.lower_bound_ratio << record.threshold_ratio
                     << record.configuration_hash << record.agent_version << maybe_text(record.outcome)
                     << record.ended_at;
  if ((*statement).exec() == 0)
    return false;
  write_plan(database, record.id, record.plan);
  write_signatures(database, record);
  if (record.since)
    write_aftermath(database, record.id, *record.since);
  return true;
}

bool update_decision(keeping_database& database, const decision_update& update) {
  if (!decision_exists(database, update.id))
    return false;
  write_plan(database, update.id, update.plan);
  if (update.outcome) {
    SQLite::Statement statement(database, "UPDATE decisions SET outcome = ?, ended_at = ? WHERE id = ?");
    binder(statement) << to_string(*update.outcome) << update.ended_at << update.id;
    run(statement);
  }
  if (update.since)
    write_aftermath(database, update.id, *update.since);
  return true;
}

bool insert_spared(SQLite::Database& database, const spared_orgs& spared) {
  if (!decision_exists(database, spared.decision))
    return false;
  SQLite::Statement statement(database,
                              "INSERT OR IGNORE INTO spared_orgs (decision, org_key) VALUES (?, ?)");
  std::int64_t added = 0;
  for (const domain::org_key& org : spared.orgs) {
    binder(statement) << spared.decision << org.key();
    added += statement.exec();
    statement.reset();
  }
  SQLite::Statement count(database, "UPDATE decisions SET spared_orgs = spared_orgs + ? WHERE id = ?");
  binder(count) << added << spared.decision;
  run(count);
  return true;
}

std::vector<decision_record> select_decisions(SQLite::Database& database, const decision_query& query) {
  constexpr std::size_t limit_max = 1000;  // one page of the API
  std::string sql = fmt::format("SELECT {} FROM decisions WHERE id < ?", decision_columns);
  if (query.rollout)
    sql += " AND hub = ? AND version_key = ? AND number = ?";
  sql += " ORDER BY id DESC LIMIT ?";
  SQLite::Statement statement(database, sql);
  binder values(statement);
  values << query.before.value_or(std::numeric_limits<std::int64_t>::max());
  if (query.rollout)
    values << query.rollout->hub << query.rollout->version.key() << query.rollout->number;
  values << static_cast<std::int64_t>(std::min(query.limit, limit_max));
  return read_all(database, statement);
}

std::vector<decision_record> select_current_decisions(SQLite::Database& database) {
  SQLite::Statement statement(database, fmt::format(R"sql(
      SELECT {} FROM decisions
      WHERE outcome IS NULL
         OR (hub, version_key, number) IN (SELECT hub, version_key, number FROM watched_rollouts)
      ORDER BY id)sql",
                                                    decision_columns));
  return read_all(database, statement);
}

std::vector<domain::org_key> select_spared(SQLite::Database& database, const rollout_key& rollout) {
  SQLite::Statement statement(database, R"sql(
      SELECT DISTINCT org_key FROM spared_orgs
      WHERE decision IN (SELECT id FROM decisions WHERE hub = ? AND version_key = ? AND number = ?)
      ORDER BY org_key)sql");
  binder(statement) << rollout.hub << rollout.version.key() << rollout.number;
  std::vector<domain::org_key> orgs;
  while (statement.executeStep())
    orgs.push_back(row_reader(statement).id<domain::org_key>());
  return orgs;
}

}  // namespace pushguard::store
