#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/simulated_agent.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using test::simulated_agent;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* routing_key = "0123456789abcdef0123456789abcdef";
constexpr const char* slack_path = "/services/T0/B0/slack-s3cret";
constexpr const char* hook_path = "/hook?token=hook-s3cret";
constexpr const char* hook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Beside Alertmanager, one receiver of each other kind, all of them at the same address.
std::string with_every_kind(std::string file, const std::string& at) {
  const std::string receivers = "  receivers:\n";
  file.insert(file.find(receivers) + receivers.size(),
              fmt::format(R"(    - name: oncall
      pagerduty: {{ routing_key: {}, url: "{}" }}
    - name: chat
      slack: {{ webhook_url: "{}{}" }}
    - name: bus
      webhook: {{ url: "{}{}", secret: {} }}
)",
                          routing_key, at, at, slack_path, at, hook_path, hook_secret));
  const std::string routes = "    - { receivers: [prometheus] }\n";
  file.insert(file.find(routes), "    - { receivers: [oncall, chat, bus] }\n");
  return file;
}

class EveryReceiver : public testing::Test {
 protected:
  EveryReceiver() { world.use_file(with_every_kind(world.file(), world.receivers_address())); }

  std::vector<http_request> posted_to(std::string_view target) {
    std::vector<http_request> out;
    for (const http_request& each : world.posted()) {
      if (each.target == target)
        out.push_back(each);
    }
    return out;
  }

  simulated_agent world{test::make_lifelike_rollout(0.25)};
};

TEST_F(EveryReceiver, HearsOfAContainmentAndOfItsEnd) {
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  world.run_for(1min);
  const auto events = posted_to("/v2/enqueue");
  std::set<std::string> keys;
  std::string last_summary;
  for (const http_request& each : events) {
    const json::object event = json::parse(each.body).as_object();
    EXPECT_EQ(event.at("routing_key"), routing_key);
    if (event.at("event_action") != "trigger" || event.at("payload").at("class") != "PushguardContainment")
      continue;
    keys.emplace(event.at("dedup_key").as_string());
    last_summary = event.at("payload").at("summary").as_string();
    EXPECT_EQ(event.at("payload").at("source"), "pushguard devhub");
    EXPECT_EQ(event.at("payload").at("severity"), "critical");
  }
  EXPECT_THAT(keys, SizeIs(1)) << "one incident";
  EXPECT_THAT(last_summary, HasSubstr("abort confirmed"));

  const auto messages = posted_to(slack_path);
  EXPECT_THAT(messages,
              Contains(testing::Field(&http_request::body, HasSubstr("Critical: PushguardContainment"))));
  EXPECT_THAT(messages, Contains(testing::Field(&http_request::body, HasSubstr("abort confirmed"))));

  std::set<std::string> ids;
  const auto hooks = posted_to(hook_path);
  for (const http_request& each : hooks) {
    EXPECT_TRUE(each.headers.find("webhook-signature"));
    ids.emplace(each.headers.find("webhook-id").value());
  }
  EXPECT_THAT(ids, SizeIs(hooks.size())) << "each notification has its own";
  EXPECT_THAT(hooks, Contains(testing::Field(&http_request::body, HasSubstr("\"alert.fired\""))));
  EXPECT_THAT(hooks, Contains(testing::Field(&http_request::body, HasSubstr("\"alert.updated\""))));
}

TEST_F(EveryReceiver, IsASecretThatNothingTells) {
  world.start();
  ASSERT_TRUE(world.run_to_the_end());
  std::string told = world.log().text();
  for (const char* target : {"/metrics", "/metrics/orgs", "/-/ready", "/api/v1/rollouts", "/api/v1/requests",
                             "/api/v1/decisions", "/api/v1/audit", "/api/v1/holds", "/api/v1/alerts"})
    told += world.get(target);
  world.stop();
  std::ifstream stored(world.directory() / "state.db", std::ios::binary);
  std::ostringstream bytes;
  bytes << stored.rdbuf();
  told += bytes.str();
  ASSERT_GT(told.size(), 10'000U);
  for (const char* secret : {routing_key, "s3cret", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    EXPECT_FALSE(told.contains(secret)) << secret;
}

}  // namespace
}  // namespace pushguard
