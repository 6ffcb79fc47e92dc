// What holds for everything that changes something through HTTP: who may, how often, and what is written
// down.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <set>

#include "tests/integration/agent/operated_rollout.hpp"
#include "tests/support/told_trail.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using test::alice;
using test::told_trail;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr const char* bob = "bobs-very-own-token";
constexpr const char* wrong_token = "alices-own-token-2";
constexpr const char* good_body = R"({"reason": "x", "for": "1h"})";
constexpr const char* rule_path = "/api/v1/rules/production/failure-rate";

class Mutations : public test::operated_rollout {
 protected:
  /// Every POST of the agent, with ids of what there is in place of the placeholders.
  std::vector<std::string> targets() {
    const agent::rollout_view& rollout = only_rollout();
    const std::vector<std::pair<std::string, std::string>> values{
        {"{hub}", rollout.hub},     {"{version}", std::string(rollout.version.text())},
        {"{number}", "1"},          {"{policy}", "production"},
        {"{rule}", "failure-rate"},
    };
    std::vector<std::string> out;
    for (std::string route : world.routes()) {
      constexpr std::string_view method = "POST ";
      if (!route.starts_with(method))
        continue;
      route.erase(0, method.size());
      for (const auto& [name, value] : values)
        replace(route, name, value);
      const bool is_of_a_request = route.find("/requests/") != std::string::npos;
      replace(route, "{id}", is_of_a_request ? std::string(rollout.requests.back().text()) : "no-such-alert");
      EXPECT_EQ(route.find('{'), std::string::npos) << route;
      out.push_back(route);
    }
    return out;
  }

  /// POSTs what may be asked with these headers, at a pace that nobody is put off for.
  http_response post_with(const std::string& target, http_headers headers) {
    world.run_for(2s);
    headers.set("Content-Type", "application/json");
    return world.send({.method = "POST", .target = target, .headers = std::move(headers), .body = good_body});
  }
  http_response whoami(const std::string& authorization) {
    http_headers headers;
    if (!authorization.empty())
      headers.set("Authorization", authorization);
    return world.send(
        {.method = "GET", .target = "/api/v1/whoami", .headers = std::move(headers), .body = ""});
  }
  static std::string code_of(const http_response& reply) {
    return std::string(json::parse(reply.body).at("error").at("code").as_string());
  }

 private:
  static void replace(std::string& in, std::string_view what, std::string_view by) {
    if (const auto at = in.find(what); at != std::string::npos)
      in.replace(at, what.size(), by);
  }
};

TEST_F(Mutations, AreRefusedWithoutATokenWithAWrongOneAndFromPagesOfOtherSites) {
  world.start();
  run_until_seen();
  const std::vector<std::string> all = targets();
  EXPECT_GE(all.size(), 16U);
  const std::string good = fmt::format("Bearer {}", alice);
  for (const std::string& target : all) {
    EXPECT_EQ(post_with(target, {}).status, 401) << target;
    EXPECT_EQ(post_with(target, {{"Authorization", fmt::format("Bearer {}", wrong_token)}}).status, 401)
        << target;
    for (const auto& [name, value] : std::vector<http_headers::field>{{"Sec-Fetch-Site", "cross-site"},
                                                                      {"Sec-Fetch-Site", "same-site"},
                                                                      {"Origin", "https://evil.example"}}) {
      const auto reply = post_with(target, {{"Authorization", good}, {name, value}});
      EXPECT_EQ(reply.status, 403) << target << ' ' << value;
      EXPECT_EQ(code_of(reply), "cross_site") << target << ' ' << value;
    }
  }
  EXPECT_THAT(world.model().holds(), IsEmpty());
  EXPECT_THAT(world.log().lines_of("operator_action"), IsEmpty());
  for (const store::audit_row& row : test::read_trail(world).rows)
    EXPECT_NE(row.actor, "alice") << row.kind;
  EXPECT_THAT(world.log().lines_of("configuration_loaded"), IsEmpty());
}

TEST_F(Mutations, AreInTheTrailWithTheNameOfWhoAsked) {
  start_when_breached();
  const json::value alerts = json::parse(world.get("/api/v1/alerts")).at("alerts");
  const auto breached = std::ranges::find_if(alerts.as_array(), [](const json::value& each) {
    return each.at("state") == "firing" && each.at("kind") == "trouble";
  });
  ASSERT_NE(breached, alerts.as_array().end());
  const std::string alert = "/api/v1/alerts/" + std::string(breached->at("fingerprint").as_string());
  ask(alert + "/ack", R"({"reason": "mine"})");
  ask(alert + "/mute", good_body);
  ask(fmt::format("{}/hold", rule_path), good_body);
  ask(fmt::format("{}/release", rule_path), "");
  ask(path("hold"), good_body);
  ask(path("arm"), "");
  ask(path("release"), "");
  ask("/-/reload", "");
  run_until_ended();
  ask(path("resume"), "");
  ask(path("abort"), R"({"reason": "enough"})", 202);

  std::set<std::pair<std::string, std::string>> told;
  const told_trail trail = test::read_trail(world);
  EXPECT_EQ(trail.problem, "");
  for (const store::audit_row& row : trail.rows)
    told.emplace(row.kind, row.actor);
  for (const char* kind : {"acknowledged", "muted", "held", "released", "armed", "resumed", "abort_requested",
                           "configuration_loaded"})
    EXPECT_THAT(told, Contains(Pair(kind, "alice"))) << kind;
  EXPECT_THAT(trail.of_kind("held"), SizeIs(2)) << "of the rule and of the rollout";
}

