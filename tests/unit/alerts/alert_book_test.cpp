#include "alerts/alert_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alerts/outbox_store.hpp"

namespace pushguard::alerts {

void PrintTo(const notice& what, std::ostream* out) {
  *out << what.receiver << " " << to_string(what.kind);
}

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using kind = notification_kind;

const std::vector<route> routes = {
    {.severities = {alert_severity::critical}, .receivers = {"pager"}},
    {.severities = {}, .receivers = {"chat"}},
};
constexpr wall_time start{std::chrono::hours(24 * 365 * 55)};

alert make_alert(std::string id, std::string summary = "it broke") {
  alert out;
  out.id = std::move(id);
  out.name = "Trouble";
  out.summary = std::move(summary);
  return out;
}

alert make_critical(std::string id) {
  alert out = make_alert(std::move(id));
  out.severity = alert_severity::critical;
  return out;
}

class AlertBook : public testing::Test {
 protected:
  alert_book book_{routes, {.repeat_interval = 4h, .resolved_kept = 15min}};
};

TEST_F(AlertBook, TellsOfANewAlertOnce) {
  const auto first = book_.raise(make_alert("a"), start);
  ASSERT_TRUE(first.has_value());
  EXPECT_THAT(first->notices, ElementsAre(notice{"chat", kind::fired}));
  EXPECT_EQ(first->record.content.state, alert_state::firing);
  EXPECT_EQ(first->record.content.starts_at, start);
  EXPECT_EQ(first->record.content.updated_at, start);
  EXPECT_EQ(first->record.notified_at, start);
  EXPECT_THAT(first->record.receivers, ElementsAre("chat"));
  EXPECT_FALSE(book_.raise(make_alert("a"), start + 1h).has_value());
  EXPECT_TRUE(book_.is_firing("a"));
}

TEST_F(AlertBook, RepeatsAnUnchangedAlertAtTheIntervalAndNotBefore) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  EXPECT_FALSE(book_.raise(make_alert("a"), start + 4h - 1ms));
  const auto again = book_.raise(make_alert("a"), start + 4h);
  ASSERT_TRUE(again.has_value());
  EXPECT_THAT(again->notices, ElementsAre(notice{"chat", kind::repeated}));
  EXPECT_EQ(again->record.content.starts_at, start);
  EXPECT_FALSE(book_.raise(make_alert("a"), start + 8h - 1ms)) << "the interval counts from the repeat";
}

TEST_F(AlertBook, RepeatsByItselfWhenAsked) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  ASSERT_TRUE(book_.raise(make_alert("b"), start + 1h));
  EXPECT_EQ(book_.next_repeat(), start + 4h);
  EXPECT_THAT(book_.repeats_due(start + 4h - 1ms), IsEmpty());
  const auto due = book_.repeats_due(start + 4h);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].record.content.id, "a");
  EXPECT_THAT(due[0].notices, ElementsAre(notice{"chat", kind::repeated}));
  EXPECT_EQ(book_.next_repeat(), start + 5h);
  EXPECT_THAT(book_.repeats_due(start + 4h), IsEmpty());
}

TEST_F(AlertBook, TellsChangedContentAsAnUpdate) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  const auto update = book_.raise(make_alert("a", "it broke more"), start + 1min);
  ASSERT_TRUE(update.has_value());
  EXPECT_THAT(update->notices, ElementsAre(notice{"chat", kind::updated}));
  EXPECT_EQ(update->record.content.summary, "it broke more");
  EXPECT_EQ(update->record.content.starts_at, start);
  EXPECT_EQ(update->record.content.updated_at, start + 1min);
  EXPECT_FALSE(book_.raise(make_alert("a", "it broke more"), start + 2min));
}

TEST_F(AlertBook, TellsReceiversThatMatchOnlyNowThatItFired) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  const auto worse = book_.raise(make_critical("a"), start + 1min);
  ASSERT_TRUE(worse.has_value());
  EXPECT_THAT(worse->notices, ElementsAre(notice{"chat", kind::updated}, notice{"pager", kind::fired}));
}

