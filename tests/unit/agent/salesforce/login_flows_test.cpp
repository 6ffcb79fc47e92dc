// The four flows against a hub that answers what is written down: what they post, what they do with the
// answer, and what they say where it is a refusal.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/salesforce/jwt_assertion.hpp"
#include "agent/salesforce/sfdx_auth_url.hpp"
#include "base/http_date.hpp"
#include "tests/support/key_pair.hpp"
#include "tests/support/recording_logger.hpp"
#include "tests/support/scratch_directory.hpp"
#include "tests/unit/agent/salesforce/scripted_hub.hpp"

namespace pushguard::salesforce::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using pushguard::test::decode_base64url;
using pushguard::test::recording_logger;
using pushguard::test::rsa_key;
using pushguard::test::scratch_directory;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class login_flow : public testing::Test {
 protected:
  [[nodiscard]] url login_url() const { return {hub_.address(), "/"}; }

  std::unique_ptr<login> flow(credentials with) {
    return make_login({hub_.clients(), hub_.time(), log_}, std::move(with));
  }

  void refuse(std::string_view error, std::string_view description, http_headers headers = {}) {
    hub_.answer_login(
        {.status = 400,
         .headers = std::move(headers),
         .body = fmt::format(R"({{"error":"{}","error_description":"{}"}})", error, description)});
  }

  /// An answer with a token and whatever else is given, as JSON members.
  void grant(std::string_view token, std::string_view more = "") {
    hub_.answer_login({.status = 200,
                       .headers = {},
                       .body = fmt::format(R"({{"access_token":"{}","instance_url":"{}"{}{}}})", token,
                                           hub_.address().text(), more.empty() ? "" : ",", more)});
  }

  /// The token that a login gives, or its failure as text.
  std::string outcome(login& flow) {
    const auto session = hub_.run(flow.obtain());
    return session ? session->token.reveal() : session.error().text();
  }

  failure failure_of(login& flow) {
    const auto session = hub_.run(flow.obtain());
    if (!session)
      return session.error();
    ADD_FAILURE() << "the login gave a session";
    return {};
  }

  fs::path write(const std::string& name, std::string_view content) const {
    const fs::path path = files_.path() / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  static std::string content_of(const fs::path& path) {
    std::ostringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    return content.str();
  }

  scripted_hub hub_;
  recording_logger log_;
  scratch_directory files_;
};

// ---- JWT bearer

class JwtBearer : public login_flow {
 protected:
  JwtBearer() { with_.login_url = login_url(); }

  /// The claims of the nth login, whose form and signature must be right.
  boost::json::value claims(std::size_t nth) const {
    constexpr std::string_view form =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    const std::string& body = hub_.logins.at(nth).body;
    EXPECT_THAT(body, StartsWith(form));
    const std::string jwt = body.substr(form.size());
    const auto dot = jwt.find('.');
    const auto last_dot = jwt.rfind('.');
    EXPECT_TRUE(rsa_key().has_signed(jwt.substr(0, last_dot), decode_base64url(jwt.substr(last_dot + 1))));
    return boost::json::parse(decode_base64url(jwt.substr(dot + 1, last_dot - dot - 1)));
  }

  std::vector<std::string> audiences() const {
    std::vector<std::string> asked;
    for (std::size_t nth = 0; nth < hub_.logins.size(); ++nth)
      asked.emplace_back(claims(nth).at("aud").as_string());
    return asked;
  }

  /// How much longer than now, by this clock, the assertion of the nth login is good.
  duration life(std::size_t nth) {
    return wall_time(std::chrono::seconds(claims(nth).at("exp").as_int64())) - hub_.time().wall_now();
  }

  std::string own() const { return hub_.address().text(); }

  const std::string production_ = "https://login.salesforce.com";
  const std::string sandbox_ = "https://test.salesforce.com";
  jwt_bearer with_{.client_id = "3MVG9 consumer",
                   .username = "push@example.com",
                   .private_key = secret(rsa_key().private_pem())};
};

TEST_F(JwtBearer, PostsAnAssertion) {
  hub_.time().shift_wall_clock(250ms);
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "token-1");
  ASSERT_EQ(hub_.logins.size(), 1U);
  EXPECT_EQ(hub_.logins[0].method, "POST");
  EXPECT_EQ(hub_.logins[0].target, "/services/oauth2/token");
  EXPECT_EQ(hub_.logins[0].headers.find("Content-Type"), "application/x-www-form-urlencoded");
  const auto told = claims(0);
  EXPECT_EQ(told.at("iss"), "3MVG9 consumer");
  EXPECT_EQ(told.at("sub"), "push@example.com");
  EXPECT_EQ(told.at("aud").as_string(), own());
  EXPECT_EQ(life(0), 3min - 250ms) << "in whole seconds";
}

