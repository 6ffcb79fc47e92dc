#include "agent/store/sqlite_database.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::store::test {
namespace {

template <class Record>
batch only(Record record, std::vector<Record> batch::* part) {
  batch changes;
  (changes.*part).push_back(std::move(record));
  return changes;
}

void expect_same(const decision_record& got, const decision_record& wanted) {
  EXPECT_EQ(got.id, wanted.id);
  EXPECT_EQ(got.key, wanted.key);
  EXPECT_EQ(got.decided_at, wanted.decided_at);
  EXPECT_EQ(got.actor, wanted.actor);
  EXPECT_EQ(got.reason, wanted.reason);
  EXPECT_EQ(got.failed, wanted.failed);
  EXPECT_EQ(got.started, wanted.started);
  EXPECT_EQ(got.excluded, wanted.excluded);
  EXPECT_EQ(got.in_flight, wanted.in_flight);
  EXPECT_EQ(got.observed_ratio, wanted.observed_ratio);
  EXPECT_EQ(got.lower_bound_ratio, wanted.lower_bound_ratio);
  EXPECT_EQ(got.threshold_ratio, wanted.threshold_ratio);
  EXPECT_EQ(got.configuration_hash, wanted.configuration_hash);
  EXPECT_EQ(got.agent_version, wanted.agent_version);
  EXPECT_EQ(got.outcome, wanted.outcome);
  EXPECT_EQ(got.ended_at, wanted.ended_at);
  ASSERT_EQ(got.signatures.size(), wanted.signatures.size());
  for (std::size_t i = 0; i < wanted.signatures.size(); ++i) {
    EXPECT_EQ(got.signatures[i].text, wanted.signatures[i].text);
    EXPECT_EQ(got.signatures[i].orgs, wanted.signatures[i].orgs);
    EXPECT_EQ(got.signatures[i].sample_orgs, wanted.signatures[i].sample_orgs);
  }
  ASSERT_EQ(got.plan.size(), wanted.plan.size());
  for (std::size_t i = 0; i < wanted.plan.size(); ++i) {
    EXPECT_EQ(got.plan[i].request, wanted.plan[i].request);
    EXPECT_EQ(got.plan[i].status_at_decision, wanted.plan[i].status_at_decision);
    EXPECT_EQ(got.plan[i].action, wanted.plan[i].action);
    EXPECT_EQ(got.plan[i].step, wanted.plan[i].step);
    EXPECT_EQ(got.plan[i].outcome, wanted.plan[i].outcome);
    EXPECT_EQ(got.plan[i].salesforce_code, wanted.plan[i].salesforce_code);
    EXPECT_EQ(got.plan[i].salesforce_message, wanted.plan[i].salesforce_message);
    EXPECT_EQ(got.plan[i].updated_at, wanted.plan[i].updated_at);
  }
}

TEST(SqliteDatabase, StartsEmpty) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  const auto state = must(database.load());
  EXPECT_TRUE(state.watched.empty());
  EXPECT_TRUE(state.decisions.empty());
  EXPECT_EQ(state.next_decision_id, 1);
  EXPECT_EQ(state.newest_notification, 0);
  EXPECT_TRUE(must(database.decisions({})).empty());
}

TEST(SqliteDatabase, IsReadableByItsOwnerOnly) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  must(database.commit(only(sample_decision(1), &batch::decisions)));
  const auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    const auto file = scratch.database().string() + suffix;
    EXPECT_EQ(std::filesystem::status(file).permissions() & others, std::filesystem::perms::none) << file;
  }
}

TEST(SqliteDatabase, GivesADecisionBackAfterReopening) {
  const scratch_directory scratch;
  const auto wanted = sample_decision(7);
  EXPECT_TRUE(must(open(scratch.database()).commit(only(wanted, &batch::decisions))).is_applied());
  auto database = open(scratch.database());
  const auto state = must(database.load());
  ASSERT_EQ(state.decisions.size(), 1U);
  expect_same(state.decisions.front(), wanted);
  EXPECT_EQ(state.next_decision_id, 8);
}

TEST(SqliteDatabase, KeepsTheFormOfIdsAndMeetsTheOther) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  auto record = sample_decision(1);
  record.key.rollout.version = must(domain::version_id::parse(record.key.rollout.version.long_text()));
  must(database.commit(only(record, &batch::decisions)));
  const auto found = must(database.decisions({.rollout = rollout()}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().key.rollout.version.text().size(), 18U);
  EXPECT_FALSE(must(database.commit(only(sample_decision(2), &batch::decisions))).is_applied());
}

