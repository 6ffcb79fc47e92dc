#include "simulator/token_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <set>

#include "tests/unit/simulator/fixtures.hpp"
#include "tests/unit/simulator/signing.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

class TokenDesk : public testing::Test {
 protected:
  std::string log_in() {
    const http_reply reply = desk_.answer(token_request(std::string(good_login)), now_).reply;
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
  const http_reply reply = desk_.answer(token_request(std::string(good_login)), now_).reply;
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
    const http_reply reply = desk_.answer(token_request(each.body), now_).reply;
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(text_of(json::parse(reply.body).at("error")), each.error) << each.body;
    EXPECT_EQ(reply.body.find("simulated-secret"), std::string::npos);
  }
  EXPECT_EQ(desk_.refused(), 6U);
  EXPECT_EQ(desk_.given(), 0U);
}

TEST_F(TokenDesk, WantsItsOwnHostForClientCredentials) {
  const http_reply reply =
      desk_.answer(token_request(std::string(good_login), "login.salesforce.com"), now_).reply;
  EXPECT_EQ(json::parse(reply.body).at("error"), "invalid_grant");
}

TEST_F(TokenDesk, DecodesTheForm) {
  token_desk desk({.client_id = "a b&c", .client_secret = "100%"}, 1);
  const http_reply reply =
      desk.answer(token_request("client_secret=100%25&client_id=a+b%26c&grant_type=client_credentials"), now_)
          .reply;
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
  EXPECT_EQ(desk_.logins(login_flow::client_credentials), 0U);
}

TEST_F(TokenDesk, AnOrgThatMovesRefusesItsOldTokens) {
  const std::string before = desk_.issue(now_.steady);
  desk_.move_to("00D7Q00000ABCDEUA3");
  EXPECT_EQ(check("Bearer " + before), token_check::invalid);
  EXPECT_THAT(log_in(), testing::StartsWith("00D7Q00000ABCDE!"));
}

/// A desk that knows assertions and refresh tokens, and what it answers.
class TokenDeskFlows : public testing::Test {
 protected:
  TokenDeskFlows() {
    plan_.jwt = jwt_plan{.public_key = trusted_key().public_pem(), .username = "push@acme.example"};
    plan_.refresh_tokens = {"refresh-1", "refresh-2"};
  }

  http_reply ask(const std::string& body, std::string host = "hub.example:8080") {
    if (!desk_)
      desk_.emplace(plan_, 1, now_.steady);
    return desk_->answer(token_request(body, std::move(host)), now_).reply;
  }

  http_reply assert_claims(const claims& of, const signing_key& key = trusted_key()) {
    return ask("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" +
               key.sign(rs256, of.json()));
  }

  http_reply refresh(const std::string& token, std::string_view rest = "&client_secret=simulated-secret") {
    return ask("grant_type=refresh_token&client_id=simulated-client&refresh_token=" + token +
               std::string(rest));
  }

  static std::string error_of(const http_reply& reply) {
    if (reply.status == 200)
      return "";
    EXPECT_EQ(reply.status, 400);
    const json::value body = json::parse(reply.body);
    return text_of(body.at("error")) + ": " + text_of(body.at("error_description"));
  }

  static std::set<std::string> keys_of(const http_reply& reply) {
    std::set<std::string> made;
    for (const auto& [key, value] : json::parse(reply.body).as_object())
      made.emplace(key);
    return made;
  }

  void expect_good_token(const http_reply& reply) {
    ASSERT_EQ(reply.status, 200) << reply.body;
    const std::string token = text_of(json::parse(reply.body).at("access_token"));
    EXPECT_EQ(desk_->check({.headers = {{"Authorization", "Bearer " + token}}}, now_.steady),
              token_check::valid);
  }

  instant now_ = start_of_test();
  credentials_plan plan_;
  std::optional<token_desk> desk_;
  claims good_{.expiry = now_.wall + 3min};
};

TEST_F(TokenDeskFlows, AnAssertionBringsATokenWithoutSignatureAndTimes) {
  const http_reply reply = assert_claims(good_);
  expect_good_token(reply);
  EXPECT_EQ(keys_of(reply),
            (std::set<std::string>{"access_token", "scope", "instance_url", "id", "token_type"}));
  EXPECT_EQ(desk_->logins(login_flow::jwt_bearer), 1U);
  EXPECT_EQ(desk_->logins(login_flow::client_credentials), 0U);
}

