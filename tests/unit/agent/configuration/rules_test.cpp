// Every kind of rule as it is written: what it becomes, its defaults, its limits and what is said about
// mistakes.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/configuration/configuration.hpp"
#include "tests/unit/agent/configuration/configuration_files.hpp"

namespace pushguard::configuration {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::string_view around =
    "hubs:\n"
    "  - name: devhub\n"
    "    auth: {{ access_token: {{ instance_url: \"https://acme.my.salesforce.com\", token_file: token }} "
    "}}\n"
    "policies:\n"
    "  - name: p\n"
    "    rules:\n"
    "      - {{ name: r, {} }}\n";

class ReadRules : public testing::Test {
 protected:
  ReadRules() { files_.write("token", "t"); }

  auto read(std::string_view rule) const {
    return read_configuration(fmt::format(around, rule), files_.file(), fixed_environment({}));
  }
  template <class Rule>
  Rule rule(std::string_view text) const {
    const auto made = read(text);
    EXPECT_TRUE(made) << text << (made ? "" : fmt::format(": {}", fmt::join(made.error(), "; ")));
    return made ? std::get<Rule>(made->policies.at(0).rules.at(0).test) : Rule{};
  }
  problem_list problems(std::string_view text) const {
    auto made = read(text);
    return made ? problem_list{} : made.error();
  }

  configuration_files files_;
};

TEST_F(ReadRules, FailureCount) {
  EXPECT_EQ(rule<policy::failure_count_rule>("failure_count: { above: 40 }").above, 40U);
  EXPECT_EQ(rule<policy::failure_count_rule>("failure_count: { above: 0 }").above, 0U);
}

TEST_F(ReadRules, Errors) {
  const auto smallest = rule<policy::errors_rule>("errors: { types: [ApexTestFailure] }");
  EXPECT_THAT(smallest.types, ElementsAre(domain::error_type::apex_test_failure));
  EXPECT_EQ(smallest.min_orgs, 1U);
  EXPECT_EQ(smallest.min_ratio, 0.0);
  const auto full =
      rule<policy::errors_rule>("errors: { types: [DeployError, Unknown], min_orgs: 3, min_ratio: 2% }");
  EXPECT_THAT(full.types, ElementsAre(domain::error_type::deploy_error, domain::error_type::unknown));
  EXPECT_EQ(full.min_orgs, 3U);
  EXPECT_EQ(full.min_ratio, 0.02);
}

TEST_F(ReadRules, SameError) {
  const auto smallest = rule<policy::same_error_rule>("same_error: {}");
  EXPECT_EQ(smallest.min_orgs, 10U);
  EXPECT_EQ(smallest.share, 0.5);
  EXPECT_EQ(smallest.min_ratio, 0.0);
  const auto full = rule<policy::same_error_rule>("same_error: { min_orgs: 5, share: 100%, min_ratio: 1% }");
  EXPECT_EQ(full.min_orgs, 5U);
  EXPECT_EQ(full.share, 1.0);
  EXPECT_EQ(full.min_ratio, 0.01);
}

TEST_F(ReadRules, OrgsFromAFile) {
  files_.write(
      "vip.txt",
      "# the ones that matter\r\n00D000000000002\r\n\n  00D000000000001EAA  # Acme\n00D000000000002\n");
  const auto made = rule<policy::orgs_rule>("orgs: { keys_file: vip.txt, max_failed: 2 }");
  ASSERT_THAT(made.keys, SizeIs(2));
  EXPECT_EQ(made.keys[0].key(), "00D000000000001");
  EXPECT_EQ(made.keys[1].key(), "00D000000000002");
  EXPECT_EQ(made.max_failed, 2U);
  EXPECT_EQ(rule<policy::orgs_rule>("orgs: { keys_file: vip.txt }").max_failed, 0U);
}

TEST_F(ReadRules, SaysWhatIsWrongWithAFileOfOrgs) {
  files_.write("wrong.txt", "00D000000000001\n\n0DV000000000001\n");
  files_.write("none.txt", "# nobody yet\n");
  EXPECT_THAT(problems("orgs: { keys_file: wrong.txt }"), ElementsAre(HasSubstr("wrong.txt:3: ")));
  EXPECT_THAT(problems("orgs: { keys_file: none.txt }"), ElementsAre(EndsWith("none.txt names no org")));
  EXPECT_THAT(problems("orgs: { keys_file: absent.txt }"),
              ElementsAre(testing::AllOf(HasSubstr("keys_file: "), HasSubstr("absent.txt"))));
}

TEST_F(ReadRules, RulesAboutOrderAndTime) {
  EXPECT_EQ(rule<policy::consecutive_failures_rule>("consecutive_failures: { at_least: 5 }").at_least, 5U);
  EXPECT_EQ(rule<policy::stalled_rule>("stalled: { no_progress_for: 30m }").no_progress_for, 30min);
  const auto running = rule<policy::job_running_rule>("job_running: { longer_than: 2h, min_orgs: 5 }");
  EXPECT_EQ(running.longer_than, 2h);
  EXPECT_EQ(running.min_orgs, 5U);
  EXPECT_EQ(rule<policy::job_running_rule>("job_running: { longer_than: 2h }").min_orgs, 1U);
  EXPECT_EQ(rule<policy::late_start_rule>("late_start: { by: 4h }").by, 4h);
}

TEST_F(ReadRules, SaysOneSentenceAboutEachMistake) {
  struct mistake {
    const char* text;
    const char* says;
  };
  const std::vector<mistake> mistakes{
      {"failure_count: {}", "missing key 'above' in failure_count"},
      {"failure_count: { above: -1 }", "above must be"},
      {"failure_count: { above: 5% }", "above must be"},
      {"errors: { min_orgs: 3 }", "types"},
      {"errors: { types: [] }", "types"},
      {"errors: { types: [ApexTestFailures] }", "an item of types must be ApexTestFailure or"},
      {"errors: { types: [DeployError], min_orgs: 0 }", "min_orgs must be"},
      {"errors: { types: [DeployError], min_ratio: 101% }", "min_ratio must be"},
      {"same_error: { share: 0% }", "share must be above 0%"},
      {"same_error: { max_orgs: 1 }", "unknown key 'max_orgs' in same_error"},
      {"orgs: { max_failed: 0 }", "missing key 'keys_file' in orgs"},
      {"consecutive_failures: {}", "missing key 'at_least' in consecutive_failures"},
      {"consecutive_failures: { at_least: 1 }", "at_least must be"},
      {"consecutive_failures: { at_least: 1001 }", "at_least must be"},
      {"stalled: {}", "missing key 'no_progress_for' in stalled"},
      {"stalled: { no_progress_for: 30 }", "no_progress_for"},
      {"stalled: { no_progress_for: 59s }", "no_progress_for must be"},
      {"job_running: { min_orgs: 5 }", "missing key 'longer_than' in job_running"},
      {"late_start: { by: 31d }", "by must be"},
      {"late_start: { by: 4h, min_orgs: 1 }", "unknown key 'min_orgs' in late_start"},
      {"action: abort", "failure_rate"},
      {"stalled: { no_progress_for: 30m }, late_start: { by: 4h }", "late_start"},
  };
  for (const auto& [text, says] : mistakes)
    EXPECT_THAT(problems(text), ElementsAre(HasSubstr(says))) << text;
}

}  // namespace
}  // namespace pushguard::configuration
