// The audit trail of whole rollouts.

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <map>
#include <set>

#include "tests/support/simulated_agent.hpp"
#include "tests/support/told_trail.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using test::detail_of;
using test::make_lifelike_rollout;
using test::read_trail;
using test::simulated_agent;
using test::told_trail;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* acting_policy = R"(
  - name: production
    mode: enforce
    in_progress: try
    rules:
      - name: failure-rate
        failure_rate: { above: 5%, confidence: 99%, min_started: 10 }
        action: abort
on_store_failure: act)";

/// Once the decision is told, each request is called before it is settled, once; the end comes last.
void expect_valid_order(const told_trail& told, std::int64_t decision) {
  bool is_decided = false;
  bool has_ended = false;
  std::set<std::string> called;
  std::set<std::string> settled;
  for (const store::audit_row& row : told.rows) {
    if (row.decision != decision)
      continue;
    EXPECT_FALSE(has_ended) << row.kind << " after the end";
    EXPECT_EQ(is_decided, row.kind != "decided" && row.kind != "not_recorded") << row.kind;
    is_decided = is_decided || row.kind == "decided";
    has_ended = row.kind == "ended";
    const std::string request = detail_of(row, "request_id");
    if (row.kind == "called") {
      EXPECT_FALSE(settled.contains(request)) << request << " was called after it was settled";
      called.insert(request);
    }
    if (row.kind == "settled")
      EXPECT_TRUE(settled.insert(request).second) << request << " was settled twice";
  }
  EXPECT_TRUE(has_ended);
  EXPECT_TRUE(std::ranges::includes(settled, called));
}

TEST(AuditTrail, OfAnAbortedRolloutTellsEachStepInAValidOrder) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  const told_trail told = read_trail(world);
  EXPECT_EQ(told.problem, "");
  ASSERT_THAT(world.decisions(), SizeIs(1));
  const agent::decision_view decision = world.decisions().front();
  expect_valid_order(told, decision.id);
  ASSERT_GE(told.rows.size(), 4U);
  EXPECT_EQ(told.rows[0].kind, "agent_started");
  EXPECT_EQ(detail_of(told.rows[0], "version"), "1.2.3");
  EXPECT_EQ(told.rows[1].kind, "configuration_loaded");
  EXPECT_EQ(told.rows[2].kind, "decided");
  EXPECT_EQ(detail_of(told.rows[2], "reason"), decision.reason);
  EXPECT_EQ(detail_of(told.rows[2], "configuration_hash"), detail_of(told.rows[1], "configuration_hash"));
  EXPECT_EQ(told.count("called"), world.truth().cancel_attempts.size());
  EXPECT_EQ(told.count("ended"), 1U);
  EXPECT_EQ(detail_of(told.rows.back(), "outcome"), "confirmed");
}

TEST(AuditTrail, IsAnsweredByTheApiAlsoAfterARestart) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  const std::string before = world.get("/api/v1/decisions");
  const json::value answer = json::parse(before);
  const json::array& decisions = answer.at("decisions").as_array();
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].at("calls").as_array().size(), world.truth().cancel_attempts.size());
  EXPECT_EQ(decisions[0].at("calls").at(0).at("call"), "PATCH");
  EXPECT_EQ(decisions[0].at("outcome"), "confirmed");
  const std::string lines = world.get("/api/v1/audit?format=ndjson&limit=2000");
  world.stop();
  world.start();
  world.run_for(10s);
  EXPECT_EQ(world.get("/api/v1/decisions"), before);
  EXPECT_TRUE(world.get("/api/v1/audit?format=ndjson&limit=2000").starts_with(lines));
  const told_trail told = read_trail(world);
  EXPECT_EQ(told.problem, "");
  EXPECT_EQ(told.count("agent_started"), 2U);
}

