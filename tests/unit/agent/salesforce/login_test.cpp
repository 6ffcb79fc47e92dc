#include "agent/salesforce/login.hpp"

#include <gtest/gtest.h>

#include "tests/unit/agent/salesforce/scripted_hub.hpp"

namespace pushguard::salesforce::test {
namespace {

const origin my_domain{security::tls, "example.my.salesforce.com", 443};
const origin loopback{security::plain, "127.0.0.1", 8080};

TEST(TokenAnswer, GivesTheSession) {
  const auto session = read_token_answer(fixture("token.json"), my_domain, wall_time(std::chrono::hours(1)));
  ASSERT_TRUE(session) << session.error().text();
  EXPECT_EQ(session->instance, my_domain);
  EXPECT_EQ(session->token.reveal(), "00D000000000001!AQEAQ.example");
  EXPECT_EQ(session->org_id, "00D000000000001EAA");
  EXPECT_EQ(session->user_id, "005000000000001AAA");
  EXPECT_EQ(session->issued, wall_time(std::chrono::hours(1)));
}

TEST(TokenAnswer, MayLackAnIdentity) {
  for (const char* identity :
       {"", "/", "//", "x", "https://login.salesforce.com/id/", "https://x/id/00D/005"}) {
    const auto session = read_token_answer(
        fmt::format(R"({{"access_token":"t","instance_url":"https://a.example","id":"{}"}})", identity),
        my_domain, {});
    ASSERT_TRUE(session) << identity;
    EXPECT_EQ(session->org_id, "") << identity;
    EXPECT_EQ(session->user_id, "") << identity;
  }
}

TEST(TokenAnswer, IsRefusedWithoutAUsableToken) {
  for (const char* body :
       {"", "<html>", "[]", "{}", R"({"access_token":7,"instance_url":"https://a.example"})",
        R"({"access_token":"","instance_url":"https://a.example"})",
        R"({"access_token":"a\r\nX-Evil: 1","instance_url":"https://a.example"})",
        R"({"access_token":"a b","instance_url":"https://a.example"})", R"({"access_token":"t"})",
        R"({"access_token":"t","instance_url":"nonsense"})", R"({"access_token":"t","instance_url":7})"}) {
    const auto session = read_token_answer(body, my_domain, {});
    ASSERT_FALSE(session) << body;
    EXPECT_TRUE(session.error().is(errc::malformed)) << body;
  }
}

TEST(TokenAnswer, NeverLeadsToAnUnprotectedInstance) {
  const auto answer = [](std::string_view instance) {
    return fmt::format(R"({{"access_token":"t","instance_url":"{}"}})", instance);
  };
  EXPECT_FALSE(read_token_answer(answer("http://na1.salesforce.com"), my_domain, {}));
  EXPECT_FALSE(read_token_answer(answer("http://127.0.0.1:80"), my_domain, {}));
  EXPECT_FALSE(read_token_answer(answer("http://na1.salesforce.com"), loopback, {}));
  EXPECT_TRUE(read_token_answer(answer("http://127.0.0.1:9000"), loopback, {}));
  EXPECT_TRUE(read_token_answer(answer("https://na1.salesforce.com"), loopback, {}));
}

TEST(TokenError, TellsRefusedCredentialsFromPassingTrouble) {
  const auto oauth = [](const char* error) {
    return fmt::format(R"({{"error":"{}","error_description":"told why"}})", error);
  };
  for (const char* error : {"invalid_grant", "invalid_client", "invalid_client_id", "inactive_user",
                            "inactive_org", "unauthorized_client", "invalid_app_access", "something_new"}) {
    const auto failed = read_token_error(400, oauth(error));
    EXPECT_TRUE(failed.is(errc::unauthorized)) << error;
    EXPECT_EQ(failed.text(), fmt::format("asking for a token: Salesforce answered 400 {}: told why", error));
  }
  for (const char* error :
       {"rate_limit_exceeded", "server_error", "temporarily_unavailable", "unknown_error"})
    EXPECT_TRUE(read_token_error(400, oauth(error)).is(errc::unavailable)) << error;
  for (const int status : {302, 420, 429, 500, 503})
    EXPECT_TRUE(read_token_error(status, "<html>").is(errc::unavailable)) << status;
  EXPECT_TRUE(read_token_error(404, "<html>").is(errc::unavailable));
  EXPECT_NE(read_token_error(404, "<html>").text().find("login_url"), std::string::npos);
  EXPECT_TRUE(read_token_error(401, oauth("invalid_client")).is(errc::unauthorized));
}

TEST(ClientCredentials, PostsAForm) {
  scripted_hub hub;
  const auto flow = hub.make_login();
  const auto session = hub.run(flow->obtain());
  ASSERT_TRUE(session) << session.error().text();
  EXPECT_EQ(session->token.reveal(), "token-1");
  EXPECT_EQ(session->instance, hub.address());
  ASSERT_EQ(hub.logins.size(), 1U);
  EXPECT_EQ(hub.logins[0].method, "POST");
  EXPECT_EQ(hub.logins[0].target, "/services/oauth2/token");
  EXPECT_EQ(hub.logins[0].headers.find("Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(hub.logins[0].body, "grant_type=client_credentials&client_id=client%20id&client_secret=s3cr%26t");
}

TEST(ClientCredentials, NeverTellTheSecret) {
  scripted_hub hub;
  hub.answer_login({.status = 400,
                    .headers = {},
                    .body = R"({"error":"invalid_client","error_description":"s3cr&t is wrong, s3cr&t!"})"});
  const auto flow = hub.make_login();
  const auto session = hub.run(flow->obtain());
  ASSERT_FALSE(session);
  EXPECT_TRUE(session.error().is(errc::unauthorized));
  EXPECT_EQ(session.error().text().find("s3cr&t"), std::string::npos) << session.error().text();
  EXPECT_NE(session.error().text().find("*** is wrong, ***!"), std::string::npos) << session.error().text();
  EXPECT_NE(session.error().text().find(hub.address().text()), std::string::npos) << session.error().text();
}

TEST(ClientCredentials, SayThatNobodyAnswers) {
  scripted_hub hub;
  const auto flow =
      make_login({hub.clients(), hub.time(), null_logger()},
                 client_credentials{{{security::plain, "127.0.0.1", 1}, "/"}, "id", secret("x")});
  const auto session = hub.run(flow->obtain());
  ASSERT_FALSE(session);
  EXPECT_TRUE(session.error().is(errc::unreachable));
}

TEST(ClientCredentials, SurviveAPageInsteadOfAToken) {
  scripted_hub hub;
  hub.answer_login({.status = 200, .headers = {}, .body = "<html>Welcome</html>"});
  const auto flow = hub.make_login();
  const auto session = hub.run(flow->obtain());
  ASSERT_FALSE(session);
  EXPECT_TRUE(session.error().is(errc::malformed));
}

}  // namespace
}  // namespace pushguard::salesforce::test
