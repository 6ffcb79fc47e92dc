// The example program of docs/cometd.md, run as a user would run it; and what that page says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <regex>
#include <set>

#include "base/file.hpp"
#include "program/server_thread.hpp"
#include "simulator/streaming_org.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/scratch_directory.hpp"

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;
using pushguard::test::child_process;
using pushguard::test::must;

constexpr auto patience = 30s;
const std::string channel = "/event/Order__e";

class Example : public testing::Test {
 protected:
  Example() {
    simulator::streaming_plan plan;
    plan.channels = {{.name = channel}};
    org_ = simulator::make_streaming_org(plan, *time_, null_logger());
    listener_ = must(thread_.listen(*network_, "127.0.0.1", 0));
    std::ofstream(scratch_.path() / "token") << org_->issue_token() << "\n";
    thread_.run(simulator::serve_streaming_org(*org_, *listener_, *time_, null_logger()));
  }
  ~Example() override { thread_.stop(); }

  std::unique_ptr<child_process> listen() {
    child_process::options options;
    options.directory = scratch_.path().string();
    options.joins_stderr = true;
    return std::make_unique<child_process>(
        std::vector<std::string>{PUSHGUARD_LISTEN, listener_->local().text(), "token", channel}, options);
  }

  void publish(int number) {
    const std::string payload = R"({"Number__c":)" + std::to_string(number) + "}";
    thread_.ask([&] { return org_->publish(channel, payload); });
  }

  void expect_event(child_process& from, int number) {
    const auto line = from.read_line_with(R"("Number__c":)" + std::to_string(number) + "}", patience);
    ASSERT_TRUE(line.has_value()) << number << " did not come";
    EXPECT_TRUE(line->starts_with(channel + " {")) << *line;
  }

  pushguard::test::scratch_directory scratch_;
  std::unique_ptr<time_source> time_ = make_system_time();
  std::unique_ptr<network> network_ = make_socket_network(*time_);
  std::unique_ptr<simulator::streaming_org> org_;
  program::server_thread thread_;
  std::unique_ptr<listener> listener_;
};

TEST_F(Example, PrintsEventsAndAfterARestartThoseThatCameMeanwhile) {
  auto first = listen();
  ASSERT_TRUE(first->read_line_with("event=stream_live", patience));
  publish(1);
  expect_event(*first, 1);
  publish(2);
  expect_event(*first, 2);
  EXPECT_EQ(first->terminate(), 0) << "it ends in order when asked";
  publish(3);
  auto second = listen();
  expect_event(*second, 3);
  second->signal(SIGKILL);
  EXPECT_EQ(second->wait(5s), 128 + SIGKILL);
  publish(4);
  auto third = listen();
  expect_event(*third, 4);
  EXPECT_EQ(third->terminate(), 0);
}

TEST_F(Example, SaysWhatIsWrongInOneSentence) {
  std::filesystem::remove(scratch_.path() / "token");
  auto without_token = listen();
  EXPECT_THAT(without_token->read_all(patience), testing::HasSubstr("listen: cannot read token"));
  EXPECT_EQ(without_token->wait(patience), 1);
  std::ofstream(scratch_.path() / "token") << "whatever";
  auto first = listen();
  ASSERT_TRUE(first->read_line_with("event=", patience));
  auto second = listen();
  EXPECT_THAT(second->read_all(patience), testing::HasSubstr("is in use by process"));
  EXPECT_EQ(second->wait(patience), 1);
}

std::string page() {
  return must(read_file(std::string(PUSHGUARD_SOURCE_DIR) + "/docs/cometd.md", 1024 * 1024));
}

TEST(CometdPage, ShowsTheExampleAsItIsBuilt) {
  const std::string program =
      must(read_file(std::string(PUSHGUARD_SOURCE_DIR) + "/cometd/example/listen.cpp", 1024 * 1024));
  EXPECT_NE(page().find("```cpp\n" + program + "```\n"), std::string::npos);
}

TEST(CometdPage, ListsEveryFailureThatHasATestAndNoOther) {
  const auto numbers_in = [](const std::string& text, const std::regex& pattern) {
    std::set<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
      found.insert(at->str(1));
    return found;
  };
  const std::string tests = must(read_file(
      std::string(PUSHGUARD_SOURCE_DIR) + "/tests/integration/cometd/field_failures_test.cpp", 1024 * 1024));
  std::set<std::string> tested = numbers_in(tests, std::regex(R"re(\.number = "(F\d\d)")re"));
  tested.insert({"F39", "F45"});  // tests of their own, beside the table
  std::set<std::string> listed = numbers_in(page(), std::regex(R"((F\d\d))"));
  // Ranges are written with a dash.
  listed.insert({"F02", "F12"});
  EXPECT_EQ(tested, listed);
  EXPECT_EQ(tested.size(), 52U);
}

}  // namespace
}  // namespace pushguard::cometd
