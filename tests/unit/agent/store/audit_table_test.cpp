// The audit trail in the database: appended in order, with what it is about, and never changed.

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/store/audit_chain.hpp"
#include "agent/store/audit_reading.hpp"
#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::store::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

batch with_audit(int from, int count) {
  batch changes;
  for (int n = from; n < from + count; ++n)
    changes.audit.push_back(sample_audit(n));
  return changes;
}

void write_trail(const std::filesystem::path& path, int entries) {
  must(open(path).commit(with_audit(1, entries)));
}

void tamper(const std::filesystem::path& path, const std::string& sql) {
  SQLite::Database database(path.string(), SQLite::OPEN_READWRITE);
  for (const char* trigger : {"audit_is_not_updated", "audit_is_not_deleted", "audit_is_appended"})
    database.exec(fmt::format("DROP TRIGGER {}", trigger));
  database.exec(sql);
}

std::vector<audit_row> read_all(const std::filesystem::path& path) {
  std::vector<audit_row> rows;
  const auto read = read_audit(path, [&](const audit_row& row) {
    rows.push_back(row);
    return true;
  });
  EXPECT_TRUE(read) << read.error().text();
  return rows;
}

TEST(AuditTable, NumbersAndChainsEntriesAcrossBatchesGroupsAndRestarts) {
  const scratch_directory scratch;
  {
    auto database = open(scratch.database());
    EXPECT_EQ(must(database.load()).audit.last_hash, chain_start());
    must(database.commit(with_audit(1, 2)));
    const std::vector<batch> group{with_audit(3, 1), with_audit(4, 2)};
    for (const auto& outcome : database.commit_group(group))
      EXPECT_TRUE(outcome);
  }
  auto database = open(scratch.database());
  must(database.commit(with_audit(6, 1)));
  const auto rows = must(database.audit_page({}));
  ASSERT_EQ(rows.size(), 6U);
  std::string previous(chain_start());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].sequence, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(rows[i].details, fmt::format(R"({{"n":{}}})", i + 1));
    EXPECT_EQ(rows[i].previous_hash, previous);
    EXPECT_EQ(rows[i].hash, audit_hash(rows[i]));
    previous = rows[i].hash;
  }
  const audit_state state = must(database.load()).audit;
  EXPECT_EQ(state.entries, 6);
  EXPECT_EQ(state.last_hash, previous);
  EXPECT_EQ(state.problem, "");
}

TEST(AuditTable, KeepsEveryFieldAndReplacesWhatIsNoText) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  batch changes = with_audit(1, 1);
  changes.audit.push_back({.at = at_second(5),
                           .kind = audit_kind::agent_started,
                           .actor = "a\xFF"
                                    "b"});
  must(database.commit(changes));
  const auto rows = must(database.audit_page({}));
  ASSERT_EQ(rows.size(), 2U);
  const audit_entry sample = sample_audit(1);
  EXPECT_EQ(rows[0].at, sample.at);
  EXPECT_EQ(rows[0].kind, "called");
  EXPECT_EQ(rows[0].hub, sample.hub);
  EXPECT_EQ(rows[0].rollout, sample.rollout);
  EXPECT_EQ(rows[0].decision, sample.decision);
  EXPECT_EQ(rows[0].actor, sample.actor);
  EXPECT_EQ(rows[1].decision, std::nullopt);
  EXPECT_EQ(rows[1].actor,
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(rows[1].details, "{}");
  audit_verifier verifier;
  for (const audit_row& row : rows)
    EXPECT_TRUE(verifier.add_line(audit_line(row)));
}

TEST(AuditTable, IsPagedAndFiltered) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  batch changes = with_audit(1, 5);
  changes.audit[1].decision = 8;
  changes.audit[2].decision.reset();
  changes.audit[3].kind = audit_kind::settled;
  must(database.commit(changes));
  const auto sequences = [&](const audit_query& query) {
    std::vector<std::int64_t> found;
    for (const audit_row& row : must(database.audit_page(query)))
      found.push_back(row.sequence);
    return found;
  };
  using numbers = std::vector<std::int64_t>;
  EXPECT_EQ(sequences({}), (numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(sequences({.after = 2, .limit = 2}), (numbers{3, 4}));
  EXPECT_EQ(sequences({.after = 5}), numbers{});
  EXPECT_EQ(sequences({.decisions = {7}}), (numbers{1, 4, 5}));
  EXPECT_EQ(sequences({.decisions = {7, 8}, .limit = 2}), (numbers{1, 2}));
  EXPECT_EQ(sequences({.kind = audit_kind::called, .decisions = {7}}), (numbers{1, 5}));
  EXPECT_EQ(sequences({.decisions = {9}}), numbers{});
}

TEST(AuditTable, HasNothingOfABatchThatWasNotApplied) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  batch first = with_audit(1, 1);
  first.decisions.push_back(sample_decision(1));
  must(database.commit(first));

  batch again = with_audit(2, 1);
  again.decisions.push_back(sample_decision(2));
  EXPECT_FALSE(must(database.commit(again)).is_applied());
  batch lost = with_audit(3, 1);
  lost.decision_updates.push_back({.id = 99, .plan = {}, .outcome = {}, .ended_at = {}});
  EXPECT_FALSE(database.commit(lost));
  EXPECT_EQ(must(database.audit_page({})).size(), 1U);

  must(database.commit(with_audit(4, 1)));
  EXPECT_EQ(must(database.load()).audit.entries, 2) << "and the chain goes on without a gap";
}

