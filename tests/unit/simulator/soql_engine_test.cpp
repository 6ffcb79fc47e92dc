#include "simulator/soql_engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <set>

#include "base/text.hpp"
#include "tests/unit/simulator/fixtures.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::HasSubstr;

class SoqlEngine : public testing::Test {
 protected:
  SoqlEngine() { advance(5min); }

  void advance(duration to) { world_.advance_to(to); }

  query_answer run(const std::string& soql, unsigned version = 62) {
    auto answer = run_query(data_, soql, version, times_.at(world_.now()));
    if (!answer) {
      ADD_FAILURE() << soql << ": " << answer.error().message;
      return {};
    }
    return *answer;
  }

  api_error refused(const std::string& soql, unsigned version = 62) {
    const auto answer = run_query(data_, soql, version, times_.at(world_.now()));
    if (answer) {
      ADD_FAILURE() << soql << " was answered";
      return {};
    }
    return answer.error();
  }

  json::value record(const query_answer& answer, std::size_t place = 0) {
    std::string text;
    append_record(text, data_, answer.shape, answer.rows.at(place), "v62.0");
    return json::parse(text);
  }

  std::map<std::string, std::int64_t> counts(const std::string& soql) {
    std::map<std::string, std::int64_t> found;
    for (const auto& group : run(soql).groups)
      found[std::get<std::string>(group[0])] = std::get<std::int64_t>(group[1]);
    return found;
  }

  scenario plan_ = small_scenario(50, 0.3);
  world world_{plan_};
  calendar times_{start_of_test().wall, 1};
  database data_{world_, times_};
};

TEST_F(SoqlEngine, WritesARecordWithItsParents) {
  const auto answer = run(
      "SELECT Id, Status, ScheduledStartTime, PackageVersion.MetadataPackage.NamespacePrefix, "
      "PackageVersion.MajorVersion, PackageVersion.MetadataPackage.Name FROM PackagePushRequest ORDER BY Id");
  ASSERT_EQ(answer.rows.size(), 2U);
  const json::value made = record(answer, 1);
  EXPECT_EQ(made.at("attributes").at("type"), "PackagePushRequest");
  EXPECT_EQ(text_of(made.at("attributes").at("url")),
            "/services/data/v62.0/sobjects/PackagePushRequest/" + request_id_of(1));
  EXPECT_EQ(text_of(made.at("Id")), request_id_of(1));
  EXPECT_EQ(made.at("Status"), "Pending");
  EXPECT_EQ(made.at("ScheduledStartTime"), "2026-03-10T13:00:00.000+0000");
  EXPECT_EQ(made.at("PackageVersion").at("MajorVersion"), 1);
  EXPECT_EQ(made.at("PackageVersion").at("MetadataPackage").at("NamespacePrefix"), "acme");
  EXPECT_EQ(made.at("PackageVersion").at("MetadataPackage").at("Name"), "Acme Billing");
}

TEST_F(SoqlEngine, CountsJobsByStatus) {
  const auto found = counts("SELECT Status, COUNT(Id) FROM PackagePushJob WHERE PackagePushRequestId = '" +
                            request_id_of(0) + "' GROUP BY Status");
  std::map<std::string, std::int64_t> expected;
  for (const job_row& job : world_.jobs()) {
    if (job.request == 0)
      ++expected[std::string(to_salesforce(job.state, in_progress_spelling::joined))];
  }
  EXPECT_EQ(found, expected);
  EXPECT_GE(found.size(), 3U);
}

TEST_F(SoqlEngine, NamesTheColumnsOfAggregates) {
  const auto answer =
      run("SELECT Status, COUNT(Id), COUNT(Status) named, MAX(SystemModstamp) FROM "
          "PackagePushJob GROUP BY Status");
  EXPECT_EQ(answer.columns, (std::vector<std::string>{"Status", "expr0", "named", "expr1"}));
  std::string text;
  append_group(text, answer.columns, answer.groups.at(0));
  EXPECT_EQ(json::parse(text).at("attributes").at("type"), "AggregateResult");
}

