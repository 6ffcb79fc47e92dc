#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/command_line/command_line.hpp"
#include "tests/interop/terminal_program.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/scratch_directory.hpp"

namespace pushguard {
namespace {

using namespace std::chrono_literals;
using test::child_process;
using test::terminal_program;
using testing::ContainsRegex;
using testing::HasSubstr;

const std::string share = PUSHGUARD_SHARE;

std::string run(const std::vector<std::string>& command) {
  child_process process(
      command,
      {.directory = PUSHGUARD_SOURCE_DIR, .environment = {{"LC_ALL", "C.UTF-8"}}, .joins_stderr = true});
  return process.read_all(60s);
}

TEST(Completion, WorksInBash) {
  const std::string script = "source " + share + R"(/bash-completion/completions/pushguard
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _pushguard; echo "${COMPREPLY[*]}"; }
try pushguard ho
try pushguard orgs --fo
try pushguard orgs --format ''
try pushguard orgs --format = c
try pushguard audit ''
try pushguard run --config READ
try pushguard --vers
try pushguard watch --token-file LICEN
complete -p pushguard)";
  EXPECT_EQ(run({"bash", "--norc", "-c", script}),
            "hold\n--format\ntable csv ids\ncsv\nexport verify\nREADME.md\n--version\nLICENSE\n"
            "complete -F _pushguard pushguard\n");
}

TEST(Completion, WorksInFish) {
  const std::string script = "source " + share + R"(/fish/vendor_completions.d/pushguard.fish
for line in 'ho' 'orgs --fo' 'orgs --format c' 'audit ' 'run --config READ' 'watch --color=n'
  complete -C"pushguard $line" | string replace -r '\t.*' ''
end)";
  EXPECT_EQ(run({"fish", "--no-config", "-c", script}),
            "hold\n--format\ncsv\nexport\nverify\nREADME.md\n--color=never\n");
}

// A shell's line editor completes only at a terminal.
TEST(Completion, WorksInZsh) {
  const test::scratch_directory home;
  terminal_program zsh(
      {test::find_program("zsh").value_or("zsh"), "-f", "-i"}, 200, 24,
      {{"TERM", "xterm"}, {"PS1", "% "}, {"PATH", "/usr/bin:/bin"}, {"HOME", home.path().string()}});
  zsh.press("cd " PUSHGUARD_SOURCE_DIR "; fpath=(" + share +
            "/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; echo rea''dy\r");
  ASSERT_TRUE(zsh.wait_for([&] { return zsh.written().find("ready\r\n") != std::string::npos; }))
      << zsh.written();
  const std::vector<std::pair<std::string, std::string>> lines{
      {"hol", "pushguard hold"},
      {"orgs --fo", "pushguard orgs --format"},
      {"orgs --format c", "pushguard orgs --format csv"},
      {"audit ver", "pushguard audit verify"},
      {"run --config READ", "pushguard run --config README.md"}};
  for (const auto& [typed, completed] : lines) {
    zsh.press("pushguard " + typed + "\t");
    EXPECT_TRUE(zsh.wait_for([&] { return zsh.written().find(completed) != std::string::npos; }))
        << zsh.written();
    zsh.press("\x15");
  }
}

TEST(Manual, IsWithoutFaultAndHasEveryCommand) {
  const std::string page = share + "/man/man1/pushguard.1";
  ASSERT_TRUE(std::filesystem::exists(page)) << "help2man was not there when the build was configured";
  EXPECT_EQ(run({"sh", "-c", "man --warnings -E UTF-8 -l -Tutf8 -Z " + page + " 2>&1 >/dev/null"}), "");
  const std::string shown = run({"sh", "-c", "MANWIDTH=200 man -E UTF-8 -l " + page + " | col -bx"});
  for (const char* section :
       {"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "Commands:", "EXIT STATUS", "ENVIRONMENT"})
    EXPECT_THAT(shown, HasSubstr(section));
  for (const agent::command_description& each : agent::describe_commands()) {
    if (!each.name.empty())
      EXPECT_THAT(shown, ContainsRegex("\n       " + each.name + "[ \n]")) << each.name;
  }
}

}  // namespace
}  // namespace pushguard
