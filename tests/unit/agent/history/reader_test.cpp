#include "agent/history/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/history/sample_push.hpp"

namespace pushguard::history {
namespace {

using namespace test;
using domain::push_status;
using testing::StartsWith;

past_push three_jobs() {
  push_rows rows;
  rows.request = sample_request();
  for (const unsigned number : {1U, 2U, 3U}) {
    rows.jobs.push_back(sample_job(number, push_status::failed));
    rows.subscribers.push_back(sample_subscriber(number));
    rows.errors.push_back(sample_error(number));
  }
  return compose(sample_source(), rows);
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto place = text.find(what);
  EXPECT_NE(place, std::string::npos) << what;
  return place == std::string::npos ? text : text.replace(place, what.size(), with);
}

std::string refusal(std::string_view file) {
  const auto read = read_past_push(file, "past.ndjson");
  return read ? "accepted" : read.error().text();
}

std::vector<std::string> lines_of(std::string_view file) {
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = file.find('\n')) != std::string_view::npos; file.remove_prefix(end + 1))
    lines.emplace_back(file.substr(0, end + 1));
  return lines;
}

TEST(HistoryReader, ReadsWhatWasWritten) {
  const auto read = read_past_push(write(three_jobs()), "h");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, three_jobs());
}

TEST(HistoryReader, ReadsPiecesOfAnySize) {
  const std::string file = "\xEF\xBB\xBF" + write(three_jobs());
  for (std::size_t size = 1; size < file.size(); size += 1 + size / 8) {
    history_reader reader("h");
    for (std::size_t done = 0; done < file.size(); done += size)
      ASSERT_TRUE(reader.take(std::string_view(file).substr(done, size)));
    const auto read = reader.finish();
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(*read, three_jobs());
  }
}

TEST(HistoryReader, ToleratesOtherLineEndsAByteOrderMarkAndEmptyLines) {
  const std::string file = write(three_jobs());
  std::string with_returns;
  for (const std::string& line : lines_of(file))
    with_returns += line.substr(0, line.size() - 1) + "\r\n";
  for (const std::string& variant :
       {with_returns, "\xEF\xBB\xBF" + file, "\xEF\xBB\xBF" + with_returns, file + "\n\r\n",
        replaced(file, "\n", "\n\n"), file.substr(0, file.size() - 1)}) {
    const auto read = read_past_push(variant, "h");
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(*read, three_jobs());
  }
}

TEST(HistoryReader, IgnoresKeysOfLaterMinorVersions) {
  std::string file = write(three_jobs());
  file =
      replaced(file, R"("format_version":"1.0")", R"("format_version":"1.12","later":{"a":[1,{"b":null}]})");
  file = replaced(file, R"("job_id")", R"("mood":7.5e3,"job_id")");
  file = replaced(file, R"("severity")", R"("later":[],"severity")");
  const auto read = read_past_push(file, "h");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, three_jobs());
}

TEST(HistoryReader, TakesKeysThatAreMissingAsNotKnown) {
  const auto read = read_past_push(
      "{\"format\":\"pushguard-history\",\"format_version\":\"1.0\",\"request_id\":\"0DV000000000001\","
      "\"version_id\":\"04t000000000002\",\"status\":\"canceled\",\"jobs\":1,\"complete\":true}\n"
      "{\"job_id\":\"0DX000000000001\",\"org_key\":\"00D000000000001\",\"status\":\"canceled\"}\n",
      "h");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->jobs.at(0).subscriber, std::nullopt);
  EXPECT_EQ(read->jobs.at(0).row.request, read->header.request.id);
  EXPECT_TRUE(read->header.has_texts);
}

