// The chain by itself: what is hashed, and what a line that was tampered with is told to be.

#include "agent/store/audit_chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::store::test {
namespace {

using testing::EndsWith;
using testing::StartsWith;

void seal(audit_row& row, std::string previous_hash) {
  row.previous_hash = std::move(previous_hash);
  row.hash = audit_hash(row);
}

std::vector<audit_row> sample_chain(int length) {
  std::vector<audit_row> rows;
  std::string previous(chain_start());
  for (int n = 1; n <= length; ++n) {
    const audit_entry entry = sample_audit(n);
    audit_row row{.sequence = n,
                  .at = entry.at,
                  .kind = std::string(to_string(entry.kind)),
                  .hub = entry.hub,
                  .rollout = entry.rollout,
                  .decision = entry.decision,
                  .actor = entry.actor,
                  .details = entry.details,
                  .previous_hash = "",
                  .hash = ""};
    seal(row, previous);
    previous = row.hash;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> lines_of(const std::vector<audit_row>& rows) {
  std::vector<std::string> lines;
  for (const audit_row& row : rows)
    lines.push_back(audit_line(row));
  return lines;
}

/// What is found wrong with the chain; nothing where it is intact.
std::string problem_of_lines(const std::vector<std::string>& lines, const std::string& anchor = "") {
  audit_verifier verifier;
  verifier.expect(anchor);
  for (const std::string& line : lines) {
    if (const auto added = verifier.add_line(line); !added)
      return added.error().text();
  }
  const auto ended = verifier.finish();
  return ended ? "" : ended.error().text();
}

std::string problem_of(const std::vector<audit_row>& rows, const std::string& anchor = "") {
  audit_verifier verifier;
  verifier.expect(anchor);
  for (const audit_row& row : rows) {
    if (const auto added = verifier.add(row); !added)
      return added.error().text();
  }
  const auto ended = verifier.finish();
  return ended ? "" : ended.error().text();
}

TEST(AuditChain, HashesTheLineWithoutItsHash) {
  const audit_row row = sample_chain(1).front();
  const std::string line = audit_line(row);
  const std::string tail = ",\"hash\":\"" + row.hash + "\"}";
  ASSERT_THAT(line, EndsWith(tail));
  EXPECT_EQ(sha256_hex(line.substr(0, line.size() - tail.size()) + "}"), row.hash);
  EXPECT_EQ(line.substr(0, line.size() - tail.size()),
            R"({"sequence":1,"at":"1970-01-01T00:16:41.007Z","kind":"called","hub":"devhub",)"
            R"("rollout":"04t000000000001/1","decision":7,"actor":"O\"Neil\nä","details":{"n":1},)"
            R"("previous_hash":"0000000000000000000000000000000000000000000000000000000000000000")");
}

TEST(AuditChain, HashesEveryField) {
  const audit_row original = sample_chain(1).front();
  using change = std::pair<const char*, std::function<void(audit_row&)>>;
  const std::vector<change> changes{{"sequence", [](audit_row& row) { row.sequence = 2; }},
                                    {"at", [](audit_row& row) { row.at += std::chrono::milliseconds(1); }},
                                    {"kind", [](audit_row& row) { row.kind = "settled"; }},
                                    {"hub", [](audit_row& row) { row.hub += " "; }},
                                    {"rollout", [](audit_row& row) { row.rollout = ""; }},
                                    {"decision", [](audit_row& row) { row.decision.reset(); }},
                                    {"actor", [](audit_row& row) { row.actor = "pushguard"; }},
                                    {"details", [](audit_row& row) { row.details = "{}"; }},
                                    {"previous_hash", [](audit_row& row) { row.previous_hash[63] = '1'; }},
                                    // What moves from one field to the next is told apart.
                                    {"a boundary", [](audit_row& row) {
                                       row.hub = R"(devhub","rollout":"04t000000000001/1)";
                                       row.rollout = "";
                                     }}};
  for (const auto& [what, make] : changes) {
    audit_row changed = original;
    make(changed);
    EXPECT_NE(audit_hash(changed), original.hash) << what;
  }
}

TEST(AuditChain, OfEveryLengthIsIntact) {
  for (const int length : {0, 1, 2, 50}) {
    const auto rows = sample_chain(length);
    EXPECT_EQ(problem_of(rows), "");
    EXPECT_EQ(problem_of_lines(lines_of(rows)), "");
  }
}

TEST(AuditChain, ThatWasTamperedWithTellsTheFirstBrokenEntry) {
  using rows = std::vector<audit_row>;
  struct tampering {
    const char* what;
    std::function<void(rows&)> make;
    const char* problem;
  };
  const std::vector<tampering> table{
      {"an altered field", [](rows& all) { all[2].actor = "nobody"; },
       "entry 3 was altered: its hash is not that of its content"},
      {"an altered instant", [](rows& all) { all[0].at += std::chrono::hours(1); },
       "entry 1 was altered: its hash is not that of its content"},
      {"an altered hash", [](rows& all) { all[4].hash[0] = all[4].hash[0] == 'a' ? 'b' : 'a'; },
       "entry 5 was altered: its hash is not that of its content"},
      {"an altered entry with a hash that fits",
       [](rows& all) {
         all[2].details = R"({"n":99})";
         seal(all[2], all[2].previous_hash);
       },
       "entry 4 does not follow entry 3: its previous hash is another"},
      {"a deleted row", [](rows& all) { all.erase(all.begin() + 1); },
       "entry 2 is missing: entry 3 comes in its place"},
      {"a deleted first row", [](rows& all) { all.erase(all.begin()); },
       "entry 1 is missing: entry 2 comes in its place"},
      {"a deleted row, and the rest renumbered",
       [](rows& all) {
         all.erase(all.begin() + 1);
         for (std::size_t i = 1; i < all.size(); ++i)
           all[i].sequence = static_cast<std::int64_t>(i) + 1;
       },
       "entry 2 was altered: its hash is not that of its content"},
      {"a first row that continues another chain", [](rows& all) { seal(all[0], std::string(64, 'a')); },
       "entry 1 was altered: it names an entry before it"},
      {"swapped rows", [](rows& all) { std::swap(all[1], all[2]); },
       "entry 2 is missing: entry 3 comes in its place"},
      {"swapped rows that keep their places",
       [](rows& all) {
         std::swap(all[1], all[2]);
         std::swap(all[1].sequence, all[2].sequence);
       },
       "entry 2 was altered: its hash is not that of its content"},
      {"an inserted row",
       [](rows& all) {
         audit_row more = all[1];
         more.sequence = 3;
         seal(more, all[1].hash);
         all.insert(all.begin() + 2, more);
       },
       "entry 3 is out of place: entry 4 was expected"},
      {"a row put in twice", [](rows& all) { all.insert(all.begin() + 2, all[1]); },
       "entry 2 is out of place: entry 3 was expected"},
  };
  for (const tampering& one : table) {
    auto chain = sample_chain(5);
    one.make(chain);
    EXPECT_EQ(problem_of(chain), one.problem) << one.what;
    EXPECT_EQ(problem_of_lines(lines_of(chain)), one.problem) << one.what;
  }
}

TEST(AuditChain, ThatWasCutOffIsNoticedWithAnAnchorOnly) {
  auto chain = sample_chain(5);
  const std::string anchor = chain.back().hash;
  EXPECT_EQ(problem_of(chain, anchor), "");
  EXPECT_EQ(problem_of(sample_chain(9), anchor), "") << "the trail has grown since";
  chain.pop_back();
  EXPECT_EQ(problem_of(chain), "");
  EXPECT_EQ(
      problem_of(chain, anchor),
      fmt::format("no entry has the expected hash {}: the trail was cut off before it, or replaced", anchor));
  EXPECT_THAT(problem_of({}, anchor), StartsWith("no entry has the expected hash"));
}

TEST(AuditChain, ThatWasWrittenAnewIsNoticedWithAnAnchor) {
  const std::string anchor = sample_chain(5)[2].hash;
  auto forged = sample_chain(5);
  std::string previous(chain_start());
  for (audit_row& row : forged) {
    row.actor = "nobody";
    seal(row, previous);
    previous = row.hash;
  }
  EXPECT_EQ(problem_of(forged), "");
  EXPECT_THAT(problem_of(forged, anchor), StartsWith("no entry has the expected hash"));
}

TEST(AuditChain, TellsLinesThatAreNone) {
  const auto lines = lines_of(sample_chain(2));
  const std::string hash(64, 'a');
  for (const std::string& wrong :
       {std::string(), std::string("{}"), std::string("x"), lines[1] + " ", lines[1].substr(1),
        lines[1].substr(0, lines[1].size() - 1), R"({"hash":")" + hash + R"("})",
        R"({"sequence":2,"previous_hash":3,"hash":")" + hash + R"("})",
        R"({"sequence":"2","previous_hash":"","hash":")" + hash + R"("})",
        R"([1,"hash":")" + hash + R"("})"}) {
    EXPECT_EQ(problem_of_lines({lines[0], wrong}), "entry 2 is not readable as a line of the audit trail")
        << wrong;
  }
}

TEST(AuditChain, NoticesEachByteThatIsChangedInALine) {
  const auto lines = lines_of(sample_chain(2));
  for (std::size_t at = 0; at < lines[0].size(); ++at) {
    auto changed = lines;
    changed[0][at] = static_cast<char>(changed[0][at] ^ 1);
    EXPECT_NE(problem_of_lines(changed), "") << changed[0];
  }
}

}  // namespace
}  // namespace pushguard::store::test
