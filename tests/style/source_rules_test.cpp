#include "tests/style/source_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::style {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string including(std::string_view path) {
  return "#pragma once\n\n#include \"" + std::string(path) + "\"\n";
}

std::string including_system(std::string_view path) {
  return "#pragma once\n\n#include <" + std::string(path) + ">\n";
}

TEST(IncludesOf, FindsBothFormsWithTheirLines) {
  const auto found =
      includes_of("// a\n#include \"a/b.hpp\"\n  #  include <x/y.h>  // why\n#define include <z>\n#include");
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].path, "a/b.hpp");
  EXPECT_EQ(found[0].line, 2U);
  EXPECT_EQ(found[0].how, include_line::form::quotes);
  EXPECT_EQ(found[1].path, "x/y.h");
  EXPECT_EQ(found[1].line, 3U);
  EXPECT_EQ(found[1].how, include_line::form::brackets);
}

TEST(IsBelow, ComparesWholeFolders) {
  EXPECT_TRUE(is_below("agent/store/sql.cpp", "agent/store"));
  EXPECT_TRUE(is_below("agent/store/sql.cpp", "agent"));
  EXPECT_TRUE(is_below("agent/store/sql.cpp", ""));
  EXPECT_FALSE(is_below("agent/store/sql.cpp", "agent/st"));
  EXPECT_FALSE(is_below("agent", "agent"));
}

struct direction {
  const char* from;
  const char* to;
  bool is_allowed;
};

class IncludeDirections : public testing::TestWithParam<direction> {};

TEST_P(IncludeDirections, AreThoseOfTheDesign) {
  const auto [from, to, is_allowed] = GetParam();
  EXPECT_THAT(check_include_directions({{from, including(to)}}), SizeIs(is_allowed ? 0 : 1))
      << from << " -> " << to;
}

INSTANTIATE_TEST_SUITE_P(
    Each, IncludeDirections,
    testing::Values(
        direction{"base/a.hpp", "base/b.hpp", true}, direction{"base/a.hpp", "cometd/b.hpp", false},
        direction{"base/a.hpp", "agent/domain/b.hpp", false}, direction{"cometd/a.cpp", "base/b.hpp", true},
        direction{"cometd/a.cpp", "alerts/b.hpp", false}, direction{"alerts/a.cpp", "metrics/b.hpp", false},
        direction{"alerts/a.cpp", "alerts/b.hpp", true}, direction{"metrics/a.cpp", "agent/b.hpp", false},
        direction{"metrics/a.cpp", "cometd/b.hpp", false},
        direction{"agent/domain/a.hpp", "base/b.hpp", true},
        direction{"agent/domain/a.hpp", "agent/tracker/b.hpp", false},
        direction{"agent/tracker/a.hpp", "agent/domain/b.hpp", true},
        direction{"agent/tracker/a.hpp", "agent/policy/b.hpp", false},
        direction{"agent/tracker/a.hpp", "agent/a.hpp", false},
        direction{"agent/policy/a.hpp", "agent/tracker/b.hpp", true},
        direction{"agent/policy/a.hpp", "agent/store/b.hpp", false},
        direction{"agent/policy/a.hpp", "metrics/b.hpp", false},
        direction{"agent/history/a.hpp", "agent/domain/b.hpp", true},
        direction{"agent/history/a.hpp", "agent/salesforce/b.hpp", false},
        direction{"agent/store/a.hpp", "alerts/b.hpp", true},
        direction{"agent/a.cpp", "agent/policy/b.hpp", true},
        direction{"agent/a.cpp", "simulator/b.hpp", false}, direction{"agent/a.cpp", "program/b.hpp", false},
        direction{"agent/a.cpp", "tests/support/b.hpp", false},
        direction{"simulator/a.cpp", "base/b.hpp", true}, direction{"simulator/a.cpp", "cometd/b.hpp", false},
        direction{"simulator/a.cpp", "agent/domain/b.hpp", false},
        direction{"program/a.cpp", "agent/b.hpp", true}, direction{"program/a.cpp", "simulator/b.hpp", true},
        direction{"program/a.cpp", "tests/support/b.hpp", false},
        direction{"tests/unit/cometd/a_test.cpp", "agent/b.hpp", true}));

TEST(IncludeDirectionsRule, SaysWhereAndWhat) {
  EXPECT_THAT(check_include_directions({{"base/a.hpp", including("alerts/b.hpp")}}),
              ElementsAre("base/a.hpp:3: base must not include alerts/b.hpp"));
}