TEST_F(JwtBearer, MakesANewAssertionForEachLogin) {
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "token-1");
  hub_.time().advance(1h);
  EXPECT_EQ(outcome(*login), "token-2");
  EXPECT_EQ(life(1), 3min);
}

TEST_F(JwtBearer, TriesTheAudiencesInOrderAndTheOneThatWorkedFirst) {
  for (const char* text : {"audience is invalid", "Audience validation failed"})
    refuse("invalid_grant", text);
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "token-3");
  EXPECT_THAT(audiences(), ElementsAre(own(), production_, sandbox_));
  hub_.logins.clear();
  EXPECT_EQ(outcome(*login), "token-1");
  EXPECT_THAT(audiences(), ElementsAre(sandbox_));
  hub_.logins.clear();
  for (int i = 0; i < 3; ++i)
    refuse("invalid_grant", "audience is invalid");
  EXPECT_THAT(outcome(*login), HasSubstr("audience is invalid"));
  EXPECT_THAT(audiences(), testing::UnorderedElementsAre(sandbox_, own(), production_))
      << "and each of them is still known";
}

TEST_F(JwtBearer, SaysWhatTheFirstAudienceWasToldWhereAllAreRefused) {
  for (const char* text : {"audience is invalid", "second audience", "third audience"})
    refuse("invalid_grant", text);
  const auto login = flow(with_);
  const failure failed = failure_of(*login);
  EXPECT_TRUE(failed.is(errc::unauthorized));
  EXPECT_EQ(failed.text(),
            fmt::format("logging in at {} by JWT bearer: asking for a token: Salesforce answered 400 "
                        "invalid_grant: audience is invalid; set auth.jwt_bearer.audience",
                        own()));
  EXPECT_EQ(hub_.logins.size(), 3U);
}

TEST_F(JwtBearer, UsesAConfiguredAudienceAlone) {
  with_.audience = "https://acme.my.site.com";
  refuse("invalid_grant", "audience is invalid");
  const auto login = flow(with_);
  EXPECT_THAT(outcome(*login), EndsWith("; set auth.jwt_bearer.audience"));
  EXPECT_THAT(audiences(), ElementsAre("https://acme.my.site.com"));
}

TEST_F(JwtBearer, DoesNotTryOtherAudiencesForOtherRefusals) {
  refuse("invalid_grant", "user hasn't approved this consumer");
  const auto login = flow(with_);
  EXPECT_TRUE(failure_of(*login).is(errc::unauthorized));
  EXPECT_EQ(hub_.logins.size(), 1U);
  hub_.answer_login({.status = 503, .headers = {}, .body = "<html>"});
  EXPECT_TRUE(failure_of(*login).is(errc::unavailable));
  EXPECT_EQ(hub_.logins.size(), 2U);
}

TEST_F(JwtBearer, TellsTheRefusalThatEndedTheSearch) {
  refuse("invalid_grant", "audience is invalid");
  refuse("invalid_grant", "user hasn't approved this consumer");
  const auto login = flow(with_);
  EXPECT_EQ(
      failure_of(*login).text(),
      fmt::format("logging in at {} by JWT bearer: asking for a token: Salesforce answered 400 "
                  "invalid_grant: user hasn't approved this consumer; pre-authorize the user in the app's "
                  "policies (docs/salesforce-setup.md)",
                  own()));
  EXPECT_THAT(audiences(), ElementsAre(own(), production_));
}

