#include "base/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace pushguard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

yaml_node parsed(std::string_view text) {
  auto root = parse_yaml(text, "f.yaml");
  if (!root) {
    ADD_FAILURE() << root.error().text();
    return {};
  }
  return *root;
}

std::string refusal_of(std::string_view text) {
  const auto root = parse_yaml(text, "f.yaml");
  return root ? "" : root.error().text();
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i)
    out += text;
  return out;
}

TEST(ParseYaml, KeepsKindsTextsAndPositions) {
  const auto root = parsed("name: devhub\nlist:\n  - one\n  - \"two\"\nempty:\ntilde: ~\n");
  ASSERT_EQ(root.kind, yaml_kind::mapping);
  ASSERT_EQ(root.entries.size(), 4U);
  EXPECT_EQ(root.entries[0].key, "name");
  EXPECT_EQ(root.entries[0].position, (yaml_position{1, 1}));
  EXPECT_EQ(root.find("name")->text, "devhub");
  EXPECT_EQ(root.find("name")->position, (yaml_position{1, 7}));
  EXPECT_FALSE(root.find("name")->is_quoted);
  const yaml_node& list = *root.find("list");
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[1].text, "two");
  EXPECT_TRUE(list.items[1].is_quoted);
  EXPECT_EQ(list.items[1].position, (yaml_position{4, 5}));
  EXPECT_EQ(root.find("empty")->kind, yaml_kind::null);
  EXPECT_EQ(root.find("empty")->position, (yaml_position{5, 1}));
  EXPECT_EQ(root.find("tilde")->kind, yaml_kind::null);
  EXPECT_EQ(root.find("absent"), nullptr);
}

TEST(ParseYaml, KeepsQuotedNullsAsText) {
  const auto root = parsed("a: \"~\"\nb: 'null'\nc: \"\"\n");
  EXPECT_EQ(root.find("a")->kind, yaml_kind::scalar);
  EXPECT_EQ(root.find("b")->text, "null");
  EXPECT_EQ(root.find("c")->kind, yaml_kind::scalar);
}

TEST(ParseYaml, AnswersNullForAnEmptyDocument) {
  EXPECT_EQ(parsed("").kind, yaml_kind::null);
  EXPECT_EQ(parsed("# only a comment\n").kind, yaml_kind::null);
}

TEST(ParseYaml, RefusesWhatIsNoYamlWithItsPosition) {
  EXPECT_EQ(refusal_of("a: 1\nb: [1, 2\n"), "f.yaml:3:1: end of sequence flow not found");
  EXPECT_THAT(refusal_of("a: 1\n\tb: 2\n"), HasSubstr("f.yaml:2:"));
  EXPECT_THAT(refusal_of("a: b: c\n"), HasSubstr("f.yaml:1:5: illegal map value"));
  EXPECT_THAT(refusal_of("a: `x`\n"), HasSubstr("f.yaml:1:4: unknown token"));
  EXPECT_THAT(refusal_of("[a, b]: c\n"), HasSubstr("a key must be text"));
  EXPECT_THAT(refusal_of("~: c\n"), HasSubstr("a key must be text"));
}

TEST(ParseYaml, RefusesASecondDocument) {
  EXPECT_THAT(refusal_of("a: 1\n---\nb: 2\n"), HasSubstr("f.yaml:3:1: only one document"));
  EXPECT_EQ(refusal_of("---\na: 1\n"), "");
}

TEST(ParseYaml, RefusesTagsBecauseTheyEatText) {
  EXPECT_THAT(refusal_of("a: !secret b\n"), HasSubstr("f.yaml:1:4: YAML tags"));
  EXPECT_THAT(refusal_of("a: !secret [b]\n"), HasSubstr("YAML tags"));
}

