// What the documentation shows must load, and name every key.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <vector>

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

class Documentation : public testing::Test {
 protected:
  Documentation() {
    files_.write("client-secret", "s3cret\n");
    files_.write("extra-ca.pem", certificate);
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

TEST_F(Documentation, ShipsAnExampleThatLoads) {
  const auto made = loaded(content_of("deploy/pushguard.example.yaml"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->policies.front().mode, policy::policy_mode::dry_run);
  EXPECT_EQ(made->policies.front().rules.size(), 3U);
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