TEST(SqliteDatabase, RecordsADecisionOnceEvenAcrossReopening) {
  const scratch_directory scratch;
  must(open(scratch.database()).commit(only(sample_decision(1), &batch::decisions)));
  auto database = open(scratch.database());
  batch again;
  again.decisions = {sample_decision(2, "another"), sample_decision(3)};
  again.watched = {sample_watched()};
  const auto outcome = must(database.commit(again));
  EXPECT_FALSE(outcome.is_applied());
  EXPECT_EQ(outcome.already_recorded, std::vector{sample_decision(3).key});
  const auto state = must(database.load());
  EXPECT_EQ(state.decisions.size(), 1U) << "nothing of the batch is written";
  EXPECT_TRUE(state.watched.empty());
}

TEST(SqliteDatabase, TellsKeysApartByEachOfTheirParts) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  std::vector<decision_key> keys(8, sample_decision(1).key);
  keys[1].rollout.hub = "other";
  keys[2].rollout.version = must(domain::version_id::parse("04t00000000000B"));
  keys[3].rollout.number = 2;
  keys[4].epoch = 3;
  keys[5].mode = decision_mode::dry_run;
  keys[6].policy = "PRODUCTION";
  keys[7].rule = "budget";
  std::int64_t id = 0;
  for (const decision_key& key : keys) {
    auto record = sample_decision(++id);
    record.key = key;
    EXPECT_TRUE(must(database.commit(only(record, &batch::decisions))).is_applied()) << id;
  }
}

TEST(SqliteDatabase, UpdatesAPlanAndEndsTheDecision) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  auto wanted = sample_decision(1);
  must(database.commit(only(wanted, &batch::decisions)));

  wanted.plan[1].step = plan_step::settled;
  wanted.plan[1].outcome = request_outcome::canceled;
  wanted.plan[1].updated_at = at_second(1002);
  wanted.plan.push_back({request(3), domain::push_status::created, plan_action::cancel, plan_step::asked,
                         std::nullopt, "", "", at_second(1003)});
  auto told = wanted.plan[1];
  told.status_at_decision = domain::push_status::canceled;
  decision_update update{1, {told, wanted.plan[2]}, std::nullopt, std::nullopt};
  must(database.commit(only(update, &batch::decision_updates)));
  expect_same(must(database.load()).decisions.front(), wanted);

  wanted.outcome = containment_outcome::partial;
  wanted.ended_at = at_second(1004);
  must(database.commit(
      only(decision_update{1, {}, wanted.outcome, wanted.ended_at}, &batch::decision_updates)));
  expect_same(must(database.decisions({})).front(), wanted);
  EXPECT_TRUE(must(database.load()).decisions.empty()) << "ended, and its rollout is not watched";
  must(database.commit(only(sample_watched(), &batch::watched)));
  EXPECT_EQ(must(database.load()).decisions.size(), 1U) << "its rollout is watched";
}

TEST(SqliteDatabase, KeepsWhatHappenedAfterADryRun) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  must(database.commit(only(sample_decision(1), &batch::decisions)));
  EXPECT_EQ(must(database.decisions({})).front().since, std::nullopt);
  decision_aftermath since{
      .counted_at = at_second(1), .orgs = 540, .started = 10, .succeeded = 4, .failed = 3};
  for (const bool is_final : {false, true}) {
    since.is_final = is_final;
    must(database.commit(
        only(decision_update{.id = 1, .plan = {}, .outcome = {}, .ended_at = {}, .since = since},
             &batch::decision_updates)));
    EXPECT_EQ(must(database.decisions({})).front().since, since);
  }
  must(database.commit(only(decision_update{1, {}, {}, {}}, &batch::decision_updates)));
  EXPECT_EQ(must(database.decisions({})).front().since, since) << "an update about something else leaves it";
  decision_record recorded_late = sample_decision(2, "other");
  recorded_late.since = since;
  must(database.commit(only(recorded_late, &batch::decisions)));
  EXPECT_EQ(must(database.decisions({})).front().since, since);
}

TEST(SqliteDatabase, RefusesToUpdateADecisionThatIsNotThere) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  auto update = only(decision_update{5, {}, {}, {}}, &batch::decision_updates);
  update.watched = {sample_watched()};
  const auto updated = database.commit(update);
  ASSERT_FALSE(updated);
  EXPECT_TRUE(updated.error().is(errc::not_found));
  EXPECT_TRUE(must(database.load()).watched.empty());
  const auto spared = database.commit(only(spared_orgs{5, {org(1)}}, &batch::spared));
  ASSERT_FALSE(spared);
  EXPECT_TRUE(spared.error().is(errc::not_found));
}