TEST(AuditTable, RefusesToBeChanged) {
  const scratch_directory scratch;
  write_trail(scratch.database(), 3);
  SQLite::Database database(scratch.database().string(), SQLite::OPEN_READWRITE);
  for (const char* sql : {"UPDATE audit SET actor = 'nobody' WHERE sequence = 2",
                          "UPDATE audit SET sequence = 9 WHERE sequence = 3", "DELETE FROM audit",
                          "DELETE FROM audit WHERE sequence = 3",
                          "REPLACE INTO audit SELECT 2, at, kind, hub, rollout, decision, 'x', details, "
                          "previous_hash, hash FROM "
                          "audit WHERE sequence = 2",
                          "INSERT INTO audit SELECT 9, at, kind, hub, rollout, decision, actor, details, "
                          "previous_hash, hash FROM "
                          "audit WHERE sequence = 3"}) {
    try {
      database.exec(sql);
      ADD_FAILURE() << sql;
    } catch (const SQLite::Exception& refused) {
      EXPECT_STREQ(refused.what(), "the audit trail is append-only") << sql;
    }
  }
  EXPECT_EQ(must(open(scratch.database()).load()).audit.problem, "");
}

TEST(AuditTable, ThatWasTamperedWithIsNoticedWhenItIsLoadedAndGoesOn) {
  struct tampering {
    const char* sql;
    const char* problem;
    std::int64_t good;
  };
  for (const tampering& one :
       {tampering{"UPDATE audit SET actor = 'nobody' WHERE sequence = 3",
                  "entry 3 was altered: its hash is not that of its content", 2},
        tampering{"UPDATE audit SET kind = 'telepathy' WHERE sequence = 1",
                  "entry 1 was altered: its hash is not that of its content", 0},
        tampering{"DELETE FROM audit WHERE sequence = 2", "entry 2 is missing: entry 3 comes in its place",
                  1},
        tampering{"UPDATE audit SET sequence = 99 WHERE sequence = 2",
                  "entry 2 is missing: entry 3 comes in its place", 1},
        tampering{"UPDATE audit SET at = 9223372036854775807 WHERE sequence = 4",
                  "entry 4 was altered: its hash is not that of its content", 3},
        tampering{
            "INSERT INTO audit SELECT 6, at, kind, hub, rollout, decision, actor, details, previous_hash, "
            "hash FROM audit WHERE sequence = 5",
            "entry 6 was altered: its hash is not that of its content", 5}}) {
    const scratch_directory scratch;
    write_trail(scratch.database(), 5);
    tamper(scratch.database(), one.sql);
    auto database = open(scratch.database());
    const audit_state state = must(database.load()).audit;
    EXPECT_EQ(state.problem, one.problem) << one.sql;
    EXPECT_EQ(state.entries, one.good) << one.sql;
    EXPECT_TRUE(database.commit(with_audit(6, 1))) << one.sql;
  }
}

TEST(AuditReading, ReadsBesideAnAgentThatWrites) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  must(database.commit(with_audit(1, 3)));
  EXPECT_EQ(read_all(scratch.database()), must(database.audit_page({})));
  must(database.commit(with_audit(4, 1)));
  EXPECT_EQ(read_all(scratch.database()).size(), 4U);
}

TEST(AuditReading, ReadsWhatAnAgentLeftAndEndsWhenAsked) {
  const scratch_directory scratch;
  write_trail(scratch.database(), 3);
  EXPECT_EQ(read_all(scratch.database()).size(), 3U);
  int taken = 0;
  EXPECT_TRUE(read_audit(scratch.database(), [&](const audit_row&) { return ++taken < 2; }));
  EXPECT_EQ(taken, 2);
}

std::string refusal_of(const std::filesystem::path& path) {
  const auto read = read_audit(path, [](const audit_row&) { return true; });
  return read ? "" : read.error().text();
}

TEST(AuditReading, SaysWhatCannotBeRead) {
  const scratch_directory scratch;
  EXPECT_EQ(refusal_of(scratch.database()),
            fmt::format("cannot open {}: No such file or directory", scratch.database().string()));
  EXPECT_FALSE(std::filesystem::exists(scratch.database()));

  std::ofstream(scratch.path() / "text") << std::string(10'000, 'x');
  EXPECT_THAT(refusal_of(scratch.path() / "text"), EndsWith("text is not a SQLite database"));

  SQLite::Database((scratch.path() / "theirs").string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE audit (x)");
  EXPECT_THAT(refusal_of(scratch.path() / "theirs"), EndsWith("theirs is not a database of Pushguard"));

  write_trail(scratch.database(), 1);
  SQLite::Database(scratch.database().string(), SQLite::OPEN_READWRITE).exec("DROP TABLE audit");
  EXPECT_THAT(refusal_of(scratch.database()), HasSubstr("state.db has no audit trail"));
}

}  // namespace
}  // namespace pushguard::store::test
