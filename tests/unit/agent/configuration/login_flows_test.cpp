// The five ways to log in, as the file has them: what is read, and each problem with its place.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/key_pair.hpp"
#include "tests/unit/agent/configuration/configuration_files.hpp"

namespace pushguard::configuration {
namespace {

using pushguard::test::key_pair;
using pushguard::test::rsa_key;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view jwt = "jwt_bearer: { client_id: i, username: u, private_key_file: hub.key }";
constexpr std::string_view client_secrets = "client_credentials: { client_id: i, client_secret: s }";
constexpr std::string_view refreshing = "refresh_token: { client_id: i, refresh_token: t }";
constexpr std::string_view sfdx = "sfdx_auth_url_file: hub.sfdxurl";
constexpr std::string_view token =
    "access_token: { instance_url: 'https://a.example', token_file: hub.token }";

class LoginFlows : public testing::Test {
 protected:
  LoginFlows() {
    files_.write("hub.key", rsa_key().private_pem());
    files_.write("hub.sfdxurl", "force://PlatformCLI:s3cret:5Aep@acme.my.salesforce.com\n");
    files_.write("hub.token", "00D000000000001!AQ.x\n");
    files_.write("client.secret", "s3cret\n");
    files_.write("refresh.token", "5Aep\n");
  }

  /// The flow on line 4, column 7, without a login_url; else on line 5, with one on line 3, column 16.
  std::expected<configuration, problem_list> read(std::string_view flow, std::string_view login_url = "") {
    const std::string line = login_url.empty() ? "" : fmt::format("    login_url: {}\n", login_url);
    return read_configuration(
        fmt::format("hubs:\n  - name: h\n{}    auth:\n      {}\n", line, flow), files_.file(),
        fixed_environment({{"KEY", rsa_key().private_pem()}, {"SECRET", "from-environment"}}));
  }

  template <class Flow>
  Flow login(std::string_view flow, std::string_view login_url = "") {
    auto made = read(flow, login_url);
    if (!made) {
      ADD_FAILURE() << fmt::format("{}", fmt::join(made.error(), "\n"));
      return {};
    }
    return std::get<Flow>(std::move(made->hubs.front().login));
  }

  /// The problems as `line:column: message`.
  problem_list problems_of(std::string_view flow, std::string_view login_url = "") {
    const auto made = read(flow, login_url);
    problem_list out;
    const std::string file = files_.file().string() + ":";
    for (const std::string& line : made ? problem_list{} : made.error()) {
      EXPECT_TRUE(line.starts_with(file)) << line;
      out.push_back(line.substr(file.size()));
    }
    return out;
  }

