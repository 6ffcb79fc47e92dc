// How secrets are found, and that no message ever holds one.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/configuration/configuration_files.hpp"

namespace pushguard::configuration {
namespace {

using testing::HasSubstr;
using testing::Not;

class Secrets : public testing::Test {
 protected:
  /// A configuration whose client_credentials are `text`.
  std::expected<configuration, problem_list> read(const std::string& text) {
    const std::string whole =
        "hubs:\n  - name: h\n    login_url: http://127.0.0.1:8080\n    auth:\n      client_credentials: " +
        text + "\n";
    return read_configuration(whole, files_.file(),
                              fixed_environment({{"SECRET", "from-environment"}, {"EMPTY", ""}}));
  }

  std::string secret_of(const std::string& text) {
    const auto made = read(text);
    if (!made) {
      ADD_FAILURE() << fmt::format("{}", fmt::join(made.error(), "\n"));
      return "";
    }
    return std::get<salesforce::client_credentials>(made->hubs.front().login).client_secret.reveal();
  }

  std::string problems_of(const std::string& text) {
    const auto made = read(text);
    return made ? "" : fmt::format("{}", fmt::join(made.error(), "\n"));
  }

  configuration_files files_;
};

TEST_F(Secrets, AreReadFromTheText) {
  EXPECT_EQ(secret_of("{client_id: i, client_secret: direct}"), "direct");
  EXPECT_EQ(secret_of("{client_id: i, client_secret: \" $5 {x} \"}"), " $5 {x} ");
}

TEST_F(Secrets, AreReadFromTheEnvironment) {
  EXPECT_EQ(secret_of("{client_id: i, client_secret: \"${SECRET}\"}"), "from-environment");
}

TEST_F(Secrets, NeedAVariableThatIsSetAndStandsAlone) {
  EXPECT_THAT(problems_of("{client_id: i, client_secret: \"${MISSING}\"}"),
              HasSubstr("f.yaml:5:57: client_secret: the environment variable MISSING is not set"));
  EXPECT_THAT(problems_of("{client_id: i, client_secret: \"${EMPTY}\"}"), HasSubstr("EMPTY is not set"));
  for (const char* value : {"a${SECRET}", "${SECRET}b", "${}", "${", "${SECRET", "${1}", "${SECRET-x}"})
    EXPECT_THAT(problems_of(fmt::format("{{client_id: i, client_secret: \"{}\"}}", value)),
                HasSubstr("must stand alone, as ${NAME}"))
        << value;
}

TEST_F(Secrets, AreReadFromFilesWithoutOneLineEnd) {
  struct {
    const char* content;
    const char* expected;
  } const table[] = {{"plain", "plain"},
                     {"unix\n", "unix"},
                     {"dos\r\n", "dos"},
                     {"two\n\n", "two\n"},
                     {" blanks \n", " blanks "}};
  for (const auto& row : table) {
    files_.write("secret", row.content);
    EXPECT_EQ(secret_of("{client_id: i, client_secret_file: secret}"), row.expected);
  }
  EXPECT_EQ(secret_of("{client_id: i, client_secret_file: " + (files_.directory() / "secret").string() + "}"),
            " blanks ");
}

TEST_F(Secrets, SayWhyAFileCannotBeUsed) {
  EXPECT_THAT(
      problems_of("{client_id: i, client_secret_file: absent}"),
      HasSubstr("f.yaml:5:62: client_secret_file: the file cannot be used: No such file or directory"));
  EXPECT_THAT(problems_of("{client_id: i, client_secret_file: .}"), HasSubstr("it is a directory"));
  files_.write("empty", "\n");
  EXPECT_THAT(problems_of("{client_id: i, client_secret_file: empty}"), HasSubstr("it is empty"));
  files_.write("large", std::string(64 * 1024 + 1, 'x'));
  EXPECT_THAT(problems_of("{client_id: i, client_secret_file: large}"), HasSubstr("larger than 64 KiB"));
  files_.write("largest", std::string(64 * 1024, 'x'));
  EXPECT_EQ(secret_of("{client_id: i, client_secret_file: largest}").size(), 64U * 1024);
}

TEST_F(Secrets, AreGivenExactlyOnce) {
  EXPECT_THAT(
      problems_of("{client_id: i}"),
      HasSubstr(
          "f.yaml:5:27: client_credentials must have exactly one of client_secret, client_secret_file"));
  EXPECT_THAT(problems_of("{client_id: i, client_secret: a, client_secret_file: b}"),
              HasSubstr("must have exactly one of"));
}

// Every way to get it wrong that puts the secret near a message.
TEST_F(Secrets, StandInNoMessage) {
  constexpr const char* hidden = "hunter2";
  files_.write("hunter2-large", std::string(70'000, 'x'));
  const char* wrong[] = {
      "hunter2",
      "[hunter2]",
      "{client_id: i, client_secret: [hunter2]}",
      "{client_id: i, client_secret: {hunter2: x}}",
      "{client_id: i, client_secret: \"${hunter2-}\"}",
      "{client_id: i, client_secret: \"x${hunter2}\"}",
      "{client_id: i, client_secret: *hunter2}",
      "{client_id: i, client_secret: !hunter2 x}",
      "{client_id: i, client_secret: hunter2, client_secret_file: hunter2}",
      "{client_id: i, client_secret: hunter2, client_secret: hunter2}",
      "{client_id: i, client_secret:hunter2}",
      "{client_id: i, client_secret_file: hunter2}",
      "{client_id: i, client_secret_file: hunter2-large}",
      "{client_secret: hunter2}",
      "{client_id: i, client_secert: hunter2}",
      "{client_id: i, client_secret: \"hunter2}",
      "{client_id: i, client_secret: `hunter2}",
      "{client_id: i, client_secret: hunter2: x}",
      "{client_id: \"${hunter2}\", client_secret: hunter2}",
      "{client_id: i, client_secret: \"hunter2\\q\"}",
      "{client_id: i, client_secret: \"hunter2\"}\n    nonsense: true",
  };
  for (const char* text : wrong) {
    const std::string problems = problems_of(text);
    EXPECT_NE(problems, "") << text;
    EXPECT_THAT(problems, Not(HasSubstr(hidden))) << text;
  }
}

TEST_F(Secrets, AreNotPartOfTheHash) {
  files_.write("secret", "one");
  const auto one = read("{client_id: i, client_secret_file: secret}");
  files_.write("secret", "two");
  const auto two = read("{client_id: i, client_secret_file: secret}");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->hash, two->hash);
}

}  // namespace
}  // namespace pushguard::configuration
