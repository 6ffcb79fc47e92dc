#include "agent/dry_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::agent {
namespace {

using namespace pushguard::test;
using store::plan_action;

/// A decision at the start of the first request, about requests 2 and 3, while request 1 runs.
class Aftermath : public testing::Test {
 protected:
  Aftermath() {
    decision.decided_at = at(1h);
    decision.key.mode = store::decision_mode::dry_run;
    decision.plan = {entry(2, plan_action::cancel), entry(3, plan_action::cancel),
                     entry(1, plan_action::leave)};
    (void)apply(hub,
                {request_row(1), request_row(2, push_status::pending), request_row(3, push_status::pending)});
  }
  static store::plan_entry entry(unsigned request, plan_action action) {
    store::plan_entry made;
    made.request = request_id(request);
    made.action = action;
    return made;
  }
  store::decision_aftermath since(duration now = 2h) const {
    return count_aftermath(hub, decision, at(now)).value();
  }

  tracker::tracker hub;
  store::decision_record decision;
};

TEST_F(Aftermath, CountsTheOrgsOfWhatWouldHaveBeenCancelled) {
  (void)apply(hub, {job_row(1, 1, push_status::failed), job_row(2, 2, push_status::pending),
                    job_row(3, 2, push_status::in_progress), job_row(4, 2, push_status::succeeded),
                    job_row(5, 3, push_status::failed), job_row(6, 3, push_status::canceled)});
  const store::decision_aftermath counted = since();
  EXPECT_EQ(counted.counted_at, at(2h));
  EXPECT_EQ(counted.orgs, 5);
  EXPECT_EQ(counted.started, 3);
  EXPECT_EQ(counted.succeeded, 1);
  EXPECT_EQ(counted.failed, 1);
  EXPECT_FALSE(counted.is_final);
}

TEST_F(Aftermath, LeavesOutOrgsThatAnotherRequestReached) {
  (void)apply(hub, {job_row(1, 1, push_status::succeeded), job_row_of(1, job_row(2, 2, push_status::failed)),
                    job_row(3, 1, push_status::pending), job_row_of(3, job_row(4, 2, push_status::failed)),
                    job_row(5, 1, push_status::canceled), job_row_of(5, job_row(6, 2, push_status::failed))});
  EXPECT_EQ(since().orgs, 1) << "a job that was cancelled reached nobody";
  EXPECT_EQ(since().failed, 1);
}

TEST_F(Aftermath, CountsAnOrgOnceByItsNewestJob) {
  (void)apply(hub,
              {job_row(1, 2, push_status::failed), job_row_of(1, job_row(2, 3, push_status::succeeded))});
  EXPECT_EQ(since().orgs, 1);
  EXPECT_EQ(since().started, 1);
  EXPECT_EQ(since().succeeded, 1);
  EXPECT_EQ(since().failed, 0);
}

TEST_F(Aftermath, IsNotChangedByARequestThatJoinedLater) {
  (void)apply(hub, {request_row(5, push_status::pending)});
  (void)apply(hub, {job_row(1, 2, push_status::pending), job_row_of(1, job_row(2, 5, push_status::failed)),
                    job_row(3, 5, push_status::failed)});
  EXPECT_EQ(since().orgs, 1);
  EXPECT_EQ(since().failed, 0);
  decision.decided_at = at(5h);
  EXPECT_EQ(since().orgs, 0) << "it was there at the decision, and had ended";
}

TEST_F(Aftermath, IsFinalOnceTheRequestsHaveEnded) {
  (void)apply(hub, {request_row(2, push_status::succeeded), request_row(3, push_status::canceled)});
  (void)apply(hub, {job_row(1, 1, push_status::in_progress), job_row(2, 2, push_status::succeeded),
                    job_row(3, 3, push_status::canceled)});
  EXPECT_TRUE(since().is_final) << "the first request runs, and is not counted";
}

TEST_F(Aftermath, IsNotToldWhileARequestIsUnknown) {
  decision.plan.push_back(entry(9, plan_action::cancel));
  EXPECT_FALSE(count_aftermath(hub, decision, at(2h)).has_value());
}

}  // namespace
}  // namespace pushguard::agent