TEST(PureFoldersRule, SeesWhatIsIncludedThroughOthers) {
  const source_tree tree{{"agent/policy/judge.cpp", including("agent/tracker/t.hpp")},
                         {"agent/tracker/t.hpp", including("base/net.hpp")},
                         {"base/net.hpp", including_system("boost/asio/awaitable.hpp")},
                         {"agent/hub.cpp", including("base/net.hpp")}};
  EXPECT_THAT(check_pure_folders(tree),
              ElementsAre(HasSubstr("agent/policy/judge.cpp"), HasSubstr("agent/tracker/t.hpp")));
}

TEST(PureFoldersRule, EndsOnCirclesAndAllowsTheRest) {
  const source_tree tree{
      {"agent/domain/a.hpp", including("agent/domain/b.hpp")},
      {"agent/domain/b.hpp", including("agent/domain/a.hpp") + "#include <fmt/format.h>\n"}};
  EXPECT_THAT(check_pure_folders(tree), IsEmpty());
}

TEST(PureFoldersRule, RefusesEachImpureLibrary) {
  for (const char* library :
       {"boost/asio/ip/tcp.hpp", "boost/json/value.hpp", "spdlog/spdlog.h", "prometheus/gauge.h",
        "boost/beast/http.hpp", "SQLiteCpp/Database.h", "yaml-cpp/yaml.h"})
    EXPECT_THAT(check_pure_folders({{"agent/domain/a.cpp", including_system(library)}}), SizeIs(1))
        << library;
}

TEST(HeavyIncludesRule, KeepsThemInsideAFolder) {
  for (const char* heavy :
       {"boost/beast/http/parser.hpp", "boost/asio/ssl/context.hpp", "openssl/ssl.h", "CLI/CLI.hpp",
        "SQLiteCpp/Database.h", "sqlite3.h", "spdlog/spdlog.h", "yaml-cpp/yaml.h"}) {
    const source_tree tree{{"base/a.cpp", including_system(heavy)},
                           {"base/b.cpp", including("base/between.hpp")},
                           {"base/between.hpp", including("base/heavy.hpp")},
                           {"base/heavy.hpp", including_system(heavy)},
                           {"agent/c.cpp", including("base/between.hpp")},
                           {"tests/unit/base/own_test.cpp", including("base/heavy.hpp")},
                           {"tests/unit/agent/other_test.cpp", including("base/heavy.hpp")}};
    const std::string reached = ":1: reaches " + std::string(heavy) + " through base/heavy.hpp";
    EXPECT_THAT(check_heavy_includes(tree),
                ElementsAre("agent/c.cpp" + reached, "tests/unit/agent/other_test.cpp" + reached));
  }
  EXPECT_THAT(check_heavy_includes({{"base/a.hpp", including_system("boost/asio/awaitable.hpp")},
                                    {"agent/a.cpp", including("base/a.hpp")}}),
              IsEmpty());
}

TEST(IncludeFormRule, WantsThePathFromTheRootInQuotes) {
  const source_tree tree{{"base/a.hpp", "#pragma once\n"},
                         {"base/good.cpp", "#include \"base/a.hpp\"\n#include <vector>\n"},
                         {"base/made.cpp", "#include \"base/version.hpp\"\n"},
                         {"base/version.hpp.in", ""},
                         {"base/short.cpp", "#include \"a.hpp\"\n"},
                         {"base/up.cpp", "#include \"../base/a.hpp\"\n"},
                         {"base/brackets.cpp", "#include <base/a.hpp>\n"}};
  EXPECT_THAT(check_include_form(tree),
              ElementsAre("base/brackets.cpp:1: ours is included with quotes: base/a.hpp",
                          "base/short.cpp:1: no such path from the root: a.hpp",
                          "base/up.cpp:1: no such path from the root: ../base/a.hpp"));
}

TEST(OwnHeaderFirstRule, HoldsWhereThereIsAnOwnHeader) {
  const source_tree tree{{"base/a.hpp", ""},
                         {"base/a.cpp", "#include <vector>\n#include \"base/a.hpp\"\n"},
                         {"base/b.hpp", ""},
                         {"base/b.cpp", "// b\n#include \"base/b.hpp\"\n#include <vector>\n"},
                         {"base/c.hpp", ""},
                         {"base/c.cpp", ""},
                         {"base/main.cpp", "#include <vector>\n"}};
  EXPECT_THAT(check_own_header_first(tree),
              ElementsAre("base/a.cpp:1: its own header is first", "base/c.cpp:1: its own header is first"));
}

TEST(PragmaOnceRule, HoldsForHeaders) {
  EXPECT_THAT(check_pragma_once(
                  {{"a.hpp", "#pragma once\n"}, {"b.hpp", "#include <x>\n"}, {"c.cpp", ""}, {"d.hpp", ""}}),
              ElementsAre(HasSubstr("b.hpp:1:"), HasSubstr("d.hpp:1:")));
}

