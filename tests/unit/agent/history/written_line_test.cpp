#include "agent/history/written_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/history/reader.hpp"
#include "agent/history/writer.hpp"
#include "tests/unit/agent/history/sample_push.hpp"

namespace pushguard::history {
namespace {

using namespace test;
using domain::push_status;

past_push one_job() {
  push_rows rows;
  rows.request = sample_request();
  rows.jobs.push_back(sample_job(1, push_status::failed));
  rows.subscribers.push_back(sample_subscriber(1));
  rows.errors.push_back(sample_error(1));
  return compose(sample_source(), rows);
}

/// What the reader makes of a file with this job: the job, or its refusal.
std::string outcome_of(std::string_view header, std::string_view line) {
  const auto read = read_past_push(std::string(header).append(line).append("\n"), "h");
  return read ? write_job(read->jobs.at(0)) : read.error().text();
}

TEST(WrittenLine, IsReadAsItWasWritten) {
  const auto push = one_job();
  std::string line = write_job(push.jobs[0]);
  line.pop_back();
  history_job read;
  ASSERT_TRUE(read_written_job(line, push.header.request, read));
  EXPECT_EQ(read, push.jobs[0]);
}

TEST(WrittenLine, LeavesOtherLinesToTheReader) {
  const auto push = one_job();
  std::string line = write_job(push.jobs[0]);
  line.pop_back();
  for (const std::string& other : {std::string(), " " + line, line + " ", line + "{}", line.substr(1),
                                   line.substr(0, line.size() - 1), std::string("{}")}) {
    history_job read;
    EXPECT_FALSE(read_written_job(other, push.header.request, read)) << other;
  }
}

// A blank before a line makes it one that only the general way can read.
TEST(WrittenLine, IsReadLikeAnyOtherHoweverItIsDamaged) {
  const auto push = one_job();
  const std::string header = write_header(push.header);
  std::string line = write_job(push.jobs[0]);
  line.pop_back();
  for (std::size_t i = 0; i < line.size(); ++i) {
    std::string shorter = line;
    shorter.erase(i, 1);
    ASSERT_EQ(outcome_of(header, shorter), outcome_of(header, " " + shorter)) << shorter;
    for (const char other : {'"', '\\', ' ', ',', '0', '1', 'x', '}', '\x01', '\x7F', '\x80', '\xC3'}) {
      std::string damaged = line;
      damaged[i] = other;
      ASSERT_EQ(outcome_of(header, damaged), outcome_of(header, " " + damaged)) << damaged;
      std::string longer = line;
      longer.insert(i, 1, other);
      ASSERT_EQ(outcome_of(header, longer), outcome_of(header, " " + longer)) << longer;
    }
  }
}

TEST(WrittenLine, IsReadLikeAnyOtherWhateverItTells) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    const auto push = compose(sample_source(), random_rows(random));
    std::string spaced = write_header(push.header);
    for (const auto& job : push.jobs)
      spaced += " " + write_job(job);
    const auto written = read_past_push(write(push), "h");
    const auto general = read_past_push(spaced, "h");
    ASSERT_TRUE(written) << written.error().text();
    ASSERT_TRUE(general) << general.error().text();
    EXPECT_EQ(*written, *general);
  }
}

}  // namespace
}  // namespace pushguard::history
