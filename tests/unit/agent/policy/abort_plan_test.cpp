#include "agent/policy/abort_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::policy {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

class AbortPlan : public testing::Test {
 protected:
  abort_plan plan() const {
    return make_abort_plan(hub, hub.at(hub.find(request_id(1)).value()).rollout, policy);
  }
  static std::vector<std::pair<domain::request_id, plan_step>> steps(const abort_plan& plan) {
    std::vector<std::pair<domain::request_id, plan_step>> out;
    out.reserve(plan.requests.size());
    for (const auto& request : plan.requests)
      out.emplace_back(request.id, request.step);
    return out;
  }

  tracker::tracker hub;
  policy_specification policy{.name = "policy"};
};

TEST_F(AbortPlan, CancelsWhatHasNotStarted) {
  (void)apply(hub,
              {request_row(1), request_row(3, push_status::created), request_row(2, push_status::pending),
               request_row(4, push_status::succeeded), request_row(5, push_status::canceled)});
  const auto made = plan();
  EXPECT_THAT(
      steps(made),
      ElementsAre(std::pair(request_id(2), plan_step::cancel), std::pair(request_id(3), plan_step::cancel),
                  std::pair(request_id(1), plan_step::leave), std::pair(request_id(4), plan_step::too_late),
                  std::pair(request_id(5), plan_step::too_late)));
  EXPECT_EQ(made.requests[0].status_at_decision, push_status::pending);
  EXPECT_TRUE(made.has_calls());
}

TEST_F(AbortPlan, TriesRunningRequestsWhereThePolicySaysSo) {
  (void)apply(hub, {request_row(1), request_row(2, push_status::succeeded)});
  EXPECT_FALSE(plan().has_calls());
  policy.in_progress = in_progress_handling::try_cancel;
  EXPECT_THAT(steps(plan()), ElementsAre(std::pair(request_id(1), plan_step::try_cancel),
                                         std::pair(request_id(2), plan_step::too_late)));
  EXPECT_TRUE(plan().has_calls());
}

TEST_F(AbortPlan, IsAboutOneRequestWhereOneWasMeant) {
  (void)apply(hub,
              {request_row(1), request_row(2, push_status::pending), request_row(3, push_status::succeeded)});
  (void)apply(hub, {job_row(1, 1, push_status::in_progress), job_row(2, 1, push_status::pending),
                    job_row(3, 2, push_status::pending)});
  const auto of = [&](unsigned request) {
    return make_request_plan(hub, hub.find(request_id(request)).value(), in_progress_handling::try_cancel);
  };
  EXPECT_THAT(steps(of(1)), ElementsAre(std::pair(request_id(1), plan_step::try_cancel)));
  EXPECT_EQ(of(1).in_flight.size(), 1U);
  EXPECT_EQ(of(1).still_to_start, 1U);
  EXPECT_THAT(of(1).spared, IsEmpty());
  EXPECT_THAT(steps(of(2)), ElementsAre(std::pair(request_id(2), plan_step::cancel)));
  EXPECT_EQ(of(2).spared.size(), 1U);
  EXPECT_THAT(of(2).in_flight, IsEmpty());
  EXPECT_FALSE(of(3).has_calls());
}

TEST_F(AbortPlan, TakesARequestForRunningOnceAJobOfItHasStarted) {
  (void)apply(hub, {request_row(1, push_status::pending), request_row(2, push_status::pending)});
  (void)apply(hub, {job_row(1, 1, push_status::pending), job_row(2, 2, push_status::pending)});
  (void)hub.apply(job_event(1, push_status::in_progress), at(1s));
  const auto made = plan();
  EXPECT_THAT(steps(made), ElementsAre(std::pair(request_id(2), plan_step::cancel),
                                       std::pair(request_id(1), plan_step::leave)));
  EXPECT_EQ(made.requests[1].status_at_decision, push_status::in_progress)
      << "the stream told of the job; the request itself is read less often";
}

TEST_F(AbortPlan, CountsWhatIsSparedAndWhatIsStillToCome) {
  (void)apply(hub, {request_row(1), request_row(2, push_status::pending)});
  (void)apply(hub, {job_row(1, 1, push_status::in_progress), job_row(2, 1, push_status::pending),
                    job_row(3, 1, push_status::failed), job_row(4, 2, push_status::created),
                    job_row(5, 2, push_status::canceled),
                    job_row_of(1, job_row(6, 2, push_status::created)),    // in flight in the other wave
                    job_row_of(2, job_row(7, 2, push_status::created)),    // will start there
                    job_row_of(4, job_row(8, 2, push_status::pending))});  // twice in one wave
  const auto made = plan();
  EXPECT_THAT(made.spared, ElementsAre(org_key(4)));
  EXPECT_THAT(made.in_flight, ElementsAre(org_key(1)));
  EXPECT_EQ(made.still_to_start, 1U);
  EXPECT_EQ(made.worst_case_to_come(), 2U);
}

