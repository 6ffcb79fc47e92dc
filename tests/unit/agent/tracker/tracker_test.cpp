#include "agent/tracker/tracker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::tracker {
namespace {

using namespace test;
using domain::error_type;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Tracker : public testing::Test {
 protected:
  void SetUp() override { (void)apply(hub, {request_row(1)}); }

  const job_record& job(unsigned n) const { return hub.at(hub.find(job_id(n)).value()); }
  const request_record& request(unsigned n) const { return hub.at(hub.find(test::request_id(n)).value()); }

  tracker hub;
};

TEST_F(Tracker, TellsNewJobsAndTheirStatusChanges) {
  auto changes = apply(hub, {job_row(1, 1, push_status::pending)});
  ASSERT_THAT(changes.jobs, SizeIs(1));
  EXPECT_TRUE(changes.jobs[0].is_new());
  changes = apply(hub, {job_row(1, 1, push_status::succeeded, 1min)});
  ASSERT_THAT(changes.jobs, SizeIs(1));
  EXPECT_EQ(changes.jobs[0].before, push_status::pending);
  EXPECT_EQ(changes.jobs[0].after, push_status::succeeded);
  EXPECT_EQ(count_of(request(1).job_counts, push_status::succeeded), 1U);
  EXPECT_EQ(count_of(request(1).job_counts, push_status::pending), 0U);
}

TEST_F(Tracker, TakesStatesOfKnownJobsLikeTheirRows) {
  tracker by_rows;
  (void)apply(by_rows, {request_row(1)});
  hub.reserve(2);
  for (auto* each : {&hub, &by_rows})
    (void)apply(*each, {job_row(1, 1, push_status::pending), job_row(2, 1, push_status::pending)});
  struct {
    unsigned job;
    push_status status;
    duration modified;
    apply_counts counts;
  } const table[] = {{1, push_status::in_progress, 1min, {.applied = 1}},
                     {1, push_status::in_progress, 1min, {.duplicate = 1}},
                     {2, push_status::failed, 2min, {.applied = 1}},
                     {2, push_status::in_progress, 3min, {.stale = 1}},
                     {1, push_status::unrecognized, 4min, {.applied = 1, .unrecognized = 1}},
                     {1, push_status::succeeded, 5min, {.applied = 1}}};
  for (const auto& given : table) {
    const auto row = job_row(given.job, 1, given.status, given.modified);
    const job_state state{.job = hub.find(row.id).value(),
                          .status = row.status,
                          .start = row.start,
                          .end = row.end,
                          .modified = row.modified};
    const auto told = hub.apply(std::span(&state, 1), at(given.modified));
    const auto expected = by_rows.apply(std::span(&row, 1), at(given.modified));
    EXPECT_EQ(told.counts.applied, given.counts.applied);
    EXPECT_EQ(told.counts.duplicate, given.counts.duplicate);
    EXPECT_EQ(told.counts.stale, given.counts.stale);
    EXPECT_EQ(told.counts.unrecognized, given.counts.unrecognized);
    EXPECT_EQ(told.jobs.size(), expected.jobs.size());
    const auto& record = job(given.job);
    const auto& other = by_rows.at(by_rows.find(row.id).value());
    EXPECT_EQ(record.status, other.status);
    EXPECT_EQ(record.start, other.start);
    EXPECT_EQ(record.end, other.end);
    EXPECT_EQ(record.modified, other.modified);
  }
  EXPECT_EQ(request(1).job_counts, by_rows.requests()[0].job_counts);
  EXPECT_EQ(request(1).last_progress, by_rows.requests()[0].last_progress);
}

TEST_F(Tracker, IsIdempotent) {
  (void)apply(hub, {job_row(1, 1, push_status::failed, 1min)});
  const auto again = apply(hub, {job_row(1, 1, push_status::failed, 1min)});
  EXPECT_TRUE(again.empty());
  EXPECT_EQ(again.counts.duplicate, 1U);
  EXPECT_TRUE(apply(hub, {request_row(1)}).empty());
}

TEST_F(Tracker, GoesByTheNewerModification) {
  (void)apply(hub, {job_row(1, 1, push_status::in_progress, 2min)});
  const auto late = apply(hub, {job_row(1, 1, push_status::pending, 1min)});
  EXPECT_EQ(late.counts.stale, 1U);
  EXPECT_EQ(job(1).status, push_status::in_progress);
}

TEST_F(Tracker, NeverLeavesATerminalStateThatWasQueried) {
  (void)apply(hub, {job_row(1, 1, push_status::failed, 1min)});
  EXPECT_EQ(apply(hub, {job_row(1, 1, push_status::in_progress, 5min)}, at(6min)).counts.stale, 1U);
  EXPECT_EQ(hub.apply(job_event(1, push_status::succeeded), at(7min)).counts.stale, 1U);
  EXPECT_EQ(job(1).status, push_status::failed);
}

TEST_F(Tracker, SkipsJobsOfUnknownRequests) {
  const auto changes = apply(hub, {job_row(1, 9, push_status::pending)});
  EXPECT_TRUE(changes.empty());
  EXPECT_EQ(changes.counts.hints, 1U);
  EXPECT_FALSE(hub.find(job_id(1)).has_value());
}

TEST_F(Tracker, KeepsAndCountsUnrecognizedStatuses) {
  const auto changes = apply(hub, {job_row(1, 1, push_status::unrecognized)});
  EXPECT_EQ(changes.counts.unrecognized, 1U);
  EXPECT_EQ(count_of(request(1).job_counts, push_status::unrecognized), 1U);
}

TEST_F(Tracker, DistinguishesJobsByCase) {
  auto lower = job_row(1, 1, push_status::succeeded);
  lower.id = domain::job_id::parse("0DX3i0000000abc").value();
  auto upper = job_row(2, 1, push_status::failed);
  upper.id = domain::job_id::parse("0DX3i0000000ABC").value();
  (void)apply(hub, {lower, upper});
  EXPECT_EQ(hub.at(hub.find(lower.id).value()).status, push_status::succeeded);
  EXPECT_EQ(hub.at(hub.find(upper.id).value()).status, push_status::failed);
}

// ---- the stream ----

TEST_F(Tracker, AppliesEventsAtOnceAsHearsay) {
  (void)apply(hub, {job_row(1, 1, push_status::pending)});
  auto event = job_event(1, push_status::failed);
  event.error = error_type::deploy_error;
  const auto changes = hub.apply(event, at(1min));
  EXPECT_EQ(changes.counts.applied, 1U);
  EXPECT_EQ(job(1).status, push_status::failed);
  EXPECT_EQ(job(1).source, evidence::streamed);
  EXPECT_EQ(job(1).first_error, error_type::deploy_error);
  EXPECT_EQ(request(1).last_progress, maybe_time(at(1min)));
}

TEST_F(Tracker, CountsRepeatedAndLateEvents) {
  (void)apply(hub, {job_row(1, 1, push_status::in_progress)});
  EXPECT_EQ(hub.apply(job_event(1, push_status::in_progress), at(1s)).counts.duplicate, 1U);
  EXPECT_EQ(hub.apply(job_event(1, push_status::pending), at(2s)).counts.stale, 1U);
  EXPECT_EQ(job(1).status, push_status::in_progress);
}

TEST_F(Tracker, TakesEventsItCannotPlaceAsHints) {
  domain::push_event nothing;
  EXPECT_EQ(hub.apply(nothing, at(0s)).counts.hints, 1U);
  EXPECT_EQ(hub.apply(job_event(7, push_status::failed), at(0s)).counts.hints, 1U);
  auto without_status = job_event(1, push_status::failed);
  without_status.status.reset();
  EXPECT_EQ(hub.apply(without_status, at(0s)).counts.hints, 1U);
  EXPECT_EQ(hub.apply(job_event(1, push_status::unrecognized), at(0s)).counts.unrecognized, 1U);
}

TEST_F(Tracker, FindsTheJobByRequestAndOrg) {
  (void)apply(hub, {request_row(2)});
  (void)apply(hub, {job_row_of(5, job_row(1, 1, push_status::pending)),
                    job_row_of(5, job_row(2, 2, push_status::pending))});
  domain::push_event event;
  event.request = test::request_id(1);
  event.org = test::org_key(5);
  event.status = push_status::failed;
  EXPECT_EQ(hub.apply(event, at(1s)).counts.applied, 1U);
  EXPECT_EQ(job(1).status, push_status::failed);
  EXPECT_EQ(job(2).status, push_status::pending);
}

TEST_F(Tracker, AppliesEventsThatNameOnlyTheRequest) {
  (void)apply(hub, {request_row(2, push_status::pending)});
  domain::push_event event;
  event.request = test::request_id(2);
  event.status = push_status::in_progress;
  const auto changes = hub.apply(event, at(1s));
  ASSERT_THAT(changes.requests, SizeIs(1));
  EXPECT_EQ(changes.requests[0].before, push_status::pending);
  EXPECT_EQ(request(2).row.status, push_status::in_progress);
  EXPECT_EQ(request(2).source, evidence::streamed);
}

TEST_F(Tracker, ConfirmsHearsayByARow) {
  (void)apply(hub, {job_row(1, 1, push_status::pending)});
  (void)hub.apply(job_event(1, push_status::failed), at(1min));
  const auto changes = apply(hub, {job_row(1, 1, push_status::failed, 1min)}, at(2min));
  ASSERT_THAT(changes.jobs, SizeIs(1));
  EXPECT_FALSE(changes.jobs[0].is_status_changed());
  EXPECT_EQ(job(1).source, evidence::queried);
}

TEST_F(Tracker, LetsATerminalRowOverruleHearsay) {
  (void)apply(hub, {job_row(1, 1, push_status::pending)});
  (void)hub.apply(job_event(1, push_status::failed), at(2min));
  (void)apply(hub, {job_row(1, 1, push_status::succeeded, 1min)}, at(1min));
  EXPECT_EQ(job(1).status, push_status::succeeded);
}

TEST_F(Tracker, CorrectsHearsayOnlyByARowThatWasAskedForLater) {
  (void)apply(hub, {job_row(1, 1, push_status::pending)});
  (void)hub.apply(job_event(1, push_status::failed), at(2min));
  EXPECT_EQ(apply(hub, {job_row(1, 1, push_status::in_progress, 1min)}, at(2min)).counts.stale, 1U);
  EXPECT_EQ(job(1).status, push_status::failed);
  (void)apply(hub, {job_row(1, 1, push_status::in_progress, 1min)}, at(2min + 1ms));
  EXPECT_EQ(job(1).status, push_status::in_progress);
}

// ---- errors ----

TEST_F(Tracker, ReadsErrorsOfFailedJobsOnly) {
  (void)apply(hub, {job_row(1, 1, push_status::failed), job_row(2, 1, push_status::failed),
                    job_row(3, 1, push_status::succeeded)});
  EXPECT_THAT(hub.jobs_with_unread_errors(hub.find(test::request_id(1)).value()),
              ElementsAre(job_id(1), job_id(2)));
  const std::vector read{job_id(1), job_id(2), job_id(3)};
  auto warning = error_row(1, error_type::limit_exceeded);
  warning.severity = domain::error_severity::warning;
  const std::vector rows{warning, error_row(1, error_type::deploy_error),
                         error_row(3, error_type::deploy_error)};
  const auto changes = hub.apply_errors(read, rows);
  EXPECT_EQ(changes.jobs.size(), 2U);
  EXPECT_EQ(changes.counts.stale, 1U);
  EXPECT_EQ(job(1).first_error, error_type::deploy_error);
  EXPECT_EQ(job(2).first_error, error_type::unknown);
  EXPECT_EQ(job(2).errors, error_knowledge::read);
  EXPECT_THAT(hub.errors(hub.find(job_id(1)).value()), SizeIs(2));
  EXPECT_THAT(hub.jobs_with_unread_errors(hub.find(test::request_id(1)).value()), IsEmpty());
  EXPECT_EQ(hub.apply_errors(read, rows).counts.duplicate, 2U);
}

TEST_F(Tracker, BoundsErrorsInNumberAndLength) {
  (void)apply(hub, {job_row(1, 1, push_status::failed)});
  const std::vector<domain::error_row> rows(
      100, error_row(1, error_type::deploy_error, std::string(1000, 't'), std::string(10'000, 'm')));
  (void)hub.apply_errors(std::vector{job_id(1)}, rows);
  const auto errors = hub.errors(hub.find(job_id(1)).value());
  ASSERT_THAT(errors, SizeIs(errors_per_job_max));
  EXPECT_EQ(errors[0].message.size(), error_text_bytes_max);
}

TEST_F(Tracker, ForgetsErrorsOfAJobThatDidNotFailAfterAll) {
  (void)apply(hub, {job_row(1, 1, push_status::pending)});
  (void)hub.apply(job_event(1, push_status::failed), at(1min));
  (void)hub.apply_errors(std::vector{job_id(1)}, std::vector{error_row(1, error_type::deploy_error)});
  (void)apply(hub, {job_row(1, 1, push_status::succeeded, 2min)}, at(3min));
  EXPECT_THAT(hub.errors(hub.find(job_id(1)).value()), IsEmpty());
  EXPECT_EQ(job(1).first_error, error_type::unknown);
}

// ---- subscribers ----

TEST_F(Tracker, KnowsOrgsFromTheirSubscriberRows) {
  (void)apply(hub, {job_row(1, 1, push_status::pending)});
  const auto changes = apply(hub, {subscriber_row(1, "CS194", domain::org_type::sandbox)});
  ASSERT_THAT(changes.subscribers, SizeIs(1));
  const auto& org = hub.at(changes.subscribers[0]);
  EXPECT_EQ(org.name, "Org 1");
  EXPECT_EQ(org.type, domain::org_type::sandbox);
  EXPECT_EQ(hub.at(org.sf_instance), "CS194");
  EXPECT_TRUE(apply(hub, {subscriber_row(1, "CS194", domain::org_type::sandbox)}).empty());
}

TEST_F(Tracker, RemembersTheVersionAnOrgCameFrom) {
  auto row = subscriber_row(1, "CS1");
  row.version = version_id(1);  // the pushed version: read too late to tell anything
  (void)apply(hub, {row});
  (void)apply(hub, {job_row(1, 1, push_status::pending)});
  EXPECT_EQ(hub.at(job(1).from_version), "");
  row.version = version_id(7);
  EXPECT_THAT(apply(hub, {row}).subscribers, SizeIs(1));
  EXPECT_EQ(hub.at(job(1).from_version), version_id(7).key());
  row.version = version_id(1);
  (void)apply(hub, {row});
  EXPECT_EQ(hub.at(job(1).from_version), version_id(7).key());
}

TEST_F(Tracker, KnowsWhatASuccessfulPushInstalled) {
  auto row = subscriber_row(1, "CS1");
  row.version = version_id(7);
  (void)apply(hub, {row});
  (void)apply(hub, {job_row(1, 1, push_status::pending)});
  (void)apply(hub, {job_row(1, 1, push_status::succeeded, 1min)});
  auto next = request_row(2);
  next.version = version_id(2);
  (void)apply(hub, {next});
  (void)apply(hub, {job_row_of(1, job_row(2, 2, push_status::pending))});
  EXPECT_EQ(hub.at(job(1).from_version), version_id(7).key());
  EXPECT_EQ(hub.at(job(2).from_version), version_id(1).key()) << "though its subscriber was read before";
}

TEST_F(Tracker, KeepsTheMarkOfACompleteRead) {
  EXPECT_FALSE(hub.last_reconciled().has_value());
  EXPECT_TRUE(hub.reconciled(at(5s)).is_reconciled);
  EXPECT_EQ(hub.last_reconciled(), at(5s));
}

TEST(Changes, AppendKeepsTheOrderAndAddsCounts) {
  tracker hub;
  auto all = apply(hub, {request_row(1)});
  all.append(apply(hub, {job_row(1, 1, push_status::pending), job_row(1, 1, push_status::pending)}));
  all.append(hub.reconciled(at(1s)));
  EXPECT_EQ(all.counts.applied, 2U);
  EXPECT_EQ(all.counts.duplicate, 1U);
  EXPECT_EQ(all.jobs.size(), 1U);
  EXPECT_TRUE(all.is_reconciled);
}

}  // namespace
}  // namespace pushguard::tracker
