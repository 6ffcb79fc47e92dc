#include "tests/style/source_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "tests/style/source_rules.hpp"

namespace pushguard::style {
namespace {

using testing::IsEmpty;

const source_tree& this_tree() {
  static const source_tree tree = read_tree(PUSHGUARD_SOURCE_DIR);
  return tree;
}

TEST(SourceTree, IsReadWholeAndWithoutForeignFolders) {
  EXPECT_TRUE(this_tree().contains("CMakeLists.txt"));
  EXPECT_TRUE(this_tree().contains("base/result.hpp"));
  EXPECT_TRUE(this_tree().contains("tests/style/source_tree_test.cpp"));
  for (const auto& [path, text] : this_tree()) {
    EXPECT_FALSE(is_below(path, "build")) << path;
    EXPECT_FALSE(path == ".git" || is_below(path, ".git")) << path;
    EXPECT_EQ(path.find("node_modules"), std::string::npos) << path;
  }
}

TEST(SourceTree, LeavesOutWhatIsGitsOwnAlsoWhereThatIsAFile) {
  std::string name = testing::TempDir() + "pushguard-style-XXXXXX";
  const std::filesystem::path root = ::mkdtemp(name.data());
  std::filesystem::create_directories(root / "a" / ".git");
  std::ofstream(root / ".git") << "gitdir: elsewhere\n";
  std::ofstream(root / "a" / ".git" / "config") << "url\n";
  std::ofstream(root / "a" / "b.cpp") << "int b;\n";
  const source_tree tree = read_tree(root);
  std::filesystem::remove_all(root);
  EXPECT_THAT(tree, testing::ElementsAre(testing::Pair("a/b.cpp", "int b;\n")));
}

TEST(SourceTree, IncludesRunOneWay) {
  EXPECT_THAT(check_include_directions(this_tree()), IsEmpty());
}

TEST(SourceTree, PureFoldersReachNothingImpure) {
  EXPECT_THAT(check_pure_folders(this_tree()), IsEmpty());
}

TEST(SourceTree, HeavyHeadersStayInTheirFolder) {
  EXPECT_THAT(check_heavy_includes(this_tree()), IsEmpty());
}

TEST(SourceTree, OurHeadersAreIncludedFromTheRootWithQuotes) {
  EXPECT_THAT(check_include_form(this_tree()), IsEmpty());
}

TEST(SourceTree, OwnHeadersAreFirst) {
  EXPECT_THAT(check_own_header_first(this_tree()), IsEmpty());
}

TEST(SourceTree, HeadersBeginWithPragmaOnce) {
  EXPECT_THAT(check_pragma_once(this_tree()), IsEmpty());
}

TEST(SourceTree, GeneralFoldersKnowNoWordOfPushUpgrades) {
  EXPECT_THAT(check_foreign_words(this_tree()), IsEmpty());
}

TEST(SourceTree, HasNoTabsAndNoTrailingBlanks) {
  EXPECT_THAT(check_blanks(this_tree()), IsEmpty());
}

TEST(SourceTree, HasNoOverlongFiles) {
  EXPECT_THAT(check_length(this_tree()), IsEmpty());
}

TEST(SourceTree, UnitTestsMirrorTheSources) {
  EXPECT_THAT(check_mirroring(this_tree()), IsEmpty());
}

TEST(SourceTree, EveryUnitIsBuilt) {
  EXPECT_THAT(check_listing(this_tree()), IsEmpty());
}

TEST(SourceTree, TestsDoNotSleep) {
  EXPECT_THAT(check_sleeps(this_tree()), IsEmpty());
}

TEST(SourceTree, NamesNothingOfOneMachine) {
  EXPECT_THAT(check_machine_traces(this_tree()), IsEmpty());
}

}  // namespace
}  // namespace pushguard::style