TEST_F(Mutations, OfOneWhoAsksTooOftenAreNotDoneAndThoseOfOthersAre) {
  world.start();
  run_until_seen();
  for (int i = 0; i < 30; ++i)
    ASSERT_EQ(world.post(path("release"), "", alice).status, 409) << i << ": there is no hold to release";
  const auto put_off = world.post(path("hold"), good_body, alice);
  EXPECT_EQ(put_off.status, 429);
  EXPECT_EQ(code_of(put_off), "too_many_requests");
  EXPECT_EQ(put_off.headers.find("Retry-After"), "2");
  EXPECT_THAT(put_off.body, HasSubstr("by alice: nothing was done; ask again in 2 s"));
  EXPECT_THAT(world.model().holds(), IsEmpty());
  EXPECT_EQ(whoami(fmt::format("Bearer {}", alice)).status, 200) << "it changes nothing";
  EXPECT_EQ(world.post(fmt::format("{}/hold", rule_path), good_body, bob).status, 200);
  world.run_for(2s);
  EXPECT_EQ(world.post(path("hold"), good_body, alice).status, 200);
}

TEST_F(Mutations, WithWrongTokensArePutOffAfterTenAndDoNotHoldUpAnAbort) {
  world.start();
  run_until_seen();
  for (int i = 0; i < 9; ++i)
    ASSERT_EQ(world.post(path("abort"), R"({"reason": "x"})", wrong_token).status, 401) << i;
  EXPECT_EQ(world.post(path("abort"), R"({"reason": "x"})", "").status, 401) << "none counts as a wrong one";
  const auto put_off = world.post("/-/reload", "", wrong_token);
  EXPECT_EQ(put_off.status, 429);
  EXPECT_EQ(code_of(put_off), "too_many_requests");
  EXPECT_EQ(put_off.headers.find("Retry-After"), "1");
  EXPECT_EQ(whoami(fmt::format("Bearer {}", wrong_token)).status, 429) << "another way to guess";
  EXPECT_EQ(whoami("").status, 429);
  EXPECT_THAT(world.decisions(), IsEmpty());
  EXPECT_EQ(world.post(path("abort"), R"({"reason": "customers call"})", alice).status, 202);
  ASSERT_THAT(world.decisions(), SizeIs(1));
  EXPECT_EQ(world.decisions().front().actor, "alice");
  world.run_for(1s);
  EXPECT_EQ(whoami(fmt::format("Bearer {}", wrong_token)).status, 401);
}

TEST_F(Mutations, AreWhatWhoamiTellsWhetherOneMay) {
  world.start();
  run_until_seen();
  const auto known = whoami(fmt::format("Bearer {}", bob));
  EXPECT_EQ(known.status, 200);
  EXPECT_EQ(known.headers.find("Content-Type"), "application/json");
  EXPECT_EQ(known.body, "{\"actor\":\"bob\"}\n");
  const auto nobody = whoami("");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.headers.find("WWW-Authenticate"), R"(Bearer realm="pushguard")");
  EXPECT_EQ(whoami(fmt::format("Basic {}", bob)).status, 401);
  const auto other_site = world.send(
      {.method = "GET",
       .target = "/api/v1/whoami",
       .headers = {{"Authorization", fmt::format("Bearer {}", bob)}, {"Sec-Fetch-Site", "cross-site"}},
       .body = ""});
  EXPECT_EQ(other_site.status, 403);
  EXPECT_EQ(code_of(other_site), "cross_site");
  EXPECT_EQ(world.post("/api/v1/whoami", "", bob).status, 405);
}

TEST(WithoutTokens, WhoamiSaysThatPostIsOff) {
  test::simulated_agent world(test::make_lifelike_rollout(0.0));
  world.start();
  const auto reply = world.send({.method = "GET", .target = "/api/v1/whoami", .headers = {}, .body = ""});
  EXPECT_EQ(reply.status, 403);
  EXPECT_THAT(reply.body, HasSubstr("post_is_off"));
}

}  // namespace
}  // namespace pushguard
