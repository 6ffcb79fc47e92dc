#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/tracker/tracker.hpp"
#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::tracker {
namespace {

using namespace test;
using domain::error_type;
using testing::SizeIs;

class Queries : public testing::Test {
 protected:
  request_index request(unsigned n) const { return hub.find(test::request_id(n)).value(); }

  tracker hub;
};

TEST_F(Queries, JobsDecideWhetherARequestIsComplete) {
  (void)apply(hub, {request_row(1)});
  EXPECT_FALSE(hub.is_complete(request(1), at(1h)));  // no job is known yet
  (void)apply(hub, {job_row(1, 1, push_status::succeeded), job_row(2, 1, push_status::pending)});
  EXPECT_FALSE(hub.is_complete(request(1), at(1h)));
  (void)apply(hub, {job_row(2, 1, push_status::failed, 1h)});
  EXPECT_TRUE(hub.is_complete(request(1), at(1h)));  // though its status says in progress
}

TEST_F(Queries, ATerminalRequestWaitsForItsJobs) {
  (void)apply(hub, {request_row(1, push_status::succeeded)});
  (void)apply(hub, {job_row(1, 1, push_status::in_progress)});
  EXPECT_FALSE(hub.is_complete(request(1), at(1h)));
}

TEST_F(Queries, ATerminalRequestDoesNotWaitForQueuedJobsForEver) {
  (void)apply(hub, {request_row(1, push_status::succeeded)});
  (void)apply(hub, {job_row(1, 1, push_status::pending)});
  EXPECT_FALSE(hub.is_complete(request(1), at(abandoned_after)));
  EXPECT_TRUE(hub.is_complete(request(1), at(abandoned_after + 1ms)));
}

TEST_F(Queries, QueuedJobsUnderACanceledRequestAreNotActive) {
  (void)apply(hub, {request_row(1, push_status::canceled)});
  (void)apply(hub, {job_row(1, 1, push_status::created)});
  EXPECT_TRUE(hub.is_complete(request(1), at(1h)));
  (void)apply(hub, {job_row(2, 1, push_status::in_progress)});
  EXPECT_FALSE(hub.is_complete(request(1), at(1h)));
}

TEST_F(Queries, CreatedRequestsGrowStaleADayAfterTheirStart) {
  auto row = request_row(1, push_status::created);
  row.scheduled_start = at(5h);
  row.modified = at(1h);
  (void)apply(hub, {row});
  EXPECT_FALSE(hub.is_stale(request(1), at(5h + stale_after)));
  EXPECT_TRUE(hub.is_stale(request(1), at(5h + stale_after + 1ms)));
  EXPECT_FALSE(hub.is_active(request(1), at(5h + stale_after + 1ms)));
  row = request_row(2, push_status::created);
  row.scheduled_start.reset();
  row.modified = at(1h);
  (void)apply(hub, {row});
  EXPECT_FALSE(hub.is_stale(request(2), at(1h + stale_after)));
  EXPECT_TRUE(hub.is_stale(request(2), at(1h + stale_after + 1ms)));
  (void)apply(hub, {request_row(3, push_status::pending)});
  EXPECT_FALSE(hub.is_stale(request(3), at(1000h)));
}

TEST_F(Queries, ShortPollingIsForWhatRunsOrIsDue) {
  EXPECT_FALSE(hub.is_running_or_due(at(0s)));
  (void)apply(hub, {request_row(2, push_status::pending)});
  EXPECT_FALSE(hub.is_running_or_due(at(2h - 1ms)));
  EXPECT_EQ(hub.next_start(at(1h)), at(2h));
  EXPECT_TRUE(hub.is_running_or_due(at(2h)));
  EXPECT_FALSE(hub.next_start(at(2h)).has_value());
  auto row = request_row(2, push_status::canceled);
  row.modified = at(3h);
  (void)apply(hub, {row}, at(3h));
  EXPECT_FALSE(hub.is_running_or_due(at(3h)));
}

TEST_F(Queries, AnAbandonedJobDoesNotKeepThePollingShort) {
  auto row = request_row(1);
  row.start = at(1h);
  (void)apply(hub, {row}, at(1h));
  (void)apply(hub, {job_row(1, 1, push_status::in_progress, 1h), job_row(2, 1, push_status::succeeded, 1h)},
              at(1h));
  EXPECT_TRUE(hub.is_running_or_due(at(1h + abandoned_after)));
  EXPECT_FALSE(hub.is_running_or_due(at(1h + abandoned_after + 1ms)));
  EXPECT_TRUE(hub.is_abandoned(hub.find(job_id(1)).value(), at(1h + abandoned_after + 1ms)));
  EXPECT_FALSE(hub.is_abandoned(hub.find(job_id(2)).value(), at(1h + abandoned_after + 1ms)));
}

TEST_F(Queries, SumsTheJobsOfARollout) {
  (void)apply(hub, {request_row(1), request_row(2)});
  (void)apply(hub, {job_row(1, 1, push_status::failed), job_row(2, 2, push_status::failed),
                    job_row(3, 2, push_status::pending)});
  const auto counts = hub.job_counts(hub.at(request(1)).rollout);
  EXPECT_EQ(count_of(counts, push_status::failed), 2U);
  EXPECT_EQ(count_of(counts, push_status::pending), 1U);
}

TEST_F(Queries, RanksErrorsByTheOrgsTheyHit) {
  auto other = request_row(2);
  other.version = version_id(2);
  (void)apply(hub, {request_row(1), other});
  std::vector<domain::job_id> read;
  std::vector<domain::error_row> rows;
  for (unsigned n = 1; n <= 5; ++n) {
    (void)apply(hub, {job_row(n, n == 5 ? 2U : 1U, push_status::failed)});
    read.push_back(job_id(n));
    rows.push_back(
        n == 1 ? error_row(n, error_type::limit_exceeded)
               : error_row(n, error_type::deploy_error, "Title", fmt::format("error {}-80805 (-{})", n, n)));
    rows.push_back(rows.back());  // the same error twice is still one org
  }
  (void)hub.apply_errors(read, rows);
  const auto top = hub.top_errors(hub.at(request(1)).rollout, 10, 2);
  ASSERT_THAT(top, SizeIs(2));
  EXPECT_EQ(top[0].signature, "DeployError: Title: error #");
  EXPECT_EQ(top[0].orgs, 3U);
  EXPECT_THAT(top[0].sample_orgs, SizeIs(2));
  EXPECT_EQ(top[1].orgs, 1U);
  EXPECT_THAT(hub.top_errors(hub.at(request(1)).rollout, 1, 0), SizeIs(1));
}

}  // namespace
}  // namespace pushguard::tracker