TEST_F(JwtBearer, GoesByTheServersClockOnceItsOwnIsRefused) {
  for (const duration ahead : {duration(2h), duration(-2h)}) {
    hub_.logins.clear();
    const wall_time there = hub_.time().wall_now() + ahead;
    refuse("invalid_grant", "expired authorization code", {{"Date", format_http_date(there)}});
    const auto login = flow(with_);
    EXPECT_EQ(outcome(*login), "token-2");
    EXPECT_EQ(life(0), 3min);
    EXPECT_EQ(life(1), ahead + 3min);
    EXPECT_EQ(outcome(*login), "token-3");
    EXPECT_EQ(life(2), ahead + 3min) << "and remembers by how much they differ";
    EXPECT_THAT(audiences(), ElementsAre(own(), own(), own()));
  }
}

TEST_F(JwtBearer, AsksTheServersClockAnewWhereTheOffsetIsNoLongerRight) {
  const wall_time there = hub_.time().wall_now() + 2h;
  refuse("invalid_grant", "expired authorization code", {{"Date", format_http_date(there)}});
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "token-2");
  hub_.time().shift_wall_clock(2h);
  refuse("invalid_grant", "expired authorization code", {{"Date", format_http_date(there)}});
  EXPECT_EQ(outcome(*login), "token-4");
  EXPECT_EQ(life(3), 3min);
}

TEST_F(JwtBearer, AsksOnceMoreByTheServersClockAndNoOftener) {
  for (int i = 0; i < 2; ++i)
    refuse("invalid_grant", "expired authorization code");
  const auto login = flow(with_);
  const failure failed = failure_of(*login);
  EXPECT_TRUE(failed.is(errc::unauthorized));
  EXPECT_THAT(failed.text(), HasSubstr("expired authorization code"));
  EXPECT_EQ(hub_.logins.size(), 2U);
}

TEST_F(JwtBearer, NeedsADateToGoByTheServersClock) {
  refuse("invalid_grant", "expired authorization code", {{"Date", "yesterday"}});
  const auto login = flow(with_);
  EXPECT_THAT(outcome(*login), HasSubstr("expired authorization code"));
  EXPECT_EQ(hub_.logins.size(), 1U);
}

TEST_F(JwtBearer, FindsClockAndAudienceInOneLogin) {
  const wall_time there = hub_.time().wall_now() + 1h;
  refuse("invalid_grant", "expired authorization code", {{"Date", format_http_date(there)}});
  refuse("invalid_grant", "audience is invalid");
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "token-3");
  EXPECT_THAT(audiences(), ElementsAre(own(), own(), production_));
  EXPECT_EQ(life(2), 1h + 3min);
}

TEST_F(JwtBearer, AsksNobodyWithAKeyThatCannotSign) {
  with_.private_key = secret("hunter2");
  const auto login = flow(with_);
  const failure failed = failure_of(*login);
  EXPECT_TRUE(failed.is(errc::unauthorized));
  EXPECT_EQ(failed.text(), "signing the login: this is no private key in PEM");
  EXPECT_EQ(hub_.logins.size(), 0U);
}

TEST_F(JwtBearer, NeverTellsTheAssertion) {
  // RS256 gives the same signature for the same claims.
  const auto assertion =
      sign_jwt({with_.client_id, with_.username, own(), hub_.time().wall_now() + 3min}, with_.private_key);
  ASSERT_TRUE(assertion);
  refuse("invalid_grant", "invalid assertion " + *assertion);
  const auto login = flow(with_);
  EXPECT_EQ(failure_of(*login).text(),
            fmt::format("logging in at {} by JWT bearer: asking for a token: Salesforce answered 400 "
                        "invalid_grant: invalid assertion ***; the app's certificate does not belong to this "
                        "private key",
                        own()));
}