TEST(HistoryReader, RefusesDamageWithOneSentenceThatSaysWhere) {
  const std::string file = write(three_jobs());
  const auto lines = lines_of(file);
  const std::string& header = lines[0];
  const std::string deep(100, '[');
  struct {
    std::string file;
    std::string text;
  } const table[] = {
      {"", "past.ndjson:1: the file is empty"},
      {"\n\r\n", "past.ndjson:2: the file is empty"},
      {"\xEF\xBB\xBF", "past.ndjson:1: the file is empty"},
      {"hello\n", "past.ndjson:1: the line is not JSON: "},
      {"[1]\n", "past.ndjson:1: the line must be a JSON object"},
      {"{}\n", "past.ndjson:1: this is no history of a push: "},
      {lines[1], "past.ndjson:1: this is no history of a push: "},
      {replaced(file, "\"1.0\"", "1.0"), "past.ndjson:1: this is no history of a push: "},
      {replaced(file, "\"1.0\"", "\"1\""), "past.ndjson:1: this is no history of a push: "},
      {replaced(file, "\"1.0\"", "\"x.0\""), "past.ndjson:1: this is no history of a push: "},
      {replaced(file, "\"1.0\"", "\"2.3\""),
       "past.ndjson:1: the history has format version 2.3, and this Pushguard reads 1.x: use a newer one"},
      {replaced(file, "\"request_id\":\"0DV000000000001\",", ""), "past.ndjson:1: request_id is missing"},
      {replaced(file, "\"version_id\":\"04t000000000002\"", "\"version_id\":null"),
       "past.ndjson:1: version_id is missing"},
      {replaced(file, "\"033000000000001\"", "\"0330\""), "past.ndjson:1: package_id is wrong: "},
      {replaced(file, "\"2GP\"", "\"3GP\""),
       "past.ndjson:1: package_generation is '3GP', which is none of 1GP, 2GP"},
      {replaced(file, "\"jobs\":3,", ""), "past.ndjson:1: jobs is missing"},
      {replaced(file, "\"jobs\":3,", "\"jobs\":-3,"),
       "past.ndjson:1: jobs must be a whole number of 0 or more"},
      {replaced(file, "\"jobs\":3,", "\"jobs\":3.5,"),
       "past.ndjson:1: jobs must be a whole number of 0 or more"},
      {replaced(file, "\"jobs\":3,", "\"jobs\":\"3\","),
       "past.ndjson:1: jobs must be a whole number of 0 or more"},
      {replaced(file, "\"complete\":true", "\"complete\":1"),
       "past.ndjson:1: complete must be true or false"},
      {replaced(file, "\"complete\":true,", ""), "past.ndjson:1: complete is missing"},
      {replaced(file, "\"2025-03-01T09:55:00.000Z\"", "\"yesterday\""),
       "past.ndjson:1: scheduled_start must be an instant like 2025-09-02T01:01:01.000Z"},
      {replaced(file, "\"2025-03-01T09:55:00.000Z\"", "\"9999-12-31T23:59:59-01:00\""),
       "past.ndjson:1: scheduled_start must be an instant"},
      {replaced(file, "\"devhub\"", "7"), "past.ndjson:1: hub must be a text"},
      {replaced(file, "\"jobs\":3,", "\"jobs\":4,"),
       "past.ndjson:4: the file ends after 3 of the 4 jobs that its header promises"},
      {replaced(file, "\"jobs\":3,", "\"jobs\":2,"),
       "past.ndjson:4: the file has more jobs than the 2 that its header promises"},
      {header, "past.ndjson:1: the file ends after 0 of the 3 jobs that its header promises"},
      {file.substr(0, file.size() - 20),
       "past.ndjson:4: the file ends in the middle of this line: it was cut off"},
      {header + lines[1] + "\x80\n", "past.ndjson:3: the line is not JSON: "},
      {header + lines[1] + lines[1] + lines[2], "past.ndjson:3: job 0DX000000000001 was in line 2 already"},
      {header + lines[2] + lines[1] + lines[3], "past.ndjson:3: job 0DX000000000001 is out of order: "},
      {header + replaced(lines[1], R"("end":"2025-03-01T10:01:00.000Z")", R"("end":null)") + lines[2],
       "past.ndjson:3: job 0DX000000000002 is out of order: "},
      {header + replaced(lines[1], R"("job_id":"0DX000000000001",)", ""), "past.ndjson:2: job_id is missing"},
      {header + replaced(lines[1], "0DX000000000001", "0DY000000000001"), "past.ndjson:2: job_id is wrong: "},
      {header + replaced(lines[1], "00D000000000001", "00D"), "past.ndjson:2: org_key is wrong: "},
      {header + replaced(lines[1], R"("status":"failed")", R"("status":"Failed")"),
       "past.ndjson:2: status is 'Failed', which is none of created, pending, in_progress, succeeded, "
       "failed, "
       "canceled, unrecognized"},
      {header + replaced(lines[1], R"("status":"failed",)", ""), "past.ndjson:2: status is missing"},
      {header + replaced(lines[1], "\"Sandbox\"", "\"Demo\""),
       "past.ndjson:2: org_type is 'Demo', which is none of Production, Sandbox"},
      {header + replaced(lines[1], "\"04t000000000001\"", "\"1.4\""),
       "past.ndjson:2: from_version is wrong: "},
      {header + replaced(lines[1], "\"errors\":[", "\"errors\":7,\"x\":["),
       "past.ndjson:2: errors must be a list"},
      {header + replaced(lines[1], "\"errors\":[", "\"errors\":[7,"),
       "past.ndjson:2: errors[0] must be an object"},
      {header + replaced(lines[1], "\"errors\":[", "\"errors\":[{},{\"title\":{}},"),
       "past.ndjson:2: errors[1].title must be a text"},
      {header + replaced(lines[1], "\"DeployError\"", "\"Weather\\n\""),
       "past.ndjson:2: errors[0].type is 'Weather ', which is none of "},
      {header + replaced(lines[1], R"("errors_omitted":0)", R"("errors_omitted":true)"),
       "past.ndjson:2: errors_omitted must be a whole number of 0 or more"},
      {header + replaced(lines[1], "\"Example Ltd\"", "\"" + std::string(text_bytes_max + 1, 'x') + "\""),
       "past.ndjson:2: org_name must not have more than 4096 bytes"},
      {header + replaced(lines[1], "\"Example Ltd\"", "\"\\ud800\""),
       "past.ndjson:2: the line is not JSON: "},
      {header + "{\"later\":" + deep + "\n", "past.ndjson:2: the line is nested deeper than 16 levels"},
      {header + std::string(line_bytes_max + 1, ' ') + "\n",
       "past.ndjson:2: the line is longer than 1048576 bytes"},
      {header + std::string(line_bytes_max * 3, ' '), "past.ndjson:2: the line is longer than 1048576 bytes"},
  };
  for (const auto& row : table) {
    const std::string text = refusal(row.file);
    EXPECT_THAT(text, StartsWith(row.text));
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    EXPECT_LT(text.size(), 250U) << text;
  }
}

