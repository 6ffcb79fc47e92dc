#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <set>

#include "tests/support/simulated_agent.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using test::simulated_agent;
using testing::IsEmpty;
using testing::SizeIs;

class WatchdogOfTheAgent : public testing::Test {
 protected:
  /// Adds a webhook and a second Alertmanager, and what `alerts.watchdog` says.
  void use_watchdog(const std::string& says, const std::string& hook = "/hook") {
    std::string file = base;
    const std::string receivers = "  receivers:\n";
    file.insert(file.find(receivers) + receivers.size(), fmt::format(R"(    - name: bus
      webhook: {{ url: "{0}{1}", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw }}
    - name: nurse
      alertmanager: {{ urls: ["{0}/nurse"] }}
)",
                                                                     world.receivers_address(), hook));
    if (!says.empty())
      file.insert(file.find(receivers), "  watchdog: " + says + "\n");
    world.use_file(file);
  }
  std::vector<http_request> told(std::string_view target) {
    std::vector<http_request> out;
    for (const http_request& each : world.posted()) {
      if (each.target == target && each.body.contains("PushguardWatchdog"))
        out.push_back(each);
    }
    return out;
  }
  double last_success() {
    const std::string scraped = world.get("/metrics");
    const std::string name = "\npushguard_watchdog_last_success_timestamp_seconds ";
    return std::stod(scraped.substr(scraped.find(name) + name.size()));
  }

  simulated_agent world{test::make_lifelike_rollout(0)};
  std::string base = world.file();
};

constexpr const char* alertmanager_path = "/nurse/api/v2/alerts";

TEST_F(WatchdogOfTheAgent, TellsAlertmanagerAnAlertThatEndsWithTheAgent) {
  use_watchdog("{ receiver: nurse, interval: 2m }");
  world.start();
  world.run_for(5min);
  const auto all = told(alertmanager_path);
  ASSERT_THAT(all, SizeIs(3));
  std::set<std::string> starts;
  wall_time last_end{};
  for (const http_request& each : all) {
    const json::object alert = json::parse(each.body).as_array().at(0).as_object();
    EXPECT_EQ(alert.at("labels"), (json::object{{"alertname", "PushguardWatchdog"}, {"severity", "info"}}));
    starts.emplace(alert.at("startsAt").as_string());
    last_end = parse_time(alert.at("endsAt").as_string()).value();
  }
  EXPECT_THAT(starts, SizeIs(1));
  const wall_time last_told = world.time().wall_now() - 1min;
  EXPECT_EQ(last_end, last_told + 8min) << "four intervals after it was last told";
  EXPECT_EQ(last_success(), to_unix_seconds(last_told));

  world.stop();
  world.run_for(1h);
  EXPECT_THAT(told(alertmanager_path), SizeIs(3)) << "its absence is the message";
}

TEST_F(WatchdogOfTheAgent, TellsAWebhookAtEachIntervalWithIdsOfItsOwn) {
  use_watchdog("{ receiver: bus }");
  world.start();
  world.run_for(10min + 30s);
  std::set<std::string> ids;
  for (const http_request& each : told("/hook"))
    ids.emplace(each.headers.find("webhook-id").value());
  EXPECT_THAT(ids, SizeIs(11));
  EXPECT_THAT(told(alertmanager_path), IsEmpty()) << "it goes by no route";
}

TEST_F(WatchdogOfTheAgent, IsAsTheConfigurationSaysAfterAReload) {
  use_watchdog("{ receiver: bus }");
  world.start();
  world.run_for(30s);
  ASSERT_THAT(told("/hook"), SizeIs(1));
  ASSERT_THAT(world.reload().problems, IsEmpty());
  world.run_for(10s);
  EXPECT_THAT(told("/hook"), SizeIs(1)) << "nothing changed";

  use_watchdog("{ receiver: bus, interval: 10s }");
  ASSERT_THAT(world.reload().problems, IsEmpty());
  world.run_for(25s);
  EXPECT_THAT(told("/hook"), SizeIs(4));

  use_watchdog("{ receiver: bus, interval: 10s }", "/other");
  ASSERT_THAT(world.reload().problems, IsEmpty());
  world.run_for(25s);
  EXPECT_THAT(told("/hook"), SizeIs(4));
  EXPECT_THAT(told("/other"), SizeIs(3)) << "its receiver is another now";

  use_watchdog("");
  ASSERT_THAT(world.reload().problems, IsEmpty());
  world.run_for(1h);
  EXPECT_THAT(told("/other"), SizeIs(3));
}

TEST_F(WatchdogOfTheAgent, IsTornByNothingThatHappensToRollouts) {
  use_watchdog("{ receiver: bus }");
  world.start();
  world.set_outage(true);
  world.set_disk_full(true);
  world.run_for(10min + 30s);
  EXPECT_THAT(told("/hook"), SizeIs(11));
}

}  // namespace
}  // namespace pushguard