TEST(Audiences, BeginWithTheLoginHostAndTheKindOfOrg) {
  const std::string production = "https://login.salesforce.com";
  const std::string sandbox = "https://test.salesforce.com";
  const struct {
    const char* login_url;
    std::vector<std::string> expected;
  } table[] = {
      {"https://login.salesforce.com", {production, sandbox}},
      {"https://test.salesforce.com", {sandbox, production}},
      {"https://acme.my.salesforce.com", {"https://acme.my.salesforce.com", production, sandbox}},
      {"https://acme--uat.sandbox.my.salesforce.com",
       {"https://acme--uat.sandbox.my.salesforce.com", sandbox, production}},
      {"https://acme--uat.my.salesforce.com", {"https://acme--uat.my.salesforce.com", sandbox, production}},
      {"http://127.0.0.1:8080", {"http://127.0.0.1:8080", production, sandbox}},
  };
  for (const auto& row : table) {
    const auto host = parse_url(row.login_url);
    ASSERT_TRUE(host);
    EXPECT_EQ(audiences_for(host->origin), row.expected) << row.login_url;
  }
}

// ---- refresh token

class RefreshToken : public login_flow {
 protected:
  RefreshToken() { with_.login_url = login_url(); }

  static std::string file_of(const std::string& frame, std::string_view token) {
    return fmt::format(fmt::runtime(frame), token);
  }

  /// What the log said of a token that was not kept.
  std::string not_kept() const {
    const auto lines = log_.lines_of("refresh_token_not_kept");
    EXPECT_EQ(lines.size(), 1U);
    return lines.empty() ? "" : lines.front();
  }

  refresh_token with_{
      .client_id = "client id", .client_secret = secret("s3cr&t"), .token = secret("old/token")};
};

TEST_F(RefreshToken, PostsAForm) {
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "token-1");
  ASSERT_EQ(hub_.logins.size(), 1U);
  EXPECT_EQ(hub_.logins[0].target, "/services/oauth2/token");
  EXPECT_EQ(hub_.logins[0].headers.find("Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(
      hub_.logins[0].body,
      "grant_type=refresh_token&client_id=client%20id&client_secret=s3cr%26t&refresh_token=old%2Ftoken");
}

TEST_F(RefreshToken, LeavesOutASecretThatTheAppDoesNotNeed) {
  with_.client_secret = {};
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "token-1");
  EXPECT_EQ(hub_.logins.at(0).body,
            "grant_type=refresh_token&client_id=client%20id&refresh_token=old%2Ftoken");
}