TEST(ParseYaml, ReportsDuplicateKeysAndKeepsTheFirst) {
  yaml_problems problems("f.yaml");
  const auto root = parse_yaml("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n", problems);
  ASSERT_TRUE(root);
  EXPECT_THAT(problems.lines(),
              ElementsAre("f.yaml:4:3: duplicate key 'c'", "f.yaml:5:1: duplicate key 'a'"));
  EXPECT_EQ(root->find("a")->text, "1");
  EXPECT_EQ(root->entries.size(), 2U);
}

TEST(ParseYaml, FindsDuplicatesInLargeMappingsToo) {
  for (const std::size_t count : {31U, 32U, 33U, 200U}) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
      text += "k" + std::to_string(i) + ": {k0: 1}\n";
    EXPECT_EQ(refusal_of(text), "") << count;
    EXPECT_THAT(refusal_of(text + "k7: 1\n"), HasSubstr("duplicate key 'k7'")) << count;
    EXPECT_THAT(refusal_of(text + "k" + std::to_string(count - 1) + ": 1\n"), HasSubstr("duplicate key"))
        << count;
  }
}

TEST(ParseYaml, BoundsTheSize) {
  const std::string most = "a: " + std::string(yaml_size_max - 3, 'x');
  EXPECT_EQ(refusal_of(most), "");
  EXPECT_EQ(refusal_of(most + "x"), "f.yaml:1:1: the file is larger than 4 MiB");
}

TEST(ParseYaml, BoundsTheDepth) {
  EXPECT_EQ(refusal_of(repeated("[", yaml_depth_max) + repeated("]", yaml_depth_max)), "");
  EXPECT_THAT(refusal_of(repeated("[", yaml_depth_max + 1) + repeated("]", yaml_depth_max + 1)),
              HasSubstr("f.yaml:1:65: nested deeper"));
  EXPECT_THAT(refusal_of(repeated("[", 100'000)), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal_of(repeated("- ", 100'000)), HasSubstr("nested deeper"));
}

TEST(ParseYaml, ResolvesAliasesByCopying) {
  const auto root = parsed("a: &x {k: [1, 2]}\nb: *x\n");
  ASSERT_EQ(root.find("b")->kind, yaml_kind::mapping);
  EXPECT_EQ(root.find("b")->find("k")->items[1].text, "2");
  EXPECT_EQ(root.find("b")->position, (yaml_position{1, 4}));
}

TEST(ParseYaml, RefusesAliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 9; ++level) {
    const std::string below = "*a" + std::to_string(level - 1);
    bomb += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [" + below;
    for (int i = 1; i < 10; ++i)
      bomb += ", " + below;
    bomb += "]\n";
  }
  EXPECT_THAT(refusal_of(bomb), HasSubstr("too large once its aliases"));
  std::string wide = "a: &a " + std::string(1024 * 1024, 'x') + "\nb:\n" + repeated("  - *a\n", 20);
  EXPECT_THAT(refusal_of(wide), HasSubstr("too large once its aliases"));
}

TEST(ParseYaml, RefusesAnAliasInsideItself) {
  EXPECT_THAT(refusal_of("a: &x [*x]\n"), HasSubstr("f.yaml:1:8: this alias stands inside"));
}

TEST(ParseYaml, NeverRepeatsAnAliasThatMayBeASecret) {
  const std::string refused = refusal_of("client_secret: *hunter2\n");
  EXPECT_THAT(refused, HasSubstr("anchor is not defined"));
  EXPECT_THAT(refused, testing::Not(HasSubstr("hunter2")));
}

TEST(YamlProblems, StandInTheOrderOfTheFile) {
  yaml_problems problems("f.yaml");
  problems.add({2, 1}, "third");
  problems.add({1, 9}, "first");
  problems.add({2, 1}, "fourth");
  problems.add({1, 10}, "second");
  EXPECT_THAT(problems.lines(), ElementsAre("f.yaml:1:9: first", "f.yaml:1:10: second", "f.yaml:2:1: third",
                                            "f.yaml:2:1: fourth"));
}