TEST(SqliteDatabase, RefusesAnIdThatIsTaken) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  must(database.commit(only(sample_decision(1), &batch::decisions)));
  const auto taken = database.commit(only(sample_decision(1, "another"), &batch::decisions));
  ASSERT_FALSE(taken);
  EXPECT_TRUE(taken.error().is(errc::conflict));
}

TEST(SqliteDatabase, CountsAHundredThousandSparedOrgsOnce) {
  constexpr int count = 100'000;
  const scratch_directory scratch;
  auto database = open(scratch.database());
  batch changes = only(sample_decision(1), &batch::decisions);
  changes.decisions.push_back(sample_decision(2, "another"));
  changes.spared.resize(1);
  changes.spared[0].decision = 1;
  for (int i = count; i > 0; --i)
    changes.spared[0].orgs.push_back(org(i));
  must(database.commit(changes));
  must(database.commit(only(spared_orgs{1, {org(1), org(count + 1)}}, &batch::spared)));
  must(database.commit(only(spared_orgs{2, {org(1)}}, &batch::spared)));

  const auto decisions = must(database.decisions({}));
  EXPECT_EQ(decisions[1].spared_orgs, count + 1);
  EXPECT_EQ(decisions[0].spared_orgs, 1);
  const auto orgs = must(database.spared_orgs_of(rollout()));
  ASSERT_EQ(orgs.size(), static_cast<std::size_t>(count + 1));
  EXPECT_EQ(orgs.front(), org(1));
  EXPECT_EQ(orgs.back(), org(count + 1));
  EXPECT_TRUE(must(database.spared_orgs_of(rollout(2))).empty());
}

TEST(SqliteDatabase, TellsOrgsApartThatDifferByCaseOnly) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  const auto lower = must(domain::org_key::parse("00D00000000abcd"));
  const auto upper = must(domain::org_key::parse("00D00000000ABCD"));
  auto changes = only(sample_decision(1), &batch::decisions);
  changes.spared = {{1, {lower, upper}}};
  must(database.commit(changes));
  EXPECT_EQ(must(database.spared_orgs_of(rollout())), (std::vector{upper, lower}));
}

TEST(SqliteDatabase, PagesDecisionsNewestFirst) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  for (int id = 1; id <= 5; ++id)
    must(database.commit(only(sample_decision(id, fmt::format("rule-{}", id)), &batch::decisions)));
  const auto ids = [&](const decision_query& query) {
    std::vector<std::int64_t> found;
    for (const auto& record : must(database.decisions(query)))
      found.push_back(record.id);
    return found;
  };
  EXPECT_EQ(ids({}), (std::vector<std::int64_t>{5, 4, 3, 2, 1}));
  EXPECT_EQ(ids({.limit = 2}), (std::vector<std::int64_t>{5, 4}));
  EXPECT_EQ(ids({.before = 4, .limit = 2}), (std::vector<std::int64_t>{3, 2}));
  EXPECT_TRUE(ids({.rollout = rollout(2)}).empty());
  EXPECT_TRUE(ids({.limit = 0}).empty());
}

TEST(SqliteDatabase, ReplacesAWatchedRolloutAsAWhole) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  batch changes;
  changes.watched = {sample_watched(2), sample_watched(1)};
  must(database.commit(changes));
  EXPECT_EQ(must(database.load()).watched, (std::vector{sample_watched(1), sample_watched(2)}));

  auto changed = sample_watched(1);
  changed.requests.push_back(request(3));
  changed.rules.pop_back();
  changed.epoch_since.reset();
  must(database.commit(only(changed, &batch::watched)));
  EXPECT_EQ(must(database.load()).watched, (std::vector{changed, sample_watched(2)}));

  must(database.commit(only(rollout(1), &batch::unwatched)));
  EXPECT_EQ(must(database.load()).watched, std::vector{sample_watched(2)});
  must(database.commit(only(rollout(1), &batch::unwatched)));
}

