#include "alerts/lane_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::alerts {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using kind = notification_kind;

constexpr steady_time zero{};
constexpr wall_time wall_zero{std::chrono::hours(24 * 365 * 55)};

instant at(duration since) {
  return {wall_zero + since, zero + since};
}

outbox_row make_row(outbox_id id, std::string alert_id, kind why = kind::fired) {
  outbox_row out;
  out.id = id;
  out.kind = why;
  out.content.id = std::move(alert_id);
  out.created_at = wall_zero + std::chrono::milliseconds(id);
  return out;
}

alert make_alert(std::string id) {
  alert out;
  out.id = std::move(id);
  return out;
}

alert make_resolved(std::string id, wall_time when) {
  alert out = make_alert(std::move(id));
  out.state = alert_state::resolved;
  out.resolved_at = when;
  return out;
}

outbox_id next_id(lane_queue& queue, duration now) {
  const auto work = queue.next(at(now));
  return work ? work->row->id : -1;
}

const resend_policy resends{.interval = 1min, .resolved_for = 5min};

std::vector<outbox_id> ids(const std::vector<outbox_row>& rows) {
  std::vector<outbox_id> out;
  for (const outbox_row& row : rows)
    out.push_back(row.id);
  return out;
}

TEST(LaneQueue, OffersWhatIsDueFirst) {
  lane_queue queue(superseding::updates, {});
  EXPECT_THAT(ids(queue.insert(make_row(1, "a"), zero + 5s)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(2, "b"), zero + 3s)), IsEmpty());
  const auto work = queue.next(at(0s));
  ASSERT_TRUE(work.has_value());
  EXPECT_EQ(work->row->id, 2);
  EXPECT_EQ(work->due, zero + 3s);
  EXPECT_FALSE(work->is_resend);
}

TEST(LaneQueue, OffersTheOlderOfTwoThatAreDueTogether) {
  lane_queue queue(superseding::updates, {});
  EXPECT_THAT(ids(queue.insert(make_row(2, "b"), zero)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(1, "a"), zero)), IsEmpty());
  EXPECT_EQ(next_id(queue, 0s), 1);
}

TEST(LaneQueue, KeepsTheOrderOfOneAlertWhateverIsDue) {
  lane_queue queue(superseding::updates, {});
  EXPECT_THAT(ids(queue.insert(make_row(1, "a", kind::fired), zero + 1h)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(2, "a", kind::resolved), zero)), IsEmpty());
  EXPECT_EQ(next_id(queue, 0s), 1);
  queue.finish(1);
  EXPECT_EQ(next_id(queue, 0s), 2);
  queue.finish(2);
  EXPECT_FALSE(queue.next(at(0s)));
}

TEST(LaneQueue, LetsOtherAlertsPassOneThatIsPutOff) {
  lane_queue queue(superseding::updates, {});
  EXPECT_THAT(ids(queue.insert(make_row(1, "a"), zero)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(2, "b"), zero)), IsEmpty());
  queue.begin(1);
  EXPECT_THAT(ids(queue.postpone(1, zero + 10s, wall_zero + 10s)), IsEmpty());
  EXPECT_EQ(next_id(queue, 0s), 2);
  queue.finish(2);
  const auto work = queue.next(at(0s));
  ASSERT_TRUE(work.has_value());
  EXPECT_EQ(work->row->attempts, 1U);
  EXPECT_EQ(work->row->next_attempt_at, wall_zero + 10s);
  EXPECT_EQ(work->due, zero + 10s);
}

TEST(LaneQueue, LetsTheLatestStandForAllWhereOnlyStateCounts) {
  lane_queue queue(superseding::any, {});
  EXPECT_THAT(ids(queue.insert(make_row(1, "a", kind::fired), zero)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(2, "b", kind::fired), zero)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(3, "a", kind::updated), zero)), ElementsAre(1));
  EXPECT_THAT(ids(queue.insert(make_row(4, "a", kind::resolved), zero)), ElementsAre(3));
  EXPECT_EQ(queue.size(), 2U);
}

