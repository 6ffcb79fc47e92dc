#pragma once

#include <vector>

#include "agent/store/sql.hpp"
#include "agent/store/store.hpp"

/// Decisions, their plans and the orgs they spared, in SQL. Each throws SQLite::Exception, and reads
/// throw unreadable_value. To be called inside a transaction where more than one is called.
namespace pushguard::store {

/// False where a decision of that key was there before; nothing is written then.
[[nodiscard]] bool insert_decision(keeping_database& database, const decision_record& record);

/// False where there is no such decision.
[[nodiscard]] bool update_decision(keeping_database& database, const decision_update& update);

/// False where there is no such decision.
[[nodiscard]] bool insert_spared(SQLite::Database& database, const spared_orgs& spared);

[[nodiscard]] std::vector<decision_record> select_decisions(SQLite::Database& database,
                                                            const decision_query& query);

/// Those open, and those of watched rollouts; oldest first.
[[nodiscard]] std::vector<decision_record> select_current_decisions(SQLite::Database& database);

[[nodiscard]] std::vector<domain::org_key> select_spared(SQLite::Database& database,
                                                         const rollout_key& rollout);

}  // namespace pushguard::store
