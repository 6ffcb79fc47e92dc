#include "simulator/scenario_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::simulator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

result<scenario> parse_api(const std::string& section) {
  return parse_scenario("waves: [{ start: 1m, orgs: 5 }]\napi:" + section + "\n", "test.yaml");
}

TEST(ScenarioApi, ReadsEveryKey) {
  const auto read = parse_api(R"(
  status_spelling: In Progress
  system_modstamp: absent
  daily_calls_max: 15000
  other_calls_per_hour: 300
  limits_visible: false
  org_key_form: 18
  query_timeout_above: 5000
  page_rows_max: 7
  hidden_objects: [packagepusherror]
  hidden_fields: [packagepushrequest.starttime, PackageSubscriber.OrgName]
  faults:
    - { kind: slow, from: 1m, until: 5m, operation: query, object: packagepushjob, skip: 2, times: 3, delay: 20s }
    - { kind: no_answer })");
  ASSERT_TRUE(read) << read.error().text();
  const api_plan& plan = read->api;
  EXPECT_EQ(plan.spelling, in_progress_spelling::spaced);
  EXPECT_EQ(plan.system_modstamp, modstamp_filter::absent);
  EXPECT_EQ(plan.daily_calls_max, 15'000U);
  EXPECT_EQ(plan.other_calls_per_hour, 300U);
  EXPECT_FALSE(plan.limits_visible);
  EXPECT_EQ(plan.org_keys, org_key_form::long_id);
  EXPECT_EQ(plan.query_timeout_above, 5'000U);
  EXPECT_EQ(plan.page_rows_max, 7U);
  EXPECT_THAT(plan.hidden_objects, ElementsAre("PackagePushError"));
  EXPECT_THAT(plan.hidden_fields, ElementsAre("PackagePushRequest.StartTime", "PackageSubscriber.OrgName"));
  ASSERT_EQ(plan.faults.size(), 2U);
  EXPECT_EQ(plan.faults[0].kind, api_fault_kind::slow);
  EXPECT_EQ(plan.faults[0].from, 1min);
  EXPECT_EQ(plan.faults[0].until, 5min);
  EXPECT_EQ(plan.faults[0].operation, api_operation::query);
  EXPECT_EQ(plan.faults[0].object, "PackagePushJob");
  EXPECT_EQ(plan.faults[0].skip, 2U);
  EXPECT_EQ(plan.faults[0].times, 3U);
  EXPECT_EQ(plan.faults[0].delay, 20s);
  EXPECT_EQ(plan.faults[1].from, 0s);
  EXPECT_EQ(plan.faults[1].until, std::nullopt);
  EXPECT_EQ(plan.faults[1].operation, std::nullopt);
  EXPECT_EQ(plan.faults[1].object, "");
  EXPECT_EQ(plan.faults[1].skip, 0U);
  EXPECT_EQ(plan.faults[1].times, std::nullopt);
  EXPECT_EQ(plan.faults[1].delay, std::nullopt);
}

TEST(ScenarioApi, TellsWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string> cases[] = {
      {"system_modstamp: gone", "system_modstamp must be"},
      {"daily_calls_max: 0", "daily_calls_max"},
      {"other_calls_per_hour: -1", "other_calls_per_hour"},
      {"limits_visible: perhaps", "limits_visible"},
      {"org_key_form: 16", "org_key_form must be 15 or 18"},
      {"query_timeout_above: -1", "query_timeout_above"},
      {"page_rows_max: 0", "page_rows_max"},
      {"page_rows_max: 2001", "page_rows_max"},
      {"hidden_objects: [Account]", "Account is not an object of the simulated hub; the objects are Package"},
      {"hidden_fields: [StartTime]", "written as OBJECT.FIELD"},
      {"hidden_fields: [Account.Name]", "Account is not an object"},
      {"hidden_fields: [PackagePushJob.Nonsense]", "PackagePushJob has no field Nonsense"},
      {"hidden_fields: [PackagePushJob.]", "PackagePushJob has no field"},
      {"hidden_fields: [PackagePushJob.Id]", "Id cannot be hidden"},
      {"nonsense: 1", "nonsense"},
      {"faults: [{ kind: nonsense }]", "nonsense is not a fault that a call can have"},
      {"faults: [{ kind: cut_bodi }]", "cut_bodi is not a fault; did you mean cut_body?"},
      {"faults: [{ times: 1 }]", "kind"},
      {"faults: [{ kind: slow, operation: nonsense }]", "operation must be versions or limits or"},
      {"faults: [{ kind: cancel_lost, operation: query }]", "cancel_lost cannot happen to a query call"},
      {"faults: [{ kind: slow, object: Account }]", "Account is not an object"},
      {"faults: [{ kind: slow, operation: limits, object: PackagePushJob }]", "limits calls have no object"},
      {"faults: [{ kind: slow, operation: cancel, object: PackagePushJob }]",
       "only objects of PackagePushRe"},
      {"faults: [{ kind: slow, from: 5m, until: 5m }]", "until must be later than from"},
      {"faults: [{ kind: slow, from: soon }]", "from"},
      {"faults: [{ kind: slow, skip: -1 }]", "skip"},
      {"faults: [{ kind: slow, times: 0 }]", "times"},
      {"faults: [{ kind: slow, delay: soon }]", "delay"},
      {"faults: [{ kind: slow, nonsense: 1 }]", "nonsense"},
      {"faults: slow", "faults"},
  };
  for (const auto& [line, message] : cases) {
    const auto read = parse_api(" { " + line + " }");
    ASSERT_FALSE(read) << line;
    EXPECT_THAT(read.error().text(), StartsWith("test.yaml:2:")) << line;
    EXPECT_THAT(read.error().text(), HasSubstr(message)) << line;
  }
  std::string many = "\n  faults:";
  for (std::size_t fault = 0; fault <= faults_max; ++fault)
    many += "\n    - { kind: slow }";
  EXPECT_THAT(parse_api(many).error().text(), HasSubstr("there must not be more than 1000 faults"));
}

}  // namespace
}  // namespace pushguard::simulator
