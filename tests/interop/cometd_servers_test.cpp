// The programs that a test runs, and the whole life of a client with each foreign server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/interop/cometd_world.hpp"

namespace pushguard::test {
namespace {

using namespace std::chrono_literals;

class BothServers : public both_servers_test {};

TEST_P(BothServers, DeliverInOrderAreFoundAgainAfterARestartAndSeeAGoodbye) {
  serve();
  subscribe_and_wait();
  server_->publish("/updates", "first", 0, 200, "spread");
  expect_events(numbered("first", 0, 200));

  EXPECT_EQ(server_->terminate(), 0);
  serve_again();
  server_->wait_for("held", 1);
  server_->publish("/updates", "second", 0, 200, "spread");
  std::vector<std::string> expected = numbered("first", 0, 200);
  for (std::string& each : numbered("second", 0, 200))
    expected.push_back(std::move(each));
  expect_events(expected);

  EXPECT_TRUE(client_->stop());
  EXPECT_EQ(server_->count_of("left"), 1) << "no goodbye reached the server";
  EXPECT_EQ(server_->terminate(), 0);
}

INSTANTIATE_TEST_SUITE_P(Servers, BothServers, testing::Values(server_kind::cometd, server_kind::faye),
                         name_of);

TEST(ChildProcess, IsReadByLinesAndReaped) {
  child_process shell({"sh", "-c", "echo one; echo two; exit 3"});
  EXPECT_EQ(shell.read_line(patience), "one");
  EXPECT_EQ(shell.read_line(patience), "two");
  EXPECT_EQ(shell.read_line(patience), std::nullopt);
  EXPECT_EQ(shell.wait(patience), 3);
}

TEST(ChildProcess, IsKilledWhenItDoesNotEndWhenAsked) {
  child_process stubborn({"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"});
  EXPECT_EQ(stubborn.read_line(patience), "ready");
  EXPECT_EQ(stubborn.read_line(10ms), std::nullopt);
  EXPECT_EQ(stubborn.terminate(100ms), 128 + SIGKILL);
}

TEST(ChildProcess, TakesADirectoryAndAnEnvironment) {
  child_process::options options;
  options.directory = "/";
  options.environment = {{"PUSHGUARD_TEST", "a b"}};
  child_process shell({"sh", "-c", "pwd; echo $PUSHGUARD_TEST"}, options);
  EXPECT_EQ(shell.read_all(patience), "/\na b\n");
}

TEST(ChildProcess, ThatDoesNotExistIsNamed) {
  try {
    child_process nothing({"no-such-program-anywhere"});
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("no-such-program-anywhere"));
  }
}

}  // namespace
}  // namespace pushguard::test
