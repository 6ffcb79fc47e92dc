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
  EXPECT_THAT(book_.due(start + 4h - 1ms), IsEmpty());
  const auto due = book_.due(start + 4h);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].record.content.id, "a");
  EXPECT_THAT(due[0].notices, ElementsAre(notice{"chat", kind::repeated}));
  EXPECT_THAT(book_.due(start + 4h), IsEmpty());
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
  EXPECT_THAT(book_.due(start + 24h), IsEmpty());
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

// ---- acknowledging ----

TEST_F(AlertBook, TellsAllWhoKnowThatSomebodyLooksAfterItAndRepeatsItNoMore) {
  ASSERT_TRUE(book_.raise(make_critical("a"), start));
  const auto seen = book_.acknowledge("a", {.by = "mary", .reason = "on it", .at = start + 1min});
  ASSERT_TRUE(seen);
  EXPECT_THAT(seen->notices,
              ElementsAre(notice{"chat", kind::acknowledged}, notice{"pager", kind::acknowledged}));
  EXPECT_EQ(seen->record.content.acknowledged->by, "mary");
  EXPECT_EQ(seen->record.content.state, alert_state::firing);
  EXPECT_THAT(book_.due(start + 48h), IsEmpty());
  EXPECT_FALSE(book_.raise(make_critical("a"), start + 48h));
  EXPECT_FALSE(book_.acknowledge("a", {.by = "john", .reason = "", .at = start + 49h})) << "once is enough";
  EXPECT_FALSE(book_.acknowledge("unknown", {.by = "john", .reason = "", .at = start}));
}

TEST_F(AlertBook, KeepsAnAcknowledgementOverUpdatesButNotOverAHigherSeverity) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  ASSERT_TRUE(book_.acknowledge("a", {.by = "mary", .reason = "", .at = start}));
  const auto more = book_.raise(make_alert("a", "it broke more"), start + 1min);
  ASSERT_TRUE(more);
  EXPECT_TRUE(more->record.content.acknowledged) << "still hers";
  const auto worse = book_.raise(make_critical("a"), start + 2min);
  ASSERT_TRUE(worse);
  EXPECT_FALSE(worse->record.content.acknowledged);
  EXPECT_THAT(book_.due(start + 2min + 4h), testing::SizeIs(1)) << "it is repeated again";
}

TEST_F(AlertBook, EndsWhatOnlyAnAcknowledgementEnds) {
  alert lasting = make_alert("a");
  lasting.ends_when_acknowledged = true;
  ASSERT_TRUE(book_.raise(lasting, start));
  const auto over = book_.acknowledge("a", {.by = "mary", .reason = "", .at = start + 1min});
  ASSERT_TRUE(over);
  EXPECT_THAT(over->notices, ElementsAre(notice{"chat", kind::resolved}));
  EXPECT_EQ(over->record.content.acknowledged->by, "mary");
  const auto again = book_.raise(lasting, start + 1h);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->record.content.acknowledged) << "a new trouble is nobody's yet";
}

TEST_F(AlertBook, EndsWhatWasAcknowledgedEarlyAsSoonAsItMay) {
  alert under_way = make_alert("a");
  ASSERT_TRUE(book_.raise(under_way, start));
  ASSERT_TRUE(book_.acknowledge("a", {.by = "mary", .reason = "", .at = start + 1min}));
  EXPECT_TRUE(book_.is_firing("a"));
  alert done = make_alert("a", "done");
  done.ends_when_acknowledged = true;
  const auto over = book_.raise(done, start + 2min);
  ASSERT_TRUE(over);
  EXPECT_THAT(over->notices, ElementsAre(notice{"chat", kind::resolved}));
  EXPECT_EQ(over->record.content.summary, "done");
}

// ---- muting ----