  configuration_files files_;
};

TEST_F(LoginFlows, ReadJwtBearer) {
  const auto least = login<salesforce::jwt_bearer>(jwt);
  EXPECT_EQ(least.login_url.text(), "https://login.salesforce.com/");
  EXPECT_EQ(least.client_id, "i");
  EXPECT_EQ(least.username, "u");
  EXPECT_EQ(least.private_key.reveal() + "\n", rsa_key().private_pem());
  EXPECT_EQ(least.audience, "") << "what the login URL implies";
  const auto full = login<salesforce::jwt_bearer>(
      "jwt_bearer: { client_id: i, username: u, private_key: '${KEY}', audience: 'https://acme.my.site.com/' "
      "}",
      "https://test.salesforce.com");
  EXPECT_EQ(full.login_url.text(), "https://test.salesforce.com/");
  EXPECT_EQ(full.private_key.reveal(), rsa_key().private_pem());
  EXPECT_EQ(full.audience, "https://acme.my.site.com");
}

TEST_F(LoginFlows, ReadAKeyThatStandsInTheFile) {
  std::string text = "jwt_bearer:\n        client_id: i\n        username: u\n        private_key: |\n";
  const std::string pem = rsa_key().private_pem();
  for (std::size_t at = 0; at < pem.size();) {
    const std::size_t end = pem.find('\n', at);
    text += "          " + pem.substr(at, end - at) + "\n";
    at = end + 1;
  }
  EXPECT_EQ(login<salesforce::jwt_bearer>(text).private_key.reveal(), pem);
}

TEST_F(LoginFlows, ReadClientCredentials) {
  const auto made = login<salesforce::client_credentials>(
      "client_credentials: { client_id: i, client_secret_file: client.secret }",
      "https://acme.my.salesforce.com");
  EXPECT_EQ(made.login_url.text(), "https://acme.my.salesforce.com/");
  EXPECT_EQ(made.client_id, "i");
  EXPECT_EQ(made.client_secret.reveal(), "s3cret");
}

TEST_F(LoginFlows, ReadARefreshToken) {
  const auto least = login<salesforce::refresh_token>(refreshing);
  EXPECT_EQ(least.login_url.text(), "https://login.salesforce.com/");
  EXPECT_EQ(least.client_id, "i");
  EXPECT_TRUE(least.client_secret.empty());
  EXPECT_EQ(least.token.reveal(), "t");
  EXPECT_FALSE(least.kept_in) << "a new one cannot be written into the configuration";
  const auto full = login<salesforce::refresh_token>(
      "refresh_token: { client_id: i, client_secret: '${SECRET}', refresh_token_file: refresh.token }",
      "http://localhost:8080");
  EXPECT_EQ(full.login_url.text(), "http://localhost:8080/");
  EXPECT_EQ(full.client_secret.reveal(), "from-environment");
  EXPECT_EQ(full.token.reveal(), "5Aep");
  EXPECT_EQ(full.kept_in, files_.directory() / "refresh.token");
  const auto absolute = login<salesforce::refresh_token>(fmt::format(
      "refresh_token: {{ client_id: i, client_secret_file: client.secret, refresh_token_file: {} }}",
      (files_.directory() / "refresh.token").string()));
  EXPECT_EQ(absolute.client_secret.reveal(), "s3cret");
  EXPECT_EQ(absolute.kept_in, files_.directory() / "refresh.token");
}

TEST_F(LoginFlows, ReadAnSfdxAuthUrl) {
  const auto made = login<salesforce::refresh_token>(sfdx);
  EXPECT_EQ(made.login_url.text(), "https://acme.my.salesforce.com/");
  EXPECT_EQ(made.client_id, "PlatformCLI");
  EXPECT_EQ(made.client_secret.reveal(), "s3cret");
  EXPECT_EQ(made.token.reveal(), "5Aep");
  EXPECT_EQ(made.kept_in, files_.directory() / "hub.sfdxurl");
  files_.write("hub.sfdxurl", R"({"result":{"sfdxAuthUrl":"force://PlatformCLI::5Aep@localhost:8080"}})");
  const auto json = login<salesforce::refresh_token>(sfdx);
  EXPECT_EQ(json.login_url.text(), "http://localhost:8080/");
  EXPECT_TRUE(json.client_secret.empty());
}

TEST_F(LoginFlows, ReadWhereAnAccessTokenIsKept) {
  const auto made = login<salesforce::access_token_file>(token);
  EXPECT_EQ(made.instance.text(), "https://a.example");
  EXPECT_EQ(made.file, files_.directory() / "hub.token");
  const auto absent = login<salesforce::access_token_file>(
      "access_token: { instance_url: 'http://127.0.0.1:8080', token_file: sub/../absent }");
  EXPECT_EQ(absent.instance.text(), "http://127.0.0.1:8080");
  EXPECT_EQ(absent.file, files_.directory() / "absent") << "which another process may write later";
}

TEST_F(LoginFlows, AreExactlyOne) {
  const std::string one =
      "auth must have exactly one of jwt_bearer, client_credentials, refresh_token, "
      "sfdx_auth_url_file, access_token";
  EXPECT_THAT(problems_of("{}"), ElementsAre("4:7: " + one));
  const std::string_view flows[] = {jwt, client_secrets, refreshing, sfdx, token};
  for (const std::string_view first : flows) {
    for (const std::string_view second : flows) {
      if (first == second)
        continue;
      const auto both = fmt::format("{}\n      {}", first, second);
      EXPECT_THAT(problems_of(both), ElementsAre("5:7: " + one)) << both;
      EXPECT_THAT(problems_of(both, "https://a.example"), ElementsAre("6:7: " + one)) << both;
    }
  }
  EXPECT_THAT(
      problems_of("jwt_baerer: {}"),
      ElementsAre("4:7: " + one, "4:7: unknown key 'jwt_baerer' in auth; did you mean 'jwt_bearer'?"));
}

TEST_F(LoginFlows, NeedALoginUrlOnlyForClientCredentials) {
  EXPECT_THAT(problems_of(client_secrets), ElementsAre("2:5: missing key 'login_url' in an item of hubs"));
  for (const char* common : {"login", "test"}) {
    const std::string url = fmt::format("https://{}.salesforce.com", common);
    EXPECT_THAT(
        problems_of(client_secrets, url),
        ElementsAre(fmt::format("3:16: login_url must be the org's My Domain "
                                "(https://….my.salesforce.com): {}.salesforce.com refuses client_credentials",
                                common)));
    EXPECT_THAT(problems_of(jwt, url), ElementsAre());
    EXPECT_THAT(problems_of(refreshing, url), ElementsAre());
  }
  EXPECT_THAT(problems_of(sfdx, "https://a.example"),
              ElementsAre("3:5: 'login_url' has no use with sfdx_auth_url_file, which names its own host"));
  EXPECT_THAT(problems_of(token, "https://a.example"),
              ElementsAre("3:5: 'login_url' has no use with access_token, which has an instance_url"));
}

TEST_F(LoginFlows, ReachTheirHostsProtectedOnly) {
  const struct {
    const char* url;
    const char* problem;
  } table[] = {
      {"http://a.example", " must be https://; http:// is accepted for loopback addresses only"},
      {"https://a.example/services", " must end after the host, without a path"},
      {"a.example", ": the URL does not begin with https:// or http://"},
      {"https://hunter2@a.example", ": the URL carries user information, which is not allowed"},
  };
  for (const auto& row : table) {
    for (const std::string_view flow : {jwt, client_secrets, refreshing})
      EXPECT_THAT(problems_of(flow, row.url), ElementsAre(fmt::format("3:16: login_url{}", row.problem)));
    EXPECT_THAT(problems_of(fmt::format("access_token: {{ instance_url: '{}', token_file: t }}", row.url)),
                ElementsAre(fmt::format("4:37: instance_url{}", row.problem)));
    EXPECT_THAT(problems_of(fmt::format(
                    "jwt_bearer: {{ audience: '{}', client_id: i, username: u, private_key_file: hub.key }}",
                    row.url)),
                ElementsAre(fmt::format("4:31: audience{}", row.problem)));
  }
}

TEST_F(LoginFlows, TellWhatIsMissingOrUnknown) {
  const struct {
    const char* flow;
    std::vector<std::string> problems;
  } table[] = {
      {"jwt_bearer: {}",
       {"4:19: missing key 'client_id' in jwt_bearer", "4:19: missing key 'username' in jwt_bearer",
        "4:19: jwt_bearer must have exactly one of private_key, private_key_file"}},
      {"refresh_token: {}",
       {"4:22: missing key 'client_id' in refresh_token",
        "4:22: refresh_token must have exactly one of refresh_token, refresh_token_file"}},
      {"access_token: {}",
       {"4:21: missing key 'instance_url' in access_token",
        "4:21: missing key 'token_file' in access_token"}},
      {"sfdx_auth_url_file: ''", {"4:27: sfdx_auth_url_file must not be empty"}},
      {"jwt_bearer: { client_id: i, username: u, private_key_file: hub.key, private_key: k }",
       {"4:75: jwt_bearer must have exactly one of private_key, private_key_file"}},
      {"refresh_token: { client_id: i, refresh_token: t, refresh_token_file: refresh.token }",
       {"4:56: refresh_token must have exactly one of refresh_token, refresh_token_file"}},
      {"refresh_token: { client_id: i, refresh_token: t, client_secret: s, client_secret_file: client.secret "
       "}",
       {"4:74: refresh_token must have exactly one of client_secret, client_secret_file"}},
      {"jwt_bearer: { client_id: i, user_name: u, private_key_file: hub.key }",
       {"4:19: missing key 'username' in jwt_bearer",
        "4:35: unknown key 'user_name' in jwt_bearer; did you mean 'username'?"}},
      {"refresh_token: { client_id: i, refresh_token: t, username: u }",
       {"4:56: unknown key 'username' in refresh_token"}},
      {"access_token: { instance_url: 'https://a.example', token_files: t }",
       {"4:21: missing key 'token_file' in access_token",
        "4:58: unknown key 'token_files' in access_token; did you mean 'token_file'?"}},
      {"sfdx_auth_url_file: hub.sfdxurl\n      client_id: i", {"5:7: unknown key 'client_id' in auth"}},
      {"jwt_bearer: { client_id: '${ID}', username: '${NAME}', private_key_file: hub.key }",
       {"4:32: client_id: environment variables are read for secrets only",
        "4:51: username: environment variables are read for secrets only"}},
  };
  for (const auto& row : table)
    EXPECT_EQ(problems_of(row.flow), row.problems) << row.flow;
}

TEST_F(LoginFlows, TellAFlowThatIsNoMappingAndNothingElse) {
  for (const char* name : {"jwt_bearer", "client_credentials", "refresh_token"}) {
    const std::string problem = fmt::format("{} must be a mapping, not text", name);
    EXPECT_THAT(problems_of(fmt::format("{}: hunter2", name), "https://a.example"),
                ElementsAre(fmt::format("5:{}: {}", 9 + std::string_view(name).size(), problem)));
  }
  EXPECT_THAT(problems_of("access_token: hunter2"),
              ElementsAre("4:21: access_token must be a mapping, not text"));
  EXPECT_THAT(problems_of("hunter2", "https://a.example"),
              ElementsAre("5:7: auth must be a mapping, not text"));
}

TEST_F(LoginFlows, SayWhatStandsWhereAPrivateKeyShould) {
  const key_pair elliptic(key_pair::kind::elliptic);
  const struct {
    std::string content;
    const char* problem;
  } table[] = {
      {rsa_key().protected_pem(),
       "the private key is protected by a passphrase, which nobody could type here; `openssl pkey` takes it "
       "off"},
      {rsa_key().traditional_protected_pem(), "the private key is protected by a passphrase"},
      {rsa_key().certificate_pem(),
       "this is a certificate, which belongs to the app in Salesforce; the private key is needed here"},
      {rsa_key().public_pem(), "this is a public key; the private key is needed here"},
      {elliptic.private_pem(), "the private key is not RSA, which RS256 needs"},
      {"hunter2", "this is no private key in PEM"},
  };
  for (const auto& row : table) {
    files_.write("wrong.key", row.content);
    EXPECT_THAT(problems_of("jwt_bearer: { client_id: i, username: u, private_key_file: wrong.key }"),
                ElementsAre(HasSubstr(fmt::format("4:66: private_key_file: {}", row.problem))));
  }
  EXPECT_THAT(problems_of("jwt_bearer: { client_id: i, username: u, private_key: hunter2 }"),
              ElementsAre("4:61: private_key: this is no private key in PEM"));
  EXPECT_THAT(problems_of("jwt_bearer: { client_id: i, username: u, private_key: '${SECRET}' }"),
              ElementsAre("4:61: private_key: this is no private key in PEM"));
}

TEST_F(LoginFlows, SayWhyAFileCannotBeUsed) {
  const std::string why =
      fmt::format("the file cannot be used: No such file or directory (relative paths start at '{}')",
                  files_.directory().string());
  EXPECT_THAT(problems_of("jwt_bearer: { client_id: i, username: u, private_key_file: absent }"),
              ElementsAre("4:66: private_key_file: " + why));
  EXPECT_THAT(problems_of("refresh_token: { client_id: i, refresh_token_file: absent }"),
              ElementsAre("4:58: refresh_token_file: " + why));
  EXPECT_THAT(problems_of("sfdx_auth_url_file: absent"), ElementsAre("4:27: sfdx_auth_url_file: " + why));
  files_.write("hub.sfdxurl", "[REDACTED] Use 'sf org auth show-sfdx-auth-url' to view");
  EXPECT_THAT(
      problems_of(sfdx),
      ElementsAre("4:27: sfdx_auth_url_file: the sf CLI left the URL out; `sf org auth show-sfdx-auth-url` "
                  "prints it"));
  files_.write("hub.sfdxurl", "force://hunter2");
  EXPECT_THAT(problems_of(sfdx), ElementsAre("4:27: sfdx_auth_url_file: an SFDX auth URL has the form "
                                             "force://CLIENT_ID:CLIENT_SECRET:REFRESH_TOKEN@HOST"));
}

// Every way to get it wrong that puts a secret near a message.
TEST_F(LoginFlows, RepeatNoSecret) {
  files_.write("wrong.key", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n");
  files_.write("wrong.url", "force://hunter2:hunter2@hunter2");
  files_.write("wrong.json", R"({"result":{"sfdxAuthUrl":"force://i:hunter2:hunter2)");
  const char* wrong[] = {
      "jwt_bearer: hunter2",
      "jwt_bearer: [hunter2]",
      "jwt_bearer: { client_id: i, username: u, private_key: hunter2 }",
      "jwt_bearer: { client_id: i, username: u, private_key: [hunter2] }",
      "jwt_bearer: { client_id: i, username: u, private_key: { hunter2: x } }",
      "jwt_bearer: { client_id: i, username: u, private_key: '${hunter2' }",
      "jwt_bearer: { client_id: i, username: u, private_key_file: hunter2 }",
      "jwt_bearer: { client_id: i, username: u, private_key_file: wrong.key }",
      "jwt_bearer: { client_id: i, username: u, private_kye: hunter2 }",
      "jwt_bearer: { client_id: i, username: u, private_key: hunter2, private_key_file: hub.key }",
      "refresh_token: hunter2",
      "refresh_token: [hunter2]",
      "refresh_token: { client_id: i, refresh_token: [hunter2] }",
      "refresh_token: { client_id: i, refresh_token_file: hunter2 }",
      "refresh_token: { client_id: i, refresh_tokne: hunter2 }",
      "refresh_token: { client_id: i, refresh_token: hunter2, refresh_token_file: refresh.token }",
      "refresh_token: { client_id: i, refresh_token: t, client_secret: { hunter2: x } }",
      "refresh_token: { client_id: i, refresh_token: t, client_secret_file: hunter2 }",
      "refresh_token: { client_id: i, refresh_token: hunter2, refresh_token: hunter2 }",
      "sfdx_auth_url_file: [hunter2]",
      "sfdx_auth_url_file: hunter2",
      "sfdx_auth_url_file: force://i:hunter2:hunter2@a.example",
      "sfdx_auth_url_file: wrong.url",
      "sfdx_auth_url_file: wrong.json",
      "sfdx_auth_url: hunter2",
      "access_token: hunter2",
      "access_token: { instance_url: 'https://hunter2@a.example', token_file: t }",
      "access_token: { instance_url: 'https://a.example', token: hunter2 }",
      "access_token: { instance_url: 'https://a.example', token_file: [hunter2] }",
  };
  for (const char* flow : wrong) {
    const std::string problems = fmt::format("{}", fmt::join(problems_of(flow), "\n"));
    EXPECT_NE(problems, "") << flow;
    EXPECT_THAT(problems, Not(HasSubstr("hunter2"))) << flow;
  }
}

}  // namespace
}  // namespace pushguard::configuration
