#include "agent/hub_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/decision_making.hpp"

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const domain::rollout_id rollout{*domain::version_id::parse("04t000000000001"), 1};
const domain::request_id request = *domain::request_id::parse("0DV000000000001");
const wall_time now{std::chrono::hours(1000)};

store::decision_record decision(std::int64_t id, store::decision_key key) {
  store::decision_record made;
  made.id = id;
  made.key = std::move(key);
  return made;
}

TEST(HubMemory, GivesTheJudgeTheEpochAndSinceWhenItCounts) {
  hub_memory before("devhub");
  before.watch(rollout, std::array{request});
  EXPECT_THAT(before.for_judge().epochs,
              ElementsAre(policy::known_epoch{.rollout = rollout, .number = 1, .since = wall_time::min()}));
  before.open_epoch(rollout, now);
  store::loaded_state stored;
  stored.watched = before.take_changes();
  hub_memory after("devhub");
  after.restore(stored);
  EXPECT_THAT(after.for_judge().epochs,
              ElementsAre(policy::known_epoch{.rollout = rollout, .number = 2, .since = now}));
}

TEST(HubMemory, TakesAnAbortOfOneRequestForNoneOfTheRollout) {
  hub_memory memory("devhub");
  const store::rollout_key key = stored_rollout("devhub", rollout);
  memory.note(decision(1, manual_key(key, 1, request)));
  memory.note(decision(2, {key, 1, store::decision_mode::dry_run, "production", "rate"}));
  EXPECT_EQ(memory.abort_of(rollout, 1), nullptr);
  memory.note(decision(3, manual_key(key, 1, std::nullopt)));
  ASSERT_NE(memory.abort_of(rollout, 1), nullptr);
  EXPECT_EQ(memory.abort_of(rollout, 1)->id, 3);
  EXPECT_EQ(memory.abort_of(rollout, 2), nullptr) << "the next epoch begins without one";
  ASSERT_NE(memory.find(manual_key(key, 1, request)), nullptr);
  EXPECT_EQ(memory.find(manual_key(key, 1, request))->id, 1);
  EXPECT_EQ(memory.find(manual_key(key, 2, request)), nullptr);
}

TEST(HubMemory, TellsTheDecisionsOfARolloutOldestFirst) {
  const domain::rollout_id other{rollout.version, 2};
  hub_memory memory("devhub");
  store::loaded_state stored;
  stored.decisions = {decision(7, manual_key(stored_rollout("devhub", rollout), 2, std::nullopt)),
                      decision(3, manual_key(stored_rollout("devhub", rollout), 1, std::nullopt)),
                      decision(4, manual_key(stored_rollout("devhub", other), 1, std::nullopt)),
                      decision(5, manual_key(stored_rollout("elsewhere", rollout), 1, std::nullopt))};
  memory.restore(stored);
  const auto ids = [](const auto& decisions) {
    std::vector<std::int64_t> out;
    for (const store::decision_record* each : decisions)
      out.push_back(each->id);
    return out;
  };
  EXPECT_THAT(ids(memory.decisions_of(rollout)), ElementsAre(3, 7));
  EXPECT_THAT(ids(memory.decisions()), ElementsAre(3, 4, 7));
  const store::decision_record* third = memory.abort_of(rollout, 1);
  store::decision_record ended = *third;
  ended.reason = "later";
  memory.note(ended);
  memory.note(decision(1, manual_key(stored_rollout("devhub", other), 2, std::nullopt)));
  EXPECT_THAT(ids(memory.decisions_of(other)), ElementsAre(1, 4));
  EXPECT_THAT(ids(memory.decisions_of(rollout)), ElementsAre(3, 7))
      << "one that is noted again is not another";
  EXPECT_EQ(third->reason, "later") << "where it was";
  EXPECT_TRUE(memory.decisions_of({rollout.version, 3}).empty());
}

TEST(HubMemory, UndoesWhatCouldNotBeStored) {
  hub_memory memory("devhub");
  memory.watch(rollout, std::array{request});
  const auto before = memory.find(rollout);
  ASSERT_TRUE(before);
  memory.open_epoch(rollout, now);
  const auto changes = memory.take_changes();
  memory.replace(rollout, *before);
  memory.put_back(changes);
  EXPECT_THAT(memory.take_changes(), ElementsAre(*before));
}

}  // namespace
}  // namespace pushguard::agent
