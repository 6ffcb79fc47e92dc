#include "agent/policy/standing.hpp"

#include <gtest/gtest.h>

#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::policy {
namespace {

using namespace test;
using domain::error_type;

constexpr unsigned one_org = 1;

class Standing : public testing::Test {
 protected:
  void SetUp() override { (void)apply(hub, {request_row(1), request_row(2)}); }

  /// Job `n` of the org, in request `request`.
  void job(unsigned n, unsigned request, push_status status, duration when) {
    (void)apply(hub, {job_row_of(one_org, job_row(n, request, status, when))});
  }
  void errors(unsigned n, std::vector<domain::error_row> rows) {
    (void)hub.apply_errors(std::vector{job_id(n)}, rows);
  }
  org_standing found() const {
    const auto org = hub.find(org_key(one_org));
    return org ? standing_of(hub, *org, counted, policy) : org_standing{};
  }

  tracker::tracker hub;
  policy_specification policy{.name = "policy"};
  counted_jobs counted{.scope = {counting_scope::rollout, 0}, .package = package_id(1)};
};

TEST_F(Standing, FollowsTheOnlyJob) {
  struct row {
    push_status status;
    standing state;
  };
  unsigned n = 0;
  for (const auto& [status, state] :
       {row{push_status::created, standing::scheduled}, row{push_status::pending, standing::scheduled},
        row{push_status::canceled, standing::scheduled}, row{push_status::unrecognized, standing::scheduled},
        row{push_status::in_progress, standing::in_flight}, row{push_status::succeeded, standing::succeeded},
        row{push_status::failed, standing::failed}}) {
    ++n;
    (void)apply(hub, {job_row(n, 1, status)});
    EXPECT_EQ(standing_of(hub, hub.find(org_key(n)).value(), counted, policy).state, state)
        << to_string(status);
  }
}

TEST_F(Standing, AFailedOrgStaysFailedUntilItsNewerJobIsFinished) {
  job(1, 1, push_status::failed, 1min);
  job(2, 2, push_status::pending, 2min);
  EXPECT_EQ(found().state, standing::failed);
  job(2, 2, push_status::in_progress, 3min);
  EXPECT_EQ(found().state, standing::failed);
  job(2, 2, push_status::succeeded, 4min);
  EXPECT_EQ(found().state, standing::succeeded);
}

TEST_F(Standing, AnOlderJobSaysNothingMore) {
  job(2, 2, push_status::succeeded, 5min);
  job(1, 1, push_status::failed, 1min);
  EXPECT_EQ(found().state, standing::succeeded);
}

TEST_F(Standing, ACanceledRepetitionChangesNothing) {
  job(1, 1, push_status::failed, 1min);
  job(2, 2, push_status::canceled, 2min);
  EXPECT_EQ(found().state, standing::failed);
}

TEST_F(Standing, AnOrgPushedAgainAfterSuccessIsInFlight) {
  job(1, 1, push_status::succeeded, 1min);
  job(2, 2, push_status::in_progress, 2min);
  EXPECT_EQ(found().state, standing::in_flight);
}

TEST_F(Standing, IsExcludedOnlyIfEveryErrorIs) {
  job(1, 1, push_status::failed, 1min);
  EXPECT_EQ(found(), (org_standing{standing::failed, settlement::unsettled, tracker::job_index{0}}));
  errors(1, {error_row(1, error_type::ineligible_upgrade)});
  EXPECT_EQ(found().state, standing::excluded);
  errors(1, {error_row(1, error_type::ineligible_upgrade), error_row(1, error_type::deploy_error)});
  EXPECT_EQ(found(), (org_standing{standing::failed, settlement::settled, tracker::job_index{0}}));
  errors(1, {error_row(1, error_type::ineligible_upgrade),
             error_row(1, error_type::unclassified_error, "Package Uninstalled")});
  EXPECT_EQ(found().state, standing::excluded);
}

TEST_F(Standing, WarningsNeitherExcludeNorPreventExclusion) {
  job(1, 1, push_status::failed, 1min);
  auto warning = error_row(1, error_type::ineligible_upgrade);
  warning.severity = domain::error_severity::warning;
  errors(1, {warning});
  EXPECT_EQ(found().state, standing::failed);
  warning.type = error_type::deploy_error;
  errors(1, {warning, error_row(1, error_type::ineligible_upgrade)});
  EXPECT_EQ(found().state, standing::excluded);
}

TEST_F(Standing, AFailureWithoutErrorRowsCounts) {
  job(1, 1, push_status::failed, 1min);
  errors(1, {});
  EXPECT_EQ(found(), (org_standing{standing::failed, settlement::settled, tracker::job_index{0}}));
}

TEST_F(Standing, AnExcludedOrgThatIsPushedAgainIsInFlight) {
  job(1, 1, push_status::failed, 1min);
  errors(1, {error_row(1, error_type::ineligible_upgrade)});
  job(2, 2, push_status::in_progress, 2min);
  EXPECT_EQ(found().state, standing::in_flight);
}

TEST_F(Standing, HearsayIsUnsettledEvenWithErrorsReadOrNothingExcluded) {
  policy.exclude_errors = {.types = {}, .titles = {}};
  job(1, 1, push_status::pending, 0min);
  (void)hub.apply(job_event(1, push_status::failed), at(1min));
  EXPECT_EQ(found().settled, settlement::unsettled);
  job(1, 1, push_status::failed, 2min);
  EXPECT_EQ(found().settled, settlement::settled);
}

TEST_F(Standing, MatchesByOrgTypeAndTakesTheUnknownForProduction) {
  policy.match.org_types = {domain::org_type::production};
  job(1, 1, push_status::failed, 1min);
  EXPECT_EQ(found().state, standing::failed);
  (void)apply(hub, {subscriber_row(one_org, "CS1", domain::org_type::sandbox)});
  EXPECT_EQ(found().state, standing::absent);
  policy.match.org_types = {domain::org_type::sandbox};
  EXPECT_EQ(found().state, standing::failed);
}

TEST_F(Standing, CountsOnlyJobsInScope) {
  job(1, 1, push_status::failed, 1min);
  counted.scope = {counting_scope::request, 1};
  EXPECT_EQ(found().state, standing::absent);
  counted.scope = {counting_scope::request, 0};
  EXPECT_EQ(found().state, standing::failed);
  counted.scope = {counting_scope::rollout, 1};
  EXPECT_EQ(found().state, standing::absent);
  counted.scope = {counting_scope::package, 0};
  EXPECT_EQ(found().state, standing::failed);
  counted.package = package_id(2);
  EXPECT_EQ(found().state, standing::absent);
}

TEST_F(Standing, CountsOnlyJobsStartedInTheEpoch) {
  job(1, 1, push_status::failed, 1min);
  counted.since = at(1min);
  EXPECT_EQ(found().state, standing::scheduled);
  counted.since = at(1min - 1ms);
  EXPECT_EQ(found().state, standing::failed);
}

}  // namespace
}  // namespace pushguard::policy
