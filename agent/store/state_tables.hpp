#pragma once

#include <string>
#include <vector>

#include "agent/store/sql.hpp"
#include "agent/store/store.hpp"

/// Watched rollouts, checkpoints, alerts and the outbox, in SQL. Errors as in decision_tables.hpp.
namespace pushguard::store {

void replace_watched(SQLite::Database& database, const watched_rollout& rollout);
void delete_watched(SQLite::Database& database, const rollout_key& rollout);
[[nodiscard]] std::vector<watched_rollout> select_watched(SQLite::Database& database);

void replace_hold(SQLite::Database& database, const hold_record& hold);
void delete_hold(SQLite::Database& database, const hold_target& target);
/// In the order in which they end.
[[nodiscard]] std::vector<hold_record> select_holds(SQLite::Database& database);

void replace_checkpoint(SQLite::Database& database, const hub_checkpoint& at);
[[nodiscard]] std::vector<cometd::checkpoint> select_checkpoints(SQLite::Database& database,
                                                                 const std::string& hub);

void replace_alert(keeping_database& database, const alerts::alert_record& record);
void delete_alert(SQLite::Database& database, const std::string& id);
[[nodiscard]] std::vector<alerts::alert_record> select_alerts(SQLite::Database& database,
                                                              wall_time resolved_since);

void insert_notification(keeping_database& database, const alerts::outbox_row& row);
void settle_notifications(SQLite::Database& database, const alerts::outbox_changes& changes);
[[nodiscard]] alerts::outbox_page select_notifications(SQLite::Database& database,
                                                       const std::string& receiver, std::size_t rows_max);
/// Oldest first.
[[nodiscard]] std::vector<alerts::dead_letter> select_dead_letters(SQLite::Database& database);
[[nodiscard]] alerts::outbox_id select_newest_notification(SQLite::Database& database);

}  // namespace pushguard::store