TEST_F(AlertBook, GoesOnTellingReceiversThatMatchNoLonger) {
  ASSERT_TRUE(book_.raise(make_critical("a"), start));
  const auto milder = book_.raise(make_alert("a"), start + 1min);
  ASSERT_TRUE(milder.has_value());
  EXPECT_THAT(milder->notices, ElementsAre(notice{"chat", kind::updated}, notice{"pager", kind::updated}));
  const auto over = book_.resolve("a", start + 2min);
  ASSERT_TRUE(over.has_value());
  EXPECT_THAT(over->notices, ElementsAre(notice{"chat", kind::resolved}, notice{"pager", kind::resolved}));
}

TEST_F(AlertBook, ResolvesOnce) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  const auto over = book_.resolve("a", start + 5min);
  ASSERT_TRUE(over.has_value());
  EXPECT_THAT(over->notices, ElementsAre(notice{"chat", kind::resolved}));
  EXPECT_EQ(over->record.content.state, alert_state::resolved);
  EXPECT_EQ(over->record.content.starts_at, start);
  EXPECT_EQ(over->record.content.resolved_at, start + 5min);
  EXPECT_FALSE(book_.is_firing("a"));
  EXPECT_FALSE(book_.resolve("a", start + 6min));
  EXPECT_FALSE(book_.resolve("unknown", start));
  EXPECT_THAT(book_.repeats_due(start + 24h), IsEmpty());
  EXPECT_FALSE(book_.next_repeat());
}

TEST_F(AlertBook, ResolvesWithLastWords) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  const auto over = book_.resolve(make_alert("a", "it was repaired"), start + 5min);
  ASSERT_TRUE(over.has_value());
  EXPECT_EQ(over->record.content.summary, "it was repaired");
  EXPECT_EQ(over->record.content.starts_at, start);
  EXPECT_EQ(over->record.content.resolved_at, start + 5min);
  EXPECT_FALSE(book_.resolve(make_alert("b"), start + 5min)) << "it never fired";
  EXPECT_EQ(book_.find("b"), nullptr);
}

TEST_F(AlertBook, FiresAnewAfterItsResolution) {
  ASSERT_TRUE(book_.raise(make_critical("a"), start));
  ASSERT_TRUE(book_.resolve("a", start + 1min));
  const auto again = book_.raise(make_alert("a"), start + 2min);
  ASSERT_TRUE(again.has_value());
  EXPECT_THAT(again->notices, ElementsAre(notice{"chat", kind::fired})) << "the pager knows of the end";
  EXPECT_EQ(again->record.content.starts_at, start + 2min);
  EXPECT_FALSE(again->record.content.resolved_at);
}

TEST_F(AlertBook, ForgetsResolvedAlertsAfterAWhile) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  ASSERT_TRUE(book_.raise(make_alert("b"), start));
  ASSERT_TRUE(book_.resolve("a", start));
  EXPECT_THAT(book_.forget_resolved(start + 15min), IsEmpty());
  EXPECT_NE(book_.find("a"), nullptr);
  EXPECT_THAT(book_.forget_resolved(start + 15min + 1ms), ElementsAre("a"));
  EXPECT_EQ(book_.find("a"), nullptr);
  EXPECT_TRUE(book_.is_firing("b"));
}

TEST_F(AlertBook, GoesOnFromWhatWasStored) {
  ASSERT_TRUE(book_.raise(make_critical("a"), start));
  ASSERT_TRUE(book_.raise(make_alert("b"), start));
  ASSERT_TRUE(book_.resolve("b", start + 1min));
  alert_book restarted(routes, {.repeat_interval = 4h, .resolved_kept = 15min});
  restarted.restore(book_.snapshot());
  EXPECT_EQ(restarted.snapshot(), book_.snapshot());
  EXPECT_FALSE(restarted.raise(make_critical("a"), start + 2min)) << "it was told before the restart";
  EXPECT_EQ(restarted.next_repeat(), start + 4h);
  EXPECT_FALSE(restarted.resolve("b", start + 2min));
  const auto over = restarted.resolve("a", start + 3min);
  ASSERT_TRUE(over.has_value());
  EXPECT_THAT(over->notices, ElementsAre(notice{"chat", kind::resolved}, notice{"pager", kind::resolved}));
}

