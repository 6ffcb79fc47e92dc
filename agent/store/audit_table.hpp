#pragma once

#include <functional>
#include <vector>

#include "agent/store/sql.hpp"
#include "agent/store/store.hpp"

/// The audit trail in SQL. Each throws SQLite::Exception.
namespace pushguard::store {

/// Continues the chain. To be called inside the transaction of what the entries are about.
void append_audit(keeping_database& database, const std::vector<audit_entry>& entries);

[[nodiscard]] std::vector<audit_row> select_audit(SQLite::Database& database, const audit_query& query);

/// Every entry, oldest first, until `take` says false. One row in memory at a time.
void for_each_audit_row(SQLite::Database& database, const std::function<bool(const audit_row&)>& take);

[[nodiscard]] audit_state check_audit(SQLite::Database& database);

}  // namespace pushguard::store
