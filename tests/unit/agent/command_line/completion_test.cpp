#include "agent/command_line/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace pushguard::agent {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string told(const std::vector<std::string>& arguments) {
  const auto made = parse_command_line(arguments, [](std::string_view) { return std::nullopt; });
  return made ? "" : made.error().text;
}

TEST(Completion, KnowsWhatTheHelpKnows) {
  const auto commands = describe_commands();
  std::set<std::string> names;
  for (const command_description& each : commands) {
    names.insert(each.name);
    const std::string help = each.name.empty() ? told({"--help"}) : told({each.name, "--help"});
    std::set<std::string> in_help;
    const std::regex option("\n  (?:-h, )?(--[a-z-]+)");
    for (std::sregex_iterator it(help.begin(), help.end(), option), end; it != end; ++it)
      in_help.insert((*it)[1]);
    std::set<std::string> described;
    for (const option_description& one : each.options)
      described.insert(one.name);
    EXPECT_EQ(described, in_help) << each.name;
    EXPECT_THAT(described, Contains("--help")) << each.name;
  }
  const std::string help = told({"--help"});
  const std::string list = help.substr(help.find("Commands:"));
  const std::regex name("\n  ([a-z-]+) ");
  std::set<std::string> in_help{""};
  for (std::sregex_iterator it(list.begin(), list.end(), name), end; it != end; ++it)
    in_help.insert((*it)[1]);
  EXPECT_EQ(names, in_help);
}

TEST(Completion, OffersOnlyValuesThatAreRead) {
  std::size_t sets = 0;
  for (const command_description& each : describe_commands()) {
    for (const option_description& option : each.options) {
      for (const std::string& value : option.values) {
        ++sets;
        EXPECT_THAT(told({each.name, "04t000000000001", option.name, value}), Not(HasSubstr(option.name)))
            << value;
      }
      if (!option.values.empty())
        EXPECT_THAT(told({each.name, "04t000000000001", option.name, "other"}), HasSubstr(option.name));
    }
    for (const std::string& word : each.words)
      EXPECT_EQ(told({each.name, word}), "") << each.name;
    if (!each.words.empty())
      EXPECT_NE(told({each.name, "other"}), "") << each.name;
  }
  EXPECT_EQ(sets, 6U);
}

TEST(Completion, HasEveryCommandAndOptionInEveryShell) {
  const auto commands = describe_commands();
  for (const shell of : {shell::bash, shell::zsh, shell::fish}) {
    const std::string script = completion_script(of, commands);
    for (const command_description& each : commands) {
      EXPECT_THAT(script, HasSubstr(each.name));
      for (const option_description& option : each.options)
        EXPECT_THAT(script,
                    HasSubstr(of == shell::fish ? " -l " + option.name.substr(2) + " " : option.name));
    }
  }
}

TEST(Completion, QuotesWhatTheHelpSays) {
  const std::vector<command_description> odd{{.options = {}},
                                             {.name = "odd",
                                              .help = "it's [a]: \\ `x` $(y)",
                                              .options = {{.name = "--a", .help = "it's [a]: \\ $(y)"}}}};
  EXPECT_THAT(completion_script(shell::zsh, odd), HasSubstr(R"('odd:it'\''s \[a\]\: \\ `x` $(y)')"));
  EXPECT_THAT(completion_script(shell::fish, odd), HasSubstr(R"(-d 'it\'s [a]: \\ $(y)')"));
}

}  // namespace
}  // namespace pushguard::agent
