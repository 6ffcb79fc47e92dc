#include "agent/history/compose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/domain/error_signature.hpp"
#include "tests/unit/agent/history/sample_push.hpp"

namespace pushguard::history {
namespace {

using namespace test;
using domain::push_status;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

push_rows rows_with(std::vector<domain::job_row> jobs) {
  push_rows rows;
  rows.request = sample_request();
  rows.jobs = std::move(jobs);
  return rows;
}

std::vector<std::string> job_numbers(const past_push& push) {
  std::vector<std::string> out;
  for (const history_job& job : push.jobs)
    out.emplace_back(job.row.id.key().substr(13));
  return out;
}

TEST(Compose, PutsJobsInTheOrderOfTheirEndThenOfTheirIds) {
  std::vector<domain::job_row> jobs;
  for (const unsigned number : {5U, 4U, 3U, 2U, 1U})
    jobs.push_back(sample_job(number, push_status::succeeded));
  jobs[0].end.reset();           // 5
  jobs[1].end = at(minutes(3));  // 4, with 3
  jobs[3].end.reset();           // 2
  EXPECT_THAT(job_numbers(compose(sample_source(), rows_with(jobs))),
              ElementsAre("01", "03", "04", "02", "05"));
}

TEST(Compose, CountsTheJobsAndTellsWhereTheyAreFrom) {
  const auto made = compose(sample_source(), rows_with({sample_job(1, push_status::failed)}));
  EXPECT_EQ(made.header.jobs, 1U);
  EXPECT_EQ(made.header.hub, "devhub");
  EXPECT_EQ(made.header.hub_org, sample_source().hub_org);
  EXPECT_EQ(made.header.written_at, sample_source().read_at);
  EXPECT_EQ(made.header.request, sample_request());
  EXPECT_TRUE(made.header.has_texts);
}

TEST(Compose, IgnoresWhatBelongsElsewhereAndWhatComesTwice) {
  push_rows rows = rows_with({sample_job(1, push_status::failed), sample_job(2, push_status::failed),
                              sample_job(1, push_status::failed)});
  rows.jobs[1].request = make_id<domain::request_id>("0DV", 2);
  rows.errors = {sample_error(2), sample_error(1)};
  rows.subscribers = {sample_subscriber(1)};
  rows.subscribers[0].package = make_id<domain::package_id>("033", 7);
  const auto made = compose(sample_source(), rows);
  EXPECT_THAT(job_numbers(made), ElementsAre("01"));
  EXPECT_THAT(made.jobs[0].errors, SizeIs(1));
  EXPECT_EQ(made.jobs[0].subscriber, std::nullopt);
}

TEST(Compose, KnowsWhenAPushIsComplete) {
  struct {
    push_status request;
    push_status job;
    bool lacks_rows;
    bool is_complete;
  } const table[] = {
      {push_status::succeeded, push_status::succeeded, false, true},
      {push_status::failed, push_status::failed, false, true},
      {push_status::canceled, push_status::canceled, false, true},
      {push_status::canceled, push_status::created, false, true},
      {push_status::canceled, push_status::pending, false, true},
      {push_status::canceled, push_status::in_progress, false, false},
      {push_status::canceled, push_status::unrecognized, false, false},
      {push_status::failed, push_status::created, false, false},
      {push_status::failed, push_status::in_progress, false, false},
      {push_status::in_progress, push_status::succeeded, false, false},
      {push_status::created, push_status::created, false, false},
      {push_status::pending, push_status::pending, false, false},
      {push_status::unrecognized, push_status::succeeded, false, false},
      {push_status::succeeded, push_status::succeeded, true, false},
  };
  for (const auto& row : table) {
    push_rows rows = rows_with({sample_job(1, push_status::succeeded), sample_job(2, row.job)});
    rows.request.status = row.request;
    rows.lacks_rows = row.lacks_rows;
    EXPECT_EQ(compose(sample_source(), rows).header.is_complete, row.is_complete)
        << domain::to_string(row.request) << " with a job " << domain::to_string(row.job);
  }
}

TEST(Compose, TellsTheVersionBeforeOnlyWhereThePushDidNotChangeIt) {
  const auto told = [](push_status status, std::optional<domain::version_id> installed) {
    push_rows rows = rows_with({sample_job(1, status)});
    rows.subscribers = {sample_subscriber(1)};
    rows.subscribers[0].version = installed;
    return compose(sample_source(), rows).jobs.at(0).subscriber.value().version;
  };
  const auto before = make_id<domain::version_id>("04t", 1);
  EXPECT_EQ(told(push_status::failed, before), before);
  EXPECT_EQ(told(push_status::canceled, before), before);
  EXPECT_EQ(told(push_status::in_progress, before), before);
  EXPECT_EQ(told(push_status::succeeded, before), std::nullopt);
  EXPECT_EQ(told(push_status::failed, sample_request().version), std::nullopt) << "a later push changed it";
  EXPECT_EQ(told(push_status::failed, std::nullopt), std::nullopt);
}

TEST(Compose, LeavesOutTextsAndKeepsEqualCausesEqual) {
  push_rows rows = rows_with({sample_job(1, push_status::failed), sample_job(2, push_status::failed),
                              sample_job(3, push_status::failed)});
  rows.subscribers = {sample_subscriber(1)};
  rows.errors = {sample_error(1), sample_error(2), sample_error(3)};
  rows.errors[1].message = "missing  component on line 812";
  rows.errors[2].message = "Another cause";
  const auto made = compose(sample_source(), rows, texts::left_out);
  EXPECT_FALSE(made.header.has_texts);
  EXPECT_EQ(write(made).find("Example Ltd"), std::string::npos);
  EXPECT_EQ(write(made).find("component"), std::string::npos);
  const auto& first = made.jobs[0].errors.at(0);
  EXPECT_EQ(first.row.title, "Deployment Failure");
  EXPECT_EQ(first.row.type, domain::error_type::deploy_error);
  EXPECT_THAT(first.signature_hash, testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(first.signature_hash, made.jobs[1].errors.at(0).signature_hash);
  EXPECT_NE(first.signature_hash, made.jobs[2].errors.at(0).signature_hash);

  const auto signature = [&](std::size_t job) {
    const domain::error_row row = errors_to_replay(made.jobs[job]).at(0);
    return domain::error_signature(row.type, row.title, row.message);
  };
  EXPECT_EQ(signature(0), signature(1));
  EXPECT_NE(signature(0), signature(2));
}

TEST(Compose, ReplaysErrorsAsTheyWereWhereTheTextsAreKept) {
  push_rows rows = rows_with({sample_job(1, push_status::failed)});
  rows.errors = {sample_error(1), sample_error(1)};
  rows.errors[1].message.clear();
  EXPECT_EQ(errors_to_replay(compose(sample_source(), rows).jobs.at(0)), rows.errors);
}

TEST(Compose, CountsErrorsAboveTheLimit) {
  push_rows rows = rows_with({sample_job(1, push_status::failed)});
  rows.errors.assign(errors_per_job_max, sample_error(1));
  EXPECT_EQ(compose(sample_source(), rows).jobs.at(0).errors_omitted, 0U);
  rows.errors.push_back(sample_error(1));
  const auto made = compose(sample_source(), rows);
  EXPECT_THAT(made.jobs.at(0).errors, SizeIs(errors_per_job_max));
  EXPECT_EQ(made.jobs.at(0).errors_omitted, 1U);
}

TEST(Compose, MakesAPushWithoutJobs) {
  const auto made = compose(sample_source(), rows_with({}));
  EXPECT_THAT(made.jobs, IsEmpty());
  EXPECT_TRUE(made.header.is_complete);
}

}  // namespace
}  // namespace pushguard::history