TEST_F(SoqlEngine, CountsWithoutRows) {
  const auto all = run("SELECT COUNT() FROM PackagePushJob");
  EXPECT_EQ(all.is, query_answer::kind::count);
  EXPECT_EQ(all.total, 100U);
  const auto one = run("SELECT COUNT(Id) FROM PackagePushJob WHERE Status = 'nonsense'");
  ASSERT_EQ(one.groups.size(), 1U) << "an aggregate without groups has one row, even of nothing";
  EXPECT_EQ(std::get<std::int64_t>(one.groups[0][0]), 0);
}

/// Every way to ask for the jobs of a request answers the same rows.
TEST_F(SoqlEngine, NarrowingByIdDoesNotChangeTheAnswer) {
  const std::string id = request_id_of(1);
  const auto expected = run("SELECT Id FROM PackagePushJob WHERE PackagePushRequestId = '" + id + "'").rows;
  EXPECT_EQ(expected.size(), 50U);
  for (const std::string& where :
       {"PackagePushRequestId = '" + id.substr(0, 15) + "'", "PackagePushRequest.Id = '" + id + "'",
        "PackagePushRequestId IN ('" + id + "', '" + id + "')",
        "PackagePushRequestId = '" + id + "' AND Id != null", "NOT PackagePushRequestId != '" + id + "'",
        "(PackagePushRequestId = '" + id + "' OR Id = null)"})
    EXPECT_EQ(run("SELECT Id FROM PackagePushJob WHERE " + where).rows, expected) << where;
}

TEST_F(SoqlEngine, FindsErrorsThroughTheirJobs) {
  const std::string by_request =
      "SELECT Id FROM PackagePushError WHERE PackagePushJob.PackagePushRequestId = '" + request_id_of(0) +
      "'";
  const auto rows = run(by_request).rows;
  EXPECT_EQ(rows.size(), world_.errors().size());
  ASSERT_FALSE(rows.empty());
  const row_index job = world_.errors()[0].job;
  const auto of_job =
      run("SELECT Id, ErrorTitle, ErrorDetails, PackagePushJob.SubscriberOrganizationKey FROM "
          "PackagePushError WHERE PackagePushJobId IN ('" +
          job_id_of(job) + "', '" + job_id_of(99) + "')");
  EXPECT_EQ(of_job.rows.size(), world_.jobs()[job].error_count);
  EXPECT_EQ(text_of(record(of_job).at("PackagePushJob").at("SubscriberOrganizationKey")),
            org_key_of(world_.jobs()[job].org));
  const auto types = counts("SELECT ErrorType, COUNT(Id) FROM PackagePushError GROUP BY ErrorType");
  EXPECT_GE(types.size(), 2U);
}

TEST_F(SoqlEngine, ComparesTextsWithoutCaseAndIdsWithIt) {
  // Two keys that differ only in letter case: both are found by either.
  std::map<std::string, std::set<std::string>> folded;
  for (row_index org = 0; org < 100; ++org)
    folded[to_lower_ascii(org_key_of(org))].insert(org_key_of(org));
  const auto twins = std::ranges::find_if(folded, [](const auto& each) { return each.second.size() == 2; });
  ASSERT_NE(twins, folded.end());
  const std::string& key = *twins->second.begin();
  EXPECT_EQ(run("SELECT Id FROM PackageSubscriber WHERE OrgKey = '" + key + "' AND MetadataPackageId = '" +
                package_id_of(package_main) + "'")
                .rows.size(),
            2U);
  EXPECT_EQ(
      run("SELECT Id FROM PackagePushJob WHERE SubscriberOrganizationKey IN ('" + key + "')").rows.size(),
      2U);
  EXPECT_EQ(run("SELECT Id FROM PackagePushJob WHERE Status = 'PENDING'").rows.size(),
            run("SELECT Id FROM PackagePushJob WHERE Status = 'Pending'").rows.size());
  EXPECT_EQ(run("SELECT Id FROM PackagePushJob WHERE Id = '" + job_id_of(10) + "'").rows.size(), 1U)
      << "0DX…A and 0DX…a are two jobs";
}

