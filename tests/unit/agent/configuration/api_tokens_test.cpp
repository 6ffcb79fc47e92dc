#include "agent/configuration/api_tokens.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/configuration/configuration_files.hpp"

namespace pushguard::configuration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view token = "0123456789abcdef";  // the shortest there is

std::vector<std::string> problems_of(std::string_view text) {
  const auto read = parse_api_tokens(text, "api.tokens");
  return read ? std::vector<std::string>{} : read.error();
}

TEST(ApiTokens, AreLinesWithCommentsAndBlanksBetween) {
  const auto read = parse_api_tokens(
      "# who may act\r\n\r\nalice:0123456789abcdef\r\n  bob.ci_1-x:with:colons:and:more  "
      "\n#carol:0123456789abcdef",
      "api.tokens");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->at(0).name, "alice");
  EXPECT_EQ(read->at(0).token.reveal(), "0123456789abcdef");
  EXPECT_EQ(read->at(1).name, "bob.ci_1-x");
  EXPECT_EQ(read->at(1).token.reveal(), "with:colons:and:more");
}

TEST(ApiTokens, NameTheLineAndNeverTheToken) {
  const std::string longest(api_token_size_max, 'x');
  const std::pair<std::string, std::string> table[] = {
      {"s3cret-s3cret-s3cret", "api.tokens:1: a line must be name:token"},
      {"\n#\n:0123456789abcdef", "api.tokens:3: the name before the colon must be 1 to 64"},
      {"al ice:0123456789abcdef", "api.tokens:1: the name before the colon"},
      {std::string(65, 'a') + ":0123456789abcdef", "api.tokens:1: the name before the colon"},
      {"alice:s3cret-s3cret-x", "api.tokens:1: the token of 'alice' must have 16 to 512 characters"},
      {"alice:" + longest + "x", "api.tokens:1: the token of 'alice' must have 16 to 512 characters"},
      {"alice:s3cret s3cret s3cret", "api.tokens:1: the token of 'alice' may have visible ASCII"},
      {"alice:s3cr\xC3\xA9t-s3cret-s3cret", "api.tokens:1: the token of 'alice' may have visible ASCII"},
      {"alice:s3cret-s3cret-s3cret\nalice:0123456789abcdef",
       "api.tokens:2: another token is named 'alice' too"},
      {"alice:s3cret-s3cret-s3cret\nbob:s3cret-s3cret-s3cret",
       "api.tokens:2: the token of 'bob' is that of 'alice' too"},
      {"", "api.tokens: there is no token in it"},
      {"# nothing\n", "api.tokens: there is no token in it"},
  };
  for (const auto& [text, expected] : table) {
    const auto problems = problems_of(text);
    EXPECT_THAT(problems, ElementsAre(HasSubstr(expected))) << text;
    for (const std::string& problem : problems)
      EXPECT_THAT(problem, Not(HasSubstr("s3cr"))) << text;
  }
  EXPECT_THAT(problems_of(fmt::format("{}:{}\nbob:{}", std::string(64, 'a'), token, longest)), IsEmpty());
}

TEST(ApiTokens, AreAllReadForTheirProblems) {
  EXPECT_THAT(problems_of("nobody\nalice:0123456789abcdef\nbob:short\n"),
              ElementsAre(HasSubstr("api.tokens:1:"), HasSubstr("api.tokens:3:")));
}

TEST(ApiTokens, AreNotMoreThanAThousand) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += fmt::format("n{}:0123456789abcdef{}\n", i, i);
  EXPECT_THAT(problems_of(text), IsEmpty());
  EXPECT_THAT(problems_of(text + "last:0123456789abcdefg\n"),
              ElementsAre("api.tokens:1001: a file may have at most 1000 tokens"));
}

TEST(ApiTokens, TellTheActorOfTheWholeTokenOnly) {
  const auto tokens = parse_api_tokens("alice:0123456789abcdef\nbob:fedcba9876543210\n", "api.tokens");
  ASSERT_TRUE(tokens);
  EXPECT_EQ(actor_of(*tokens, "0123456789abcdef"), "alice");
  EXPECT_EQ(actor_of(*tokens, "fedcba9876543210"), "bob");
  for (const std::string_view wrong :
       {"", "0123456789abcde", "0123456789abcdeff", "0123456789ABCDEF", "alice"})
    EXPECT_EQ(actor_of(*tokens, wrong), std::nullopt) << wrong;
  EXPECT_EQ(actor_of({}, ""), std::nullopt);
}

class ApiTokensFile : public testing::Test {
 protected:
  auto loaded(const std::string& http) {
    return read_configuration(
        fmt::format("hubs:\n  - name: devhub\n    login_url: https://x.example.com\n    auth:\n      "
                    "client_credentials: {{ client_id: a, client_secret: b }}\n{}",
                    http),
        files_.file(), fixed_environment({}));
  }
  configuration_files files_;
};

TEST_F(ApiTokensFile, IsReadBesideTheConfiguration) {
  files_.write("api.tokens", "alice:0123456789abcdef\n");
  const auto made = loaded("http: { api_tokens_file: api.tokens }\n");
  ASSERT_TRUE(made);
  ASSERT_EQ(made->api_tokens.size(), 1U);
  EXPECT_EQ(made->api_tokens_file, files_.directory() / "api.tokens");
  const auto without = loaded("http: { listen: \"127.0.0.1:0\" }\n");
  ASSERT_TRUE(without);
  EXPECT_THAT(without->api_tokens, IsEmpty());
}

TEST_F(ApiTokensFile, IsAProblemWhereItCannotBeUsed) {
  const auto missing = loaded("http: { api_tokens_file: api.tokens }\n");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error(), ElementsAre(testing::AllOf(HasSubstr("f.yaml:6:"), HasSubstr("api.tokens"))));
  files_.write("api.tokens", "alice\nbob:x\n");
  const auto wrong = loaded("http: { api_tokens_file: api.tokens }\n");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error(), ElementsAre(HasSubstr("api.tokens:1: "), HasSubstr("api.tokens:2: ")));
}

TEST_F(ApiTokensFile, IsWarnedOfWhereEverybodyCanReadIt) {
  using std::filesystem::perms;
  files_.write("api.tokens", "alice:0123456789abcdef\n");
  const auto made = loaded("http: { api_tokens_file: api.tokens }\n");
  ASSERT_TRUE(made);
  std::filesystem::permissions(*made->api_tokens_file, perms::owner_read | perms::others_read);
  EXPECT_THAT(find_warnings(*made), ElementsAre(HasSubstr("everybody on this machine can read the tokens")));
  std::filesystem::permissions(*made->api_tokens_file, perms::owner_read | perms::group_read);
  EXPECT_THAT(find_warnings(*made), IsEmpty());
}

}  // namespace
}  // namespace pushguard::configuration