TEST_F(TokenDeskFlows, EveryDefectOfAnAssertionHasItsAnswer) {
  claims issuer = good_;
  issuer.issuer = "other";
  claims subject = good_;
  subject.subject = "other@acme.example";
  claims audience = good_;
  audience.audience = "https://other.example";
  claims late = good_;
  late.expiry = now_.wall - 3min - 1s;
  claims early = good_;
  early.expiry = now_.wall + 25h;
  const std::string grant = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer";
  EXPECT_EQ(error_of(ask(grant)), "invalid_grant: invalid assertion");
  EXPECT_EQ(error_of(ask(grant + "&assertion=" + trusted_key().sign(R"({"alg":"none"})", good_.json()))),
            "invalid_grant: invalid assertion");
  EXPECT_EQ(error_of(assert_claims(good_, stranger_key())), "invalid_grant: invalid assertion");
  EXPECT_EQ(error_of(assert_claims(issuer)), "invalid_client_id: client identifier invalid");
  EXPECT_EQ(error_of(assert_claims(subject)), "invalid_grant: user hasn't approved this consumer");
  EXPECT_EQ(error_of(assert_claims(audience)), "invalid_grant: audience is invalid");
  EXPECT_EQ(error_of(assert_claims(late)), "invalid_grant: expired authorization code");
  EXPECT_EQ(error_of(assert_claims(early)), "invalid_grant: invalid assertion");
  EXPECT_EQ(desk_->refused(), 8U);
  EXPECT_EQ(desk_->given(), 0U);
}

TEST_F(TokenDeskFlows, AssertionsAreUnknownWithoutAKey) {
  plan_.jwt.reset();
  EXPECT_EQ(error_of(assert_claims(good_)), "unsupported_grant_type: grant type not supported");
}

TEST_F(TokenDeskFlows, TheAudienceIsALoginHostOrTheHubItself) {
  for (const std::string audience : {"https://login.salesforce.com", "https://test.salesforce.com",
                                     "http://hub.example:8080", "https://hub.example:8080"}) {
    good_.audience = audience;
    EXPECT_EQ(error_of(assert_claims(good_)), "") << audience;
  }
  good_.audience = "https://hub.example";
  EXPECT_EQ(error_of(assert_claims(good_)), "invalid_grant: audience is invalid");
}

TEST_F(TokenDeskFlows, AudiencesOfTheScenarioAreTheOnlyOnes) {
  plan_.jwt->audiences = {"https://acme.my.salesforce.com"};
  EXPECT_EQ(error_of(assert_claims(good_)), "invalid_grant: audience is invalid");
  good_.audience = "https://acme.my.salesforce.com";
  EXPECT_EQ(error_of(assert_claims(good_)), "");
}

TEST_F(TokenDeskFlows, TheClockOfTheDeskMayBeAnother) {
  plan_.clock_offset = 10min;
  EXPECT_EQ(error_of(assert_claims(good_)), "invalid_grant: expired authorization code");
  const json::value body = json::parse(refresh("refresh-1").body);
  EXPECT_EQ(text_of(body.at("issued_at")), std::to_string((now_.wall + 10min).time_since_epoch().count()));
  desk_.reset();
  plan_.clock_offset = -10min;
  good_.expiry = now_.wall - 13min;
  EXPECT_EQ(error_of(assert_claims(good_)), "");
  good_.expiry -= 1s;
  EXPECT_EQ(error_of(assert_claims(good_)), "invalid_grant: expired authorization code");
}

TEST_F(TokenDeskFlows, ARefreshTokenIsGoodAgainAndAgain) {
  for (const std::string token : {"refresh-1", "refresh-2", "refresh-1"}) {
    const http_reply reply = refresh(token);
    expect_good_token(reply);
    EXPECT_EQ(keys_of(reply), (std::set<std::string>{"access_token", "signature", "scope", "instance_url",
                                                     "id", "token_type", "issued_at"}));
  }
  EXPECT_EQ(desk_->logins(login_flow::refresh_token), 3U);
}

TEST_F(TokenDeskFlows, RefusesWrongRefreshes) {
  EXPECT_EQ(error_of(refresh("refresh-3")), "invalid_grant: expired access/refresh token");
  EXPECT_EQ(error_of(refresh("")), "invalid_grant: expired access/refresh token");
  EXPECT_EQ(error_of(refresh("refresh-1", "")), "invalid_client: invalid client credentials");
  EXPECT_EQ(error_of(refresh("refresh-1", "&client_secret=")), "invalid_client: invalid client credentials");
  EXPECT_EQ(error_of(refresh("refresh-1", "&client_secret=wrong")),
            "invalid_client: invalid client credentials");
  EXPECT_EQ(error_of(ask("grant_type=refresh_token&client_id=other&refresh_token=refresh-1")),
            "invalid_client_id: client identifier invalid");
  desk_->revoke_refresh_tokens();
  EXPECT_EQ(error_of(refresh("refresh-1")), "invalid_grant: expired access/refresh token");
}

TEST_F(TokenDeskFlows, ARefreshWithoutASecretMayDoButNotWithAWrongOne) {
  plan_.refresh_secret = refresh_secret::optional;
  EXPECT_EQ(error_of(refresh("refresh-1", "")), "");
  EXPECT_EQ(error_of(refresh("refresh-1", "&client_secret=")), "");
  EXPECT_EQ(error_of(refresh("refresh-1")), "");
  EXPECT_EQ(error_of(refresh("refresh-1", "&client_secret=wrong")),
            "invalid_client: invalid client credentials");
}

