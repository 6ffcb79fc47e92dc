// Long runs in simulated time: what goes wrong once a week, and what adds up.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "tests/support/streaming_world.hpp"

namespace pushguard::cometd {
namespace {

using namespace std::chrono_literals;
using pushguard::test::streaming_world;

const std::vector<std::string> channels{"/event/Push__e", "/data/License__ChangeEvent"};

client_options wanting(const std::vector<std::string>& names) {
  client_options options;
  for (const auto& name : names)
    options.session.channels.push_back({.channel = name});
  return options;
}

simulator::streaming_plan org_with(const std::vector<std::string>& names) {
  simulator::streaming_plan plan;
  plan.channels.clear();
  for (const auto& name : names)
    plan.channels.push_back({.name = name});
  return plan;
}

/// Bytes that the program has allocated and not given back. Sanitizers answer 0.
std::size_t allocated_bytes() {
  const auto now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}

TEST(LongRun, TenThousandReconnectionsLeaveNothingBehind) {  // F39
  constexpr int reconnections = 10'000;
  constexpr int settled_after = 6'000;  // the window of known events is full by then
  simulator::streaming_plan plan = org_with(channels);
  plan.channels[0].retention = plan.channels[1].retention = 1h;
  streaming_world world(plan, wanting(channels));
  world.start();
  world.until_live();
  std::size_t settled = 0;
  for (int i = 1; i <= reconnections; ++i) {
    world.org->end_sessions();
    world.publish(2);
    if (i % 10 == 0)
      world.pass(2min);
    world.expect_everything_and_forget();
    if (i == settled_after)
      settled = allocated_bytes();
  }
  EXPECT_GE(world.metric("pushguard_stream_handshakes_total", "hub", "devhub"), reconnections);
  EXPECT_LE(allocated_bytes(), settled + 256 * 1024) << "memory grows with reconnections";
  EXPECT_LE(world.org->truth().open_sessions_peak, 2U);
  EXPECT_EQ(world.consumer.repeated, 0U);
}

class RandomWeek : public testing::TestWithParam<int> {};

// Every fault there is, by chance, and a process that is stopped and killed now and then.
TEST_P(RandomWeek, LosesNothingAndRepeatsNothing) {
  simulator::streaming_plan plan = org_with(channels);
  plan.seed = static_cast<std::uint64_t>(GetParam());
  plan.chaos = simulator::random_faults{.odds = 0.02};
  streaming_world world(plan, wanting(channels));
  random_engine random(static_cast<std::uint64_t>(GetParam()));
  const auto up_to = [&random](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
  world.start();
  world.until_live();
  while (world.time.steady_now().time_since_epoch() < 7 * 24h) {
    world.publish(up_to(4));
    world.pass(std::chrono::seconds(1 + up_to(600)));
    if (up_to(100) == 0) {
      up_to(2) == 0 ? world.stop() : world.kill();
      world.publish(up_to(20));
      world.start();
    }
    if (up_to(50) == 0)
      world.expect_everything_and_forget(24h);
  }
  world.expect_everything(24h);
  EXPECT_EQ(world.metric("pushguard_stream_gaps_total", "hub", "devhub"), 0);
  EXPECT_GT(world.org->faults_happened().size(), 20U) << "the week was too quiet to prove anything";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomWeek, testing::Range(1, 4));

}  // namespace
}  // namespace pushguard::cometd
