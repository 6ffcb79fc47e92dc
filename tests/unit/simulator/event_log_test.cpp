#include "simulator/event_log.hpp"

#include <gtest/gtest.h>

#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

TEST(EventLog, IdsRiseWithGaps) {
  event_log log(1, 72h);
  for (row_index job = 0; job < 100; ++job)
    log.append({.job = job}, start_of_test());
  std::int64_t last = 0;
  bool has_gap = false;
  for (event_log::position at = log.earliest(); at < log.tip(); ++at) {
    const std::int64_t id = log.at(at).replay_id;
    EXPECT_GT(id, last);
    has_gap = has_gap || (last != 0 && id > last + 1);
    last = id;
    EXPECT_EQ(log.at(at).change.job, at);
    EXPECT_EQ(log.after(id), at + 1);
  }
  EXPECT_TRUE(has_gap);
}

TEST(EventLog, KnowsOnlyIdsThatItGave) {
  event_log log(1, 72h);
  EXPECT_EQ(log.after(0), std::nullopt);
  log.append({}, start_of_test());
  const std::int64_t id = log.at(0).replay_id;
  EXPECT_EQ(log.after(id - 1), std::nullopt);
  EXPECT_EQ(log.after(id + 1), std::nullopt);
  EXPECT_EQ(log.after(id), 1U);
}

TEST(EventLog, ForgetsAfterTheRetention) {
  event_log log(1, 72h);
  const instant start = start_of_test();
  log.append({.job = 1}, start);
  log.append({.job = 2}, later(start, 1h));
  const std::int64_t first = log.at(0).replay_id;
  log.purge(later(start, 72h - 1ms).steady);
  EXPECT_EQ(log.earliest(), 0U);
  log.purge(later(start, 72h).steady);
  EXPECT_EQ(log.earliest(), 1U);
  EXPECT_EQ(log.tip(), 2U);
  EXPECT_EQ(log.at(1).change.job, 2U);
  EXPECT_EQ(log.after(first), std::nullopt);
  log.purge(later(start, 73h).steady);
  EXPECT_EQ(log.earliest(), log.tip());
  log.append({.job = 3}, later(start, 80h));
  EXPECT_GT(log.at(2).replay_id, first) << "ids go on rising when the log was empty";
}

}  // namespace
}  // namespace pushguard::simulator