TEST_F(RefreshToken, PutsANewTokenInThePlaceOfTheOldOne) {
  const std::string frames[] = {
      "{}",
      "{}\n",
      "{}\r\n",
      "force://PlatformCLI:s3cret:{}@127.0.0.1:8080\n",
      R"({{"status":0,"result":{{"sfdxAuthUrl":"force://PlatformCLI::{}@acme.example"}},"warnings":[]}})",
      "{{\n  \"sfdxAuthUrl\": \"force://PlatformCLI::{}@acme.example\",\n  \"alias\": \"hub\"\n}}\n",
  };
  with_.token = secret("5Aep_old==");
  for (const std::string& frame : frames) {
    hub_.logins.clear();
    with_.kept_in = write("token", file_of(frame, "5Aep_old=="));
    fs::permissions(*with_.kept_in, fs::perms::owner_read | fs::perms::owner_write);
    grant("a", R"("refresh_token":"5Aep_new")");
    const auto login = flow(with_);
    EXPECT_EQ(outcome(*login), "a");
    EXPECT_EQ(content_of(*with_.kept_in), file_of(frame, "5Aep_new"));
    EXPECT_EQ(fs::status(*with_.kept_in).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    outcome(*login);
    EXPECT_THAT(hub_.logins.at(0).body, EndsWith("&refresh_token=5Aep_old%3D%3D"));
    EXPECT_THAT(hub_.logins.at(1).body, EndsWith("&refresh_token=5Aep_new"));
  }
  EXPECT_EQ(log_.text(), "");
}

TEST_F(RefreshToken, FollowsOneRotationAfterTheOther) {
  with_.token = secret("5Aep_0");
  with_.kept_in = write("hub.sfdxurl", "force://PlatformCLI::5Aep_0@acme.example\n");
  const auto login = flow(with_);
  for (int i = 1; i <= 3; ++i) {
    grant("a", fmt::format(R"("refresh_token":"5Aep_{}")", i));
    EXPECT_EQ(outcome(*login), "a");
    const auto kept = parse_sfdx_auth_url(content_of(*with_.kept_in));
    ASSERT_TRUE(kept) << kept.error().text();
    EXPECT_EQ(kept->token.reveal(), fmt::format("5Aep_{}", i)) << "what a restart would read";
    EXPECT_EQ(kept->client_id, "PlatformCLI");
    EXPECT_THAT(hub_.logins.back().body, EndsWith(fmt::format("&refresh_token=5Aep_{}", i - 1)));
  }
}

TEST_F(RefreshToken, DoesNotTouchTheFileForTheSameToken) {
  with_.kept_in = write("token", "old/token\n");
  struct ::stat before{};
  ASSERT_EQ(::stat(with_.kept_in->c_str(), &before), 0);
  grant("a", R"("refresh_token":"old/token")");
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "a");
  struct ::stat after{};
  ASSERT_EQ(::stat(with_.kept_in->c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(log_.text(), "");
}

TEST_F(RefreshToken, IgnoresANewTokenThatIsNone) {
  with_.kept_in = write("token", "old/token\n");
  const auto login = flow(with_);
  for (const char* renewed : {R"("")", R"("a b")", R"("a\r\nb")", "7", "null", R"(["x"])", R"("\u00e9")"}) {
    grant("a", fmt::format(R"("refresh_token":{})", renewed));
    EXPECT_EQ(outcome(*login), "a") << renewed;
    EXPECT_EQ(content_of(*with_.kept_in), "old/token\n") << renewed;
    EXPECT_THAT(hub_.logins.back().body, EndsWith("&refresh_token=old%2Ftoken")) << renewed;
  }
}

TEST_F(RefreshToken, SaysThatATokenOfTheConfigurationCannotBeReplaced) {
  grant("a", R"("refresh_token":"new-token")");
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "a");
  EXPECT_THAT(not_kept(),
              StartsWith("level=error event=refresh_token_not_kept host=" + hub_.address().text()));
  EXPECT_THAT(not_kept(), HasSubstr("after a restart it will be refused; use refresh_token_file"));
  outcome(*login);
  EXPECT_THAT(hub_.logins.back().body, EndsWith("&refresh_token=new-token")) << "used all the same";
}

TEST_F(RefreshToken, LeavesAFileWithAnotherTokenAlone) {
  const fs::path file = write("token", "newer-token\n");
  with_.kept_in = file;
  grant("a", R"("refresh_token":"new-token")");
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "a");
  EXPECT_THAT(not_kept(),
              HasSubstr(file.string() + " no longer holds the refresh token that Salesforce replaced"));
  EXPECT_EQ(content_of(file), "newer-token\n");
}

TEST_F(RefreshToken, SaysWhyTheFileCannotBeWritten) {
  with_.kept_in = files_.path() / "absent";
  grant("a", R"("refresh_token":"new-token")");
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "a");
  EXPECT_THAT(not_kept(),
              HasSubstr("cannot read " + with_.kept_in->string() + ": No such file or directory"));
}

TEST_F(RefreshToken, KeepsTheOldFileWhereTheNewOneCannotBeWritten) {
  with_.kept_in = write("token", "old/token\n");
  // Where the new file would be written stands a directory: that stops root too.
  fs::create_directory(with_.kept_in->string() + ".new");
  grant("a", R"("refresh_token":"new-token")");
  const auto login = flow(with_);
  EXPECT_EQ(outcome(*login), "a");
  EXPECT_THAT(not_kept(), HasSubstr("cannot write " + with_.kept_in->string()));
  EXPECT_EQ(content_of(*with_.kept_in), "old/token\n");
  outcome(*login);
  EXPECT_THAT(hub_.logins.back().body, EndsWith("&refresh_token=new-token"));
  for (const char* hidden : {"old/token", "new-token", "s3cr&t"})
    EXPECT_THAT(log_.text(), Not(HasSubstr(hidden)));
}

