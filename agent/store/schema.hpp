#pragma once

#include <cstdint>

#include "base/result.hpp"

namespace SQLite {
class Database;
}

namespace pushguard::store {

/// What SQLite's `application_id` says of a database of Pushguard: "PGRD".
inline constexpr std::int64_t application_id = 0x50475244;

/// The schema this version reads and writes.
[[nodiscard]] std::int64_t newest_schema() noexcept;

/// Brings the tables to newest_schema(), each step with its record in `migrations`, all or none.
/// errc::storage for another program's database and for a newer schema, which stay untouched.
[[nodiscard]] result<> migrate(SQLite::Database& database);

}  // namespace pushguard::store
