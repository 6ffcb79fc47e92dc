#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/history/reader.hpp"
#include "tests/interop/running_world.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::child_process;
using test::running_world;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::size_t past_orgs = 600;  // more than a pipe holds

simulator::scenario with_history() {
  simulator::scenario plan = test::bad_rollout();
  plan.waves.at(0).orgs += past_orgs;
  plan.history.push_back({.age = 24h, .orgs = past_orgs, .failure_rate = 0.1});
  return plan;
}

struct outcome {
  int exit_code = -1;
  std::string output;
};

/// Runs the program in a shell that puts `redirection` after it; the exit code comes last in the output.
outcome run_in_shell(const std::filesystem::path& config, const std::string& arguments,
                     const std::string& redirection) {
  const std::string command = "exec 3>&1; { " PUSHGUARD_PROGRAM " export-history --config '" +
                              config.string() + "' " + arguments + " 2>&3; echo \"exit=$?\" >&3; } " +
                              redirection;
  child_process shell({"sh", "-c", command}, {.directory = {}, .environment = {}, .joins_stderr = true});
  outcome out{.exit_code = -1, .output = shell.read_all(60s)};
  (void)shell.wait(10s);
  const auto exit = out.output.rfind("exit=");
  if (exit != std::string::npos) {
    out.exit_code = std::stoi(out.output.substr(exit + 5));
    out.output.resize(exit);
  }
  return out;
}

class ExportHistory : public testing::Test {
 protected:
  running_world world_{with_history()};
  std::filesystem::path config_ = world_.write_file("pushguard.yaml", world_.configuration());
  std::string request_ = "--request " + world_.hub().truth().requests.at(0).id;
};

TEST_F(ExportHistory, WritesAFileThatReadsBack) {
  child_process program({PUSHGUARD_PROGRAM, "export-history", "--config", config_.string(), "--hub", "devhub",
                         "--request", world_.hub().truth().requests.at(0).id.substr(0, 15)});
  const std::string file = program.read_all(60s);
  EXPECT_EQ(program.wait(10s), 0);
  const auto read = history::read_past_push(file, "past.ndjson");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->jobs.size(), past_orgs);
  EXPECT_TRUE(read->header.is_complete);
}

TEST_F(ExportHistory, FailsWhereTheDiskIsFull) {
  const outcome ended = run_in_shell(config_, request_, ">/dev/full");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(ended.output, "pushguard: cannot write to standard output: No space left on device\n");
}

TEST_F(ExportHistory, FailsWhereTheReaderWentAway) {
  const outcome ended = run_in_shell(config_, request_, "| :");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(ended.output, "pushguard: cannot write to standard output: Broken pipe\n");
}

TEST_F(ExportHistory, SaysWhatEachHubAnswered) {
  std::string text = world_.configuration();
  const auto policies = text.find("policies:");
  text.insert(policies, "  - name: other\n    login_url: " + world_.free_address().text() +
                            "\n    auth: { client_credentials: { client_id: x, client_secret: hunter2 } }\n");
  const auto config = world_.write_file("two.yaml", text);
  const outcome unknown = run_in_shell(config, "--request 0DV000000000099", "");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(std::ranges::count(unknown.output, '\n'), 1) << unknown.output;
  EXPECT_THAT(unknown.output, AllOf(HasSubstr("devhub: the hub has no push request 0DV000000000099; other: "),
                                    testing::Not(HasSubstr("hunter2"))));
  const outcome nowhere = run_in_shell(config, request_ + " --hub third", "");
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_THAT(nowhere.output, HasSubstr("has no hub named third, only devhub, other"));
}

}  // namespace
}  // namespace pushguard
