#include "agent/configuration/org_directory.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/text.hpp"

namespace pushguard::configuration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

domain::org_key org(int number) {
  return domain::org_key::parse(fmt::format("00D{:012}", number)).value();
}

/// The directory; a failure of the test where the text is wrong.
org_directory read(std::string_view text) {
  auto made = org_directory::parse(text, "orgs.csv");
  if (made)
    return std::move(*made);
  ADD_FAILURE() << fmt::format("{}", fmt::join(made.error(), "\n"));
  return {};
}

std::vector<std::string> problems_of(std::string_view text) {
  const auto made = org_directory::parse(text, "orgs.csv");
  return made ? std::vector<std::string>{} : made.error();
}

TEST(OrgDirectory, KnowsWhatTheFileTells) {
  const auto orgs = read(
      "org_key,customer,tier,contact\n"
      "00D000000000001,Acme Ltd,gold,ann@example.com\n"
      "00D000000000002,\"Beta, \"\"Ltd\"\"\",gold,\n");
  EXPECT_EQ(orgs.size(), 2U);
  EXPECT_EQ(orgs.find(org(1)), (org_note{"Acme Ltd", "gold", "ann@example.com"}));
  EXPECT_EQ(orgs.find(org(2)), (org_note{"Beta, \"Ltd\"", "gold", ""}));
  EXPECT_EQ(orgs.find(org(3)), std::nullopt);
  EXPECT_EQ(org_directory().find(org(1)), std::nullopt);
}

struct accepted {
  std::string_view text;
  org_note note;  ///< of org 1
};

TEST(OrgDirectory, AcceptsWhatSpreadsheetsWrite) {
  const accepted table[] = {
      {"org_key\n00D000000000001", {}},
      {"tier,org_key\ngold,00D000000000001\n", {"", "gold", ""}},
      {"contact,x,customer,org_key,y\r\nann,1,Acme,00D000000000001,2\r\n", {"Acme", "", "ann"}},
      {"\xEF\xBB\xBForg_key,tier\n00D000000000001,gold", {"", "gold", ""}},
      {"\xEF\xBB\xBF\"org_key\",\"tier\"\r\n\"00D000000000001\",\"gold\"", {"", "gold", ""}},
      {" org_key , tier \n 00D000000000001 , gold \n", {"", "gold", ""}},
      {"org_key,tier\n\n00D000000000001,gold\n\r\n\n", {"", "gold", ""}},
      {"org_key,x,x\n00D000000000001,1,2", {}},
      {"org_key,customer\n00D000000000001,\xC3\x9Cml\xC3\xA4ut", {"\xC3\x9Cml\xC3\xA4ut", "", ""}},
  };
  for (const accepted& row : table) {
    EXPECT_EQ(read(row.text).find(org(1)), row.note) << row.text;
    EXPECT_EQ(read(row.text).size(), 1U) << row.text;
  }
}

TEST(OrgDirectory, FindsKeysInEitherFormAndToTheCaseOfALetter) {
  const auto lower = domain::org_key::parse("00D00000000000a").value();
  const auto upper = domain::org_key::parse("00D00000000000A").value();
  const auto orgs = read("org_key,tier\n" + lower.long_text() + ",gold\n00D00000000000A,silver\n");
  EXPECT_EQ(orgs.find(lower)->tier, "gold");
  EXPECT_EQ(orgs.find(domain::org_key::parse(lower.long_text()).value())->tier, "gold");
  EXPECT_EQ(orgs.find(domain::org_key::parse(upper.long_text()).value())->tier, "silver");
}

struct hostile {
  std::string_view value;
  std::string_view shown;
};