TEST_F(SoqlEngine, AnOrgHasOneSubscriberRowForEachPackage) {
  const auto all =
      run("SELECT Id FROM PackageSubscriber WHERE InstalledStatus = 'i' AND OrgStatus != 'Inactive'");
  EXPECT_EQ(all.rows.size(), 125U);
  const auto one =
      run("SELECT OrgKey, OrgName, OrgType, InstanceName, ParentOrg, MetadataPackage.Name FROM "
          "PackageSubscriber WHERE MetadataPackageId = '" +
          package_id_of(package_main) + "'");
  EXPECT_EQ(one.rows.size(), 100U);
  const json::value first = record(one);
  EXPECT_EQ(first.at("OrgKey").as_string().size(), 15U);
  EXPECT_EQ(first.at("ParentOrg").is_null(), first.at("OrgType") == "Production");
}

TEST_F(SoqlEngine, ComparesInstants) {
  // Records hold whole seconds.
  const std::string from = "SELECT Id FROM PackagePushJob WHERE SystemModstamp ";
  const std::size_t pending = run(from + "= 2026-03-10T12:00:05Z").rows.size();
  EXPECT_EQ(pending, 100U - run(from + "> 2026-03-10T12:00:05Z").rows.size());
  EXPECT_EQ(run(from + ">= 2026-03-10T12:00:05.000Z").rows.size(), 100U);
  EXPECT_EQ(run(from + "< 2026-03-10T12:00:05Z").rows.size(), 0U);
  EXPECT_EQ(run(from + "<= 2026-03-10T13:00:05+01:00").rows.size(), pending);
}

TEST_F(SoqlEngine, TodayIsADay) {
  const std::string from = "SELECT Id FROM PackagePushRequest WHERE ScheduledStartTime ";
  EXPECT_EQ(run(from + "= TODAY").rows.size(), 2U);
  EXPECT_EQ(run(from + "= LAST_N_DAYS:3").rows.size(), 2U);
  EXPECT_EQ(run(from + "= YESTERDAY").rows.size(), 0U);
  EXPECT_EQ(run(from + "!= YESTERDAY").rows.size(), 2U);
  EXPECT_EQ(run(from + "> YESTERDAY").rows.size(), 2U);
}

TEST_F(SoqlEngine, SortsSkipsAndLimits) {
  const auto by_id = run("SELECT Id FROM PackagePushJob ORDER BY Id DESC LIMIT 3 OFFSET 1").rows;
  EXPECT_EQ(by_id.size(), 3U);
  const auto by_status = run("SELECT Status FROM PackagePushJob ORDER BY Status, Id DESC").rows;
  std::string last;
  for (const row_index row : by_status) {
    const std::string status(to_salesforce(world_.jobs()[row].state, in_progress_spelling::joined));
    EXPECT_LE(last, status);
    last = status;
  }
  EXPECT_TRUE(run("SELECT Id FROM PackagePushJob LIMIT 0").rows.empty());
  EXPECT_TRUE(run("SELECT Id FROM PackagePushJob OFFSET 1000").rows.empty());
}

TEST_F(SoqlEngine, GoesOnBehindAnId) {
  std::vector<std::string> pieces;
  for (std::string behind = "0DX000000000000"; pieces.size() <= 100;) {
    const auto answer =
        run(fmt::format("SELECT Id FROM PackagePushJob WHERE Id > '{}' ORDER BY Id LIMIT 7", behind));
    if (answer.rows.empty())
      break;
    for (std::size_t place = 0; place < answer.rows.size(); ++place)
      pieces.push_back(text_of(record(answer, place).at("Id")));
    behind = pieces.back();
  }
  const auto whole = run("SELECT Id FROM PackagePushJob ORDER BY Id");
  ASSERT_EQ(pieces.size(), whole.rows.size());
  for (std::size_t place = 0; place < pieces.size(); ++place)
    EXPECT_EQ(pieces[place], text_of(record(whole, place).at("Id")));
}

TEST_F(SoqlEngine, LikeMatchesPatterns) {
  const std::string from = "SELECT COUNT() FROM MetadataPackage WHERE Name LIKE ";
  EXPECT_EQ(run(from + "'Acme%'").total, 2U);
  EXPECT_EQ(run(from + "'acme b%'").total, 1U);
  EXPECT_EQ(run(from + "'%ill%'").total, 1U);
  EXPECT_EQ(run(from + "'Acme_Billing'").total, 1U);
  EXPECT_EQ(run(from + "'Acme'").total, 0U);
  EXPECT_EQ(run(from + "'%'").total, 2U);
}