TEST_F(AbortPlan, DoesNotCountQueuedJobsOfACanceledRequest) {
  (void)apply(hub, {request_row(1, push_status::canceled)});
  (void)apply(hub, {job_row(1, 1, push_status::created)});
  EXPECT_EQ(plan().worst_case_to_come(), 0U);
  EXPECT_THAT(plan().spared, IsEmpty());
}

TEST_F(AbortPlan, ContainsTheRolloutOnlyUnlessThePackageIsNamed) {
  auto other_version = request_row(2, push_status::pending);
  other_version.version = version_id(2);
  auto other_version_done = request_row(3, push_status::succeeded);
  other_version_done.version = version_id(2);
  auto other_package = request_row(4, push_status::pending);
  other_package.version = version_id(3);
  other_package.package = package_id(2);
  (void)apply(hub, {request_row(1), other_version, other_version_done, other_package});
  EXPECT_THAT(steps(plan()), ElementsAre(std::pair(request_id(1), plan_step::leave)));
  policy.contain = containment::package;
  EXPECT_THAT(steps(plan()), ElementsAre(std::pair(request_id(2), plan_step::cancel),
                                         std::pair(request_id(1), plan_step::leave)));
}

TEST_F(AbortPlan, ContainsOnlyRequestsWithAMatchingOrg) {
  (void)apply(hub,
              {request_row(1), request_row(2, push_status::pending), request_row(3, push_status::pending)});
  (void)apply(hub, {job_row(1, 1, push_status::failed), job_row(2, 2, push_status::pending),
                    job_row(3, 3, push_status::pending)});
  (void)apply(hub, {subscriber_row(1, "CS1", domain::org_type::sandbox),
                    subscriber_row(2, "CS1", domain::org_type::sandbox), subscriber_row(3, "NA1")});
  policy.contain = containment::matching;
  policy.match.org_types = {domain::org_type::sandbox};
  EXPECT_THAT(steps(plan()), ElementsAre(std::pair(request_id(2), plan_step::cancel),
                                         std::pair(request_id(1), plan_step::leave)));
}

// ---- how it ended ----

constexpr auto pending = push_status::pending;
constexpr auto running = push_status::in_progress;
constexpr auto ended = push_status::succeeded;

TEST(ContainmentOutcome, IsMeasuredAgainstTheMomentOfTheDecision) {
  struct row {
    std::vector<cancel_result> results;
    std::optional<containment_outcome> outcome;
  };
  using enum cancel_outcome;
  for (const auto& [results, outcome] : {
           row{{}, containment_outcome::nothing_to_cancel},
           row{{{running, refused}, {ended, unconfirmed}}, containment_outcome::nothing_to_cancel},
           row{{{running, canceled}}, containment_outcome::nothing_to_cancel},
           row{{{pending, canceled}, {push_status::created, canceled}}, containment_outcome::confirmed},
           row{{{pending, canceled}, {running, refused}}, containment_outcome::confirmed},
           row{{{pending, canceled}, {running, unconfirmed}}, containment_outcome::confirmed},
           row{{{pending, canceled}, {pending, refused}}, containment_outcome::partial},
           row{{{pending, canceled}, {pending, finished_first}}, containment_outcome::partial},
           row{{{pending, refused}, {running, refused}}, containment_outcome::refused},
           row{{{pending, refused}, {pending, finished_first}}, containment_outcome::refused},
           row{{{pending, canceled}, {pending, unconfirmed}}, std::nullopt},
           row{{{pending, unconfirmed}}, std::nullopt},
       }) {
    EXPECT_EQ(classify(results, effort::under_way), outcome);
    if (outcome)
      EXPECT_EQ(classify(results, effort::given_up), outcome);
  }
}

TEST(ContainmentOutcome, HasFailedWhenItIsGivenUpWithAnythingUnconfirmed) {
  const std::vector<cancel_result> results{{pending, cancel_outcome::canceled},
                                           {pending, cancel_outcome::unconfirmed}};
  EXPECT_EQ(classify(results, effort::given_up), containment_outcome::failed);
}

TEST(ContainmentOutcome, HasNames) {
  std::string names;
  for (const auto outcome : all_containment_outcomes)
    names += std::string(to_string(outcome)) + ' ';
  EXPECT_EQ(names, "confirmed partial refused nothing_to_cancel failed ");
  EXPECT_EQ(to_string(plan_step::try_cancel), "try_cancel");
}

}  // namespace
}  // namespace pushguard::policy