TEST_F(AlertBook, TellsOldReceiversOfTheEndAfterTheRoutesChanged) {
  ASSERT_TRUE(book_.raise(make_critical("a"), start));
  book_.configure({{.severities = {}, .receivers = {"bus"}}}, {});
  EXPECT_FALSE(book_.raise(make_critical("a"), start + 1min));
  const auto update = book_.raise(make_alert("a"), start + 2min);
  ASSERT_TRUE(update.has_value());
  EXPECT_THAT(update->notices, ElementsAre(notice{"bus", kind::fired}, notice{"chat", kind::updated},
                                           notice{"pager", kind::updated}));
}

TEST_F(AlertBook, RemembersAnAlertThatNobodyIsToldOf) {
  alert_book silent({}, {});
  const auto first = silent.raise(make_alert("a"), start);
  ASSERT_TRUE(first.has_value()) << "it is stored and shown all the same";
  EXPECT_THAT(first->notices, IsEmpty());
  EXPECT_FALSE(silent.raise(make_alert("a"), start + 24h));
  EXPECT_FALSE(silent.next_repeat());
  EXPECT_TRUE(silent.resolve("a", start + 25h));
}

TEST_F(AlertBook, BoundsTextsBeforeItCompares) {
  const std::string long_summary(alert_summary_size_max + 50, 's');
  ASSERT_TRUE(book_.raise(make_alert("a", long_summary), start));
  EXPECT_FALSE(book_.raise(make_alert("a", long_summary), start + 1min));
  EXPECT_LE(book_.find("a")->content.summary.size(), alert_summary_size_max);
}

TEST_F(AlertBook, IgnoresTheStateAndTimesItIsHanded) {
  alert odd = make_alert("a");
  odd.state = alert_state::resolved;
  odd.starts_at = start + 100h;
  odd.resolved_at = start + 100h;
  const auto fired = book_.raise(odd, start);
  ASSERT_TRUE(fired.has_value());
  EXPECT_EQ(fired->record.content.state, alert_state::firing);
  EXPECT_EQ(fired->record.content.starts_at, start);
  EXPECT_FALSE(fired->record.content.resolved_at);
}

TEST(OutboxRows, AreOneForEachReceiverWithIncreasingIds) {
  alert_book book(routes);
  const auto fired = book.raise(make_critical("a"), start);
  ASSERT_TRUE(fired.has_value());
  outbox_ids ids;
  const auto rows = make_outbox_rows(*fired, start + 1s, ids);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].receiver, "chat");
  EXPECT_EQ(rows[1].receiver, "pager");
  EXPECT_LT(rows[0].id, rows[1].id);
  for (const outbox_row& row : rows) {
    EXPECT_EQ(row.kind, kind::fired);
    EXPECT_EQ(row.content, fired->record.content);
    EXPECT_EQ(row.created_at, start + 1s);
    EXPECT_EQ(row.next_attempt_at, start + 1s);
    EXPECT_EQ(row.attempts, 0U);
  }
}

TEST(OutboxIds, IncreaseWhateverTheClockDoes) {
  outbox_ids ids;
  const outbox_id first = ids.next(start);
  const outbox_id second = ids.next(start);
  const outbox_id third = ids.next(start - 24h);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_LT(third, ids.next(start + 1s));
}

TEST(OutboxIds, DoNotComeAgainAfterARestart) {
  outbox_ids before;
  const outbox_id used = before.next(start);
  outbox_ids later;
  EXPECT_GT(later.next(start + 1ms), used);
  outbox_ids with_clock_set_back;
  with_clock_set_back.skip(used);
  EXPECT_GT(with_clock_set_back.next(start - 24h), used);
}

TEST(OutboxIds, AreExactInJson) {
  outbox_ids ids;
  const wall_time year_2200{std::chrono::hours(24) * 365 * 230};
  EXPECT_LT(ids.next(year_2200), outbox_id{1} << 53);
}

}  // namespace
}  // namespace pushguard::alerts
