// Databases that cannot be used, and what is said about them.

#include <SQLiteCpp/Database.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "agent/store/schema.hpp"
#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::store::test {
namespace {

failure open_failure(const std::filesystem::path& path, const sqlite_options& options = {}) {
  auto lock = try_lock(path);
  if (!lock)
    return lock.error();
  auto opened = sqlite_database::open(std::move(*lock), options);
  return opened ? failure{} : opened.error();
}

batch decision_with_orgs(std::int64_t id, int orgs) {
  batch changes;
  changes.decisions.push_back(sample_decision(id, fmt::format("rule-{}", id)));
  changes.spared.resize(1);
  changes.spared[0].decision = id;
  for (int i = 0; i < orgs; ++i)
    changes.spared[0].orgs.push_back(org(i));
  return changes;
}

TEST(UnusableDatabase, IsADirectoryThatDoesNotExist) {
  const scratch_directory scratch;
  const auto failed = open_failure(scratch.path() / "nowhere" / "state.db");
  EXPECT_TRUE(failed.is(errc::storage));
  EXPECT_NE(failed.text().find("No such file or directory"), std::string::npos) << failed.text();
}

TEST(UnusableDatabase, IsADirectory) {
  const scratch_directory scratch;
  std::filesystem::create_directory(scratch.database());
  const auto failed = open_failure(scratch.database());
  EXPECT_TRUE(failed.is(errc::storage));
  EXPECT_EQ(failed.text(), fmt::format("cannot open {} for writing: Is a directory",
                                       std::filesystem::canonical(scratch.database()).string()));
}

TEST(UnusableDatabase, IsNoDatabase) {
  const scratch_directory scratch;
  std::ofstream(scratch.database()) << std::string(10'000, 'x');
  const auto failed = open_failure(scratch.database());
  EXPECT_TRUE(failed.is(errc::storage));
  EXPECT_TRUE(failed.text().ends_with("is not a SQLite database")) << failed.text();
  EXPECT_EQ(std::filesystem::file_size(scratch.database()), 10'000U) << "it stays untouched";
}

TEST(UnusableDatabase, BelongsToAnotherProgram) {
  const scratch_directory scratch;
  SQLite::Database(scratch.database().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE theirs (x)");
  const auto failed = open_failure(scratch.database());
  EXPECT_TRUE(failed.is(errc::storage));
  EXPECT_TRUE(failed.text().ends_with("belongs to another program")) << failed.text();
  SQLite::Database theirs(scratch.database().string());
  EXPECT_FALSE(theirs.tableExists("migrations"));
  EXPECT_EQ(theirs.execAndGet("PRAGMA journal_mode").getString(), "delete");
}

TEST(UnusableDatabase, WasWrittenByANewerVersion) {
  const scratch_directory scratch;
  must(open(scratch.database()).commit(decision_with_orgs(1, 1)));
  SQLite::Database(scratch.database().string(), SQLite::OPEN_READWRITE)
      .exec("INSERT INTO migrations (version, what) VALUES (99, 'from the future')");
  const auto failed = open_failure(scratch.database());
  EXPECT_TRUE(failed.is(errc::storage));
  EXPECT_TRUE(failed.text().ends_with(fmt::format(
      "was written by a newer Pushguard (its schema is 99, this version knows {})", newest_schema())))
      << failed.text();
}

TEST(UnusableDatabase, IsDamaged) {
  const scratch_directory scratch;
  must(open(scratch.database()).commit(decision_with_orgs(1, 5000)));
  const auto size = std::filesystem::file_size(scratch.database());
  {
    std::fstream file(scratch.database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file << std::string(size / 4, 'x');
  }
  const auto failed = open_failure(scratch.database());
  EXPECT_TRUE(failed.is(errc::storage));
  EXPECT_NE(failed.text().find("is damaged"), std::string::npos) << failed.text();
}

TEST(UnusableDatabase, HasADamagedPageInTheMiddle) {
  const scratch_directory scratch;
  must(open(scratch.database()).commit(decision_with_orgs(1, 5000)));
  SQLite::Database whole(scratch.database().string(), SQLite::OPEN_READONLY);
  const std::int64_t page_size = whole.execAndGet("PRAGMA page_size").getInt64();
  const std::int64_t damaged = whole.execAndGet("PRAGMA page_count").getInt64() / 2;
  {
    std::fstream file(scratch.database(), std::ios::in | std::ios::out | std::ios::binary);
    std::string page(static_cast<std::size_t>(page_size), '\0');
    file.seekg(damaged * page_size);
    file.read(page.data(), page_size);
    for (char& byte : page)
      byte = static_cast<char>(~byte);
    file.seekp(damaged * page_size);
    file.write(page.data(), page_size);
  }
  const auto failed = open_failure(scratch.database());
  EXPECT_TRUE(failed.is(errc::storage));
  EXPECT_TRUE(
      failed.text().starts_with(std::filesystem::canonical(scratch.database()).string() + " is damaged ("))
      << failed.text();
  EXPECT_TRUE(failed.text().ends_with("); restore it from a backup or move it away")) << failed.text();
}

TEST(UnusableDatabase, IsNotOneWhoseAuditTrailHasAFlippedLetter) {
  const scratch_directory scratch;
  batch changes;
  changes.audit.push_back(sample_audit(1));
  changes.audit[0].details = R"({"reason":"there was a reason"})";
  must(open(scratch.database()).commit(changes));
  {
    std::fstream file(scratch.database(), std::ios::in | std::ios::out | std::ios::binary);
    std::string all(std::filesystem::file_size(scratch.database()), '\0');
    file.read(all.data(), static_cast<std::streamsize>(all.size()));
    const auto at = all.find("there was");
    ASSERT_NE(at, std::string::npos);
    file.seekp(static_cast<std::streamoff>(at));
    file << "where was";
  }
  auto database = open(scratch.database());  // SQLite does not notice
  EXPECT_EQ(must(database.load()).audit.problem, "entry 1 was altered: its hash is not that of its content");
}

TEST(UnusableDatabase, HoldsAValueThisVersionDoesNotKnow) {
  const scratch_directory scratch;
  must(open(scratch.database()).commit(decision_with_orgs(1, 1)));
  SQLite::Database(scratch.database().string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE decisions SET mode = 'telepathy'");
  auto database = open(scratch.database());
  const auto loaded = database.load();
  ASSERT_FALSE(loaded);
  EXPECT_TRUE(loaded.error().is(errc::storage));
  EXPECT_NE(loaded.error().text().find("telepathy"), std::string::npos) << loaded.error().text();
}

TEST(UnusableDatabase, IsFullAndWorksAgainAfterwards) {
  const scratch_directory scratch;
  auto database = open(scratch.database(), {.pages_max = 60});
  must(database.commit(decision_with_orgs(1, 10)));
  const auto refused = database.commit(decision_with_orgs(2, 50'000));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(errc::storage));
  EXPECT_TRUE(refused.error().text().ends_with("cannot grow: the disk is full")) << refused.error().text();
  EXPECT_EQ(must(database.decisions({})).size(), 1U) << "nothing of the refused batch is there";

  const std::vector<batch> group{decision_with_orgs(3, 10), decision_with_orgs(4, 50'000),
                                 decision_with_orgs(5, 10)};
  auto outcomes = database.commit_group(group);
  EXPECT_TRUE(outcomes[0]);
  EXPECT_FALSE(outcomes[1]);
  EXPECT_TRUE(outcomes[2]);
  EXPECT_EQ(must(database.decisions({})).size(), 3U);
}

TEST(UnusableDatabase, IsTooFullToBeMade) {
  const scratch_directory scratch;
  const auto failed = open_failure(scratch.database(), {.pages_max = 3});
  EXPECT_TRUE(failed.is(errc::storage));
  EXPECT_TRUE(failed.text().ends_with("cannot grow: the disk is full")) << failed.text();
  auto database = open(scratch.database());
  must(database.commit(decision_with_orgs(1, 1)));
}

/// Runs `check` as an ordinary user, whom file permissions stop, in a process of its own.
int as_ordinary_user(const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t nobody = 65534;
    const bool is_ordinary = ::geteuid() != 0 || ::setuid(nobody) == 0;
    ::_exit(is_ordinary && check() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(UnusableDatabase, IsReadOnly) {
  const scratch_directory scratch;
  must(open(scratch.database()).commit(decision_with_orgs(1, 1)));
  using std::filesystem::perms;
  std::filesystem::permissions(scratch.path(), perms::all);
  std::filesystem::permissions(scratch.database().string() + ".lock", perms::all);
  std::filesystem::permissions(scratch.database(),
                               perms::owner_read | perms::group_read | perms::others_read);
  EXPECT_EQ(as_ordinary_user([&] {
              const auto failed = open_failure(scratch.database());
              return failed.is(errc::storage) && failed.text().ends_with("for writing: Permission denied");
            }),
            0);
}

}  // namespace
}  // namespace pushguard::store::test
