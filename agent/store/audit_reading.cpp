#include "agent/store/audit_reading.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "agent/store/audit_table.hpp"
#include "agent/store/schema.hpp"

namespace pushguard::store {
namespace {

constexpr int busy_wait_ms = 5000;  // an agent that checkpoints its log

/// Its errors say more than SQLite's.
result<> look_at(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fail(errc::storage,
                fmt::format("cannot open {}: {}", path.string(), std::generic_category().message(errno)));
  ::close(descriptor);
  return {};
}

result<> read(const std::filesystem::path& path, const std::function<bool(const audit_row&)>& take) {
  SQLite::Database database(path.string(), SQLite::OPEN_READONLY, busy_wait_ms);
  if (database.execAndGet("PRAGMA application_id").getInt64() != application_id)
    return fail(errc::storage, fmt::format("{} is not a database of Pushguard", path.string()));
  if (!database.tableExists("audit"))
    return fail(errc::storage, fmt::format("{} has no audit trail: the version of Pushguard that wrote it "
                                           "kept none",
                                           path.string()));
  for_each_audit_row(database, take);
  return {};
}

}  // namespace

result<> read_audit(const std::filesystem::path& path, const std::function<bool(const audit_row&)>& take) {
  if (auto there = look_at(path); !there)
    return there;
  try {
    return read(path, take);
  } catch (const SQLite::Exception& error) {
    return std::unexpected(describe(error, path.string()));
  }
}

}  // namespace pushguard::store
