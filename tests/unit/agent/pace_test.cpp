#include "agent/pace.hpp"

#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using domain::push_status;

constexpr wall_time start{std::chrono::hours(1)};

status_counts counts(std::size_t pending, std::size_t running, std::size_t succeeded, std::size_t failed,
                     std::size_t canceled = 0) {
  status_counts out{};
  const auto set = [&](push_status status, std::size_t count) {
    out[static_cast<std::size_t>(status)] = count;
  };
  set(push_status::pending, pending);
  set(push_status::in_progress, running);
  set(push_status::succeeded, succeeded);
  set(push_status::failed, failed);
  set(push_status::canceled, canceled);
  return out;
}

TEST(Pace, SaysNothingBeforeTenSeconds) {
  pace of;
  EXPECT_EQ(of.per_minute(start), std::nullopt);
  of.note(start, 100);
  of.note(start + 9s, 200);
  EXPECT_EQ(of.per_minute(start + 9s), std::nullopt);
  EXPECT_DOUBLE_EQ(of.per_minute(start + 10s).value(), 600);
}

TEST(Pace, CountsFromTheFirstLookAndSlowsDownWhileNothingHappens) {
  pace of;
  of.note(start, 40);  // what was there before says nothing about the pace
  of.note(start + 1min, 70);
  EXPECT_DOUBLE_EQ(of.per_minute(start + 1min).value(), 30);
  EXPECT_DOUBLE_EQ(of.per_minute(start + 3min).value(), 10);
  EXPECT_DOUBLE_EQ(of.per_minute(start + 9min).value(), 30.0 / 9);
}

TEST(Pace, ForgetsWhatIsOlderThanTenMinutes) {
  pace of;
  for (int minute = 0; minute <= 20; ++minute)
    of.note(start + std::chrono::minutes(minute),
            static_cast<std::size_t>(minute < 10 ? minute * 100 : 1000 + (minute - 10) * 7));
  EXPECT_DOUBLE_EQ(of.per_minute(start + 20min).value(), 7);
  EXPECT_DOUBLE_EQ(of.per_minute(start + 31min).value(), 0);
}

TEST(Pace, IsTheSameHoweverOftenItIsTold) {
  pace seldom;
  pace often;
  for (int second = 0; second <= 1200; ++second) {
    const auto finished = static_cast<std::size_t>(second / 2);
    often.note(start + std::chrono::seconds(second), finished);
    if (second % 60 == 0)
      seldom.note(start + std::chrono::seconds(second), finished);
  }
  EXPECT_NEAR(often.per_minute(start + 20min).value(), 30, 0.5);
  EXPECT_NEAR(seldom.per_minute(start + 20min).value(), 30, 0.5);
}

TEST(Pace, BeginsAnewWhenTheClockIsSetBack) {
  pace of;
  of.note(start + 1h, 10);
  of.note(start, 20);
  of.note(start + 1min, 30);
  EXPECT_DOUBLE_EQ(of.per_minute(start + 1min).value(), 10);
}

TEST(Pace, OfFewerThanBeforeIsZero) {
  pace of;
  of.note(start, 10);
  of.note(start + 1min, 5);
  EXPECT_EQ(of.per_minute(start + 1min), 0);
}

TEST(Progress, CountsWhatStartedFinishedFailedAndWasSpared) {
  const progress of = count_progress(counts(7, 5, 30, 3, 11));
  EXPECT_EQ(of.orgs, 56U);
  EXPECT_EQ(of.started, 38U);
  EXPECT_EQ(of.finished, 44U);
  EXPECT_EQ(of.failed, 3U);
  EXPECT_EQ(of.spared, 11U);
}