TEST(AuditTrail, LosesNoStepWhileTheDiskIsFull) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.decisions().empty(); }));
  world.set_disk_full(true);
  world.run_for(2min);
  EXPECT_EQ(read_trail(world).kinds(),
            (std::vector<std::string>{"agent_started", "configuration_loaded", "decided"}));
  world.set_disk_full(false);
  ASSERT_TRUE(world.run_to_the_end());
  const told_trail told = read_trail(world);
  EXPECT_EQ(told.problem, "");
  expect_valid_order(told, world.decisions().front().id);
  EXPECT_EQ(told.count("called"), world.truth().cancel_attempts.size());
}

TEST(AuditTrail, TellsOnceThatADecisionCouldNotBeRecorded) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_until_armed());
  world.set_disk_full(true);
  ASSERT_TRUE(world.run_until([&] { return !world.log().lines_of("decision_not_recorded").empty(); }));
  world.run_for(2min);
  world.set_disk_full(false);
  ASSERT_TRUE(world.run_to_the_end());
  const told_trail told = read_trail(world);
  EXPECT_EQ(told.problem, "");
  EXPECT_EQ(told.count("not_recorded"), 1U);
  EXPECT_EQ(told.rows[2].kind, "not_recorded");
  EXPECT_THAT(detail_of(told.rows[2], "failure"), HasSubstr("the disk is full"));
  expect_valid_order(told, world.decisions().front().id);
}

TEST(AuditTrail, AndTheDecisionAreRecordedLateWhereItWasActedOnAFullDisk) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.use_policies(acting_policy);
  world.start();
  ASSERT_TRUE(world.run_until_armed());
  world.set_disk_full(true);
  ASSERT_TRUE(world.run_until([&] { return !world.truth().cancel_attempts.empty(); })) << "it acts at once";
  world.run_for(2min);
  EXPECT_EQ(read_trail(world).count("decided"), 0U);
  world.set_disk_full(false);
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_THAT(world.log().lines_of("decision_recorded_late"), SizeIs(1));
  const told_trail told = read_trail(world);
  EXPECT_EQ(told.problem, "");
  EXPECT_EQ(told.count("not_recorded"), 1U);
  expect_valid_order(told, world.decisions().front().id);
  EXPECT_EQ(told.count("called"), world.truth().cancel_attempts.size());

  world.stop();
  world.start();
  world.run_for(10s);
  const json::value answer = json::parse(world.get("/api/v1/decisions"));
  ASSERT_EQ(answer.at("decisions").as_array().size(), 1U);
  EXPECT_EQ(answer.at("decisions").at(0).at("outcome"), "confirmed");
  EXPECT_EQ(answer.at("decisions").at(0).at("spared_orgs").to_number<std::size_t>(),
            world.truth().spared_orgs.size());
}

TEST(AuditTrail, ThatIsBrokenIsToldLoudlyAndStopsNothing) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_until([&] { return !world.log().lines_of("api_version_chosen").empty(); }));
  EXPECT_THAT(world.log().lines_of("audit_chain_checked"), SizeIs(1));
  world.stop();
  {
    SQLite::Database database((world.directory() / "state.db").string(), SQLite::OPEN_READWRITE);
    database.exec("DROP TRIGGER audit_is_not_updated");
    database.exec("UPDATE audit SET actor = 'nobody' WHERE sequence = 2");
  }
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_THAT(world.log().lines_of("audit_chain_broken"),
              ElementsAre(HasSubstr("entry 2 was altered: its hash is not that of its content")));
  EXPECT_THAT(world.alerts(), Contains(Field(&test::told_alert::name, "PushguardAuditTrailBroken")));
  ASSERT_THAT(world.decisions(), SizeIs(1));
  EXPECT_EQ(world.decisions().front().outcome, "confirmed") << "rollouts are watched and stopped as before";
  EXPECT_EQ(read_trail(world).count("ended"), 1U) << "and the trail goes on";
}

TEST(AuditTrail, ThatIsIntactRaisesNoAlert) {
  simulated_agent world(make_lifelike_rollout(0.25));
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_THAT(world.alerts(), Not(Contains(Field(&test::told_alert::name, "PushguardAuditTrailBroken"))));
  EXPECT_THAT(world.log().lines_of("audit_chain_broken"), IsEmpty());
}

}  // namespace
}  // namespace pushguard