TEST_F(SoqlEngine, NullsAreFoundAndAreUnequalToEverythingElse) {
  const std::string from = "SELECT COUNT() FROM PackageSubscriber WHERE ParentOrg ";
  const std::size_t none = run(from + "= null").total;
  EXPECT_GT(none, 0U);
  EXPECT_EQ(run(from + "!= null").total, 125U - none);
  EXPECT_EQ(run(from + "!= 'nobody'").total, 125U);
  EXPECT_EQ(run(from + "NOT IN ('nobody', null)").total, 125U - none);
  EXPECT_EQ(run(from + "LIKE '%'").total, 125U - none);
}

TEST_F(SoqlEngine, RefusesWithSalesforcesCodes) {
  struct refusal {
    std::string soql;
    std::string code;
    std::string message;
  };
  const std::string request = "SELECT Id FROM PackagePushRequest ";
  const std::string job = "SELECT Id FROM PackagePushJob ";
  const std::string error = "SELECT Id FROM PackagePushError ";
  for (const refusal& each : std::vector<refusal>{
           {"SELECT Id FROM Account", "INVALID_TYPE", "sObject type 'Account' is not supported"},
           {"SELECT Foo FROM PackagePushJob", "INVALID_FIELD",
            "No such column 'Foo' on entity 'PackagePushJob'"},
           {"SELECT Foo.Name FROM PackagePushJob", "INVALID_FIELD", "Didn't understand relationship 'Foo'"},
           {"SELECT Id, Id FROM PackagePushJob", "INVALID_FIELD", "duplicate field selected: Id"},
           {"SELECT Id x FROM PackagePushJob", "MALFORMED_QUERY",
            "only aggregate expressions use field aliasing"},
           {job + "WHERE StartTime > 2026-03-10T12:00:00Z", "INVALID_FIELD",
            "field 'StartTime' can not be filtered in a query call"},
           {job + "WHERE EndTime = null", "INVALID_FIELD", "field 'EndTime' can not be filtered"},
           {request + "WHERE DurationSeconds > 5", "INVALID_FIELD",
            "field 'DurationSeconds' can not be filtered"},
           {request + "ORDER BY StartTime", "MALFORMED_QUERY", "field 'StartTime' can not be sorted"},
           {error + "WHERE ErrorTitle = 'x'", "INVALID_FIELD", "field 'ErrorTitle' can not be filtered"},
           {error + "WHERE ErrorMessage LIKE '%x%'", "INVALID_FIELD",
            "field 'ErrorMessage' can not be filtered"},
           {"SELECT ErrorTitle, COUNT(Id) FROM PackagePushError GROUP BY ErrorTitle", "MALFORMED_QUERY",
            "field 'ErrorTitle' can not be grouped"},
           {"SELECT Status, COUNT(Id) FROM PackagePushJob", "MALFORMED_QUERY",
            "Field must be grouped or aggregated: Status"},
           {job + "WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: nonsense"},
           {job + "WHERE SystemModstamp > '2026-03-10T12:00:00Z'", "INVALID_FIELD",
            "field 'SystemModstamp' must be of type dateTime and should not be enclosed in quotes"},
           {job + "WHERE Status = 5", "INVALID_FIELD",
            "field 'Status' must be of type string and should be enclosed in quotes"},
           {request + "WHERE IsMigration > false", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator"},
           {job + "WHERE PackagePushRequestId LIKE '0DV%'", "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator"}}) {
    const api_error answered = refused(each.soql);
    EXPECT_EQ(answered.status, 400);
    EXPECT_EQ(answered.code, each.code) << each.soql;
    EXPECT_THAT(answered.message, HasSubstr(each.message)) << each.soql;
  }
}

TEST_F(SoqlEngine, FieldsComeWithTheirApiVersion) {
  EXPECT_EQ(refused("SELECT StartTime FROM PackagePushJob", 50).code, "INVALID_FIELD");
  EXPECT_EQ(run("SELECT StartTime FROM PackagePushJob", 51).rows.size(), 100U);
}

TEST_F(SoqlEngine, StartEndAndDurationOfAFinishedJob) {
  const auto answer =
      run("SELECT StartTime, EndTime, DurationSeconds FROM PackagePushJob WHERE Status = 'Succeeded'");
  ASSERT_FALSE(answer.rows.empty());
  const json::value made = record(answer);
  EXPECT_TRUE(made.at("StartTime").is_string());
  EXPECT_TRUE(made.at("EndTime").is_string());
  EXPECT_GE(made.at("DurationSeconds").as_int64(), 39);
  const auto waiting = run("SELECT StartTime, DurationSeconds FROM PackagePushJob WHERE Status = 'Pending'");
  ASSERT_FALSE(waiting.rows.empty());
  EXPECT_TRUE(record(waiting).at("StartTime").is_null());
  EXPECT_TRUE(record(waiting).at("DurationSeconds").is_null());
}

TEST_F(SoqlEngine, AggregatesThatWouldNeedPagesAreRefused) {
  scenario large = small_scenario(aggregate_rows_max / 2 + 1);
  world many(large);
  many.advance_to(0s);
  const database data{many, times_};
  const std::string soql =
      "SELECT SubscriberOrganizationKey, COUNT(Id) FROM PackagePushJob GROUP BY SubscriberOrganizationKey";
  const auto answer = run_query(data, soql, 62, times_.start);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "EXCEEDED_ID_LIMIT");
  EXPECT_EQ(run(soql).groups.size(), 100U);
}

