#include "simulator/expectation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::simulator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Expectation : public testing::Test {
 protected:
  std::vector<std::string> compare() { return compare_with_expectation(expected_, truth_, concluded_); }

  void really_spare(std::size_t orgs) { truth_.spared_orgs.assign(orgs, "00D5g0000000001"); }

  expected_outcome expected_{.abort = true, .outcome = "confirmed", .spared_min = 10};
  hub_truth truth_;
  agent_conclusion concluded_{.aborted = true, .outcome = "confirmed", .spared_orgs = 10};
};

TEST_F(Expectation, IsMet) {
  really_spare(10);
  EXPECT_THAT(compare(), IsEmpty());
}

TEST_F(Expectation, OfNothingIsAlwaysMet) {
  really_spare(10);
  expected_ = {};
  EXPECT_THAT(compare(), IsEmpty());
}

TEST_F(Expectation, TellsEveryDifference) {
  concluded_ = {};
  EXPECT_THAT(compare(), ElementsAre("The rollout should have been aborted, but was not.",
                                     "The abort should have ended as confirmed, but ended as nothing.",
                                     "At least 10 orgs should have been spared, but only 0 were."));
}

TEST_F(Expectation, TellsOfAnAbortThatShouldNotHaveBeen) {
  expected_ = {.abort = false};
  concluded_ = {.aborted = true, .outcome = "partial"};
  EXPECT_THAT(compare(), ElementsAre("The rollout should not have been aborted, but was."));
}

TEST_F(Expectation, SparedOrgsAreComparedAtTheBoundary) {
  really_spare(9);
  concluded_.spared_orgs = 9;
  EXPECT_THAT(compare(), ElementsAre(HasSubstr("only 9 were")));
}

TEST_F(Expectation, HoldsTheConclusionAgainstTheTruth) {
  really_spare(12);
  EXPECT_THAT(compare(), ElementsAre("The agent counts 10 spared orgs, but 12 jobs were really canceled."));
}

TEST_F(Expectation, AConfirmedAbortLeavesNothingThatCouldStillBeCanceled) {
  really_spare(10);
  truth_.requests = {{.id = "0DV1", .state = push_state::pending},
                     {.id = "0DV2", .state = push_state::in_progress}};
  EXPECT_THAT(compare(),
              ElementsAre("The agent tells of a confirmed abort, but request 0DV1 is still Pending."));
}

TEST_F(Expectation, ASilentCancellationIsADifference) {
  expected_ = {};
  concluded_ = {};
  truth_.cancel_attempts = {{.request_id = "0DV1", .http_status = 400}};
  EXPECT_THAT(compare(), IsEmpty());
  truth_.cancel_attempts.push_back({.request_id = "0DV1", .http_status = 204});
  EXPECT_THAT(compare(), ElementsAre("The agent tells of no abort, but canceled 1 requests."));
}

}  // namespace
}  // namespace pushguard::simulator
