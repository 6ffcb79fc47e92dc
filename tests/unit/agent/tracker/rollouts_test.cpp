#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/tracker/tracker.hpp"
#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::tracker {
namespace {

using namespace test;
using std::chrono::days;
using testing::ElementsAre;

constexpr duration gap = std::chrono::hours{24 * 7};

std::string rollout_of(const tracker& hub, unsigned request) {
  return hub.at(hub.at(hub.find(test::request_id(request)).value()).rollout).id.text();
}

std::string first_of(unsigned version) {
  return domain::rollout_id{version_id(version), 1}.text();
}

std::vector<rollout_event> events(const changes& from) {
  std::vector<rollout_event> out;
  out.reserve(from.rollouts.size());
  for (const auto& change : from.rollouts)
    out.push_back(change.event);
  return out;
}

domain::request_row done(unsigned n, duration start, duration end) {
  auto row = request_row(n, push_status::succeeded);
  row.scheduled_start = at(start);
  row.start = at(start);
  row.end = at(end);
  row.modified = at(end);
  return row;
}

domain::request_row due(unsigned n, duration start) {
  auto row = request_row(n, push_status::pending);
  row.scheduled_start = at(start);
  return row;
}

TEST(Rollouts, HoldTheWavesOfOneVersion) {
  tracker hub;
  const auto changes = apply(hub, {due(2, 2h), due(1, 1h)});
  EXPECT_THAT(events(changes),
              ElementsAre(rollout_event::opened, rollout_event::joined, rollout_event::joined));
  EXPECT_EQ(rollout_of(hub, 1), first_of(1));
  EXPECT_EQ(rollout_of(hub, 2), rollout_of(hub, 1));
  auto other = due(3, 1h);
  other.version = version_id(2);
  (void)apply(hub, {other});
  EXPECT_EQ(rollout_of(hub, 3), first_of(2));
}

TEST(Rollouts, EndAfterAnIdleGap) {
  for (const auto& [start, number] : {std::pair{2h + gap, 1}, std::pair{2h + gap + 1ms, 2}}) {
    tracker hub;
    (void)apply(hub, {done(1, 1h, 2h)}, at(3h));
    (void)apply(hub, {due(2, start)}, at(3h));
    EXPECT_TRUE(rollout_of(hub, 2).ends_with("/" + std::to_string(number))) << number;
  }
}

TEST(Rollouts, StayOpenWhileARequestRuns) {
  tracker hub;
  auto running = request_row(1);
  running.start = at(1h);
  (void)apply(hub, {running}, at(1h));
  (void)apply(hub, {due(2, days{20})}, at(days{14}));
  EXPECT_EQ(rollout_of(hub, 2), rollout_of(hub, 1));
}

TEST(Rollouts, FindTheirNumbersWhateverTheOrderOfRows) {
  std::vector rows{done(1, 1h, 2h), done(2, 3h, 4h), done(3, days{30}, days{31}), due(4, days{35})};
  std::ranges::sort(rows, {}, &domain::request_row::id);
  do {
    tracker hub;
    (void)hub.apply(rows, at(days{32}));
    EXPECT_TRUE(rollout_of(hub, 1).ends_with("/1"));
    EXPECT_TRUE(rollout_of(hub, 2).ends_with("/1"));
    EXPECT_TRUE(rollout_of(hub, 3).ends_with("/2"));
    EXPECT_TRUE(rollout_of(hub, 4).ends_with("/2"));
  } while (std::ranges::next_permutation(rows, {}, &domain::request_row::id).found);
}

TEST(Rollouts, KeepTheirNumbersAcrossARestart) {
  const domain::rollout_id second{version_id(1), 2};
  const std::vector<known_rollout> known{{{version_id(1), 1}, {test::request_id(1)}, std::nullopt},
                                         {second, {test::request_id(3)}, std::nullopt}};
  tracker hub({}, known);
  const auto changes = apply(hub, {due(4, days{35}), done(3, days{30}, days{31})}, at(days{32}));
  EXPECT_TRUE(rollout_of(hub, 3).ends_with("/2"));
  EXPECT_TRUE(rollout_of(hub, 4).ends_with("/2"));
  EXPECT_THAT(events(changes), testing::Not(testing::Contains(rollout_event::opened)));
  EXPECT_EQ(std::ranges::count(events(changes), rollout_event::joined), 1);  // the new request only
}

TEST(Rollouts, AreNotJoinedWhenNothingIsKnownOfTheirTime) {
  const std::vector<known_rollout> known{{{version_id(1), 3}, {test::request_id(1)}, std::nullopt}};
  tracker hub({}, known);
  (void)apply(hub, {due(2, 1h)});
  EXPECT_TRUE(rollout_of(hub, 2).ends_with("/4"));
}

TEST(Rollouts, AreJoinedByTheRememberedTimeOfTheirLastActivity) {
  const std::vector<known_rollout> known{{{version_id(1), 3}, {test::request_id(1)}, at(-2h)}};
  tracker hub({}, known);
  (void)apply(hub, {due(2, 1h)});
  EXPECT_TRUE(rollout_of(hub, 2).ends_with("/3"));
}

TEST(Rollouts, CloseWithTheirLastRequestAndReopenWithTheNext) {
  tracker hub;
  auto running = request_row(1);
  running.start = at(1h);
  (void)apply(hub, {running}, at(1h));
  (void)apply(hub, {job_row(1, 1, push_status::in_progress, 1h)}, at(1h));
  EXPECT_THAT(events(hub.apply(job_event(1, push_status::succeeded), at(2h))),
              ElementsAre(rollout_event::closed));
  EXPECT_THAT(events(apply(hub, {due(2, 4h)}, at(3h))),
              ElementsAre(rollout_event::joined, rollout_event::reopened));
}

TEST(Rollouts, CloseWhenTheirLastJobIsAbandoned) {
  tracker hub;
  auto running = request_row(1);
  running.start = at(1h);
  (void)apply(hub, {running}, at(1h));
  (void)apply(hub, {job_row(1, 1, push_status::in_progress, 1h)}, at(1h));
  EXPECT_TRUE(hub.refresh(at(1h + abandoned_after)).empty());
  EXPECT_THAT(events(hub.refresh(at(1h + abandoned_after + 1ms))), ElementsAre(rollout_event::closed));
}

TEST(Rollouts, AreFoundByNumberOrAsTheLatest) {
  tracker hub;
  (void)apply(hub, {done(1, 1h, 2h), due(2, days{30})}, at(3h));
  EXPECT_EQ(hub.at(hub.find(domain::rollout_id{version_id(1), 0}).value()).id.number, 2U);
  EXPECT_EQ(hub.at(hub.find(domain::rollout_id{version_id(1), 1}).value()).id.number, 1U);
  EXPECT_FALSE(hub.find(domain::rollout_id{version_id(1), 3}).has_value());
  EXPECT_FALSE(hub.find(domain::rollout_id{version_id(2), 0}).has_value());
}

TEST(Rollouts, NeverMoveARequestToAnotherVersion) {
  tracker hub;
  (void)apply(hub, {due(1, 1h)});
  auto moved = due(1, 2h);
  moved.version = version_id(2);
  moved.modified = at(1h);
  (void)apply(hub, {moved});
  EXPECT_EQ(hub.at(hub.find(test::request_id(1)).value()).row.version, version_id(1));
  EXPECT_EQ(hub.at(hub.find(test::request_id(1)).value()).row.scheduled_start, at(2h));
}

}  // namespace
}  // namespace pushguard::tracker