TEST(SqliteDatabase, KeepsOneHoldForEachTargetAcrossReopening) {
  const scratch_directory scratch;
  const hold_record of_rollout{.target = {rollout(1), "", ""},
                               .actor = "alice",
                               .reason = "it's the customer's \n proxy",
                               .since = at_second(1),
                               .until = at_second(90)};
  hold_record of_rule{.target = {std::nullopt, "production", "failure-rate"},
                      .actor = "bob",
                      .reason = "known",
                      .since = at_second(2),
                      .until = at_second(80)};
  hold_record of_another = of_rule;
  of_another.target.rule = "budget";
  hold_record of_second = of_rollout;
  of_second.target.rollout = rollout(2);
  {
    auto database = open(scratch.database());
    batch changes;
    changes.holds = {of_rollout, of_rule, of_another, of_second};
    must(database.commit(changes));
    of_rule.until = at_second(100);
    of_rule.actor = "carol";
    must(database.commit(only(of_rule, &batch::holds)));
    batch released;
    released.released = {of_another.target, of_second.target};
    must(database.commit(released));
  }
  auto database = open(scratch.database());
  EXPECT_EQ(must(database.load()).holds, (std::vector{of_rollout, of_rule}));
  batch nothing_there;
  nothing_there.released = {of_another.target};
  must(database.commit(nothing_there));
  EXPECT_EQ(must(database.load()).holds.size(), 2U);
}

TEST(SqliteDatabase, KeepsCheckpointsByHubAndChannel) {
  const scratch_directory scratch;
  const cometd::checkpoint first{"/event/A__e", "18446744073709551616", "uuid", "00D", at_second(1)};
  auto second = first;
  second.replay_id = "\"opaque\"";
  {
    auto database = open(scratch.database());
    batch changes;
    changes.checkpoints = {{"devhub", first}, {"other", first}};
    must(database.commit(changes));
    must(database.commit(only(hub_checkpoint{"devhub", second}, &batch::checkpoints)));
  }
  auto database = open(scratch.database());
  EXPECT_EQ(must(database.checkpoints_of("devhub")), std::vector{second});
  EXPECT_EQ(must(database.checkpoints_of("other")), std::vector{first});
  EXPECT_TRUE(must(database.checkpoints_of("unknown")).empty());
}

TEST(SqliteDatabase, KeepsAlertsUntilTheyAreForgotten) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  auto resolved = sample_alert("b");
  resolved.content.state = alerts::alert_state::resolved;
  resolved.content.resolved_at = at_second(100);
  batch changes;
  changes.alerts = {sample_alert("a"), sample_alert("b")};
  must(database.commit(changes));
  must(database.commit(only(resolved, &batch::alerts)));
  EXPECT_EQ(must(database.alert_records(at_second(100))), (std::vector{sample_alert("a"), resolved}));
  EXPECT_EQ(must(database.alert_records(at_second(101))), std::vector{sample_alert("a")});
  must(database.commit(only(std::string("a"), &batch::forgotten_alerts)));
  EXPECT_EQ(must(database.alert_records(at_second(0))), std::vector{resolved});
}

TEST(SqliteDatabase, KeepsNotificationsUntilTheyAreSettled) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  batch changes;
  for (const alerts::outbox_id id : {3, 1, 2})
    changes.notifications.push_back(sample_notification(id, "oncall"));
  changes.notifications.push_back(sample_notification(9, "chat"));
  must(database.commit(changes));
  EXPECT_EQ(must(database.load()).newest_notification, 9);

  auto page = must(database.notifications_for("oncall", 2));
  EXPECT_EQ(page.rows, (std::vector{sample_notification(1, "oncall"), sample_notification(2, "oncall")}));
  EXPECT_EQ(page.total, 3U);

  batch settled;
  settled.delivered.done = {{.id = 1, .end = alerts::outbox_end::sent},
                            {.id = 77, .end = alerts::outbox_end::sent}};
  settled.delivered.retried = {{2, 5, at_second(50)}, {77, 1, at_second(50)}};
  must(database.commit(settled));
  must(database.commit(settled));
  page = must(database.notifications_for("oncall", 10));
  auto retried = sample_notification(2, "oncall");
  retried.attempts = 5;
  retried.next_attempt_at = at_second(50);
  EXPECT_EQ(page.rows, (std::vector{retried, sample_notification(3, "oncall")}));
  EXPECT_EQ(must(database.notifications_for("chat", 10)).total, 1U);
}