TEST(LaneQueue, KeepsBeginningAndEndWherePeopleRead) {
  lane_queue queue(superseding::updates, {});
  EXPECT_THAT(ids(queue.insert(make_row(1, "a", kind::fired), zero)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(2, "a", kind::updated), zero)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(3, "a", kind::repeated), zero)), ElementsAre(2));
  EXPECT_THAT(ids(queue.insert(make_row(4, "a", kind::resolved), zero)), ElementsAre(3));
  EXPECT_THAT(ids(queue.insert(make_row(5, "a", kind::fired), zero)), IsEmpty());
  EXPECT_EQ(queue.size(), 3U);
}

TEST(LaneQueue, SupersedesAnOlderRowThatComesLater) {
  lane_queue queue(superseding::any, {});
  EXPECT_THAT(ids(queue.insert(make_row(2, "a"), zero)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(1, "a"), zero)), ElementsAre(1));
  EXPECT_TRUE(queue.holds(2));
  EXPECT_FALSE(queue.holds(1));
}

TEST(LaneQueue, DoesNotSupersedeWhatIsUnderWay) {
  lane_queue queue(superseding::any, {});
  EXPECT_THAT(ids(queue.insert(make_row(1, "a"), zero)), IsEmpty());
  queue.begin(1);
  EXPECT_THAT(ids(queue.insert(make_row(2, "a"), zero)), IsEmpty());
  EXPECT_TRUE(queue.holds(1));
  EXPECT_THAT(ids(queue.postpone(1, zero + 1h, wall_zero)), ElementsAre(1))
      << "it failed, and the newer one goes";
  EXPECT_EQ(next_id(queue, 0s), 2);
}

TEST(LaneQueue, KeepsARowThatIsHandedInTwice) {
  lane_queue queue(superseding::any, {});
  EXPECT_THAT(ids(queue.insert(make_row(1, "a"), zero + 5s)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(1, "a"), zero)), IsEmpty());
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.next(at(0s))->due, zero + 5s);
}

TEST(LaneQueue, KnowsWhenItsOldestRowWasMade) {
  lane_queue queue(superseding::updates, {});
  EXPECT_FALSE(queue.oldest());
  EXPECT_THAT(ids(queue.insert(make_row(7, "a"), zero)), IsEmpty());
  EXPECT_THAT(ids(queue.insert(make_row(5, "b"), zero)), IsEmpty());
  EXPECT_EQ(queue.oldest(), wall_zero + 5ms);
}

TEST(LaneQueueResends, ComeAtTheInterval) {
  lane_queue queue(superseding::any, resends);
  queue.remember(make_alert("a"), zero);
  const auto work = queue.next(at(0s));
  ASSERT_TRUE(work.has_value());
  EXPECT_TRUE(work->is_resend);
  EXPECT_EQ(work->due, zero + 1min);
  EXPECT_EQ(work->row->kind, kind::repeated);
  EXPECT_EQ(work->row->content.id, "a");
}

TEST(LaneQueueResends, AreNotKeptWithoutAPolicy) {
  lane_queue queue(superseding::any, {});
  queue.remember(make_alert("a"), zero);
  queue.recall(make_alert("b"), zero);
  EXPECT_FALSE(queue.next(at(1h)));
}

TEST(LaneQueueResends, OfAResolvedAlertEnd) {
  lane_queue queue(superseding::any, resends);
  queue.remember(make_resolved("a", wall_zero), zero);
  ASSERT_TRUE(queue.next(at(5min)));
  EXPECT_EQ(queue.next(at(5min))->row->kind, kind::resolved);
  EXPECT_FALSE(queue.next(at(5min + 1ms)));
}

