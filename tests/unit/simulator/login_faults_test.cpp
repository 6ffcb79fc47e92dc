#include "simulator/login_faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>
#include <string>

#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;
using enum login_fault_kind;
using testing::ElementsAre;

/// The names of the faults that hit requests at these ages; "" for none.
std::vector<std::string> hits(std::vector<login_fault_plan> plans, const std::vector<duration>& ages) {
  login_fault_script script(std::move(plans));
  std::vector<std::string> made;
  for (const duration age : ages) {
    const auto hit = script.strike(age);
    made.emplace_back(hit ? name_of(hit->kind) : "");
  }
  return made;
}

TEST(LoginFaultScript, HitsOnceUnlessToldHowOften) {
  EXPECT_THAT(hits({}, {0s}), ElementsAre(""));
  EXPECT_THAT(hits({{.kind = slow}}, {0s, 0s}), ElementsAre("slow", ""));
  EXPECT_THAT(hits({{.kind = slow, .skip = 1, .times = 2}}, {0s, 0s, 0s, 0s}),
              ElementsAre("", "slow", "slow", ""));
}

TEST(LoginFaultScript, WaitsForItsTime) {
  const std::vector<duration> ages{0s, 9999ms, 10s, 15s, 19999ms, 20s};
  EXPECT_THAT(hits({{.kind = garbage, .from = 10s}}, ages), ElementsAre("", "", "garbage", "", "", ""));
  EXPECT_THAT(hits({{.kind = garbage, .from = 10s, .until = 20s}}, ages),
              ElementsAre("", "", "garbage", "garbage", "garbage", ""));
  EXPECT_THAT(hits({{.kind = garbage, .from = 10s, .until = 20s, .skip = 1, .times = 1}}, ages),
              ElementsAre("", "", "", "garbage", "", ""));
}

TEST(LoginFaultScript, TheFirstOfTheListComesFirst) {
  EXPECT_THAT(hits({{.kind = slow}, {.kind = garbage, .times = 2}}, {0s, 0s, 0s, 0s}),
              ElementsAre("slow", "garbage", "garbage", ""));
  EXPECT_THAT(hits({{.kind = slow, .skip = 1}, {.kind = garbage, .skip = 1}}, {0s, 0s, 0s}),
              ElementsAre("", "slow", "garbage"))
      << "a request that is hit counts for nobody's skip after it";
}

TEST(LoginFaultScript, OnlySlowWaitsUnlessToldHowLong) {
  for (const login_fault_kind kind : all_login_fault_kinds()) {
    EXPECT_EQ(login_fault_script({{.kind = kind}}).strike(0s)->delay, kind == slow ? 5s : 0s)
        << name_of(kind);
    EXPECT_EQ(login_fault_script({{.kind = kind, .delay = 7s}}).strike(0s)->delay, 7s);
  }
}

TEST(LoginFault, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (const login_fault_kind kind : all_login_fault_kinds())
    names.insert(name_of(kind));
  EXPECT_EQ(names.size(), all_login_fault_kinds().size());
}

TEST(LoginFault, RefusalsAreAsSalesforceWordsThem) {
  struct refusal {
    login_fault_kind kind;
    int status;
    std::string error;
    std::string description;
  };
  for (const refusal& each : std::vector<refusal>{
           {inactive_user, 400, "inactive_user", "user is inactive"},
           {locked_user, 400, "invalid_grant", "user is locked"},
           {not_approved, 400, "invalid_grant", "user hasn't approved this consumer"},
           {invalid_client, 400, "invalid_client", "invalid client credentials"},
           {app_blocked, 400, "invalid_app_access", "application is blocked"},
           {rate_limited, 429, "rate_limit_exceeded", "login rate exceeded"},
           {server_error, 500, "unknown_error", "retry your request"},
       }) {
    const auto reply = answer_instead(each.kind);
    ASSERT_TRUE(reply) << name_of(each.kind);
    EXPECT_EQ(reply->status, each.status);
    const boost::json::value body = boost::json::parse(reply->body);
    EXPECT_EQ(text_of(body.at("error")), each.error);
    EXPECT_EQ(text_of(body.at("error_description")), each.description);
  }
}

TEST(LoginFault, OthersAreNoAnswerThatMakesSense) {
  for (const auto& [kind, status] : {std::pair{maintenance_page, 503}, std::pair{html_200, 200}}) {
    const auto reply = answer_instead(kind).value();
    EXPECT_EQ(reply.status, status);
    EXPECT_THAT(std::string(reply.headers.find("Content-Type").value()), testing::StartsWith("text/html"));
    EXPECT_THAT(reply.body, testing::StartsWith("<!DOCTYPE html>"));
  }
  const auto bad = answer_instead(garbage).value();
  EXPECT_EQ(bad.status, 200);
  boost::system::error_code ec;
  (void)boost::json::parse(bad.body, ec);
  EXPECT_TRUE(ec);
  EXPECT_EQ(answer_instead(no_answer)->status, 0);
  EXPECT_EQ(answer_instead(no_answer)->after, after_reply::reset);
  for (const login_fault_kind kind : {slow, no_token, huge_answer, foreign_http_instance})
    EXPECT_FALSE(answer_instead(kind)) << name_of(kind);
}

}  // namespace
}  // namespace pushguard::simulator
