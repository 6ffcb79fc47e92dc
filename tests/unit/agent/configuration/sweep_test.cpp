#include "agent/configuration/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/configuration/policy_document.hpp"

namespace pushguard::configuration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view text = R"(
hubs:
  - name: devhub
    auth: { jwt_bearer: { client_id: a, username: b, private_key_file: not-here } }
rollout_gap: 2d
policies:
  - name: production
    rules:
      - name: rate.one
        failure_rate: { above: 5%, warn_at: 3% }
      - name: budget
        failure_budget: { above: 10% }
)";

policy_document document() {
  return policy_document::parse(text, "f.yaml").value();
}

TEST(SweepKey, IsReadWithDotsInNames) {
  const auto read = parse_sweep("production/rate.one.above=1%..2%");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (sweep{{"production", "rate.one", "above"}, "1%..2%"}));
}

TEST(SweepKey, ThatIsNoneIsToldTheForm) {
  for (const auto* wrong :
       {"", "a", "a=1", "a/b=1", "a.b=1", "/b.c=1", "a/.c=1", "a/b.=1", "a/b.c=", "a.b/c=1"}) {
    const auto read = parse_sweep(wrong);
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error().text(), HasSubstr("production/failure-rate.above=1%..10%")) << wrong;
  }
}

TEST(SweepValues, UnfoldRangesStepsAndLists) {
  EXPECT_THAT(sweep_values("1%..10%", swept_kind::share).value(),
              ElementsAre("1%", "2%", "3%", "4%", "5%", "6%", "7%", "8%", "9%", "10%"));
  EXPECT_THAT(sweep_values("0.01..0.02:0.5%", swept_kind::share).value(), ElementsAre("1%", "1.5%", "2%"));
  EXPECT_THAT(sweep_values("10..20/3", swept_kind::count).value(), ElementsAre("10", "15", "20"));
  EXPECT_THAT(sweep_values("1..3", swept_kind::count).value(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(sweep_values("30m..2h:30m", swept_kind::time).value(), ElementsAre("30m", "1h", "1h30m", "2h"));
  EXPECT_THAT(sweep_values("99%,95%", swept_kind::share).value(), ElementsAre("99%", "95%"));
}

TEST(SweepValues, ThatCannotBeReadAreRefused) {
  for (const auto* wrong :
       {"", "x", "1..", "..2", "2..1", "1..1", "1..2/1", "1..2/101", "1..5:0", "1..500:1", "1,,2"})
    EXPECT_FALSE(sweep_values(wrong, swept_kind::count)) << wrong;
}

TEST(PolicyDocument, IsReadWithoutTheHubsSecrets) {
  const auto read = document().read();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rollout_gap, std::chrono::hours(48));
  EXPECT_EQ(read->policies.at(0).rules.size(), 2U);
}

TEST(PolicyDocument, TellsWhatIsWrongWithPoliciesAndWhere) {
  const auto read = policy_document::parse("policies:\n  - name: a\n    rule: []\n", "f.yaml").value().read();
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error(), testing::Contains(HasSubstr("f.yaml:3:")));
}

TEST(PolicyDocument, ListsWhatThereIsWhereAKeyNamesNothing) {
  const auto of = [](const swept_field& field) { return document().find(field).error().text(); };
  EXPECT_THAT(of({"x", "budget", "above"}), HasSubstr("there is no policy 'x' to sweep, only production"));
  EXPECT_THAT(of({"production", "x", "above"}), HasSubstr("has no rule 'x' to sweep, only rate.one, budget"));
  EXPECT_THAT(of({"production", "budget", "x"}),
              HasSubstr("has no field 'x' to sweep, only above, of, min_failed"));
  EXPECT_EQ(document().find({"production", "budget", "of"}).value(), swept_kind::count);
}

TEST(PolicyDocument, PutsAValueInThePlaceOfAnotherOrOfADefault) {
  const auto read = document().read_with({"production", "rate.one", "above"}, "2%");
  ASSERT_TRUE(read);
  const auto& rate = std::get<policy::failure_rate_rule>(read->policies.at(0).rules.at(0).test);
  EXPECT_DOUBLE_EQ(rate.above, 0.02);
  EXPECT_EQ(rate.warn_at, std::nullopt);
  const auto added = document().read_with({"production", "budget", "of"}, "77");
  ASSERT_TRUE(added);
  EXPECT_EQ(std::get<policy::failure_budget_rule>(added->policies.at(0).rules.at(1).test).of, 77U);
}

TEST(PolicyDocument, ChecksASweptValueAsTheFilesOwn) {
  const auto read = document().read_with({"production", "budget", "above"}, "200%");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error(), ElementsAre(HasSubstr("f.yaml:12:")));
}

}  // namespace
}  // namespace pushguard::configuration