TEST(YamlProblems, CountsWhatItNoLongerTells) {
  yaml_problems problems("f.yaml");
  for (std::size_t i = 0; i < yaml_problems_max + 3; ++i)
    problems.add({i + 1, 1}, "x");
  ASSERT_EQ(problems.lines().size(), yaml_problems_max + 1);
  EXPECT_EQ(problems.lines().back(), "f.yaml: and 3 more problems");
}

class YamlReader : public testing::Test {
 protected:
  yaml_reader reader(std::string_view text) {
    root_ = parsed(text);
    return {root_, "thing", problems_};
  }
  yaml_node root_;
  yaml_problems problems_{"f.yaml"};
};

TEST_F(YamlReader, ReadsEveryKindOfValue) {
  enum class mode { one, two };
  constexpr std::array table{yaml_choice<mode>{"one", mode::one}, yaml_choice<mode>{"two", mode::two}};
  auto thing = reader(
      "t: text\nf: true\ni: -5\nn: 2.5\ns: 5%\nd: 1m30s\nm: two\nl: [a, b]\nq: [{x: 1}]\ni2: {x: 1}\n");
  EXPECT_EQ(thing.text("t"), "text");
  EXPECT_EQ(thing.flag("f"), true);
  EXPECT_EQ(thing.integer("i", {-5, 5}), -5);
  EXPECT_EQ(thing.number("n", {0, 3}), 2.5);
  EXPECT_EQ(thing.share("s", {0, 1}), 0.05);
  EXPECT_EQ(thing.time("d", {duration(0), std::chrono::hours(1)}), std::chrono::seconds(90));
  EXPECT_EQ(thing.choice<mode>("m", table), mode::two);
  EXPECT_EQ(thing.texts("l")->at(1).text, "b");
  EXPECT_EQ(thing.sequence("q").size(), 1U);
  auto inside = thing.mapping("i2");
  ASSERT_TRUE(inside);
  EXPECT_EQ(inside->integer("x", {0, 1}), 1);
  inside->finish();
  thing.finish();
  EXPECT_THAT(problems_.lines(), IsEmpty());
}

TEST_F(YamlReader, AnswersNothingForAbsentKeysAndComplainsOnlyWhereTheyAreRequired) {
  auto thing = reader("a: 1\n");
  EXPECT_EQ(thing.text("b"), std::nullopt);
  EXPECT_EQ(thing.mapping("c").has_value(), false);
  EXPECT_TRUE(thing.sequence("d").empty());
  EXPECT_EQ(thing.texts("e"), std::nullopt);
  EXPECT_TRUE(problems_.empty());
  EXPECT_EQ(thing.text("b", yaml_presence::required), std::nullopt);
  EXPECT_EQ(thing.texts("e", yaml_presence::required), std::nullopt);
  EXPECT_THAT(problems_.lines(),
              ElementsAre("f.yaml:1:1: missing key 'b' in thing", "f.yaml:1:1: missing key 'e' in thing"));
}

TEST_F(YamlReader, SaysWhatIsWrongWithEachValue) {
  auto thing = reader(
      "t: [1]\nf: yes\ni: 1.5\nn: .inf\ns: five\nd: 5\nm: tow\nl: a\nq: {}\nk: 3\ne: \"\"\nz:\nr: []\n");
  constexpr std::array table{yaml_choice<int>{"one", 1}, yaml_choice<int>{"two", 2}};
  (void)thing.text("t");
  (void)thing.flag("f");
  (void)thing.integer("i", {0, 5});
  (void)thing.number("n", {0, 5});
  (void)thing.share("s", {0, 1});
  (void)thing.time("d", {duration(0), std::chrono::hours(1)});
  (void)thing.choice<int>("m", table);
  (void)thing.texts("l");
  (void)thing.sequence("q");
  (void)thing.mapping("k");
  (void)thing.text("e");
  (void)thing.text("z");
  (void)thing.sequence("r", yaml_presence::required);
  thing.finish();
  EXPECT_THAT(
      problems_.lines(),
      ElementsAre("f.yaml:1:4: t must be text, not a list", "f.yaml:2:4: f must be true or false, not 'yes'",
                  "f.yaml:3:4: i must be a whole number, not '1.5'",
                  "f.yaml:4:4: n must be a number, not '.inf'",
                  "f.yaml:5:4: s must be a share like 5% or 0.05, not 'five'",
                  "f.yaml:6:4: d must be a duration like 30s, 5m, 4h or 7d, not '5'",
                  "f.yaml:7:4: m must be one or two, not 'tow'", "f.yaml:8:4: l must be a list, not text",
                  "f.yaml:9:4: q must be a list, not a mapping", "f.yaml:10:4: k must be a mapping, not text",
                  "f.yaml:11:4: e must not be empty", "f.yaml:12:1: z must be text, not empty",
                  "f.yaml:13:4: r must not be empty"));
}

