// What can be said of the files in deploy/prometheus without running anything but promtool.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/child_process.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::child_process;

const std::filesystem::path folder = PUSHGUARD_SOURCE_DIR "/deploy/prometheus";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The files of a folder whose names end so, in order.
std::vector<std::string> files_in(const std::filesystem::path& where, std::string_view ending) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(where)) {
    if (entry.path().string().ends_with(ending))
      out.push_back(entry.path().string());
  }
  std::ranges::sort(out);
  return out;
}

/// What the first group of `pattern` matches, wherever it does.
std::set<std::string> all_matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::set<std::string> out;
  for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end; ++match)
    out.insert((*match)[1].str());
  return out;
}

std::string all_rules() {
  std::string text;
  for (const std::string& file : files_in(folder, ".rules.yml"))
    text += read_file(file);
  return text;
}

void expect_clean(std::vector<std::string> arguments) {
  ASSERT_TRUE(test::find_program("promtool")) << "promtool is not installed; ./dev test installs it";
  arguments.insert(arguments.begin(), "promtool");
  child_process promtool(arguments, {.directory = folder.string(), .environment = {}, .joins_stderr = true});
  const std::string said = promtool.read_all(60s);
  EXPECT_EQ(promtool.wait(10s), 0) << said;
}

TEST(RulesFiles, AreCleanAsPromtoolSeesThem) {
  std::vector<std::string> check = files_in(folder, ".rules.yml");
  ASSERT_EQ(check.size(), 3U);
  check.insert(check.begin(), {"check", "rules", "--lint-fatal"});
  expect_clean(check);
  expect_clean({"check", "config", (folder / "prometheus.yml").string()});
}

TEST(RulesFiles, DoWhatTheirTestsSay) {
  std::vector<std::string> tests = files_in(folder / "tests", ".test.yml");
  ASSERT_EQ(tests.size(), 3U);
  tests.insert(tests.begin(), {"test", "rules"});
  expect_clean(tests);
}

TEST(RulesFiles, HaveATestForEachRule) {
  std::string tests;
  for (const std::string& file : files_in(folder / "tests", ".test.yml"))
    tests += read_file(file);
  EXPECT_EQ(all_matches(all_rules(), "- alert: (\\w+)"), all_matches(tests, "alertname: \"(\\w+)\""));
  EXPECT_EQ(all_matches(all_rules(), "- record: (\\S+)"), all_matches(tests, "- expr: (\\S+)"));
}

/// The anchor that a heading has where Markdown is shown: in lower case, without punctuation, blanks as
/// hyphens.
std::set<std::string> anchors_of(const std::string& page) {
  std::set<std::string> out;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#'))
      continue;
    std::string anchor;
    for (const char each : line.substr(line.find(' ') + 1)) {
      if (each == ' ')
        anchor += '-';
      else if (std::isalnum(static_cast<unsigned char>(each)) != 0 || each == '-' || each == '_')
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
    }
    out.insert(anchor);
  }
  return out;
}

TEST(RulesFiles, LeadToASectionOfTheOperationsPageForEachAlert) {
  const std::string page = read_file(PUSHGUARD_SOURCE_DIR "/docs/operations.md");
  const std::set<std::string> anchors = anchors_of(page);
  const std::set<std::string> headings = all_matches(page, "\n### (\\w+)\n");
  const std::string rules = all_rules();
  const std::set<std::string> alerts = all_matches(rules, "- alert: (\\w+)");
  ASSERT_FALSE(alerts.empty());
  for (const std::string& alert : alerts)
    EXPECT_TRUE(headings.contains(alert)) << "docs/operations.md has no section ### " << alert;
  const std::set<std::string> links =
      all_matches(rules, "runbook_url: https://wiki\\.example\\.com/pushguard/operations\\.md#(\\S+)");
  for (const std::string& link : links)
    EXPECT_TRUE(anchors.contains(link)) << "docs/operations.md has no anchor #" << link;
  EXPECT_EQ(links.size(), alerts.size()) << "each alert leads to a section of its own";
}

/// Each alert has what people read, and its times can be made shorter by whoever tries them.
TEST(RulesFiles, TellTimesInMinutesAndCarryAllAnnotations) {
  const std::string rules = all_rules();
  const auto count = [&rules](const std::string& pattern) {
    const std::regex expression(pattern);
    return std::distance(std::sregex_iterator(rules.begin(), rules.end(), expression),
                         std::sregex_iterator());
  };
  const auto alerts = count("- alert: ");
  for (const char* each : {"        annotations:\n", "          summary: ", "          description: ",
                           "          runbook_url: https://", "        labels: \\{ severity: "})
    EXPECT_EQ(count(each), alerts) << each;
  EXPECT_EQ(all_matches(rules, "(?:\\[|for: )\\d+([a-z]+)"), std::set<std::string>{"m"});
  EXPECT_EQ(count("severity: (critical|error|warning|info) "), alerts);
}

}  // namespace
}  // namespace pushguard