TEST_F(RefreshToken, IsKeptWhereTheLoginIsRefused) {
  with_.kept_in = write("token", "old/token\n");
  hub_.answer_login(
      {.status = 400, .headers = {}, .body = R"({"error":"inactive_user","refresh_token":"new"})"});
  hub_.answer_login({.status = 200, .headers = {}, .body = R"({"access_token":"","refresh_token":"new"})"});
  const auto login = flow(with_);
  EXPECT_TRUE(failure_of(*login).is(errc::unauthorized));
  EXPECT_TRUE(failure_of(*login).is(errc::malformed));
  EXPECT_EQ(content_of(*with_.kept_in), "old/token\n");
  EXPECT_FALSE(login->has_news());
}

// ---- access token

class AccessToken : public login_flow {
 protected:
  std::unique_ptr<login> login_with(const fs::path& file) {
    return flow(access_token_file{{security::tls, "acme.my.salesforce.com", 443}, file});
  }

  std::string put(std::string_view content) {
    const auto login = login_with(write("token", content));
    return outcome(*login);
  }

  std::string refusal_of(std::string_view content) {
    const fs::path file = write("token", content);
    const auto login = login_with(file);
    const failure failed = failure_of(*login);
    EXPECT_TRUE(failed.is(errc::unauthorized)) << content;
    const std::string begin = fmt::format("reading the access token from {}: ", file.string());
    EXPECT_THAT(failed.text(), StartsWith(begin));
    return failed.text().substr(begin.size());
  }
};

TEST_F(AccessToken, IsReadFromEveryFormItIsKeptIn) {
  for (const char* content :
       {"00D000000000001!AQ.x", "00D000000000001!AQ.x\n", "00D000000000001!AQ.x\r\n",
        "  00D000000000001!AQ.x\n\n", R"({"accessToken":"00D000000000001!AQ.x"})",
        R"({"status":0,"result":{"accessToken":"00D000000000001!AQ.x","username":"u"},"warnings":[]})",
        "{\r\n  \"result\": {\r\n    \"accessToken\": \"00D000000000001!AQ.x\"\r\n  }\r\n}\r\n",
        R"({"result":{"accessToken":"00D000000000001!AQ.x"},"accessToken":"other"})",
        R"({"result":[],"accessToken":"00D000000000001!AQ.x"})"})
    EXPECT_EQ(put(content), "00D000000000001!AQ.x") << content;
  EXPECT_EQ(hub_.logins.size(), 0U) << "nobody is asked";
}

TEST_F(AccessToken, IsASessionOfTheInstanceWithTheOrgThatItNames) {
  const struct {
    const char* token;
    const char* org_id;
  } table[] = {{"00D000000000001!AQ.x", "00D000000000001"},
               {"00D000000000001EAA!AQ.x", "00D000000000001EAA"},
               {"00D000000000001", "00D000000000001"},
               {"00D00000000000!AQ.x", ""},
               {"005000000000001!AQ.x", ""},
               {"!AQ.x", ""},
               {"eyJhbGciOiJSUzI1NiJ9.e30.c2ln", ""}};
  for (const auto& row : table) {
    const auto login = login_with(write("token", row.token));
    const auto session = hub_.run(login->obtain());
    ASSERT_TRUE(session) << row.token;
    EXPECT_EQ(session->org_id, row.org_id) << row.token;
    EXPECT_EQ(session->user_id, "") << row.token;
    EXPECT_EQ(session->token.reveal(), row.token);
    EXPECT_EQ(session->instance.text(), "https://acme.my.salesforce.com");
    EXPECT_EQ(session->issued, hub_.time().wall_now());
  }
}

