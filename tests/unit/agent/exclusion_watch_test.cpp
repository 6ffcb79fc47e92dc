#include "agent/exclusion_watch.hpp"

#include <gtest/gtest.h>

#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::agent {
namespace {

using namespace pushguard::test;
using domain::error_type;

struct excess_case {
  std::string name;
  exclusion_counts counts;
  double usual;
  bool was_told;
  bool is_beyond;
};

void PrintTo(const excess_case& of, std::ostream* out) {
  *out << of.name;
}

const excess_case excess_cases[] = {
    {"Nothing", {0, 0}, 0.05, false, false},           {"Usual", {10, 300}, 0.05, false, false},
    {"TooFewToSay", {9, 0}, 0.05, false, false},       {"AllOfTen", {10, 0}, 0.05, false, true},
    {"AFifth", {20, 80}, 0.05, false, true},           {"NotBeyondAHigherUsual", {20, 80}, 0.3, false, false},
    {"ToldAndJustBelow", {14, 100}, 0.05, true, true}, {"NotToldAndJustBelow", {14, 100}, 0.05, false, false},
    {"ToldAndOver", {12, 600}, 0.05, true, false},     {"ToldAndForgotten", {0, 0}, 0.05, true, false},
};

class Excess : public testing::TestWithParam<excess_case> {};

TEST_P(Excess, IsBeyondWhatIsUsualWithCertainty) {
  const auto& of = GetParam();
  EXPECT_EQ(is_beyond_usual(of.counts, of.usual, of.was_told), of.is_beyond)
      << "bound " << exclusion_lower_bound(of.counts, of.usual);
}

INSTANTIATE_TEST_SUITE_P(All, Excess, testing::ValuesIn(excess_cases),
                         [](const auto& each) { return each.param.name; });

policy::judgement judged(std::string policy, std::string rule, std::string segment,
                         policy::org_count excluded, policy::org_count started) {
  policy::judgement made;
  made.key = {.rollout = {.version = version_id(1), .number = 1},
              .request = {},
              .policy = std::move(policy),
              .rule = std::move(rule),
              .segment = std::move(segment)};
  made.numbers.excluded = excluded;
  made.numbers.started = started;
  return made;
}

TEST(ExclusionBook, AddsUpTheSegmentsOfOneRule) {
  exclusion_book book;
  book.note(judged("a", "pod", "DEU12", 1, 10), "pod");
  book.note(judged("a", "pod", "USA442", 2, 20), "pod");
  book.note(judged("a", "pod", "DEU12", 3, 30), "pod");
  book.note(judged("a", "rate", "", 5, 50), "pod");
  book.note(judged("b", "rate", "", 7, 70), "rate");
  const auto counts = book.counts();
  ASSERT_EQ(counts.size(), 2U);
  EXPECT_EQ(counts.begin()->first.policy, "a");
  EXPECT_EQ(counts.begin()->second.excluded, 5U);
  EXPECT_EQ(counts.begin()->second.started, 50U);
  EXPECT_EQ(counts.rbegin()->second.excluded, 7U);
  book.forget();
  EXPECT_TRUE(book.counts().empty());
}

TEST(TopExcluded, NamesTheMostFrequentErrorsOfExcludedOrgs) {
  tracker::tracker hub;
  (void)apply(hub, {request_row(1), request_row(2)});
  (void)apply(hub, {job_row(1, 1, push_status::failed), job_row(2, 1, push_status::failed),
                    job_row(3, 2, push_status::failed), job_row(4, 2, push_status::failed)});
  const std::vector read{job_id(1), job_id(2), job_id(3), job_id(4)};
  const std::vector rows{error_row(1, error_type::ineligible_upgrade, "Ineligible"),
                         error_row(2, error_type::unclassified_error, "Package Uninstalled"),
                         error_row(3, error_type::ineligible_upgrade, "Ineligible"),
                         error_row(4, error_type::deploy_error, "Broken")};
  (void)hub.apply_errors(read, rows);
  const policy::policy_specification policy;
  const auto all = top_excluded(hub, tracker::rollout_index{0}, std::nullopt, policy, 5);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].title, "IneligibleUpgrade: Ineligible");
  EXPECT_EQ(all[0].orgs, 2U);
  EXPECT_EQ(all[1].title, "UnclassifiedError: Package Uninstalled");
  EXPECT_EQ(top_excluded(hub, tracker::rollout_index{0}, std::nullopt, policy, 1).size(), 1U);
  EXPECT_EQ(top_excluded(hub, tracker::rollout_index{0}, hub.find(request_id(2)), policy, 5).size(), 1U);
}

}  // namespace
}  // namespace pushguard::agent
