#include "simulator/token_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

class TokenDesk : public testing::Test {
 protected:
  std::string log_in() {
    const http_reply reply = desk_.answer(token_request(std::string(good_login)), now_);
    EXPECT_EQ(reply.status, 200);
    return std::string(json::parse(reply.body).at("access_token").as_string());
  }

  token_check check(const std::string& header) {
    return desk_.check({.headers = {{"Authorization", header}}}, now_.steady);
  }

  instant now_ = start_of_test();
  token_desk desk_{credentials_plan{}, 1};
};

TEST_F(TokenDesk, GivesATokenWithAllThatSalesforceTells) {
  const http_reply reply = desk_.answer(token_request(std::string(good_login)), now_);
  ASSERT_EQ(reply.status, 200);
  const json::value body = json::parse(reply.body);
  EXPECT_THAT(std::string(body.at("access_token").as_string()), testing::StartsWith("00D5g0000000000!"));
  EXPECT_EQ(body.at("instance_url"), "http://hub.example:8080");
  EXPECT_THAT(std::string(body.at("id").as_string()), testing::StartsWith("http://hub.example:8080/id/00D"));
  EXPECT_EQ(body.at("token_type"), "Bearer");
  EXPECT_EQ(text_of(body.at("issued_at")), std::to_string(now_.wall.time_since_epoch().count()));
  EXPECT_TRUE(body.at("signature").is_string());
  EXPECT_EQ(body.at("scope"), "api");
  EXPECT_EQ(desk_.given(), 1U);
}

TEST_F(TokenDesk, RefusesWhatIsWrong) {
  struct refusal {
    std::string body;
    std::string error;
  };
  for (const refusal& each :
       std::vector<refusal>{{"", "unsupported_grant_type"},
                            {"grant_type=password&client_id=simulated-client", "unsupported_grant_type"},
                            {"grant_type=client_credentials", "invalid_client_id"},
                            {"grant_type=client_credentials&client_id=other&client_secret=simulated-secret",
                             "invalid_client_id"},
                            {"grant_type=client_credentials&client_id=simulated-client", "invalid_client"},
                            {"grant_type=client_credentials&client_id=simulated-client&client_secret=wrong",
                             "invalid_client"}}) {
    const http_reply reply = desk_.answer(token_request(each.body), now_);
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(text_of(json::parse(reply.body).at("error")), each.error) << each.body;
    EXPECT_EQ(reply.body.find("simulated-secret"), std::string::npos);
  }
  EXPECT_EQ(desk_.refused(), 6U);
  EXPECT_EQ(desk_.given(), 0U);
}

TEST_F(TokenDesk, WantsItsOwnHostForClientCredentials) {
  const http_reply reply = desk_.answer(token_request(std::string(good_login), "login.salesforce.com"), now_);
  EXPECT_EQ(json::parse(reply.body).at("error"), "invalid_grant");
}

TEST_F(TokenDesk, DecodesTheForm) {
  token_desk desk({.client_id = "a b&c", .client_secret = "100%"}, 1);
  const http_reply reply = desk.answer(
      token_request("client_secret=100%25&client_id=a+b%26c&grant_type=client_credentials"), now_);
  EXPECT_EQ(reply.status, 200);
}

TEST_F(TokenDesk, KnowsItsTokensUnderBothSchemes) {
  const std::string token = log_in();
  EXPECT_EQ(check("Bearer " + token), token_check::valid);
  EXPECT_EQ(check("OAuth " + token), token_check::valid);
  EXPECT_EQ(check("Bearer " + token + "x"), token_check::invalid);
  EXPECT_EQ(check("Basic " + token), token_check::invalid);
  EXPECT_EQ(desk_.check({}, now_.steady), token_check::missing);
  EXPECT_NE(log_in(), token) << "every login gives another";
}

TEST_F(TokenDesk, TokensRunOutUnlessProlongedAndCanBeRevoked) {
  const std::string token = log_in();
  const http_request request{.headers = {{"Authorization", "Bearer " + token}}};
  now_ = later(now_, 2h - 1ms);
  EXPECT_EQ(desk_.check(request, now_.steady), token_check::valid);
  desk_.prolong(request, now_.steady);
  now_ = later(now_, 2h - 1ms);
  EXPECT_EQ(desk_.check(request, now_.steady), token_check::valid);
  now_ = later(now_, 1ms);
  EXPECT_EQ(desk_.check(request, now_.steady), token_check::invalid);
  desk_.prolong(request, now_.steady);
  EXPECT_EQ(desk_.check(request, now_.steady), token_check::invalid) << "what has run out stays so";

  const std::string other = log_in();
  desk_.revoke_all();
  EXPECT_EQ(check("Bearer " + other), token_check::invalid);
}

TEST_F(TokenDesk, IssuesTokensWithoutALogin) {
  EXPECT_EQ(desk_.newest(now_.steady), std::nullopt);
  const std::string older = desk_.issue(now_.steady);
  const std::string newer = desk_.issue(now_.steady);
  EXPECT_EQ(check("Bearer " + older), token_check::valid);
  EXPECT_EQ(desk_.newest(now_.steady), newer);
  EXPECT_EQ(desk_.newest(now_.steady + credentials_plan{}.token_life), std::nullopt);
  EXPECT_EQ(desk_.given(), 2U);
}

TEST_F(TokenDesk, AnOrgThatMovesRefusesItsOldTokens) {
  const std::string before = desk_.issue(now_.steady);
  desk_.move_to("00D7Q00000ABCDEUA3");
  EXPECT_EQ(check("Bearer " + before), token_check::invalid);
  EXPECT_THAT(log_in(), testing::StartsWith("00D7Q00000ABCDE!"));
}

}  // namespace
}  // namespace pushguard::simulator
