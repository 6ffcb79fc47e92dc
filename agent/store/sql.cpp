#include "agent/store/sql.hpp"

#include <sqlite3.h>

namespace pushguard::store {

keeping_database::loan::~loan() {
  statement_.tryReset();
}

keeping_database::loan keeping_database::lend(std::string_view sql) {
  return loan(kept_.try_emplace(sql, *this, std::string(sql)).first->second);
}

failure describe(const SQLite::Exception& error, std::string_view database) {
  const auto storage = [&](std::string_view what) {
    return failure{errc::storage, fmt::format("{} {}", database, what)};
  };
  switch (error.getErrorCode()) {
    case SQLITE_FULL:
      return storage("cannot grow: the disk is full");
    case SQLITE_NOTADB:
      return storage("is not a SQLite database");
    case SQLITE_CORRUPT:
      return storage(fmt::format("is damaged ({})", error.what()));
    case SQLITE_READONLY:
      return storage("is read-only");
    case SQLITE_CANTOPEN:
      return storage(fmt::format("cannot be opened ({})", error.what()));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return storage("is locked by another program");
    case SQLITE_IOERR:
      return storage(fmt::format("cannot be read or written ({})", error.what()));
    case SQLITE_CONSTRAINT:
      return failure{errc::conflict, fmt::format("{} refused a record ({})", database, error.what())};
    default:
      return storage(fmt::format("failed ({})", error.what()));
  }
}

}  // namespace pushguard::store