TEST_F(TokenDeskFlows, RotationLeavesOneGoodRefreshToken) {
  plan_.refresh_use = refresh_token_use::rotated;
  std::string token = "refresh-1";
  for (int round = 0; round < 3; ++round) {
    const http_reply reply = refresh(token);
    expect_good_token(reply);
    const std::string next = text_of(json::parse(reply.body).at("refresh_token"));
    EXPECT_EQ(error_of(refresh(token)), "invalid_grant: expired access/refresh token");
    token = next;
  }
  EXPECT_EQ(error_of(refresh("refresh-2")), "") << "others are not touched";
  desk_->revoke_refresh_tokens();
  EXPECT_EQ(error_of(refresh(token)), "invalid_grant: expired access/refresh token");
}

TEST_F(TokenDeskFlows, AnInactiveUserGetsNothingAndLosesItsTokens) {
  plan_.refresh_use = refresh_token_use::rotated;
  (void)ask(std::string(good_login));
  const http_request request{.headers = {{"Authorization", "Bearer " + desk_->newest(now_.steady).value()}}};
  desk_->deactivate_user();
  EXPECT_EQ(desk_->check(request, now_.steady), token_check::invalid);
  EXPECT_EQ(error_of(ask(std::string(good_login))), "inactive_user: user is inactive");
  EXPECT_EQ(error_of(assert_claims(good_)), "inactive_user: user is inactive");
  EXPECT_EQ(error_of(refresh("refresh-1")), "inactive_user: user is inactive");
  EXPECT_EQ(error_of(refresh("refresh-3")), "invalid_grant: expired access/refresh token");
  desk_->activate_user();
  EXPECT_EQ(desk_->check(request, now_.steady), token_check::invalid);
  EXPECT_EQ(error_of(refresh("refresh-1")), "") << "it was not used up";
}

TEST_F(TokenDeskFlows, TellsTheInstanceOfTheScenarioAndTheOneItMovedTo) {
  plan_.instance_url = "https://acme.my.salesforce.com";
  json::value body = json::parse(assert_claims(good_).body);
  EXPECT_EQ(body.at("instance_url"), "https://acme.my.salesforce.com");
  EXPECT_THAT(text_of(body.at("id")), testing::StartsWith("http://hub.example:8080/id/"))
      << "of the login host";
  desk_->tell_instance("https://other.my.salesforce.com");
  body = json::parse(assert_claims(good_).body);
  EXPECT_EQ(body.at("instance_url"), "https://other.my.salesforce.com");
}

TEST_F(TokenDeskFlows, FaultsHitEveryFlowAndThenLetGo) {
  plan_.faults = {{.kind = login_fault_kind::locked_user, .times = 3}};
  EXPECT_EQ(error_of(ask(std::string(good_login))), "invalid_grant: user is locked");
  EXPECT_EQ(error_of(assert_claims(good_)), "invalid_grant: user is locked");
  EXPECT_EQ(error_of(refresh("refresh-1")), "invalid_grant: user is locked");
  EXPECT_EQ(desk_->refused(), 3U);
  EXPECT_EQ(error_of(refresh("refresh-1")), "");
  EXPECT_EQ(desk_->given(), 1U);
}

TEST_F(TokenDeskFlows, FaultsCountTheirTimesFromTheBeginning) {
  plan_.faults = {{.kind = login_fault_kind::app_blocked, .from = 1min, .until = 2min}};
  EXPECT_EQ(error_of(refresh("refresh-1")), "");
  now_ = later(now_, 1min);
  EXPECT_EQ(error_of(refresh("refresh-1")), "invalid_app_access: application is blocked");
  EXPECT_EQ(error_of(refresh("refresh-1")), "invalid_app_access: application is blocked");
  now_ = later(now_, 1min);
  EXPECT_EQ(error_of(refresh("refresh-1")), "");
}

TEST_F(TokenDeskFlows, OddAnswersToGoodLogins) {
  plan_.faults = {{.kind = login_fault_kind::no_token},
                  {.kind = login_fault_kind::foreign_http_instance},
                  {.kind = login_fault_kind::huge_answer},
                  {.kind = login_fault_kind::slow}};
  http_reply reply = refresh("refresh-1");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(keys_of(reply),
            (std::set<std::string>{"signature", "scope", "instance_url", "id", "token_type", "issued_at"}));
  EXPECT_EQ(desk_->given(), 0U);
  EXPECT_EQ(desk_->refused(), 1U);
  reply = refresh("refresh-1");
  expect_good_token(reply);
  EXPECT_EQ(json::parse(reply.body).at("instance_url"), "http://elsewhere.example");
  reply = refresh("refresh-1");
  expect_good_token(reply);
  EXPECT_GT(reply.body.size(), 8UZ * 1024 * 1024);
  expect_good_token(refresh("refresh-1"));
  EXPECT_EQ(desk_->given(), 3U);
}

TEST_F(TokenDeskFlows, AnOddAnswerNeedsAGoodLogin) {
  plan_.faults = {{.kind = login_fault_kind::no_token}};
  EXPECT_EQ(error_of(refresh("refresh-3")), "invalid_grant: expired access/refresh token");
}

}  // namespace
}  // namespace pushguard::simulator