TEST(ForeignWordsRule, HoldsInTheGeneralFolders) {
  EXPECT_THAT(
      check_foreign_words({{"alerts/a.hpp", "\n// One Push Request.\n"},
                           {"metrics/a.cpp", "// a rollout\n"},
                           {"cometd/a.cpp", "// pushguard, organised\n"},
                           {"agent/a.cpp", "// a rollout\n"}}),
      ElementsAre("alerts/a.hpp:2: knows the word push request", "metrics/a.cpp:1: knows the word rollout"));
}

TEST(BlanksRule, FindsTabsTrailingBlanksAndMissingLineEnds) {
  EXPECT_THAT(
      check_blanks({{"a.cpp", "int a;\n\tint b;\nint c; \n"}, {"b.md", "text\r\n"}, {"c.hpp", "int c;"}}),
      ElementsAre("a.cpp:2: a tab", "a.cpp:3: a blank at the end", "b.md:1: a blank at the end",
                  "c.hpp:1: the last line has no end"));
  EXPECT_THAT(
      check_blanks(
          {{"a.cpp", "int a;\n"}, {"tests/data/a.md", "\t \n"}, {"Makefile", "\ta\n"}, {"e.cpp", ""}}),
      IsEmpty());
}

TEST(LengthRule, CountsLines) {
  const std::string longest(source_lines_max, '\n');
  EXPECT_THAT(check_length({{"a.cpp", longest}, {"b.md", longest + "\n"}}), IsEmpty());
  EXPECT_THAT(check_length({{"a.cpp", longest + "\n"}}), SizeIs(1));
}

TEST(MirroringRule, WantsAHeaderOfTheMirroredFolderHoweverReached) {
  const source_tree tree{
      {"base/a.hpp", ""},
      {"base/sub/a.hpp", ""},
      {"tests/unit/base/a_test.cpp", "#include <gtest/gtest.h>\n#include \"base/a.hpp\"\n"},
      {"tests/unit/base/b_test.cpp", "#include \"base/sub/a.hpp\"\n"},
      {"tests/unit/base/gone_test.cpp", "#include \"base/gone.hpp\"\n"},
      {"tests/unit/c_test.cpp", "#include \"base/a.hpp\"\n"},
      {"tests/unit/base/support.cpp", ""},
      {"tests/integration/d_test.cpp", ""}};
  EXPECT_THAT(check_mirroring(tree),
              ElementsAre(HasSubstr("base/b_test.cpp"), HasSubstr("base/gone_test.cpp"),
                          HasSubstr("unit/c_test.cpp")));
}

TEST(ListingRule, FindsUnitsThatNobodyBuilds) {
  const source_tree tree{{"base/CMakeLists.txt", "add_library(base a.cpp sub/b.cpp\n  xc.cpp d.cpp.in)\n"},
                         {"base/a.cpp", ""},
                         {"base/sub/b.cpp", ""},
                         {"base/c.cpp", ""},
                         {"base/d.cpp", ""},
                         {"base/a.hpp", ""},
                         {"alone/e.cpp", ""}};
  EXPECT_THAT(check_listing(tree),
              ElementsAre("alone/e.cpp:1: is in no CMakeLists.txt", "base/c.cpp:1: is in no CMakeLists.txt",
                          "base/d.cpp:1: is in no CMakeLists.txt"));
}

TEST(SleepsRule, HoldsInTestsAndAllowsTheTimeInterface) {
  EXPECT_THAT(check_sleeps({{"tests/a.cpp", "\nstd::this_thread::sleep_for(1s);\n"},
                            {"tests/b.cpp", "usleep(1);\n"},
                            {"tests/c.cpp", "co_await time.sleep_for(1s);\n"},
                            {"agent/d.cpp", "usleep(1);\n"}}),
              ElementsAre("tests/a.cpp:2: a test sleeps", "tests/b.cpp:1: a test sleeps"));
}

TEST(MachineTracesRule, FindsRegistriesAndFoldersOfOneMachine) {
  const std::string host = std::string("https://registry.") + "npmjs.org/x";
  const std::string home = std::string("/ro") + "ot/";
  const std::string work = std::string("/wo") + "rk/";
  EXPECT_THAT(check_machine_traces({{"a.json", "\n" + host + "\n"}}),
              ElementsAre(HasSubstr("a.json:2: names a package registry")));
  EXPECT_THAT(check_machine_traces({{"a.md", "cd " + home + "x\n"}, {"b.md", work + "main\n"}}), SizeIs(2));
  EXPECT_THAT(
      check_machine_traces({{"a.md", "at" + work + "main, build" + home + "x, ${HOME}" + work + "\n"}}),
      IsEmpty());
}

}  // namespace
}  // namespace pushguard::style