TEST(SqliteDatabase, KeepsWhatAReceiverRefusedForGood) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  batch changes;
  for (const alerts::outbox_id id : {1, 2})
    changes.notifications.push_back(sample_notification(id, "oncall"));
  must(database.commit(changes));
  batch settled;
  settled.delivered.done = {{.id = 2,
                             .end = alerts::outbox_end::dropped,
                             .at = at_second(60),
                             .reason = "client_error",
                             .detail = "it answered 400"},
                            {.id = 77, .end = alerts::outbox_end::dropped}};
  must(database.commit(settled));
  must(database.commit(settled));
  EXPECT_EQ(must(database.notifications_for("oncall", 10)).total, 1U);
  EXPECT_EQ(must(database.load()).dead_letters,
            (std::vector{alerts::dead_letter{.row =
                                                 [] {
                                                   auto row = sample_notification(2, "oncall");
                                                   row.next_attempt_at = {};
                                                   return row;
                                                 }(),
                                             .dropped_at = at_second(60),
                                             .reason = "client_error",
                                             .detail = "it answered 400"}}));
  EXPECT_EQ(must(database.load()).newest_notification, 2) << "its id is not given again";
}

TEST(SqliteDatabase, KeepsTheNewestDeadLettersOnly) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  batch changes;
  for (std::size_t i = 1; i <= dead_letters_max + 5; ++i) {
    const auto id = static_cast<alerts::outbox_id>(i);
    changes.notifications.push_back(sample_notification(id, "oncall"));
    changes.delivered.done.push_back({.id = id,
                                      .end = alerts::outbox_end::dropped,
                                      .at = at_second(static_cast<int>(i)),
                                      .reason = "client_error",
                                      .detail = ""});
  }
  must(database.commit(changes));
  const auto letters = must(database.load()).dead_letters;
  ASSERT_EQ(letters.size(), dead_letters_max);
  EXPECT_EQ(letters.front().row.id, 6);
  EXPECT_EQ(letters.back().row.id, static_cast<alerts::outbox_id>(dead_letters_max + 5));
}

TEST(SqliteDatabase, KeepsAResolvedAlertForAsLongAsItIsMuted) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  alerts::alert_record record;
  record.content.id = "a";
  record.content.name = "Trouble";
  record.content.state = alerts::alert_state::resolved;
  record.content.resolved_at = at_second(10);
  record.muted = alerts::muting{.by = "mary", .reason = "", .since = at_second(5), .until = at_second(100)};
  must(database.commit(only(record, &batch::alerts)));
  EXPECT_EQ(must(database.alert_records(at_second(90))), std::vector{record});
  EXPECT_TRUE(must(database.alert_records(at_second(101))).empty());
}

TEST(SqliteDatabase, WritesTheGoodBatchesOfAGroup) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  std::vector<batch> group;
  group.push_back(only(sample_decision(1), &batch::decisions));
  group.push_back(only(sample_decision(2), &batch::decisions));
  group.push_back(only(decision_update{42, {}, {}, {}}, &batch::decision_updates));
  group.push_back(only(sample_decision(3, "another"), &batch::decisions));
  auto outcomes = database.commit_group(group);
  ASSERT_EQ(outcomes.size(), 4U);
  EXPECT_TRUE(must(outcomes[0]).is_applied());
  EXPECT_FALSE(must(outcomes[1]).is_applied());
  ASSERT_FALSE(outcomes[2]);
  EXPECT_TRUE(outcomes[2].error().is(errc::not_found));
  EXPECT_TRUE(must(outcomes[3]).is_applied());
  EXPECT_EQ(must(database.decisions({})).size(), 2U);
}

TEST(SqliteDatabase, LosesNoOtherBatchToOneThatTheDatabaseRefuses) {
  const scratch_directory scratch;
  auto database = open(scratch.database());
  std::vector<batch> group;
  group.push_back(only(sample_decision(1), &batch::decisions));
  group.push_back(only(sample_decision(1, "same id"), &batch::decisions));
  group.push_back(only(sample_decision(3, "another"), &batch::decisions));
  auto outcomes = database.commit_group(group);
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_TRUE(must(outcomes[0]).is_applied());
  ASSERT_FALSE(outcomes[1]);
  EXPECT_TRUE(outcomes[1].error().is(errc::conflict));
  EXPECT_TRUE(must(outcomes[2]).is_applied());
}

TEST(SqliteDatabase, HoldsItsLockAsLongAsItIsOpen) {
  const scratch_directory scratch;
  {
    const auto database = open(scratch.database());
    EXPECT_FALSE(try_lock(scratch.database()));
  }
  EXPECT_TRUE(try_lock(scratch.database()));
}

}  // namespace
}  // namespace pushguard::store::test
