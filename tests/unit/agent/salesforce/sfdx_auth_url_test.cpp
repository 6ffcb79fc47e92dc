#include "agent/salesforce/sfdx_auth_url.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::salesforce::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* plain_text = "force://PlatformCLI:s3c.ret:5Aep_to-ken==@acme.my.salesforce.com";

TEST(SfdxAuthUrl, IsTakenApart) {
  const struct {
    std::string text;
    std::string client_id;
    std::string client_secret;
    std::string token;
    std::string login_url;
  } table[] = {
      {plain_text, "PlatformCLI", "s3c.ret", "5Aep_to-ken==", "https://acme.my.salesforce.com/"},
      {"force://PlatformCLI::5Aep@acme.my.salesforce.com", "PlatformCLI", "", "5Aep",
       "https://acme.my.salesforce.com/"},
      {"force://i:s:t@ACME.example", "i", "s", "t", "https://acme.example/"},
      {"force://i:s:t@acme.example:8443", "i", "s", "t", "https://acme.example:8443/"},
      {"force://i:s:t@acme.example:443", "i", "s", "t", "https://acme.example/"},
      {"force://i:s:t@localhost:8080", "i", "s", "t", "http://localhost:8080/"},
      {"force://i:s:t@localhost", "i", "s", "t", "http://localhost/"},
      {"force://i:s:t@127.0.0.1:8080", "i", "s", "t", "http://127.0.0.1:8080/"},
      {"force://i:s:t@[::1]:8080", "i", "s", "t", "http://[::1]:8080/"},
      {"force://i:s:t@127.0.0.1.example", "i", "s", "t", "https://127.0.0.1.example/"},
      {"force://-:_:=@a", "-", "_", "=", "https://a/"},
  };
  for (const auto& row : table) {
    const auto read = parse_sfdx_auth_url(row.text);
    ASSERT_TRUE(read) << row.text << ": " << read.error().text();
    EXPECT_EQ(read->client_id, row.client_id) << row.text;
    EXPECT_EQ(read->client_secret.reveal(), row.client_secret) << row.text;
    EXPECT_EQ(read->token.reveal(), row.token) << row.text;
    EXPECT_EQ(read->login_url.text(), row.login_url) << row.text;
    EXPECT_FALSE(read->kept_in) << "a text has no place";
  }
}

TEST(SfdxAuthUrl, IsFoundInEveryFileTheCliWrites) {
  const std::string frames[] = {
      "{}",
      "{}\n",
      "{}\r\n",
      "\r\n \t{} \r\n\r\n",
      R"({{"sfdxAuthUrl":"{}"}})",
      R"({{"username":"push@example.com","sfdxAuthUrl":"{}"}})",
      R"({{"status":0,"result":{{"sfdxAuthUrl":"{}","username":"push@example.com"}},"warnings":[]}})",
      "{{\r\n  \"status\": 0,\r\n  \"result\": {{\r\n    \"sfdxAuthUrl\": \"{}\"\r\n  }}\r\n}}\r\n",
      R"({{"result":"none","sfdxAuthUrl":"{}"}})",
      R"({{"result":null,"sfdxAuthUrl":"{}"}})",
      R"({{"result":{{"sfdxAuthUrl":"{}"}},"sfdxAuthUrl":"force://other:s:t@other.example"}})",
  };
  for (const std::string& frame : frames) {
    const std::string content = fmt::format(fmt::runtime(frame), plain_text);
    const auto read = parse_sfdx_auth_url(content);
    ASSERT_TRUE(read) << content << ": " << read.error().text();
    EXPECT_EQ(read->token.reveal(), "5Aep_to-ken==") << content;
    EXPECT_EQ(read->login_url.text(), "https://acme.my.salesforce.com/") << content;
  }
}

// "hunter2" stands wherever a secret or its neighbour may: no text repeats it.
TEST(SfdxAuthUrl, IsRefusedWithWhatIsWrongAndNoMore) {
  const std::string no_url = "it is no SFDX auth URL, which begins with force://";
  const std::string form = "an SFDX auth URL has the form force://CLIENT_ID:CLIENT_SECRET:REFRESH_TOKEN@HOST";
  const std::string characters =
      "the client id, secret or refresh token of the SFDX auth URL has characters that none has";
  const std::string host = "what follows the @ of the SFDX auth URL is no host";
  const std::string redacted = "the sf CLI left the URL out; `sf org auth show-sfdx-auth-url` prints it";
  const std::string no_member =
      "its JSON has no sfdxAuthUrl: `sf org auth show-sfdx-auth-url --json` prints one, for orgs that were "
      "not "
      "authorized by JWT";
  const struct {
    std::string text;
    std::string problem;
  } table[] = {
      {"", no_url},
      {" \r\n", no_url},
      {"hunter2", no_url},
      {"https://hunter2:hunter2@acme.example", no_url},
      {"Force://i:hunter2:hunter2@acme.example", no_url},
      {"\xEF\xBB\xBF"
       "force://i:hunter2:hunter2@acme.example",
       no_url},
      {"force://", form},
      {"force://hunter2", form},
      {"force://i:hunter2@acme.example", form},
      {"force://i:hunter2:hunter2", form},
      {"force://i@acme.example", form},
      {"force://:hunter2:hunter2@acme.example", characters},
      {"force://i:hunter2:@acme.example", characters},
      {"force://i:hun ter2:hunter2@acme.example", characters},
      {"force://i:s:hunter2:hunter2@acme.example", characters},
      {"force://i:s:hunter2@hunter2@acme.example", characters},
      {"force://i:s:hunter2\r\nhunter2@acme.example", characters},
      {"force://i:s:hunter2\xC3\xA9@acme.example", characters},
      {"force://i/hunter2:s:t@acme.example", characters},
      {"force://i:s:hunter2@", host},
      {"force://i:s:hunter2@acme.example/", host},
      {"force://i:s:hunter2@acme.example/hunter2", host},
      {"force://i:s:hunter2@acme.example?hunter2", host},
      {"force://i:s:hunter2@acme.example#hunter2", host},
      {"force://i:s:hunter2@acme.example#", host},
      {"force://i:s:hunter2@acme.example:", host},
      {"force://i:s:hunter2@acme.example:0", host},
      {"force://i:s:hunter2@acme.example:x", host},
      {"force://i:s:hunter2@acme example", host},
      {"force://i:s:hunter2@https://acme.example", host},
      {"force://i:s:hunter2@acme.example\nforce://i:s:hunter2@acme.example", characters},
      {"[REDACTED] Use 'sf org auth show-sfdx-auth-url' to view hunter2", redacted},
      {R"({"result":{"sfdxAuthUrl":"[REDACTED] Use 'sf org auth show-sfdx-auth-url' to view"}})", redacted},
      {R"({"sfdxAuthUrl":"hunter2"})", no_url},
      {R"({"result":{"accessToken":"hunter2"}})", no_member},
      {R"({"result":{"sfdxAuthUrl":7}})", no_member},
      {R"({"result":["hunter2"]})", no_member},
      {"{}", no_member},
  };
  for (const auto& row : table) {
    const auto read = parse_sfdx_auth_url(row.text);
    ASSERT_FALSE(read) << row.text;
    EXPECT_TRUE(read.error().is(errc::malformed)) << row.text;
    EXPECT_EQ(read.error().text(), row.problem) << row.text;
  }
  const auto broken = parse_sfdx_auth_url(R"({"result":{"sfdxAuthUrl":"force://i:hunter2)");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().text(), HasSubstr("it begins like JSON, but is not JSON"));
  EXPECT_THAT(broken.error().text(), Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace pushguard::salesforce::test