TEST(LaneQueueResends, YieldToARowOfTheSameAlert) {
  lane_queue queue(superseding::any, resends);
  queue.remember(make_alert("a"), zero);
  EXPECT_THAT(ids(queue.insert(make_row(1, "a", kind::resolved), zero + 1h)), IsEmpty());
  EXPECT_EQ(next_id(queue, 30min), 1);
}

TEST(LaneQueueResends, LetNewsGoFirstButNotForLong) {
  lane_queue queue(superseding::any, resends);
  queue.remember(make_alert("a"), zero - 1min);
  EXPECT_THAT(ids(queue.insert(make_row(1, "b"), zero + 29s)), IsEmpty());
  EXPECT_EQ(next_id(queue, 29s), 1);
  queue.finish(1);
  EXPECT_THAT(ids(queue.insert(make_row(2, "b"), zero + 31s)), IsEmpty());
  const auto work = queue.next(at(31s));
  ASSERT_TRUE(work.has_value());
  EXPECT_TRUE(work->is_resend);
}

TEST(LaneQueueResends, RecallOnlyWhatIsNotKnownBetter) {
  lane_queue queue(superseding::any, resends);
  queue.remember(make_resolved("a", wall_zero), zero);
  queue.recall(make_alert("a"), zero);
  queue.recall(make_alert("b"), zero);
  const auto work = queue.next(at(0s));
  ASSERT_TRUE(work.has_value());
  EXPECT_EQ(work->row->content.id, "b");
  EXPECT_EQ(work->due, zero);
  queue.forget("b");
  queue.forget("never known");
  EXPECT_EQ(queue.next(at(0s))->row->kind, kind::resolved);
}

TEST(LaneQueueResends, CanBePutOff) {
  lane_queue queue(superseding::any, resends);
  queue.recall(make_alert("a"), zero);
  queue.recall(make_alert("b"), zero);
  queue.postpone_resend("a", zero + 10s);
  EXPECT_EQ(queue.next(at(0s))->row->content.id, "b");
}

TEST(LaneQueue, SupersedesNoTurnOfAChange) {
  lane_queue queue(superseding::any, std::nullopt);
  for (const outbox_id id : {1, 2, 3}) {
    outbox_row turn = make_row(id, "a", kind::updated);
    turn.content.kind = alert_kind::change;
    EXPECT_THAT(ids(queue.insert(std::move(turn), zero)), IsEmpty());
  }
  EXPECT_EQ(queue.size(), 3U);
}

TEST(LaneQueue, GathersWhatIsDueOfOneGroupAndTheOldestOfEachAlert) {
  lane_queue queue(superseding::updates, std::nullopt);
  const auto add = [&](outbox_id id, const std::string& alert_id, const std::string& group, duration due) {
    outbox_row row = make_row(id, alert_id, kind::fired);
    row.content.labels = {{"group", group}};
    EXPECT_THAT(ids(queue.insert(row, zero + due)), IsEmpty());
    return row;
  };
  const outbox_row first = add(1, "a", "x", 0s);
  add(2, "b", "x", 0s);
  add(3, "c", "y", 0s);
  add(4, "b", "x", 0s);   // after the second
  add(5, "d", "x", 10s);  // later
  add(6, "e", "x", 0s);
  add(7, "f", "", 0s);
  const auto group_of = [](const alert& content) { return content.labels.at("group"); };
  EXPECT_THAT(ids(queue.gather(first, group_of, {}, zero, 10)), ElementsAre(1, 2, 6));
  EXPECT_THAT(ids(queue.gather(first, group_of, {}, zero, 2)), ElementsAre(1, 2));
  EXPECT_THAT(ids(queue.gather(first, group_of, {2}, zero, 10)), ElementsAre(1, 6));
  EXPECT_THAT(ids(queue.gather(first, group_of, {1}, zero, 10)), ElementsAre(1)) << "it goes alone";
  const auto no_group = [](const alert&) { return std::string(); };
  EXPECT_THAT(ids(queue.gather(first, no_group, {}, zero, 10)), ElementsAre(1));
}

}  // namespace
}  // namespace pushguard::alerts