TEST(HistoryReader, ReadsALineOfExactlyTheLimit) {
  const auto lines = lines_of(write(three_jobs()));
  std::string line = lines[1].substr(0, lines[1].size() - 1);
  line += std::string(line_bytes_max - line.size(), ' ');
  EXPECT_TRUE(read_past_push(lines[0] + line + "\r\n" + lines[2] + lines[3], "h"));
}

TEST(HistoryReader, HoldsNoMoreOfALineThanTheLimit) {
  history_reader reader("h");
  const std::string piece(4096, ' ');
  std::size_t taken = 0;
  while (reader.take(piece) && taken <= 2 * line_bytes_max)
    taken += piece.size();
  EXPECT_LE(taken, line_bytes_max + piece.size());
}

TEST(HistoryReader, StaysFailed) {
  const std::string file = write(three_jobs());
  history_reader reader("h");
  const auto failed = reader.take("nonsense\n");
  ASSERT_FALSE(failed);
  for (const auto& again : {reader.take(file), reader.take("")}) {
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().text(), failed.error().text());
  }
  const auto finished = reader.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().text(), failed.error().text());
}

TEST(HistoryReader, FindsEveryCutThatLosesAJob) {
  const std::string file = write(three_jobs());
  for (std::size_t size = 0; size + 1 < file.size(); ++size)
    EXPECT_NE(refusal(std::string_view(file).substr(0, size)), "accepted") << size;
}

}  // namespace
}  // namespace pushguard::history