class MutedAlert : public AlertBook {
 protected:
  void mute(std::string_view id, wall_time since, duration length) {
    const auto muted =
        book_.mute(id, {.by = "mary", .reason = "known", .since = since, .until = since + length});
    ASSERT_TRUE(muted);
    EXPECT_THAT(muted->notices, IsEmpty());
    EXPECT_EQ(muted->record.muted->until, since + length);
  }
};

TEST_F(MutedAlert, IsNeitherUpdatedNorRepeatedAndItsEndIsTold) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  mute("a", start + 1min, 24h);
  const auto changed = book_.raise(make_alert("a", "it broke more"), start + 2min);
  ASSERT_TRUE(changed) << "it must be stored";
  EXPECT_THAT(changed->notices, IsEmpty());
  EXPECT_THAT(book_.due(start + 8h), IsEmpty());
  const auto over = book_.resolve("a", start + 9h);
  ASSERT_TRUE(over);
  EXPECT_THAT(over->notices, ElementsAre(notice{"chat", kind::resolved}));
}

TEST_F(MutedAlert, IsToldAgainWhenTheMutingEnds) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  mute("a", start + 1min, 1h);
  EXPECT_THAT(book_.due(start + 1h), IsEmpty());
  const auto told = book_.due(start + 1min + 1h);
  ASSERT_THAT(told, testing::SizeIs(1));
  EXPECT_THAT(told[0].notices, ElementsAre(notice{"chat", kind::repeated}));
  EXPECT_FALSE(told[0].record.muted);
  EXPECT_THAT(book_.due(start + 1min + 1h), IsEmpty());
}

TEST_F(MutedAlert, StaysMutedWhenItComesBackAndIsNotForgottenMeanwhile) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  mute("a", start, 2h);
  ASSERT_TRUE(book_.resolve("a", start + 1min));
  EXPECT_THAT(book_.forget_resolved(start + 1h), IsEmpty());
  const auto back = book_.raise(make_alert("a"), start + 1h);
  ASSERT_TRUE(back);
  EXPECT_THAT(back->notices, IsEmpty());
  const auto told = book_.due(start + 2h);
  ASSERT_THAT(told, testing::SizeIs(1));
  EXPECT_THAT(told[0].notices, ElementsAre(notice{"chat", kind::fired})) << "they have not heard of it";
}

TEST_F(MutedAlert, IsForgottenWhenTheMutingIsOverToo) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  mute("a", start, 2h);
  ASSERT_TRUE(book_.resolve("a", start + 1min));
  EXPECT_THAT(book_.forget_resolved(start + 3h), ElementsAre("a"));
}

TEST_F(MutedAlert, CanBeMutedForLessThanBefore) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  mute("a", start, 24h);
  mute("a", start, 1min);
  EXPECT_THAT(book_.due(start + 1min), testing::SizeIs(1));
  EXPECT_FALSE(book_.mute("unknown", {}));
}

// ---- inhibition ----

alert make_abort() {
  alert out = make_critical("abort");
  out.name = "Abort";
  out.labels = {{"rollout", "one"}};
  return out;
}

alert make_sign(std::string id, std::string rollout, alert_severity severity = alert_severity::warning) {
  alert out = make_alert(std::move(id));
  out.name = "Sign";
  out.severity = severity;
  out.labels = {{"rollout", std::move(rollout)}};
  return out;
}

class Inhibition : public testing::Test {
 protected:
  alert_book_options options_{
      .repeat_interval = 4h,
      .resolved_kept = 15min,
      .inhibitions = {{.sources = {"Abort"},
                       .targets = {"Sign"},
                       .target_severities = {alert_severity::warning},
                       .equal = {"rollout"}}},
      .traits = {{"prometheus", {.changes = change_interest::never, .does_its_own_silencing = true}}}};
  alert_book book_{{{.severities = {}, .receivers = {"chat", "prometheus"}}}, options_};
};

