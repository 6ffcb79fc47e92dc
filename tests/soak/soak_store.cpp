#include "tests/soak/soak_store.hpp"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "cometd/duplicate_window.hpp"

namespace pushguard::soak {
namespace {

namespace asio = boost::asio;

// The test looks in while the client writes.
constexpr int busy_milliseconds = 10'000;

constexpr const char* tables = R"sql(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS effects (id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT, number INTEGER);
  CREATE TABLE IF NOT EXISTS checkpoints (
    channel TEXT PRIMARY KEY, replay_id TEXT, event_uuid TEXT, org_id TEXT, updated INTEGER, quiet_since INTEGER
  ) WITHOUT ROWID;
)sql";

int number_in(const cometd::event& event) {
  return static_cast<int>(boost::json::parse(event.data).at("payload").at("Number__c").as_int64());
}

std::int64_t milliseconds(wall_time time) {
  return time.time_since_epoch().count();
}

}  // namespace

soak_store::soak_store(const std::string& path)
    : database_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, busy_milliseconds) {
  database_.exec(tables);
}

asio::awaitable<result<>> soak_store::consume(cometd::delivery batch) {
  SQLite::Transaction transaction(database_);
  for (const cometd::event& each : batch.events)
    take(each);
  for (const cometd::checkpoint& each : batch.checkpoints)
    put(each);
  transaction.commit();
  co_return result<>{};
}

void soak_store::take(const cometd::event& event) {
  SQLite::Statement seen(database_, "INSERT OR IGNORE INTO seen (key) VALUES (?)");
  seen.bind(1, cometd::duplicate_key(event.channel, event.replay_id, event.event_uuid));
  if (seen.exec() == 0)
    return;  // it came again, after a crash between the commit and the next position
  SQLite::Statement effect(database_, "INSERT INTO effects (channel, number) VALUES (?, ?)");
  effect.bind(1, event.subscription);
  effect.bind(2, number_in(event));
  effect.exec();
}

void soak_store::put(const cometd::checkpoint& at) {
  SQLite::Statement statement(
      database_,
      "INSERT OR REPLACE INTO checkpoints (channel, replay_id, event_uuid, org_id, updated, "
      "quiet_since) VALUES (?, ?, ?, ?, ?, ?)");
  statement.bind(1, at.channel);
  statement.bind(2, at.replay_id);
  statement.bind(3, at.event_uuid);
  statement.bind(4, at.org_id);
  statement.bind(5, milliseconds(at.updated));
  if (at.quiet_since) {
    statement.bind(6, milliseconds(*at.quiet_since));
  } else {
    statement.bind(6);
  }
  statement.exec();
}

asio::awaitable<result<>> soak_store::save(std::vector<cometd::checkpoint> batch) {
  SQLite::Transaction transaction(database_);
  for (const cometd::checkpoint& each : batch)
    put(each);
  transaction.commit();
  co_return result<>{};
}

asio::awaitable<result<std::vector<cometd::checkpoint>>> soak_store::load() {
  SQLite::Statement rows(
      database_, "SELECT channel, replay_id, event_uuid, org_id, updated, quiet_since FROM checkpoints");
  const auto time_at = [&rows](int column) {
    return wall_time(std::chrono::milliseconds(rows.getColumn(column).getInt64()));
  };
  std::vector<cometd::checkpoint> all;
  while (rows.executeStep()) {
    cometd::checkpoint at{rows.getColumn(0).getString(), rows.getColumn(1).getString(),
                          rows.getColumn(2).getString(), rows.getColumn(3).getString(), time_at(4)};
    if (!rows.getColumn(5).isNull())
      at.quiet_since = time_at(5);
    all.push_back(std::move(at));
  }
  co_return all;
}

std::size_t soak_store::size() {
  return static_cast<std::size_t>(database_.execAndGet("SELECT count(*) FROM effects").getInt64());
}

std::size_t soak_store::positions() {
  return static_cast<std::size_t>(database_.execAndGet("SELECT count(*) FROM checkpoints").getInt64());
}

std::map<std::string, std::vector<int>> soak_store::numbers() {
  std::map<std::string, std::vector<int>> found;
  SQLite::Statement rows(database_, "SELECT channel, number FROM effects ORDER BY id");
  while (rows.executeStep())
    found[rows.getColumn(0).getString()].push_back(rows.getColumn(1).getInt());
  return found;
}

}  // namespace pushguard::soak
