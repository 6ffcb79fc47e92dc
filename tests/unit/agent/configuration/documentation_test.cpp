// What the documentation shows must load, and name every key.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <memory>
#include <regex>
#include <sstream>
#include <vector>

#include "tests/support/tls_server.hpp"
#include "tests/unit/agent/configuration/configuration_files.hpp"

namespace pushguard::configuration {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream in(std::string(PUSHGUARD_SOURCE_DIR) + "/" + path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> yaml_blocks(const std::string& page) {
  constexpr std::string_view opening = "```yaml\n";
  std::vector<std::string> blocks;
  for (auto at = page.find(opening); at != std::string::npos; at = page.find(opening, at)) {
    at += opening.size();
    blocks.push_back(page.substr(at, page.find("```\n", at) - at));
  }
  return blocks;
}

std::string private_key() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

class Documentation : public testing::Test {
 protected:
  Documentation() {
    files_.write("client-secret", "s3cret\n");
    files_.write("extra-ca.pem", certificate);
    files_.write("api.tokens", "alice:0123456789abcdef\n");
    files_.write("vip-orgs.txt", "00D000000000001\n");
    files_.write("customers.csv", "org_key,customer,tier,contact\n00D000000000001,Acme Ltd,gold,ann\n");
    files_.write("pd.key", "0123456789abcdef0123456789abcdef\n");
    files_.write("slack.url", "https://hooks.slack.com/services/T0/B0/s3cret\n");
    files_.write("hook.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    const test::certificate_authority authority;
    const test::certificate_chain chain = authority.issue({.names = {"DNS:localhost"}});
    files_.write("pushguard.crt", chain.certificate);
    files_.write("pushguard.key", chain.key);
    files_.write("web.yml", content_of("deploy/web.example.yml"));
  }

  std::optional<configuration> loaded(const std::string& text) {
    auto made =
        read_configuration(text, files_.file(), fixed_environment({{"PUSHGUARD_CLIENT_SECRET", "s3cret"}}));
    if (!made) {
      ADD_FAILURE() << fmt::format("{}", fmt::join(made.error(), "\n"));
      return std::nullopt;
    }
    return std::move(*made);
  }

  configuration_files files_;
};

TEST_F(Documentation, ShowsConfigurationsThatLoad) {
  const auto blocks = yaml_blocks(content_of("docs/configuration.md"));
  ASSERT_EQ(blocks.size(), 3U);
  for (const std::string& block : blocks) {
    const auto made = loaded(block);
    ASSERT_TRUE(made) << block;
    EXPECT_EQ(std::get<salesforce::client_credentials>(made->hubs.front().login).client_secret.reveal(),
              "s3cret");
  }
}

TEST_F(Documentation, ShowsPoliciesThatLoad) {
  const auto blocks = yaml_blocks(content_of("docs/policies.md"));
  ASSERT_EQ(blocks.size(), 3U);
  for (const std::string& block : blocks) {
    const auto made = loaded(block);
    ASSERT_TRUE(made) << block;
    EXPECT_FALSE(made->policies.front().rules.empty());
  }
}

TEST_F(Documentation, ShowsEachWayToLogIn) {
  files_.write("hub.key", private_key());
  files_.write("refresh-token", "5Aep861.first\n");
  files_.write(
      "devhub.sfdxurl",
      R"({"status":0,"result":{"sfdxAuthUrl":"force://PlatformCLI::5Aep861.first@example.my.salesforce.com"}})");
  const auto blocks = yaml_blocks(content_of("docs/salesforce-setup.md"));
  std::vector<std::size_t> flows;
  for (const std::string& block : blocks) {
    const auto made = loaded(block);
    ASSERT_TRUE(made) << block;
    flows.push_back(made->hubs.front().login.index());
  }
  const auto index_of = []<class Flow>(Flow flow) {
    return salesforce::credentials(std::move(flow)).index();
  };
  EXPECT_THAT(flows, testing::ElementsAre(
                         index_of(salesforce::jwt_bearer{}), index_of(salesforce::client_credentials{}),
                         index_of(salesforce::refresh_token{}), index_of(salesforce::refresh_token{}),
                         index_of(salesforce::access_token_file{})));
}

// Links between the pages lead to headings that exist.
TEST_F(Documentation, SetsUpSalesforceWithoutDeadLinks) {
  const std::string page = content_of("docs/salesforce-setup.md");
  const std::regex link(R"(\]\(#([a-z0-9-]+)\))");
  std::string anchors;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("#"))
      continue;
    std::string anchor = line.substr(line.find(' ') + 1);
    std::erase_if(anchor, [](char c) { return c == '.' || c == ','; });
    std::ranges::transform(anchor, anchor.begin(), [](char c) {
      return c == ' ' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    anchors += "#" + anchor + "\n";
  }
  std::size_t links = 0;
  for (std::sregex_iterator each(page.begin(), page.end(), link), end; each != end; ++each, ++links)
    EXPECT_THAT(anchors, testing::HasSubstr("#" + each->str(1) + "\n"));
  EXPECT_GT(links, 4U);
}

TEST_F(Documentation, ShipsAnExampleThatLoads) {
  const auto made = loaded(content_of("deploy/pushguard.example.yaml"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->policies.front().mode, policy::policy_mode::dry_run);
  EXPECT_EQ(made->policies.front().rules.size(), 3U);
}

TEST_F(Documentation, ShipsAWebConfigurationThatLoads) {
  const auto read = load_web_config(files_.directory() / "web.yml").outcome;
  ASSERT_TRUE(read) << fmt::format("{}", fmt::join(read.error(), "\n"));
  EXPECT_TRUE((*read)->tls);
  EXPECT_EQ((*read)->headers.size(), 2U);
  ASSERT_EQ((*read)->users.size(), 1U);
  EXPECT_EQ((*read)->users.front().name, "prometheus");
}

TEST_F(Documentation, TellsEveryKeyOfTheWebConfiguration) {
  const std::string page = content_of("docs/configuration.md");
  const std::string section = page.substr(page.find("### web_config_file"));
  for (const std::string key : {"tls_server_config", "cert_file", "key_file", "client_ca_file",
                                "client_auth_type", "client_allowed_sans", "min_version", "max_version",
                                "cipher_suites", "curve_preferences", "prefer_server_cipher_suites",
                                "http_server_config.http2", "http_server_config.headers", "basic_auth_users"})
    EXPECT_TRUE(section.find(key + "`") != std::string::npos) << key;
}

// The first column of every table whose second one is "default" names keys.
TEST_F(Documentation, ShowsEveryDocumentedKeyInTheFullExample) {
  const std::string page = content_of("docs/configuration.md");
  const std::string full = yaml_blocks(page).back();
  const std::regex row(R"(^\| (`[^|]*`) \| [^|]+ \| )");
  const std::regex word("[a-z_]+");
  std::istringstream lines(page.substr(page.find("## Keys")));
  std::size_t keys = 0;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, row))
      continue;
    const std::string column = match[1];
    for (std::sregex_iterator each(column.begin(), column.end(), word), end; each != end; ++each, ++keys)
      EXPECT_TRUE(full.find(each->str()) != std::string::npos) << each->str();
  }
  EXPECT_GT(keys, 60U);
}

TEST_F(Documentation, TellsTheTrueDefaults) {
  const auto blocks = yaml_blocks(content_of("docs/configuration.md"));
  const auto bare = loaded(blocks.front());
  const auto full = loaded(blocks.back());
  ASSERT_TRUE(bare && full);
  EXPECT_EQ(bare->rollout_gap, full->rollout_gap);
  EXPECT_EQ(bare->state, full->state);
  EXPECT_EQ(bare->on_store_failure, full->on_store_failure);
  EXPECT_EQ(bare->listen, full->listen);
  EXPECT_EQ(bare->series.mode, full->series.mode);
  EXPECT_EQ(bare->series.limit, full->series.limit);
  EXPECT_EQ(bare->series.keep_after_end, full->series.keep_after_end);
  EXPECT_EQ(bare->log.level, full->log.level);
  EXPECT_EQ(bare->log.format, full->log.format);
  EXPECT_EQ(bare->alerts.repeat_interval, full->alerts.repeat_interval);
  const reconciliation& from_bare = bare->hubs.front().reconcile;
  const reconciliation& from_full = full->hubs.front().reconcile;
  EXPECT_EQ(from_bare.active_interval, from_full.active_interval);
  EXPECT_EQ(from_bare.idle_interval, from_full.idle_interval);
  EXPECT_EQ(from_bare.call_budget, from_full.call_budget);
  EXPECT_EQ(from_bare.blind_after, from_full.blind_after);
}

}  // namespace
}  // namespace pushguard::configuration
