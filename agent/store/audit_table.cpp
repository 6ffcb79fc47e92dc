#include "agent/store/audit_table.hpp"

#include <algorithm>

#include "agent/store/audit_chain.hpp"
#include "base/text.hpp"

namespace pushguard::store {
namespace {

constexpr std::size_t page_max = 2000;
constexpr std::string_view columns =
    "sequence, at, kind, hub, rollout, decision, actor, details, previous_hash, hash";

audit_row read_row(SQLite::Statement& statement) {
  row_reader from(statement);
  audit_row row;
  row.sequence = from.integer();
  row.at = from.time();
  row.kind = from.text();
  row.hub = from.text();
  row.rollout = from.text();
  row.decision = from.maybe_integer();
  row.actor = from.text();
  row.details = from.text();
  row.previous_hash = from.text();
  row.hash = from.text();
  return row;
}

/// Where the next entry goes: `sequence` and `previous_hash` are set.
audit_row next_place(keeping_database& database) {
  const auto statement = database.lend("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1");
  audit_row next;
  next.sequence = 1;
  next.previous_hash = chain_start();
  if ((*statement).executeStep()) {
    row_reader last(*statement);
    next.sequence = last.integer() + 1;
    next.previous_hash = last.text();
  }
  return next;
}

}  // namespace

void append_audit(keeping_database& database, const std::vector<audit_entry>& entries) {
  if (entries.empty())
    return;
  audit_row row = next_place(database);
  static const std::string sql =
      fmt::format("INSERT INTO audit ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", columns);
  const auto statement = database.lend(sql);
  for (const audit_entry& entry : entries) {
    row.at = entry.at;
    row.kind = to_string(entry.kind);
    row.hub = to_valid_utf8(entry.hub);
    row.rollout = to_valid_utf8(entry.rollout);
    row.decision = entry.decision;
    row.actor = to_valid_utf8(entry.actor);
    row.details = to_valid_utf8(entry.details);
    row.hash = audit_hash(row);
    binder(*statement) << row.sequence << row.at << row.kind << row.hub << row.rollout << row.decision
                       << row.actor << row.details << row.previous_hash << row.hash;
    run(*statement);
    ++row.sequence;
    row.previous_hash = row.hash;
  }
}

std::vector<audit_row> select_audit(SQLite::Database& database, const audit_query& query) {
  std::string sql = fmt::format("SELECT {} FROM audit WHERE sequence > ?", columns);
  if (!query.decisions.empty())
    sql += fmt::format(" AND decision IN ({})", fmt::join(query.decisions, ", "));
  if (query.kind)
    sql += " AND kind = ?";
  sql += " ORDER BY sequence LIMIT ?";
  SQLite::Statement statement(database, sql);
  binder values(statement);
  values << query.after;
  if (query.kind)
    values << to_string(*query.kind);
  values << static_cast<std::int64_t>(std::min(query.limit, page_max));
  std::vector<audit_row> rows;
  while (statement.executeStep())
    rows.push_back(read_row(statement));
  return rows;
}

void for_each_audit_row(SQLite::Database& database, const std::function<bool(const audit_row&)>& take) {
  SQLite::Statement statement(database, fmt::format("SELECT {} FROM audit ORDER BY sequence", columns));
  while (statement.executeStep()) {
    if (!take(read_row(statement)))
      return;
  }
}

audit_state check_audit(SQLite::Database& database) {
  audit_verifier verifier;
  audit_state state;
  for_each_audit_row(database, [&](const audit_row& row) {
    const auto added = verifier.add(row);
    if (!added)
      state.problem = added.error().text();
    return added.has_value();
  });
  state.entries = verifier.entries();
  state.last_hash = verifier.last_hash();
  return state;
}

}  // namespace pushguard::store