TEST(OrgDirectory, MakesOneHarmlessLineOfEachValue) {
  using namespace std::string_view_literals;
  const hostile table[] = {
      {"\"Acme\nFAKE ALERT\"", "Acme FAKE ALERT"},
      {"\"a\r\nb\"", "a  b"},
      {"a\tb", "a b"},
      {"a\0b"sv, "a b"},
      {"a\x1b[31mb", "a [31mb"},
      {"a\x7f", "a"},
      {"a\xC2\x85"
       "b",
       "a b"},  // NEL
      {"a\xC2\xA0"
       "b",
       "a\xC2\xA0"
       "b"},  // no-break space is no control character
      {"a\xE2\x80\xAE"
       "b",
       "a b"},  // right-to-left override
      {"a\xE2\x81\xA6"
       "b",
       "a b"},  // left-to-right isolate
      {"a\xE2\x80\xA8"
       "b",
       "a b"},  // line separator
      {"a\xE2\x80\x93"
       "b",
       "a\xE2\x80\x93"
       "b"},                                     // a dash
      {"\xFF\xC2", "\xEF\xBF\xBD\xEF\xBF\xBD"},  // no UTF-8
      {"<b>&'`", "<b>&'`"},
  };
  for (const hostile& row : table) {
    const auto orgs = read(fmt::format("org_key,customer\n00D000000000001,{}\n", row.value));
    ASSERT_TRUE(orgs.find(org(1)));
    EXPECT_EQ(orgs.find(org(1))->customer, row.shown) << row.value;
  }
}

struct refused {
  std::string_view text;
  std::string_view problem;
};

TEST(OrgDirectory, SaysWhatIsWrongWithTheHeader) {
  const refused table[] = {
      {"", "orgs.csv:1: there is no header line, which must name a column org_key"},
      {"\n\n", "orgs.csv:1: there is no header line, which must name a column org_key"},
      {"customer,tier\nAcme,gold\n",
       "orgs.csv:1: the header must name a column org_key; columns are separated by commas"},
      {"\norg_key;customer\n",
       "orgs.csv:2: the header must name a column org_key; columns are separated by commas"},
      {"Org_Key\n", "orgs.csv:1: the header must name a column org_key; columns are separated by commas"},
      {"org_key,tier,tier\n", "orgs.csv:1: the header names the column tier twice"},
      {"org_key,\"org_key\"\n", "orgs.csv:1: the header names the column org_key twice"},
      {"org_key,\"tier\n", "orgs.csv:1: a quote that opens a value is never closed"},
  };
  for (const refused& row : table)
    EXPECT_THAT(problems_of(row.text), ElementsAre(row.problem)) << row.text;
}

TEST(OrgDirectory, TellsEveryWrongLineInTheOrderOfTheFile) {
  EXPECT_THAT(
      problems_of("org_key,customer\n"
                  "00D000000000001,Acme\n"
                  "00D000000000002,Beta, Inc\n"
                  "00D000000000003\n"
                  ",Nobody\n"
                  "001000000000001,An account\n"
                  "00D000000000001AAA,Wrong sum? No\n"
                  "00D000000000002BBB,Wrong sum\n"
                  "00D000000000004,\"De\"lta\n"
                  "\"00D000000000005\n\",\"two\nlines\"\n"
                  "00D000000000005,Again\n"),
      ElementsAre("orgs.csv:3: the header has 2 columns, and this line 3",
                  "orgs.csv:4: the header has 2 columns, and this line 1",
                  HasSubstr("orgs.csv:5: '' is not a org id: it has 0 characters"),
                  HasSubstr("orgs.csv:6: '001000000000001' is not a org id: it does not begin with 00D"),
                  HasSubstr("orgs.csv:7: '00D000000000001AAA' is not a org id: its last three"),
                  HasSubstr("orgs.csv:8: '00D000000000002BBB' is not a org id: its last three"),
                  HasSubstr("orgs.csv:9: after the quote that closes a value"),
                  "orgs.csv:13: the org 00D000000000005 stands in line 10 too"));
}

TEST(OrgDirectory, FindsAnOrgThatStandsTwiceInEitherForm) {
  const std::string twice = "org_key\n" + org(1).long_text() + "\n00D000000000001\n00D000000000001\n";
  EXPECT_THAT(problems_of(twice), ElementsAre("orgs.csv:3: the org 00D000000000001 stands in line 2 too",
                                              "orgs.csv:4: the org 00D000000000001 stands in line 3 too"));
}