TEST(SoqlEngineScenario, ACaseTwinIsFoundWithItsPartner) {
  scenario plan = small_scenario(5);
  plan.orgs.case_twins = 10;
  world simulated(plan);
  const calendar times{start_of_test().wall, 1};
  const database data{simulated, times};
  const std::string package = "' AND MetadataPackageId = '" + package_id_of(package_main) + "'";
  for (row_index org = 0; org < simulated.orgs().size(); ++org) {
    const std::string where = " WHERE OrgKey = '" + simulated.org_key(org) + package;
    EXPECT_EQ(run_query(data, "SELECT Id FROM PackageSubscriber" + where, 62, times.start)->rows.size(), 2U);
  }
}

TEST(SoqlEngineScenario, SomeOrgsHaveTheOtherPackageToo) {
  const world simulated(small_scenario(50));
  const calendar times{start_of_test().wall, 1};
  const database data{simulated, times};
  const auto rows =
      run_query(data, "SELECT OrgKey FROM PackageSubscriber WHERE MetadataPackage.NamespacePrefix = 'acmetk'",
                62, times.start)
          ->rows;
  EXPECT_EQ(rows.size(), 25U);
  const field_description& key = *find_field(describe(object_name::package_subscriber), "OrgKey", 62);
  EXPECT_EQ(key.read(data, rows.at(0)), key.read(data, 0)) << "one org, two subscriptions";
}

TEST(SoqlEngineScenario, SystemModstampCanBeRefused) {
  scenario plan = small_scenario();
  plan.api.system_modstamp = modstamp_filter::refused;
  plan.api.spelling = in_progress_spelling::spaced;
  world simulated(plan);
  simulated.advance_to(75s);
  const calendar times{start_of_test().wall, 1};
  const database data{simulated, times};
  const auto run = [&](std::string_view soql) { return run_query(data, soql, 62, times.start); };
  EXPECT_FALSE(run("SELECT Id FROM PackagePushJob WHERE SystemModstamp > 2026-03-10T12:00:00Z"));
  EXPECT_FALSE(run("SELECT Id FROM PackagePushRequest WHERE SystemModstamp > 2026-03-10T12:00:00Z"));
  EXPECT_TRUE(run("SELECT SystemModstamp FROM PackagePushJob ORDER BY SystemModstamp"));
  EXPECT_TRUE(run("SELECT Id FROM PackageSubscriber WHERE SystemModstamp > 2026-03-10T12:00:00Z"));
  EXPECT_EQ(run("SELECT COUNT() FROM PackagePushJob WHERE Status = 'In Progress'")->total, 10U);
  EXPECT_EQ(run("SELECT COUNT() FROM PackagePushJob WHERE Status = 'InProgress'")->total, 0U);
}

}  // namespace
}  // namespace pushguard::simulator