TEST_F(Inhibition, KeepsTheSignsOfAnAbortFromThoseWhoDoNotSilenceThemselves) {
  ASSERT_TRUE(book_.raise(make_abort(), start));
  const auto same = book_.raise(make_sign("same", "one"), start);
  ASSERT_TRUE(same);
  EXPECT_THAT(same->notices, ElementsAre(notice{"prometheus", kind::fired}));
  EXPECT_THAT(book_.inhibitors_of(same->record.content), ElementsAre("abort"));
  EXPECT_THAT(book_.raise(make_sign("other", "two"), start)->notices, testing::SizeIs(2));
  EXPECT_THAT(book_.raise(make_sign("grave", "one", alert_severity::error), start)->notices,
              testing::SizeIs(2));
}

TEST_F(Inhibition, TellsWhatWasMissedWhenItEnds) {
  ASSERT_TRUE(book_.raise(make_sign("early", "one"), start));
  ASSERT_TRUE(book_.raise(make_abort(), start + 1min));
  ASSERT_TRUE(book_.raise(make_sign("late", "one"), start + 2min));
  alert more = make_sign("early", "one");
  more.summary = "it broke more";
  EXPECT_THAT(book_.raise(more, start + 2min)->notices, ElementsAre(notice{"prometheus", kind::updated}));
  EXPECT_THAT(book_.due(start + 3min), IsEmpty());
  ASSERT_TRUE(book_.resolve("abort", start + 4min));
  const auto told = book_.due(start + 5min);
  ASSERT_THAT(told, testing::SizeIs(2));
  EXPECT_EQ(told[0].record.content.id, "early");
  EXPECT_THAT(told[0].notices,
              ElementsAre(notice{"chat", kind::updated}, notice{"prometheus", kind::updated}));
  EXPECT_THAT(told[1].notices, ElementsAre(notice{"chat", kind::fired}));
}

TEST_F(Inhibition, TellsTheEndToThoseWhoKnewOfTheBeginning) {
  ASSERT_TRUE(book_.raise(make_sign("early", "one"), start));
  ASSERT_TRUE(book_.raise(make_abort(), start + 1min));
  EXPECT_THAT(book_.resolve("early", start + 2min)->notices, testing::SizeIs(2));
  ASSERT_TRUE(book_.raise(make_sign("late", "one"), start + 2min));
  EXPECT_THAT(book_.resolve("late", start + 3min)->notices,
              ElementsAre(notice{"prometheus", kind::resolved}));
}

// ---- what comes and goes, changes, and who is not told ----

TEST_F(AlertBook, GoesOnFiringForAWhileAfterTheTroubleHasGone) {
  alert flapping = make_alert("a");
  flapping.keep_firing_for = 5min;
  ASSERT_TRUE(book_.raise(flapping, start));
  const auto gone = book_.resolve("a", start + 1min);
  ASSERT_TRUE(gone) << "it must be stored";
  EXPECT_THAT(gone->notices, IsEmpty());
  EXPECT_FALSE(book_.resolve("a", start + 2min)) << "the first counts";
  EXPECT_THAT(book_.due(start + 5min), IsEmpty());
  EXPECT_FALSE(book_.raise(flapping, start + 5min)) << "it has not been away";
  EXPECT_THAT(book_.due(start + 6min), IsEmpty());
  ASSERT_TRUE(book_.resolve("a", start + 7min));
  const auto told = book_.due(start + 12min);
  ASSERT_THAT(told, testing::SizeIs(1));
  EXPECT_THAT(told[0].notices, ElementsAre(notice{"chat", kind::resolved}));
}

TEST_F(AlertBook, EndsAtOnceWhatCannotComeBack) {
  alert flapping = make_alert("a");
  flapping.keep_firing_for = 5min;
  ASSERT_TRUE(book_.raise(flapping, start));
  EXPECT_THAT(book_.end("a", start + 1min)->notices, ElementsAre(notice{"chat", kind::resolved}));
  EXPECT_FALSE(book_.end("a", start + 1min));
}

