// An agent that is killed in the middle of its commits leaves whole batches and every acknowledged one.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::store::test {
namespace {

constexpr int orgs_per_batch = 200;

batch numbered_batch(int n) {
  batch changes;
  changes.decisions.push_back(sample_decision(n, fmt::format("rule-{}", n)));
  changes.spared.push_back({n, {}});
  for (int i = 0; i < orgs_per_batch; ++i)
    changes.spared[0].orgs.push_back(org(i));
  changes.notifications.push_back(sample_notification(n, "oncall"));
  changes.audit = {sample_audit(n), sample_audit(n)};
  return changes;
}

/// Commits until killed, and writes one byte to `acknowledged` after each commit.
[[noreturn]] void commit_for_ever(const std::filesystem::path& path, int acknowledged) {
  auto database = open(path);
  int n = static_cast<int>(must(database.load()).next_decision_id);
  while (true) {
    if (!database.commit(numbered_batch(n++)))
      ::_exit(1);
    if (::write(acknowledged, "x", 1) != 1)
      ::_exit(1);
  }
}

/// Kills an agent as soon as it has acknowledged so many commits; answers how many it did in the end.
int acknowledged_before_death(const std::filesystem::path& path, int enough) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0)
    throw std::runtime_error("no pipe");
  const pid_t agent = ::fork();
  if (agent == 0)
    commit_for_ever(path, pipe[1]);
  ::close(pipe[1]);
  int acknowledged = 0;
  char byte = 0;
  while (acknowledged < enough && ::read(pipe[0], &byte, 1) == 1)
    ++acknowledged;
  ::kill(agent, SIGKILL);
  while (::read(pipe[0], &byte, 1) == 1)
    ++acknowledged;
  int status = 0;
  ::waitpid(agent, &status, 0);
  ::close(pipe[0]);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return acknowledged;
}

TEST(CrashedAgent, LeavesWholeBatchesAndEveryAcknowledgedOne) {
  const scratch_directory scratch;
  std::size_t acknowledged = 0;
  for (const int enough : {1, 2, 5, 9, 14}) {
    acknowledged += static_cast<std::size_t>(acknowledged_before_death(scratch.database(), enough));
    auto database = open(scratch.database());  // checks integrity, and takes the dead agent's lock
    const auto records = must(database.decisions({.limit = 1000}));
    // A batch may be durable though its acknowledgement was never written: one for each crash.
    EXPECT_GE(records.size(), acknowledged);
    acknowledged = records.size();
    for (const decision_record& record : records) {
      EXPECT_EQ(record.spared_orgs, orgs_per_batch) << record.id;
      EXPECT_EQ(record.plan.size(), 2U) << record.id;
      EXPECT_EQ(record.signatures.size(), 2U) << record.id;
    }
    EXPECT_EQ(must(database.notifications_for("oncall", 1)).total, records.size());
    const audit_state trail = must(database.load()).audit;
    EXPECT_EQ(trail.problem, "");
    EXPECT_EQ(trail.entries, static_cast<std::int64_t>(2 * records.size()));
  }
}

}  // namespace
}  // namespace pushguard::store::test
