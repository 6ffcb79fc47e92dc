// The program itself, with a hub that it reaches through tinyproxy.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "tests/interop/running_world.hpp"
#include "tests/interop/tinyproxy.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::bad_rollout;
using test::running_world;
using testing::AllOf;
using testing::Each;
using testing::SizeIs;

/// The world's configuration, with a proxy for its hub.
std::string configuration_with(const std::string& proxy, const running_world& world) {
  std::string text = world.configuration();
  const std::string before = "    auth:\n";
  return text.insert(text.find(before), fmt::format("    proxy: {}\n", proxy));
}

TEST(Agent, ContainsABadRolloutOfAHubBehindTinyproxy) {
  running_world world(bad_rollout());
  test::tinyproxy proxy("BasicAuth me s3cret\n");
  world.start_agent(configuration_with("http://me:s3cret@" + proxy.address().authority(), world));
  ASSERT_TRUE(world.wait_for_the_end());
  const auto decisions = world.decisions();
  ASSERT_EQ(decisions.as_array().size(), 1U);
  EXPECT_EQ(decisions.at(0).at("outcome"), "confirmed");
  EXPECT_EQ(world.hub().truth().open_sessions, 1U) << "the stream goes through it too";
  EXPECT_EQ(world.agent().terminate(10s), 0);
  EXPECT_EQ(world.hub().truth().open_sessions, 0U);

  // Login and REST share connections; polls have their own.
  EXPECT_THAT(proxy.finish(), AllOf(SizeIs(testing::Ge(2U)), Each(world.hub().local().authority())));
}

}  // namespace
}  // namespace pushguard