TEST(OrgDirectory, BoundsWhatStandsInAlerts) {
  const auto with = [](std::size_t size) {
    return "org_key,contact\n00D000000000001," + std::string(size, 'x') + "\n";
  };
  EXPECT_THAT(problems_of(with(org_note_bytes_max)), SizeIs(0));
  EXPECT_THAT(problems_of(with(org_note_bytes_max + 1)),
              ElementsAre("orgs.csv:2: contact has 257 bytes, and may have 256"));
  // Columns that nobody asked for may be as long as they like.
  EXPECT_THAT(problems_of("org_key,notes\n00D000000000001," + std::string(10'000, 'x')), SizeIs(0));
}

TEST(OrgDirectory, TellsSoManyProblemsAndNoMore) {
  std::string text = "org_key\n";
  for (std::size_t i = 0; i < orgs_file_problems_max + 5; ++i)
    text += "x\n";
  const auto problems = problems_of(text);
  ASSERT_THAT(problems, SizeIs(orgs_file_problems_max + 1));
  EXPECT_EQ(problems.back(), "orgs.csv: 5 more problems");
}

TEST(OrgDirectory, BoundsTheFile) {
  std::string text = "org_key,customer\n00D000000000001,Acme\n";
  EXPECT_THAT(problems_of(text + std::string(orgs_file_lines_max - 3, '\n') + "00D000000000002,Beta"),
              SizeIs(0));
  EXPECT_THAT(problems_of(text + std::string(orgs_file_lines_max - 2, '\n') + "00D000000000002,Beta"),
              ElementsAre("orgs.csv:1000001: the file may have at most 1000000 lines"));
  text.resize(orgs_file_bytes_max, '\n');
  text += 'x';
  EXPECT_THAT(problems_of(text), ElementsAre("orgs.csv: it is larger than 32 MiB"));
}

TEST(OrgDirectory, KnowsAsManyOrgsAsAFileMayHave) {
  std::string text = "org_key,customer,tier\n";
  const int orgs = static_cast<int>(orgs_file_lines_max) - 1;
  for (int i = orgs; i > 0; --i)
    fmt::format_to(std::back_inserter(text), "00D{:012},c{},{}\n", i, i / 10, i % 2 == 0 ? "gold" : "silver");
  ASSERT_LE(text.size(), orgs_file_bytes_max);
  const auto made = read(text);
  ASSERT_EQ(made.size(), static_cast<std::size_t>(orgs));
  for (const int i : {1, 2, 12'345, orgs}) {
    EXPECT_EQ(made.find(org(i)), (org_note{fmt::format("c{}", i / 10), i % 2 == 0 ? "gold" : "silver", ""}));
  }
}

// Any bytes are read or refused in sentences of one line each.
TEST(OrgDirectory, AnswersAnyBytes) {
  std::mt19937 random(11);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same cases each time
  constexpr std::array<std::string_view, 12> parts{"org_key", "tier", ",",    "\n",   "\r\n", "\"",
                                                   "\"\"",    "\xC2", "\x01", "gold", " ",    "\xEF\xBB\xBF"};
  for (int round = 0; round < 5000; ++round) {
    std::string text = round % 2 == 0 ? "org_key,tier\n" : "";
    for (std::size_t left = random() % 20; left > 0; --left) {
      const auto pick = random() % (parts.size() + 1);
      text += pick < parts.size() ? std::string(parts[pick]) : fmt::format("00D{:012}", random() % 3);
    }
    for (const std::string& problem : problems_of(text)) {
      ASSERT_TRUE(problem.starts_with("orgs.csv:")) << problem;
      ASSERT_EQ(to_valid_utf8(problem), problem);
      ASSERT_EQ(problem.find_first_of("\r\n\x01"), std::string::npos) << problem;
    }
  }
}

}  // namespace
}  // namespace pushguard::configuration
