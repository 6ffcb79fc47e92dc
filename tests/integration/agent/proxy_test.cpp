// The agent and a hub that nothing but a proxy reaches.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/expectation.hpp"
#include "tests/support/simulated_agent.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::hub_place;
using test::simulated_agent;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

simulator::scenario bad_rollout() {
  simulator::demo_options options;
  options.failure_rate = 0.25;
  options.time_scale = 1;
  return simulator::make_demo_scenario(options);
}

class HubBehindAProxy : public testing::TestWithParam<hub_place> {};

INSTANTIATE_TEST_SUITE_P(Named, HubBehindAProxy,
                         testing::Values(hub_place::behind_configured_proxy,
                                         hub_place::behind_environment_proxy),
                         [](const auto& place) {
                           return place.param == hub_place::behind_configured_proxy ? "InTheFile"
                                                                                    : "InTheEnvironment";
                         });

TEST_P(HubBehindAProxy, IsFollowedToTheEndOfARolloutThatIsAborted) {
  simulated_agent world(bad_rollout(), GetParam());
  world.start();
  ASSERT_TRUE(world.run_to_the_end()) << world.log().text().substr(0, 2000);
  world.run_for(5s);
  ASSERT_EQ(world.decisions().size(), 1U);
  EXPECT_EQ(world.decisions().front().outcome, "confirmed");
  EXPECT_EQ(world.decisions().front().spared_orgs, world.truth().spared_orgs.size());

  // Login and REST on one connection, polls on another, or more; nothing else asked the proxy.
  EXPECT_GE(world.proxy()->tunnels(), 2U);
  EXPECT_EQ(world.proxy()->tunnels(), world.proxy()->asked().size());
  EXPECT_THAT(world.proxy()->asked(), Each("hub.example.com:443"));
  EXPECT_THAT(world.alerts(), Contains(Field(&test::told_alert::name, "PushguardContainment")))
      << "receivers are told directly";
}

TEST_P(HubBehindAProxy, SendsItsEventsThroughIt) {
  simulated_agent world(bad_rollout(), GetParam());
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_EQ(world.truth().open_sessions, 1U);
  EXPECT_EQ(world.truth().handshakes, 1U) << "the stream was never lost";
  const std::string metrics = world.get("/metrics");
  EXPECT_THAT(metrics, HasSubstr("outcome=\"applied\""));
  EXPECT_THAT(metrics, Not(HasSubstr("outcome=\"applied\"} 0\n")));
  world.stop();
  EXPECT_EQ(world.truth().open_sessions, 0U) << "goodbye went through it too";
}

TEST_P(HubBehindAProxy, KeepsItsPasswordOutOfLogsAndAnswers) {
  simulated_agent world(bad_rollout(), GetParam());
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  for (const std::string& text :
       {world.log().text(), world.get("/api/v1/rollouts"), world.get("/metrics"), world.get("/-/ready")}) {
    EXPECT_THAT(text, Not(HasSubstr("pr0xy-s3cret")));
    EXPECT_THAT(text, Not(HasSubstr("bWU6")));
  }
}

TEST(HubBehindAProxyThatRefuses, IsNamedWithTheProxyAndReadOnceItLetsUsIn) {
  simulated_agent world(bad_rollout(), hub_place::behind_configured_proxy);
  world.proxy()->demand("Basic b3RoZXI6cGFzc3dvcmQ=");
  world.start();
  world.run_for(2min);
  EXPECT_EQ(world.proxy()->tunnels(), 0U);
  EXPECT_EQ(world.hub_requests(), 0U);
  const auto lines = world.log().lines_of("hub_unreadable");
  ASSERT_THAT(lines, Not(IsEmpty()));
  EXPECT_THAT(lines.front(),
              HasSubstr("the proxy http://proxy:3128 refused to connect to hub.example.com:443: "
                        "407 Proxy Authentication Required"));
  EXPECT_THAT(world.log().text(), Not(HasSubstr("pr0xy-s3cret")));

  world.proxy()->demand("");
  ASSERT_TRUE(world.run_to_the_end());
  EXPECT_EQ(world.truth().open_sessions, 1U);
}

}  // namespace
}  // namespace pushguard