TEST(Changes, AreToldByInterestAndNeverRepeatedOrAcknowledged) {
  alert_book book({{.severities = {alert_severity::info}, .receivers = {"chat", "prometheus"}}},
                  {.repeat_interval = 4h,
                   .traits = {{"pager", {.changes = change_interest::always}},
                              {"prometheus", {.changes = change_interest::never}}}});
  alert begun = make_alert("release");
  begun.kind = alert_kind::change;
  begun.severity = alert_severity::info;
  EXPECT_THAT(book.raise(begun, start)->notices,
              ElementsAre(notice{"chat", kind::fired}, notice{"pager", kind::fired}));
  EXPECT_THAT(book.due(start + 24h), IsEmpty());
  EXPECT_FALSE(book.acknowledge("release", {.by = "mary", .reason = "", .at = start}));
  EXPECT_THAT(book.resolve("release", start + 25h)->notices, testing::SizeIs(2));
}

TEST_F(AlertBook, DoesNotTellAReceiverAboutItself) {
  alert about = make_critical("a");
  about.about_receiver = "pager";
  EXPECT_THAT(book_.raise(about, start)->notices, ElementsAre(notice{"chat", kind::fired}));
}

TEST_F(AlertBook, TellsWhatFiresToThoseWhomNewRoutesBring) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  book_.configure({{.severities = {}, .receivers = {"chat", "new"}}}, {.repeat_interval = 4h});
  const auto told = book_.due(start + 1min);
  ASSERT_THAT(told, testing::SizeIs(1));
  EXPECT_THAT(told[0].notices, ElementsAre(notice{"new", kind::fired}));
  EXPECT_THAT(book_.due(start + 2min), IsEmpty());
}

TEST_F(AlertBook, FindsAnAlertByItsFingerprintOrItsId) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  EXPECT_EQ(book_.find_id("a"), "a");
  EXPECT_EQ(book_.find_id(alert_fingerprint("a")), "a");
  EXPECT_EQ(book_.find_id("b"), std::nullopt);
  EXPECT_EQ(alert_fingerprint("a"), "af63dc4c8601ec8c") << "people note it, and it must not change";
}

TEST_F(AlertBook, UndoesWhatCouldNotBeStored) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  const alert_record before = *book_.find("a");
  const auto muted = book_.mute("a", {.by = "mary", .reason = "", .since = start, .until = start + 1h});
  ASSERT_TRUE(muted);
  book_.undo(before, muted->record);
  EXPECT_EQ(*book_.find("a"), before);
}

TEST_F(AlertBook, UndoesNothingOfWhatCameMeanwhile) {
  ASSERT_TRUE(book_.raise(make_alert("a"), start));
  const alert_record before = *book_.find("a");
  const auto seen = book_.acknowledge("a", {.by = "mary", .reason = "", .at = start});
  ASSERT_TRUE(seen);
  ASSERT_TRUE(book_.raise(make_alert("a", "it broke more"), start + 1min));
  ASSERT_TRUE(book_.resolve("a", start + 2min));
  book_.undo(before, seen->record);
  EXPECT_FALSE(book_.is_firing("a")) << "it has ended, whoever saw it";
  EXPECT_EQ(book_.find("a")->content.summary, "it broke more");
  EXPECT_FALSE(book_.find("a")->content.acknowledged);
}

TEST_F(AlertBook, UndoesAnEndThatOnlyAnAcknowledgementBrought) {
  alert lasting = make_alert("a");
  lasting.ends_when_acknowledged = true;
  ASSERT_TRUE(book_.raise(lasting, start));
  const alert_record before = *book_.find("a");
  const auto over = book_.acknowledge("a", {.by = "mary", .reason = "", .at = start + 1min});
  ASSERT_TRUE(over);
  book_.undo(before, over->record);
  EXPECT_TRUE(book_.is_firing("a"));
}

}  // namespace
}  // namespace pushguard::alerts