TEST_F(AccessToken, IsRefusedWithWhatIsWrongAndNoMore) {
  const std::string redacted =
      "the sf CLI left the token out; `sf org auth show-access-token --json` prints it";
  const std::string no_token = "what it holds is no access token";
  const struct {
    std::string content;
    std::string problem;
  } table[] = {
      {"", "it is empty"},
      {" \r\n", "it is empty"},
      {R"({"accessToken":""})", "it is empty"},
      {"[REDACTED] Use 'sf org auth show-access-token' to view", redacted},
      {R"({"result":{"accessToken":"[REDACTED] Use 'sf org auth show-access-token' to view"}})", redacted},
      {"hunter2 hunter2", no_token},
      {"hunter2\nhunter2", no_token},
      {"hunter2\r\nX-Evil: 1", no_token},
      {R"({"accessToken":"hunter2\r\nX-Evil: 1"})", no_token},
      {"hunter2\xC3\xA9", no_token},
      {"hunter2\x7F", no_token},
      {std::string("hunter2\0x", 9), no_token},
      {std::string(8 * 1024 + 1, 'x'), no_token},
      {R"({"accesstoken":"hunter2"})", "its JSON has no accessToken"},
      {R"({"result":{"accessToken":7}})", "its JSON has no accessToken"},
      {"{}", "its JSON has no accessToken"},
  };
  for (const auto& row : table)
    EXPECT_EQ(refusal_of(row.content), row.problem) << row.content.substr(0, 80);
  EXPECT_EQ(put(std::string(8 * 1024, 'x')), std::string(8 * 1024, 'x'));
  const std::string broken = refusal_of(R"({"accessToken":"hunter2)");
  EXPECT_THAT(broken, StartsWith("it begins like JSON, but is not JSON"));
  EXPECT_THAT(broken, Not(HasSubstr("hunter2")));
}

TEST_F(AccessToken, SaysWhyItsFileCannotBeRead) {
  const fs::path absent = files_.path() / "absent";
  const auto missing = login_with(absent);
  const failure failed = failure_of(*missing);
  EXPECT_TRUE(failed.is(errc::not_found));
  EXPECT_EQ(failed.text(), fmt::format("reading the access token: cannot read {}: No such file or directory",
                                       absent.string()));
  const auto directory = login_with(files_.path());
  EXPECT_THAT(failure_of(*directory).text(), EndsWith("it is a directory"));
  const auto large = login_with(write("large", std::string(64 * 1024 + 1, 'x')));
  EXPECT_TRUE(failure_of(*large).is(errc::too_large));
}

TEST_F(AccessToken, HasNewsWhenItsFileIsAnother) {
  const fs::path file = write("token", "first");
  const auto login = login_with(file);
  EXPECT_EQ(outcome(*login), "first");
  EXPECT_FALSE(login->has_news());
  fs::rename(write("fresh", "secnd"), file);  // of the same size
  EXPECT_TRUE(login->has_news());
  EXPECT_TRUE(login->has_news()) << "until it is read";
  EXPECT_EQ(outcome(*login), "secnd");
  EXPECT_FALSE(login->has_news());
  write("token", "a-third");
  EXPECT_TRUE(login->has_news());
  EXPECT_EQ(outcome(*login), "a-third");
  EXPECT_FALSE(login->has_news());
  fs::remove(file);
  EXPECT_TRUE(login->has_news());
  EXPECT_TRUE(failure_of(*login).is(errc::not_found));
  EXPECT_FALSE(login->has_news());
  write("token", "");
  EXPECT_TRUE(login->has_news());
  EXPECT_TRUE(failure_of(*login).is(errc::unauthorized));
  EXPECT_FALSE(login->has_news());
  write("token", "fourth");
  EXPECT_TRUE(login->has_news());
  EXPECT_EQ(outcome(*login), "fourth");
}

TEST_F(AccessToken, ReplacesASessionInUseWhenItsFileIsAnother) {
  const fs::path file = write("token", "first");
  session_access session(login_with(file), hub_.time());
  const auto current = [&] {
    const auto got = hub_.run(session.current());
    return got ? got->token.reveal() : got.error().text();
  };
  EXPECT_EQ(current(), "first");
  fs::rename(write("fresh", "second"), file);
  EXPECT_EQ(current(), "second");
  write("token", "hunter 2");
  EXPECT_THAT(current(), HasSubstr("is no access token"));
  write("token", "third");
  EXPECT_EQ(current(), "third") << "without the wait that refused credentials get";
}

