#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <set>

#include "tests/interop/running_world.hpp"
#include "tests/interop/terminal_program.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using test::child_process;
using test::running_world;
using test::terminal_program;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsSupersetOf;

/// The rest of the watch's tests ask an agent that they made up; these ask the one that there is.
class WatchedAgent : public testing::Test {
 protected:
  void SetUp() override { world_.start_agent(world_.configuration()); }

  std::vector<std::string> watch(std::vector<std::string> more) const {
    more.insert(more.begin(), {PUSHGUARD_PROGRAM, "watch", "--url", world_.agent_address().text()});
    return more;
  }
  std::string rollout() {
    std::string id;
    EXPECT_TRUE(world_.wait_for([&] {
      const auto answer = world_.get_json(world_.agent_address(), "/api/v1/rollouts");
      if (answer && !answer->at("rollouts").as_array().empty())
        id = answer->at("rollouts").at(0).at("id").as_string();
      return !id.empty();
    }));
    return id;
  }

  running_world world_{test::bad_rollout()};
};

TEST_F(WatchedAgent, IsSeenInATerminalFromTheFirstFailureToTheAbort) {
  terminal_program terminal(watch({}), 120, 40, {{"TERM", "xterm"}, {"LC_ALL", "C"}, {"NO_COLOR", "1"}});
  ASSERT_TRUE(terminal.wait_for_text("production/failure-rate")) << terminal.text();
  ASSERT_TRUE(terminal.wait_for_text("ABORTED")) << terminal.text();
  ASSERT_TRUE(world_.wait_for_the_end());
  ASSERT_TRUE(terminal.wait_for([&] { return terminal.text().contains(" spared, 0 running"); }))
      << terminal.text();
  EXPECT_THAT(terminal.text(), ContainsRegex("! breached +production/failure-rate"));
  terminal.press("q");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(WatchedAgent, IsFollowedByAPipeUntilTheRolloutHasEnded) {
  child_process pipe(watch({rollout()}), {.directory = {}, .environment = {}, .joins_stderr = true});
  const std::string lines = pipe.read_all(running_world::patience);
  EXPECT_EQ(pipe.wait(10s), 0);
  EXPECT_THAT(lines, ContainsRegex("production/failure-rate"));
  EXPECT_THAT(lines, HasSubstr("spared"));
}

TEST_F(WatchedAgent, TellsEachChangeAsJson) {
  child_process stream(watch({"--json"}), {.directory = {}, .environment = {}, .joins_stderr = true});
  std::set<std::string> seen;
  while (!seen.contains("decision")) {
    const auto line = stream.read_line(running_world::patience);
    ASSERT_TRUE(line.has_value());
    boost::system::error_code ec;
    const json::value event = json::parse(*line, ec);
    ASSERT_FALSE(ec) << *line;
    seen.emplace(event.at("event").as_string());
    EXPECT_TRUE(event.at("data").is_object()) << *line;
  }
  EXPECT_THAT(seen, IsSupersetOf({"reset", "hub", "rollout", "job", "rule"}));
}

}  // namespace
}  // namespace pushguard
