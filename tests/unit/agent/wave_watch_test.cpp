#include "agent/wave_watch.hpp"

#include <gtest/gtest.h>

#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::agent {
namespace {

using namespace pushguard::test;

struct overtaking_case {
  std::string name;
  duration now;  ///< the earlier wave begins at 0
  duration next_start;
  std::size_t ended;
  std::size_t unresolved;
  bool is_overtaken;
};

void PrintTo(const overtaking_case& of, std::ostream* out) {
  *out << of.name;
}

const overtaking_case overtaking_cases[] = {
    {"DoneInTime", 1h - 1min, 1h, 100, 0, false},
    {"NothingEndedAQuarterOfAnHourAhead", 45min, 1h, 0, 10, true},
    {"NothingEndedAndStillFar", 44min, 1h, 0, 10, false},
    {"TooSlow", 45min, 1h, 20, 10, true},
    {"FastEnough", 45min, 1h, 90, 10, false},
    {"OneLeftFiveMinutesAhead", 55min, 1h, 1000, 1, true},
    {"OneLeftBefore", 55min - 1s, 1h, 1000, 1, false},
    {"ShortGapIsLookedAtHalfWay", 6min, 12min, 0, 5, true},
    {"ShortGapNotBefore", 6min - 1s, 12min, 0, 5, false},
    {"ShortGapLastQuarter", 9min, 12min, 1000, 1, true},
    {"ShortGapBeforeTheLastQuarter", 9min - 1s, 12min, 1000, 1, false},
    {"StartHasPassed", 2h, 1h, 1000, 1, true},
    {"SameStart", 0s, 0s, 0, 5, false},
};

class Overtaking : public testing::TestWithParam<overtaking_case> {};

TEST_P(Overtaking, IsFoundWhenItIsTime) {
  const auto& of = GetParam();
  EXPECT_EQ(is_overtaken({.began = at(0s), .ended = of.ended, .unresolved = of.unresolved}, at(of.next_start),
                         at(of.now)),
            of.is_overtaken);
}

INSTANTIATE_TEST_SUITE_P(All, Overtaking, testing::ValuesIn(overtaking_cases),
                         [](const auto& each) { return each.param.name; });

/// Request 1 starts at 1 h and has three jobs, two of which run; request 2 is to start at 2 h.
class EarlyWaves : public testing::Test {
 protected:
  EarlyWaves() { begin(); }
  void begin() {
    hub = tracker::tracker();
    (void)apply(hub, {started, request_row(2, push_status::pending)});
    (void)apply(hub, {job_row(1, 1, push_status::succeeded, 1h), job_row(2, 1, push_status::in_progress, 1h),
                      job_row(3, 1, push_status::pending), job_row(4, 2, push_status::pending)});
  }
  static domain::request_row running() {
    auto row = request_row(1);
    row.start = at(1h);
    return row;
  }
  std::vector<early_wave> found(duration now, bool was_told = false) const {
    return find_early_waves(
        hub, tracker::rollout_index{0}, [was_told](const domain::request_id&) { return was_told; }, at(now));
  }
  void change(unsigned request, push_status status, std::optional<wall_time> start = {}) {
    auto row = request_row(request, status);
    row.modified = at(90min);
    if (start)
      row.scheduled_start = start;
    (void)apply(hub, {row}, at(90min));
  }

  domain::request_row started = running();
  tracker::tracker hub;
};

TEST_F(EarlyWaves, AreThoseThatStartBeforeEarlierOnesAreDone) {
  EXPECT_TRUE(found(100min).empty());
  const auto early = found(1h + 56min);
  ASSERT_EQ(early.size(), 1U);
  EXPECT_EQ(hub.at(early[0].request).row.id, request_id(2));
  EXPECT_EQ(early[0].start, at(2h));
  ASSERT_EQ(early[0].unresolved.size(), 1U);
  EXPECT_EQ(hub.at(early[0].unresolved[0].request).row.id, request_id(1));
  EXPECT_EQ(early[0].unresolved[0].jobs, 2U);
}

TEST_F(EarlyWaves, StaySoOnceTold) {
  (void)apply(hub, {job_row(2, 1, push_status::succeeded, 100min)}, at(100min));
  EXPECT_TRUE(found(105min).empty()) << "the half that is done took as long as the other may take";
  EXPECT_FALSE(found(106min, true).empty());
  (void)apply(hub, {job_row(3, 1, push_status::failed, 106min)}, at(106min));
  EXPECT_TRUE(found(106min, true).empty()) << "all are done";
}

TEST_F(EarlyWaves, AreOverWhenTheyStartEndOrArePutOff) {
  for (const auto status : {push_status::in_progress, push_status::canceled, push_status::succeeded}) {
    begin();
    ASSERT_FALSE(found(119min).empty());
    change(2, status);
    EXPECT_TRUE(found(119min, true).empty()) << domain::to_string(status);
  }
  begin();
  change(2, push_status::pending, at(5h));
  EXPECT_TRUE(found(119min, true).empty());
}

TEST_F(EarlyWaves, DoNotWaitForAbandonedJobs) {
  (void)apply(hub, {job_row(3, 1, push_status::succeeded, 100min)}, at(100min));
  change(2, push_status::pending, at(25h + 10min));
  EXPECT_FALSE(found(24h + 59min).empty());
  EXPECT_TRUE(found(25h + 1min).empty()) << "the last job runs for more than a day";
}

TEST_F(EarlyWaves, AreNotMadeByCancelledOnes) {
  change(1, push_status::canceled);
  EXPECT_FALSE(found(119min).empty()) << "a job of it runs";
  (void)apply(hub, {job_row(2, 1, push_status::succeeded, 100min)}, at(100min));
  EXPECT_TRUE(found(119min).empty()) << "what is still queued follows the request";
}

}  // namespace
}  // namespace pushguard::agent