TEST_F(YamlReader, HoldsRangesAtBothEnds) {
  struct {
    const char* value;
    bool is_inside;
  } const table[] = {{"0", false}, {"1", true}, {"10", true}, {"11", false}, {"99999999999999999999", false}};
  for (const auto& row : table) {
    yaml_problems problems("f.yaml");
    const auto node = parsed(row.value);
    EXPECT_EQ(yaml_read_integer(node, "i", {1, 10}, problems).has_value(), row.is_inside) << row.value;
    EXPECT_EQ(problems.empty(), row.is_inside);
  }
}

TEST_F(YamlReader, HoldsOpenRanges) {
  constexpr yaml_range<double> confidence{0.5, 1, yaml_ends::excluded};
  struct {
    const char* value;
    bool is_inside;
  } const table[] = {{"50%", false}, {"50.1%", true}, {"99.9%", true}, {"100%", false},
                     {"0.5", false}, {"0.51", true},  {"1", false},    {"-1%", false}};
  for (const auto& row : table) {
    yaml_problems problems("f.yaml");
    const auto node = parsed(row.value);
    EXPECT_EQ(yaml_read_share(node, "c", confidence, problems).has_value(), row.is_inside) << row.value;
    EXPECT_EQ(problems.empty(), row.is_inside);
  }
  const auto node = parsed("100%");
  (void)yaml_read_share(node, "c", confidence, problems_);
  EXPECT_THAT(problems_.lines(), ElementsAre("f.yaml:1:1: c must be above 50% and below 100%, not '100%'"));
}

TEST_F(YamlReader, ReadsSharesBothWays) {
  struct {
    const char* value;
    double ratio;
  } const table[] = {{"5%", 0.05}, {"0.05", 0.05}, {"2.5%", 0.025}, {"0%", 0},
                     {"100%", 1},  {"1", 1},       {"\"5%\"", 0.05}};
  for (const auto& row : table) {
    const auto node = parsed(row.value);
    EXPECT_EQ(yaml_read_share(node, "s", {0, 1}, problems_), row.ratio) << row.value;
  }
  EXPECT_TRUE(problems_.empty());
  for (const char* wrong : {"%", "5 %", "5%%", "+5%", "0x1", "nan", "inf%", "1,5%", "101%", "-0.1"}) {
    yaml_problems problems("f.yaml");
    yaml_node node;
    node.kind = yaml_kind::scalar;
    node.text = wrong;
    EXPECT_EQ(yaml_read_share(node, "s", {0, 1}, problems), std::nullopt) << wrong;
    EXPECT_EQ(problems.size(), 1U) << wrong;
  }
}

TEST_F(YamlReader, SuspectsAForgottenPercentSign) {
  const auto node = parsed("5");
  EXPECT_EQ(yaml_read_share(node, "above", {0, 1}, problems_), std::nullopt);
  EXPECT_THAT(
      problems_.lines(),
      ElementsAre("f.yaml:1:1: above: 5 without a percent sign is a ratio; write 5% for a percentage"));
}