class PaceBook : public testing::Test {
 protected:
  static domain::request_id id(int n) {
    return domain::request_id::parse("0DV00000000000" + std::to_string(n)).value();
  }
  request_view wave(int n, push_status status, status_counts jobs) {
    request_view made;
    made.hub = "devhub";
    made.row.id = id(n);
    made.row.status = status;
    made.rollout = "04t000000000001/1";
    made.jobs = jobs;
    return made;
  }
  rollout_view rollout(const std::vector<request_view>& waves) {
    rollout_view made;
    made.hub = "devhub";
    made.id = "04t000000000001/1";
    for (const request_view& each : waves) {
      made.requests.push_back(each.row.id);
      for (std::size_t i = 0; i < made.jobs.size(); ++i)
        made.jobs[i] += each.jobs[i];
    }
    return made;
  }
  rollout_view tell(const std::vector<request_view>& waves, wall_time now) {
    view_update update;
    update.requests = waves;
    update.rollouts = {rollout(waves)};
    model_.apply(update);
    book_.apply(update, model_, now);
    return update.rollouts.front();
  }

  read_model model_;
  pace_book book_;
};

TEST_F(PaceBook, EstimatesTheEndOfAWaveThatRuns) {
  tell({wave(1, push_status::in_progress, counts(100, 0, 0, 0))}, start);
  const auto now = wave(1, push_status::in_progress, counts(70, 10, 18, 2));
  const auto whole = tell({now}, start + 2min);
  const progress of = book_.of(now, start + 2min);
  EXPECT_DOUBLE_EQ(of.per_minute.value(), 10);
  EXPECT_EQ(of.estimated_end, start + 10min);
  EXPECT_EQ(book_.of(whole, model_, start + 2min).estimated_end, start + 10min);
}

TEST_F(PaceBook, EstimatesWavesThatWaitFromWhenTheyAreScheduled) {
  auto later = wave(2, push_status::pending, counts(60, 0, 0, 0));
  later.row.scheduled_start = start + 1h;
  tell({wave(1, push_status::in_progress, counts(100, 0, 0, 0)), later}, start);
  const auto whole = tell({wave(1, push_status::in_progress, counts(80, 0, 20, 0)), later}, start + 2min);
  EXPECT_EQ(book_.of(whole, model_, start + 2min).estimated_end, start + 1h + 6min);
  EXPECT_EQ(book_.of(later, start + 2min).estimated_end, std::nullopt) << "it has not begun";
}

TEST_F(PaceBook, KnowsNoEndWhereNothingMoves) {
  tell({wave(1, push_status::in_progress, counts(100, 0, 0, 0))}, start);
  const auto stuck = wave(1, push_status::in_progress, counts(100, 0, 0, 0));
  const auto whole = tell({stuck}, start + 5min);
  EXPECT_EQ(book_.of(stuck, start + 5min).per_minute, 0);
  EXPECT_EQ(book_.of(stuck, start + 5min).estimated_end, std::nullopt);
  EXPECT_EQ(book_.of(whole, model_, start + 5min).estimated_end, std::nullopt);
}

TEST_F(PaceBook, TellsNoPaceOfWhatHasEnded) {
  tell({wave(1, push_status::in_progress, counts(100, 0, 0, 0))}, start);
  auto ended = wave(1, push_status::succeeded, counts(0, 0, 100, 0));
  ended.ended = start + 5min;
  rollout_view whole = rollout({ended});
  whole.is_open = false;
  view_update update;
  update.requests = {ended};
  update.rollouts = {whole};
  model_.apply(update);
  book_.apply(update, model_, start + 5min);
  EXPECT_EQ(book_.of(ended, start + 5min).per_minute, std::nullopt);
  EXPECT_EQ(book_.of(whole, model_, start + 5min).per_minute, std::nullopt);
  EXPECT_EQ(book_.of(whole, model_, start + 5min).finished, 100U);
}

TEST_F(PaceBook, ForgetsAHub) {
  tell({wave(1, push_status::in_progress, counts(100, 0, 0, 0))}, start);
  view_update update;
  update.forgotten_hubs = {"devhub"};
  model_.apply(update);
  book_.apply(update, model_, start);
  const auto back = wave(1, push_status::in_progress, counts(50, 0, 50, 0));
  tell({back}, start + 5min);
  EXPECT_EQ(book_.of(back, start + 5min).per_minute, std::nullopt) << "it is new";
}

}  // namespace
}  // namespace pushguard::agent
