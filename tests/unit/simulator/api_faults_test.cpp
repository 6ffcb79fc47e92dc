#include "simulator/api_faults.hpp"

#include <gtest/gtest.h>

#include <set>

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;

constexpr api_fault_moment arrival = api_fault_moment::arrival;
constexpr api_fault_moment refusal = api_fault_moment::refusal;

api_call query_of(std::string object, duration at = 0s) {
  return {.operation = api_operation::query, .object = std::move(object), .at = at};
}

/// How the script treats one call after the other: x is hit, a dot is let pass.
std::string pattern(api_fault_script& script, const std::vector<api_call>& calls) {
  std::string made;
  for (const api_call& each : calls)
    made += script.strike(each, arrival) ? 'x' : '.';
  return made;
}

TEST(ApiFaults, NamesAreFoundAgain) {
  std::set<std::string_view> names;
  for (const api_fault_kind kind : all_api_fault_kinds()) {
    EXPECT_TRUE(names.insert(name_of(kind)).second);
    EXPECT_EQ(find_api_fault_kind(name_of(kind)), kind);
  }
  EXPECT_EQ(names.size(), 29U);
  EXPECT_EQ(find_api_fault_kind("nonsense"), std::nullopt);
}

TEST(ApiFaults, CallsAreLabelledByOperationAndObject) {
  EXPECT_EQ(label_of(query_of("PackagePushJob")), "query PackagePushJob");
  EXPECT_EQ(label_of(query_of("")), "query");
  EXPECT_EQ(label_of({.operation = api_operation::cancel, .object = "PackagePushRequest"}), "cancel");
  EXPECT_EQ(label_of({.operation = api_operation::limits}), "limits");
}

TEST(ApiFaults, HitInTheirWindowOnly) {
  api_fault_script script({{.kind = api_fault_kind::no_answer, .from = 10s, .until = 20s}});
  EXPECT_EQ(pattern(script, {query_of("", 10s - 1ms), query_of("", 10s), query_of("", 20s - 1ms),
                             query_of("", 20s), query_of("", 15s)}),
            ".xx.x");
}

TEST(ApiFaults, SkipSomeAndHitSome) {
  api_fault_script script({{.kind = api_fault_kind::no_answer, .skip = 2, .times = 2}});
  EXPECT_EQ(pattern(script, std::vector<api_call>(6)), "..xx..");
  script.add({.kind = api_fault_kind::no_answer});
  EXPECT_EQ(pattern(script, std::vector<api_call>(9)), "xxxxxxxxx") << "without times, all";
  EXPECT_EQ(script.happened().at(api_fault_kind::no_answer), 11U);
}

TEST(ApiFaults, HitTheirOperationAndObject) {
  api_fault_script script({{.kind = api_fault_kind::no_answer,
                            .operation = api_operation::query,
                            .object = "PackagePushJob",
                            .skip = 1}});
  EXPECT_EQ(pattern(script, {query_of("PackagePushError"),
                             query_of("PackagePushJob"),
                             query_of(""),
                             query_of("PackagePushJob"),
                             {.operation = api_operation::describe, .object = "PackagePushJob"}}),
            "...x.")
      << "other calls do not count for skip";
}

TEST(ApiFaults, TheFirstThatWantsACallHasItAlone) {
  api_fault_script script(
      {{.kind = api_fault_kind::misdirected, .times = 1}, {.kind = api_fault_kind::no_answer, .times = 1}});
  EXPECT_EQ(script.strike({}, arrival)->plan.kind, api_fault_kind::misdirected);
  EXPECT_EQ(script.strike({}, arrival)->plan.kind, api_fault_kind::no_answer);
  EXPECT_FALSE(script.strike({}, arrival));
}

TEST(ApiFaults, HitAtTheirOwnMoment) {
  for (const api_fault_kind kind : all_api_fault_kinds()) {
    const api_answer_shape rich{.body_size = 9, .rows = 2, .columns = {"Status", "ErrorMessage"}};
    std::size_t operations = 0;
    for (const auto operation :
         {api_operation::versions, api_operation::limits, api_operation::describe, api_operation::query,
          api_operation::next_page, api_operation::cancel, api_operation::retrieve, api_operation::other}) {
      api_fault_script script({{.kind = kind}});
      const api_call call{.operation = operation};
      const bool can = can_hit(kind, operation);
      const api_fault_moment moment = moment_of(kind);
      EXPECT_EQ(script.strike(call, arrival).has_value(), can && moment == arrival) << name_of(kind);
      EXPECT_EQ(script.strike(call, refusal).has_value(), can && moment == refusal) << name_of(kind);
      EXPECT_EQ(script.strike(call, rich).has_value(), can && moment == api_fault_moment::answer)
          << name_of(kind);
      operations += can ? 1U : 0U;
    }
    EXPECT_GT(operations, 0U) << name_of(kind);
  }
}

TEST(ApiFaults, WaitForAnAnswerThatHasWhatTheySpoil) {
  struct need {
    api_fault_kind kind;
    api_answer_shape less;
    api_answer_shape enough;
  };
  for (const need& each : std::vector<need>{
           {api_fault_kind::cut_body, {}, {.body_size = 1}},
           {api_fault_kind::truncated_json, {}, {.body_size = 1}},
           {api_fault_kind::wrong_page, {.body_size = 9}, {.body_size = 9, .rows = 1}},
           {api_fault_kind::short_page, {.body_size = 9, .rows = 1}, {.body_size = 9, .rows = 2}},
           {api_fault_kind::bad_row, {.rows = 1, .columns = {"Id"}}, {.rows = 1, .columns = {"OrgKey"}}},
           {api_fault_kind::huge_message,
            {.rows = 1, .columns = {"ErrorTitle"}},
            {.rows = 1, .columns = {"ErrorMessage"}}}}) {
    api_fault_script script({{.kind = each.kind, .times = 1}});
    EXPECT_FALSE(script.strike(query_of("PackagePushJob"), each.less)) << name_of(each.kind);
    EXPECT_TRUE(script.strike(query_of("PackagePushJob"), each.enough)) << name_of(each.kind);
  }
}

TEST(ApiFaults, OnlySlowWaitsByItself) {
  for (const api_fault_kind kind : {api_fault_kind::slow, api_fault_kind::garbage}) {
    api_fault_script script({{.kind = kind, .times = 1}, {.kind = kind, .delay = 90s}});
    EXPECT_EQ(script.strike({}, api_answer_shape{})->plan.delay, kind == api_fault_kind::slow ? 5s : 0s);
    EXPECT_EQ(script.strike({}, api_answer_shape{})->plan.delay, 90s);
  }
}

}  // namespace
}  // namespace pushguard::simulator
