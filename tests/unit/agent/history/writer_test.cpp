#include "agent/history/writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/history/reader.hpp"
#include "tests/unit/agent/history/sample_push.hpp"

namespace pushguard::history {
namespace {

using namespace test;
using domain::push_status;
using testing::HasSubstr;

TEST(HistoryWriter, WritesTheHeaderAsItIsDocumented) {
  push_rows rows;
  rows.request = sample_request();
  EXPECT_EQ(write_header(compose(sample_source(), rows).header),
            R"({"format":"pushguard-history","format_version":"1.0","written_at":"2025-03-02T10:00:00.000Z",)"
            R"("pushguard_version":"0.1.0","hub":"devhub","hub_org_id":"00D000000000999",)"
            R"("request_id":"0DV000000000001","package_id":"033000000000001","package_name":"Acme Billing",)"
            R"("package_version":"1.4.0.7","version_id":"04t000000000002","package_generation":"2GP",)"
            R"("status":"failed","status_text":"Failed","scheduled_start":"2025-03-01T09:55:00.000Z",)"
            R"("start":"2025-03-01T10:00:00.000Z","end":"2025-03-01T10:10:00.000Z",)"
            R"("modified":"2025-03-01T10:11:00.000Z","jobs":0,"complete":true,"has_texts":true})"
            "\n");
}

TEST(HistoryWriter, WritesAJobAsItIsDocumented) {
  history_job job;
  job.row = sample_job(1, push_status::failed);
  job.subscriber = sample_subscriber(1);
  job.errors = {{.row = sample_error(1), .signature_hash = {}}};
  EXPECT_EQ(write_job(job),
            R"({"job_id":"0DX000000000001","org_key":"00D000000000001","org_name":"Example Ltd",)"
            R"("org_type":"Sandbox","sf_instance":"CS194","org_status":"Active",)"
            R"("from_version":"04t000000000001","status":"failed","status_text":null,)"
            R"("start":"2025-03-01T10:00:01.000Z","end":"2025-03-01T10:01:00.000Z",)"
            R"("modified":"2025-03-01T10:01:00.000Z","errors":[{"severity":"error","type":"DeployError",)"
            R"("title":"Deployment Failure","message":"Missing component on line 7","details":"Example Ltd",)"
            R"("signature_hash":null}],"errors_omitted":0})"
            "\n");
}

TEST(HistoryWriter, WritesNullForWhatIsNotKnown) {
  history_job job;
  job.row = sample_job(1, push_status::canceled);
  job.row.start.reset();
  job.row.end.reset();
  EXPECT_THAT(write_job(job), AllOf(HasSubstr(R"("org_name":null,"org_type":null,"sf_instance":null)"),
                                    HasSubstr(R"("start":null,"end":null)"), HasSubstr(R"("errors":[])")));
}

TEST(HistoryWriter, WritesTheOrgKeyWithFifteenCharacters) {
  history_job job;
  job.row = sample_job(1, push_status::canceled);
  job.row.org = domain::org_key::parse(job.row.org.long_text()).value();
  EXPECT_THAT(write_job(job), HasSubstr(R"("org_key":"00D000000000001",)"));
}

TEST(HistoryWriter, KeepsOneLineOfValidTextWhateverTheTextsHold) {
  for (const std::string_view text : {std::string_view("a\nb\r\nc"), std::string_view("\xFF\xC3"),
                                      std::string_view("\0\x7F\x1B", 3), std::string_view("\xED\xA0\x80")}) {
    past_push push;
    push.header.request = sample_request();
    push.header.jobs = 1;
    push.header.hub = text;
    history_job& job = push.jobs.emplace_back();
    job.row = sample_job(1, push_status::failed);
    job.subscriber = sample_subscriber(1);
    job.subscriber->name = text;
    job.errors = {{.row = sample_error(1), .signature_hash = {}}};
    job.errors[0].row.message = text;
    const std::string file = write(push);
    EXPECT_EQ(std::ranges::count(file, '\n'), 2) << file;
    const auto read = read_past_push(file, "h");
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(write(*read), file);
  }
}

TEST(HistoryWriter, CutsATextThatIsTooLongBetweenCharacters) {
  history_job job;
  job.row = sample_job(1, push_status::failed);
  job.subscriber = sample_subscriber(1);
  for (const std::string& name :
       {std::string(text_bytes_max, 'x'), std::string(text_bytes_max - 1, 'x') + "ü"}) {
    job.subscriber->name = name + "more";
    const std::string kept = name.ends_with("x") ? name : std::string(text_bytes_max - 1, 'x');
    EXPECT_THAT(write_job(job), HasSubstr("\"org_name\":\"" + kept + "\","));
  }
}

TEST(HistoryWriter, LeavesOutErrorsThatHaveNoRoomInTheLine) {
  history_job job;
  job.row = sample_job(1, push_status::failed);
  job.errors_omitted = 5;
  history_error error{.row = sample_error(1), .signature_hash = {}};
  error.row.message = std::string(text_bytes_max, '\x01');  // six bytes each
  error.row.details = error.row.message;
  job.errors.assign(errors_per_job_max, error);
  const std::string line = write_job(job);
  EXPECT_LE(line.size() - 1, line_bytes_max);
  push_rows rows;
  rows.request = sample_request();
  past_push push = compose(sample_source(), rows);
  push.header.jobs = 1;
  const auto read = read_past_push(write_header(push.header) + line, "h");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->jobs.at(0).errors.size() + read->jobs.at(0).errors_omitted, errors_per_job_max + 5);
  EXPECT_GT(read->jobs.at(0).errors.size(), 10U);
}

TEST(HistoryWriter, WritesWhatIsReadAsTheSame) {
  std::mt19937 random(7);
  for (int run = 0; run < 300; ++run) {
    for (const texts wanted : {texts::kept, texts::left_out}) {
      const past_push made = compose(sample_source(), random_rows(random), wanted);
      const std::string file = write(made);
      const auto read = read_past_push(file, "h");
      ASSERT_TRUE(read) << read.error().text();
      ASSERT_EQ(*read, made) << file;
      ASSERT_EQ(write(*read), file);
    }
  }
}

}  // namespace
}  // namespace pushguard::history