// ---- what is said of refusals

class Refusal : public login_flow {
 protected:
  /// Every flow that asks a token endpoint, by its name in texts, with the secrets of `hidden_`.
  std::vector<std::pair<std::string, std::unique_ptr<login>>> flows() {
    std::vector<std::pair<std::string, std::unique_ptr<login>>> made;
    made.emplace_back("client credentials", flow(client_credentials{login_url(), "id", secret(password_)}));
    made.emplace_back("refresh token", flow(refresh_token{.login_url = login_url(),
                                                          .client_id = "id",
                                                          .client_secret = secret(password_),
                                                          .token = secret(token_)}));
    return made;
  }

  const std::string password_ = "pa&ss/w0rd=hunter2";
  const std::string token_ = "5Aep/t0ken&hunter2==";
};

TEST_F(Refusal, IsToldWithWhatToDo) {
  const struct {
    const char* error;
    const char* description;
    const char* advice;
  } table[] = {
      {"invalid_grant", "user hasn't approved this consumer",
       "; pre-authorize the user in the app's policies (docs/salesforce-setup.md)"},
      {"invalid_app_access", "user is not admin approved to access this app",
       "; pre-authorize the user in the app's policies (docs/salesforce-setup.md)"},
      {"invalid_client_id", "client identifier invalid",
       "; client_id is not the consumer key of an app of this org"},
      {"invalid_grant", "request not supported on this domain", "; login_url must be the org's My Domain"},
      {"invalid_grant", "no client credentials user enabled", "; choose a Run As user in the app's policies"},
      {"invalid_grant", "expired access/refresh token",
       "; authorize the org again to get another refresh token"},
      {"invalid_grant", "INVALID ASSERTION", "; the app's certificate does not belong to this private key"},
      {"inactive_user", "user is inactive", ""},
      {"invalid_grant", "authentication failure", ""},
  };
  for (auto& [name, login] : flows()) {
    for (const auto& row : table) {
      refuse(row.error, row.description);
      const failure failed = failure_of(*login);
      EXPECT_TRUE(failed.is(errc::unauthorized)) << failed.text();
      EXPECT_EQ(failed.text(),
                fmt::format("logging in at {} by {}: asking for a token: Salesforce answered 400 {}: {}{}",
                            hub_.address().text(), name, row.error, row.description, row.advice));
    }
  }
}

TEST_F(Refusal, GivesNoAdviceForTroubleThatPasses) {
  for (auto& [name, login] : flows()) {
    hub_.answer_login({.status = 503,
                       .headers = {},
                       .body = R"({"error":"invalid_client_id","error_description":"try again"})"});
    const failure failed = failure_of(*login);
    EXPECT_TRUE(failed.is(errc::unavailable)) << name;
    EXPECT_THAT(failed.text(), EndsWith("invalid_client_id: try again"));
  }
}

// Whatever of the request an answer repeats, and wherever the text is cut.
TEST_F(Refusal, HoldsNoSecret) {
  for (auto& [name, login] : flows()) {
    for (std::size_t filling = 0; filling < 320; ++filling) {
      const std::string echo = fmt::format("{} {} {} {} {}", std::string(filling, '.'), password_, token_,
                                           percent_encode(password_), percent_encode(token_));
      filling % 2 == 0 ? refuse("invalid_grant", echo) : refuse(echo, "why");
      const failure failed = failure_of(*login);
      std::vector<std::string> hidden{password_, percent_encode(password_)};
      if (name == "refresh token") {
        hidden.push_back(token_);
        hidden.push_back(percent_encode(token_));
      }
      for (const std::string& each : hidden)
        EXPECT_THAT(failed.text(), Not(HasSubstr(each.substr(0, 6)))) << name << ' ' << filling;
      if (testing::Test::HasFailure())
        return;
    }
  }
}

}  // namespace
}  // namespace pushguard::salesforce::test