TEST_F(YamlReader, ReportsUnknownKeysWithTheNearestKnownOne) {
  auto thing = reader("nmae: x\nidle-interval: 5m\nwhatever: 1\nproxy: p\nname: y\n");
  constexpr std::array<std::string_view, 1> later{"proxy"};
  (void)thing.text("name");
  (void)thing.text("idle_interval");
  thing.refuse(later, "is not supported by this version");
  thing.finish();
  EXPECT_THAT(problems_.lines(),
              ElementsAre("f.yaml:1:1: unknown key 'nmae' in thing; did you mean 'name'?",
                          "f.yaml:2:1: unknown key 'idle-interval' in thing; did you mean 'idle_interval'?",
                          "f.yaml:3:1: unknown key 'whatever' in thing",
                          "f.yaml:4:1: 'proxy' is not supported by this version"));
}

TEST_F(YamlReader, NeverRepeatsWhatFollowsAKeyWithoutItsBlank) {
  auto thing = reader("{client_secret:hunter2}");
  (void)thing.text("client_secret");
  thing.finish();
  EXPECT_EQ(problems_.size(), 1U);
  yaml_problems duplicate("f.yaml");
  (void)parse_yaml("{client_secret:hunter2, client_secret:hunter2}", duplicate);
  EXPECT_EQ(duplicate.size(), 1U);
  for (const std::string& line : problems_.lines())
    EXPECT_THAT(line, testing::Not(HasSubstr("hunter2")));
  for (const std::string& line : duplicate.lines())
    EXPECT_THAT(line, testing::Not(HasSubstr("hunter2")));
}

TEST_F(YamlReader, ComplainsOnceAboutWhatIsNoMapping) {
  auto thing = reader("hunter2\n");
  constexpr std::array<std::string_view, 2> keys{"a", "b"};
  EXPECT_EQ(thing.text("name", yaml_presence::required), std::nullopt);
  EXPECT_EQ(thing.exactly_one_of(keys), std::nullopt);
  thing.finish();
  EXPECT_THAT(problems_.lines(), ElementsAre("f.yaml:1:1: thing must be a mapping, not text"));
}

TEST_F(YamlReader, WantsExactlyOneOfSeveralKeys) {
  constexpr std::array<std::string_view, 3> keys{"a", "b", "c"};
  EXPECT_EQ(reader("b: 1\n").exactly_one_of(keys), "b");
  EXPECT_TRUE(problems_.empty());
  EXPECT_EQ(reader("x: 1\n").exactly_one_of(keys), std::nullopt);
  EXPECT_EQ(reader("c: 1\na: 2\n").exactly_one_of(keys), std::nullopt);
  EXPECT_THAT(problems_.lines(), ElementsAre("f.yaml:1:1: thing must have exactly one of a, b, c",
                                             "f.yaml:2:1: thing must have exactly one of a, b, c"));
}

TEST_F(YamlReader, TakesAnyKeyWhereKeysAreData) {
  auto thing = reader("anything: 1\nelse: 2\n");
  EXPECT_EQ(thing.entries().size(), 2U);
  thing.finish();
  EXPECT_TRUE(problems_.empty());
}

TEST_F(YamlReader, ShowsHostileValuesOnOneShortLine) {
  auto thing = reader("f: \"a\\nb\\e[31m" + std::string(100, 'x') + "\"\n");
  (void)thing.flag("f");
  ASSERT_EQ(problems_.size(), 1U);
  const std::string line = problems_.lines().front();
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_LT(line.size(), 120U);
}

TEST(NearestWord, AcceptsSlipsAndNothingElse) {
  constexpr std::array<std::string_view, 4> words{"name", "rules", "above", "confidence"};
  EXPECT_EQ(nearest_word("nmae", words), "name");
  EXPECT_EQ(nearest_word("Name", words), "name");
  EXPECT_EQ(nearest_word("rule", words), "rules");
  EXPECT_EQ(nearest_word("confidense", words), "confidence");
  EXPECT_EQ(nearest_word("window", words), "");
  EXPECT_EQ(nearest_word("", words), "");
  EXPECT_EQ(nearest_word(std::string(1000, 'a'), words), "");
}

}  // namespace
}  // namespace pushguard
