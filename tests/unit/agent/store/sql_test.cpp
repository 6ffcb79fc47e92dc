#include "agent/store/sql.hpp"

#include <gtest/gtest.h>

namespace pushguard::store {
namespace {

class KeepingDatabase : public testing::Test {
 protected:
  void SetUp() override { database_.exec("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)"); }

  void insert(std::int64_t id, const std::string& name) {
    const auto statement = database_.lend("INSERT INTO things VALUES (?, ?)");
    binder(*statement) << id << name;
    run(*statement);
  }
  std::string first_name() {
    const auto statement = database_.lend("SELECT name FROM things ORDER BY id");
    return (*statement).executeStep() ? row_reader(*statement).text() : "";
  }

  keeping_database database_{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
};

TEST_F(KeepingDatabase, LendsTheSameStatementAgain) {
  const SQLite::Statement* first = &*database_.lend("SELECT 1");
  EXPECT_EQ(&*database_.lend("SELECT 1"), first);
  EXPECT_NE(&*database_.lend("SELECT 2"), first);
}

TEST_F(KeepingDatabase, LendsItReadyAlsoAfterARefusal) {
  insert(1, "one");
  EXPECT_THROW(insert(1, "again"), SQLite::Exception);
  insert(2, "two");
  EXPECT_EQ(database_.execAndGet("SELECT group_concat(name) FROM things").getString(), "one,two");
}

TEST_F(KeepingDatabase, HoldsNothingWhereRowsWereNotReadToTheEnd) {
  insert(1, "one");
  insert(2, "two");
  EXPECT_EQ(first_name(), "one");
  EXPECT_EQ(first_name(), "one") << "from the beginning";
  database_.exec("DROP TABLE things");  // refused while a statement reads
  EXPECT_THROW(first_name(), SQLite::Exception);
  database_.exec("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)");
  insert(3, "three");
  EXPECT_EQ(first_name(), "three") << "also of another table of that name";
}

}  // namespace
}  // namespace pushguard::store
