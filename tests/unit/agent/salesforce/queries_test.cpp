#include "agent/salesforce/queries.hpp"

#include <gtest/gtest.h>

#include "tests/unit/agent/salesforce/scripted_hub.hpp"

namespace pushguard::salesforce::test {
namespace {

template <class Id>
Id id_of(std::string_view prefix, int n) {
  return *Id::parse(fmt::format("{}{:012}", prefix, n));
}

domain::request_id request(int n) {
  return id_of<domain::request_id>("0DV", n);
}

const domain::package_id package = *domain::package_id::parse("033000000000001");
const wall_time noon = *parse_time("2025-09-02T12:00:00.000Z");

class Queries : public testing::Test {
 protected:
  void refuse(const char* error_code) {
    hub.answer(400, fmt::format(R"([{{"message":"no","errorCode":"{}"}}])", error_code));
  }
  [[nodiscard]] bool mentions(std::size_t call, std::string_view text) const {
    return hub.soql(call).find(text) != std::string::npos;
  }

  scripted_hub hub;
  hub_client client{hub};
  push_queries queries{client.rest};
};

TEST(SoqlQuote, LeavesNoWayOutOfTheLiteral) {
  EXPECT_EQ(soql_quote("plain"), "'plain'");
  EXPECT_EQ(soql_quote("O'Neil"), "'O\\'Neil'");
  EXPECT_EQ(soql_quote("\\' OR Id != '"), "'\\\\\\' OR Id != \\''");
  EXPECT_EQ(soql_quote("a\nb\rc\td"), "'a\\nb\\rc\\td'");
}

TEST_F(Queries, ChooseTheNewestVersion) {
  hub.answer(fixture("versions.json"));
  const auto chosen = hub.run(queries.choose_version(std::nullopt));
  ASSERT_TRUE(chosen) << chosen.error().text();
  EXPECT_EQ(*chosen, "67.0");
  EXPECT_EQ(client.rest.api_version(), "67.0");
}

TEST_F(Queries, ChooseTheVersionThatIsWanted) {
  hub.answer(fixture("versions.json"));
  EXPECT_EQ(hub.run(queries.choose_version("60.0")).value_or(""), "60.0");
  EXPECT_EQ(client.rest.api_version(), "60.0");
}

TEST_F(Queries, RefuseVersionsThatDoNotDo) {
  for (const auto& [offered, wanted] :
       {std::pair{R"([{"version":"67.0"}])", std::optional<std::string>("66.0")},
        std::pair{R"([{"version":"50.0"}])", std::optional<std::string>()},
        std::pair{R"([{"version":"50.0"}])", std::optional<std::string>("50.0")},
        std::pair{R"([{"version":"newest"},{"version":"9999999999999.0"}])", std::optional<std::string>()},
        std::pair{"[]", std::optional<std::string>()}}) {
    hub.answer(offered);
    const auto chosen = hub.run(queries.choose_version(wanted));
    ASSERT_FALSE(chosen) << offered;
    EXPECT_TRUE(chosen.error().is(errc::invalid)) << chosen.error().text();
  }
  hub.answer(R"([{"version":"9.0"},{"version":"51.0"}])");
  EXPECT_EQ(hub.run(queries.choose_version(std::nullopt)).value_or(""), "51.0");
}

TEST_F(Queries, ReadPackages) {
  hub.answer(fixture("packages.json"));
  const auto read = hub.run(queries.packages());
  ASSERT_TRUE(read);
  ASSERT_EQ(read->rows.size(), 3U);
  EXPECT_EQ(read->rows[0].namespace_prefix, "wdg");
  EXPECT_EQ(read->rows[0].generation, domain::package_generation::second);
  EXPECT_EQ(read->rows[1].generation, domain::package_generation::first);
  EXPECT_EQ(read->rows[2].generation, domain::package_generation::unknown);
}

TEST_F(Queries, ReadRequests) {
  hub.answer(fixture("requests.json"));
  const auto read = hub.run(queries.requests(noon));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->malformed, 0U);
  ASSERT_EQ(read->rows.size(), 2U);
  const domain::request_row& first = read->rows[0];
  EXPECT_EQ(first.id.text(), "0DV000000000001GAA");
  EXPECT_EQ(first.package, package);
  EXPECT_EQ(first.package_name, "Widgets");
  EXPECT_EQ(first.version_number, "4.2.0.7");
  EXPECT_EQ(first.generation, domain::package_generation::second);
  EXPECT_EQ(first.status, domain::push_status::in_progress);
  EXPECT_EQ(first.status_text, "In Progress");
  EXPECT_EQ(first.scheduled_start, *parse_time("2025-09-02T01:00:00Z"));
  EXPECT_EQ(first.start, *parse_time("2025-09-02T01:01:01Z"));
  EXPECT_FALSE(first.end);
  EXPECT_EQ(first.modified, *parse_time("2025-09-02T01:01:02Z"));
  EXPECT_TRUE(read->rows[1].package.empty());
  EXPECT_TRUE(mentions(0, "Status NOT IN ('Succeeded', 'Failed', 'Canceled')"));
  EXPECT_TRUE(mentions(0, "SystemModstamp >= 2025-09-02T12:00:00.000Z"));
}

TEST_F(Queries, DateRequestsOtherwiseInAnOrgThatRefusesSystemModstamp) {
  refuse("INVALID_FIELD");
  hub.answer(fixture("requests.json"));
  hub.answer(fixture("requests.json"));
  EXPECT_TRUE(hub.run(queries.requests(noon)));
  EXPECT_TRUE(mentions(1, "ScheduledStartTime >= 2025-09-02T12:00:00.000Z"));
  EXPECT_TRUE(mentions(1, "SystemModstamp FROM"));
  EXPECT_TRUE(hub.run(queries.requests(noon)));
  EXPECT_EQ(hub.calls.size(), 3U) << "the refusal is remembered";
}

TEST_F(Queries, DoWithoutSystemModstampWhereThereIsNone) {
  refuse("INVALID_FIELD");
  refuse("MALFORMED_QUERY");
  hub.answer(fixture("requests.json"));
  EXPECT_TRUE(hub.run(queries.requests(noon)));
  EXPECT_FALSE(mentions(2, "SystemModstamp"));
  hub.answer(fixture("requests.json"));
  EXPECT_TRUE(hub.run(queries.requests_by_id({request(1)})));
  EXPECT_FALSE(mentions(3, "SystemModstamp"));
}

TEST_F(Queries, PassOnARefusalThatHasOtherReasonsAndRememberNothing) {
  for (int i = 0; i < 3; ++i)
    refuse("INVALID_FIELD");
  const auto read = hub.run(queries.requests(noon));
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().is(errc::rejected));
  EXPECT_EQ(hub.calls.size(), 3U);
  hub.answer(fixture("requests.json"));
  EXPECT_TRUE(hub.run(queries.requests(noon)));
  EXPECT_TRUE(mentions(3, "OR SystemModstamp >= "));

  refuse("INVALID_TYPE");
  const auto hidden = hub.run(queries.requests(noon));
  ASSERT_FALSE(hidden);
  EXPECT_NE(hidden.error().text().find("INVALID_TYPE"), std::string::npos) << hidden.error().text();
  EXPECT_EQ(hub.calls.size(), 5U) << "another field would not help";
}

TEST_F(Queries, ReadOneRequestByEitherFormOfItsId) {
  hub.answer(fixture("requests.json"));
  const auto row = hub.run(queries.request_by_id(request(1)));
  ASSERT_TRUE(row) << row.error().text();
  EXPECT_EQ(row->status, domain::push_status::in_progress);
  EXPECT_TRUE(mentions(0, "WHERE Id IN ('0DV000000000001')"));
}

TEST_F(Queries, SayThatThereIsNoSuchRequest) {
  hub.answer(one_page(""));
  const auto none = hub.run(queries.request_by_id(request(1)));
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(errc::not_found));
  hub.answer(one_page(R"({"Id":"0DV000000000001","Status":7})"));
  const auto garbled = hub.run(queries.request_by_id(request(1)));
  ASSERT_FALSE(garbled);
  EXPECT_TRUE(garbled.error().is(errc::malformed));
  hub.answer(one_page(R"({"Id":"0DV00000000000A","PackageVersionId":"04t000000000001","Status":"Created"})"));
  EXPECT_FALSE(hub.run(queries.request_by_id(*domain::request_id::parse("0DV00000000000a"))))
      << "SOQL compares without case";
}

TEST_F(Queries, CountJobs) {
  hub.answer(fixture("job_counts.json"));
  const auto counts = hub.run(queries.job_counts({request(1), request(2)}));
  ASSERT_TRUE(counts);
  ASSERT_EQ(counts->counts.size(), 2U);
  EXPECT_EQ(counts->counts[0].status, domain::push_status::in_progress);
  EXPECT_EQ(counts->counts[0].jobs, 12U);
  EXPECT_EQ(counts->counts[1].jobs, 3U);
  EXPECT_TRUE(counts->uncounted.empty());
  EXPECT_EQ(
      hub.soql(0),
      "SELECT PackagePushRequestId, Status, COUNT(Id) FROM PackagePushJob WHERE PackagePushRequestId IN "
      "('0DV000000000001', '0DV000000000002') GROUP BY PackagePushRequestId, Status");
}

TEST_F(Queries, DoNotTrustCountsThatAreIncomplete) {
  hub.answer(one_page(R"({"PackagePushRequestId":"0DV000000000001","Status":"Failed"})"));
  const auto counts = hub.run(queries.job_counts({request(1)}));
  ASSERT_FALSE(counts);
  EXPECT_TRUE(counts.error().is(errc::malformed));
}

TEST_F(Queries, ReadEveryJob) {
  hub.answer(fixture("jobs_page_1.json"));
  hub.answer(fixture("jobs_page_2.json"));
  const auto read = hub.run(queries.jobs({request(1)}));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->coverage, coverage::complete);
  ASSERT_EQ(read->jobs.rows.size(), 3U);
  EXPECT_EQ(read->jobs.rows[0].status, domain::push_status::in_progress);
  EXPECT_EQ(read->jobs.rows[0].status_text, "");
  EXPECT_EQ(read->jobs.rows[1].org.key(), "00D000000000002");
  EXPECT_EQ(read->jobs.rows[1].end, *parse_time("2025-09-02T01:02:01Z"));
  EXPECT_EQ(read->jobs.rows[2].status, domain::push_status::unrecognized);
  EXPECT_EQ(read->jobs.rows[2].status_text, "Paused by Magic");
  EXPECT_FALSE(mentions(0, "SystemModstamp >="));
}

TEST_F(Queries, ReadChangedJobsOnlyWhereTheOrgAllowsIt) {
  hub.answer(one_page(""));
  auto read = hub.run(queries.jobs({request(1)}, noon));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->coverage, coverage::changes);
  EXPECT_TRUE(mentions(
      0, "PackagePushRequestId IN ('0DV000000000001') AND SystemModstamp >= 2025-09-02T12:00:00.000Z"));

  refuse("INVALID_FIELD");
  hub.answer(one_page(""));
  hub.answer(one_page(""));
  read = hub.run(queries.jobs({request(1)}, noon));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->coverage, coverage::complete);
  EXPECT_FALSE(mentions(2, "SystemModstamp >="));
  read = hub.run(queries.jobs({request(1)}, noon));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->coverage, coverage::complete);
  EXPECT_EQ(hub.calls.size(), 4U) << "the refusal is remembered";
}

TEST_F(Queries, LeaveOutMalformedRowsAndCountThem) {
  hub.answer(one_page(R"(
      {"Id":"0DX000000000001","PackagePushRequestId":"0DV000000000001","SubscriberOrganizationKey":"00D000000000001",
       "Status":"Failed"}, null, 7, {"Id":"<script>"},
      {"Id":"0DX000000000002","PackagePushRequestId":"0DV000000000001","SubscriberOrganizationKey":"nobody",
       "Status":"Failed"})"));
  const auto read = hub.run(queries.jobs({request(1)}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->jobs.rows.size(), 1U);
  EXPECT_EQ(read->jobs.malformed, 4U);
  EXPECT_EQ(read->jobs.malformed_example, "Id is missing");
}

TEST_F(Queries, AskInChunksThatFitAUrl) {
  constexpr int count = 401;
  std::vector<domain::job_id> ids;
  ids.reserve(500);
  for (int i = 0; i < count; ++i)
    ids.push_back(*domain::job_id::parse(id_of<domain::job_id>("0DX", i).long_text()));
  for (int i = 0; i < 3; ++i)
    hub.answer(one_page(fmt::format(
        R"({{"Id":"0DX{:012}","PackagePushRequestId":"0DV000000000001","SubscriberOrganizationKey":"00D000000000001","Status":"Failed"}})",
        i)));
  const auto read = hub.run(queries.jobs_by_id(ids));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->rows.size(), 3U);
  ASSERT_EQ(hub.calls.size(), 3U);
  for (const http_request& call : hub.calls)
    EXPECT_LT(call.target.size(), 16'000U);
  EXPECT_TRUE(mentions(0, ids[199].text()));
  EXPECT_FALSE(mentions(0, ids[200].text()));
  EXPECT_TRUE(mentions(1, ids[399].text()));
  EXPECT_TRUE(mentions(2, ids[400].text()));
}

TEST_F(Queries, AskNothingForNoIds) {
  EXPECT_TRUE(hub.run(queries.jobs_by_id({})).value().rows.empty());
  EXPECT_TRUE(hub.run(queries.errors_of_jobs({})).value().rows.empty());
  EXPECT_TRUE(hub.run(queries.job_counts({})).value().counts.empty());
  EXPECT_TRUE(hub.run(queries.jobs({})).value().jobs.rows.empty());
  EXPECT_TRUE(hub.calls.empty());
}

TEST_F(Queries, FailAsAWholeWhenOneChunkFails) {
  hub.answer(one_page(""));
  for (int attempt = 0; attempt < 3; ++attempt)
    hub.answer(503, "<html>");
  std::vector<domain::job_id> ids;
  ids.reserve(500);
  for (int i = 0; i < 201; ++i)
    ids.push_back(id_of<domain::job_id>("0DX", i));
  const auto read = hub.run(queries.errors_of_jobs(ids));
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().is(errc::unavailable));
}

TEST_F(Queries, ReadErrors) {
  hub.answer(fixture("errors.json"));
  const auto read =
      hub.run(queries.errors_of_jobs({id_of<domain::job_id>("0DX", 1), id_of<domain::job_id>("0DX", 2)}));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->rows.size(), 3U);
  EXPECT_EQ(read->rows[0].type, domain::error_type::deploy_error);
  EXPECT_EQ(read->rows[0].title, "Deployment Failure");
  EXPECT_EQ(read->rows[0].details, "0,,,20,AuraDefinitionBundle");
  EXPECT_EQ(read->rows[1].severity, domain::error_severity::warning);
  EXPECT_EQ(read->rows[2].type, domain::error_type::unrecognized);
  EXPECT_TRUE(mentions(0, "WHERE PackagePushJobId IN ('0DX000000000001', '0DX000000000002')"));

  hub.answer(fixture("errors.json"));
  EXPECT_TRUE(hub.run(queries.errors_of_requests({request(1)})));
  EXPECT_TRUE(mentions(1, "WHERE PackagePushJob.PackagePushRequestId IN ('0DV000000000001')"));
}

TEST_F(Queries, DropSubscribersWhoseKeysDifferByCaseOnly) {
  hub.answer(fixture("subscribers.json"));
  const auto read = hub.run(queries.subscribers(
      package, {*domain::org_key::parse("00D00000000abcd"), *domain::org_key::parse("00D000000000007EAA")}));
  ASSERT_TRUE(read) << read.error().text();
  ASSERT_EQ(read->rows.size(), 2U);
  EXPECT_EQ(read->rows[0].name, "Acme");
  EXPECT_EQ(read->rows[0].type, domain::org_type::sandbox);
  EXPECT_EQ(read->rows[0].sf_instance, "CS194");
  EXPECT_EQ(read->rows[0].org_status, "Demo");
  EXPECT_TRUE(read->rows[0].version);
  EXPECT_EQ(read->rows[1].name, "");
  EXPECT_EQ(read->rows[1].type, domain::org_type::production);
  EXPECT_FALSE(read->rows[1].version);
  EXPECT_TRUE(mentions(0, "AND MetadataPackageId = '033000000000001'"));
}

TEST_F(Queries, ReadAllSubscribersOfAPackage) {
  hub.answer(fixture("subscribers.json"));
  const auto read = hub.run(queries.subscribers_of_package(package));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rows.size(), 3U);
}

std::string job_json(int n) {
  return fmt::format(R"({{"Id":"0DX{:012}","PackagePushRequestId":"0DV000000000001",)"
                     R"("SubscriberOrganizationKey":"00D{:012}","Status":"Failed"}})",
                     n, n);
}

TEST_F(Queries, AskForHalvesWhereSalesforceNeedsTooLong) {
  refuse("QUERY_TIMEOUT");
  hub.answer(one_page(job_json(1)));
  refuse("QUERY_TIMEOUT");
  hub.answer(one_page(job_json(2)));
  hub.answer(one_page(job_json(3)));
  const auto read = hub.run(queries.jobs({request(1), request(2), request(3), request(4)}));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->jobs.rows.size(), 3U);
  ASSERT_EQ(hub.calls.size(), 5U);
  const auto asked = [&](std::size_t call) {
    const std::string soql = hub.soql(call);
    return soql.substr(soql.find(" IN "));
  };
  EXPECT_EQ(asked(1), " IN ('0DV000000000001', '0DV000000000002')");
  EXPECT_EQ(asked(2), " IN ('0DV000000000003', '0DV000000000004')");
  EXPECT_EQ(asked(3), " IN ('0DV000000000003')");
  EXPECT_EQ(asked(4), " IN ('0DV000000000004')");
}

TEST_F(Queries, AskInPiecesWhereOneRequestIsTooMuch) {
  refuse("QUERY_TIMEOUT");
  refuse("QUERY_TIMEOUT");
  std::string page;
  for (int i = 1; i <= 1000; ++i)
    page += (i == 1 ? "" : ",") + job_json(i);
  hub.answer(one_page(page));
  hub.answer(one_page(job_json(1001)));
  const auto read = hub.run(queries.jobs({request(1)}, noon));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->jobs.rows.size(), 1001U);
  EXPECT_EQ(read->coverage, coverage::changes);
  ASSERT_EQ(hub.calls.size(), 4U);
  constexpr std::string_view where =
      "WHERE (PackagePushRequestId IN ('0DV000000000001') AND SystemModstamp >= 2025-09-02T12:00:00.000Z)";
  EXPECT_TRUE(mentions(1, fmt::format("{} ORDER BY Id LIMIT 2000", where)));
  EXPECT_TRUE(mentions(2, fmt::format("{} ORDER BY Id LIMIT 1000", where)));
  EXPECT_TRUE(mentions(3, fmt::format("{} AND Id > '0DX000000001000' ORDER BY Id LIMIT 1000", where)));
}

TEST_F(Queries, AskForTheIdTooWhereItIsNeededToGoOn) {
  refuse("QUERY_TIMEOUT");
  hub.answer(one_page(""));
  ASSERT_TRUE(hub.run(queries.subscribers_of_package(package)));
  EXPECT_TRUE(mentions(1, "SELECT Id, OrgKey, "));
}

TEST_F(Queries, GiveUpWhereEvenALittleIsTooMuch) {
  for (int i = 0; i < 6; ++i)
    refuse("QUERY_TIMEOUT");
  const auto read = hub.run(queries.jobs({request(1)}));
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().is(errc::timed_out));
  EXPECT_TRUE(mentions(5, "LIMIT 125"));
  EXPECT_EQ(hub.calls.size(), 6U);
}

TEST_F(Queries, SayOfWhichRequestSalesforceCannotCountTheJobs) {
  refuse("QUERY_TIMEOUT");
  refuse("QUERY_TIMEOUT");
  const auto told = R"({"PackagePushRequestId":"0DV000000000001","Status":"Failed","expr0":3})";
  hub.answer(one_page(told));
  refuse("QUERY_TIMEOUT");
  const auto counts = hub.run(queries.job_counts({request(1), request(2)}));
  ASSERT_TRUE(counts) << counts.error().text();
  EXPECT_EQ(counts->counts.size(), 1U);
  EXPECT_EQ(counts->uncounted, std::vector<domain::request_id>{request(2)});
}

TEST_F(Queries, BeginAnewWhereTheCursorIsLost) {
  hub.answer(fixture("jobs_page_1.json"));
  hub.answer(404, R"([{"message":"gone","errorCode":"INVALID_QUERY_LOCATOR"}])");
  hub.answer(fixture("jobs_page_1.json"));
  hub.answer(fixture("jobs_page_2.json"));
  const auto read = hub.run(queries.jobs({request(1)}));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->jobs.rows.size(), 3U) << "nothing twice";
}

TEST_F(Queries, DoNotBeginAnewForEver) {
  for (int i = 0; i < 3; ++i) {
    hub.answer(fixture("jobs_page_1.json"));
    hub.answer(404, R"([{"message":"gone","errorCode":"INVALID_QUERY_LOCATOR"}])");
  }
  EXPECT_FALSE(hub.run(queries.jobs({request(1)})));
  EXPECT_EQ(hub.calls.size(), 6U);
}

TEST_F(Queries, AskForTheOtherFormOfKeysThatAreNotFound) {
  const std::vector<domain::org_key> orgs{*domain::org_key::parse("00D00000000abcd"),
                                          *domain::org_key::parse("00D000000000007EAA")};
  hub.answer(one_page(""));
  hub.answer(fixture("subscribers.json"));
  hub.answer(fixture("subscribers.json"));
  const auto read = hub.run(queries.subscribers(package, orgs));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->rows.size(), 2U);
  EXPECT_TRUE(mentions(0, "'00D00000000abcd', '00D000000000007EAA'"));
  EXPECT_TRUE(mentions(1, fmt::format("'{}', '00D000000000007'", orgs[0].long_text())));
  EXPECT_TRUE(hub.run(queries.subscribers(package, orgs)));
  EXPECT_EQ(hub.calls.size(), 3U) << "what worked is remembered";
}

constexpr std::string_view described = R"({{"name":"X","fields":[
  {{"name":"Status","updateable":{},"picklistValues":[{{"active":true,"value":"In Progress"}},
                                                      {{"active":true,"value":"Sleeping"}}]}}{}]}})";

TEST_F(Queries, AskDescribeWhatSystemModstampIsGoodFor) {
  hub.answer(fmt::format(described, true, R"(,{"name":"SystemModstamp","filterable":false})"));
  hub.answer(fmt::format(described, false, ""));
  const auto probe = hub.run(queries.probe());
  ASSERT_TRUE(probe) << probe.error().text();
  EXPECT_TRUE(probe->can_cancel);
  EXPECT_FALSE(probe->reads_changes);
  EXPECT_EQ(probe->unknown_statuses,
            (std::vector<std::string>{"PackagePushRequest: Sleeping", "PackagePushJob: Sleeping"}));
  hub.answer(one_page(""));
  EXPECT_TRUE(hub.run(queries.requests(noon)));
  EXPECT_TRUE(mentions(2, "SystemModstamp FROM"));
  EXPECT_TRUE(mentions(2, "OR ScheduledStartTime >= "));
  hub.answer(one_page(""));
  EXPECT_TRUE(hub.run(queries.jobs({request(1)}, noon)));
  EXPECT_FALSE(mentions(3, "SystemModstamp"));
}

TEST_F(Queries, ReadVersionsOfEveryPackage) {
  hub.answer(one_page(R"({"Id":"04t000000000001","MetadataPackageId":"033000000000001","Name":"Spring",
      "MajorVersion":4,"MinorVersion":2,"PatchVersion":0,"BuildNumber":7,"ReleaseState":"Released",
      "IsDeprecated":true},
    {"Id":"04t000000000002","MetadataPackageId":"033000000000001","Name":"Draft","ReleaseState":"Beta"},
    {"Id":"04t000000000003"})"));
  const auto read = hub.run(queries.versions());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->malformed, 1U);
  ASSERT_EQ(read->rows.size(), 2U);
  const package_version_row& first = read->rows[0];
  EXPECT_EQ(first.id, *domain::version_id::parse("04t000000000001"));
  EXPECT_EQ(first.package, package);
  EXPECT_EQ(first.name, "Spring");
  EXPECT_EQ(first.number, "4.2.0.7");
  EXPECT_EQ(first.numbers, (std::array<std::uint64_t, 4>{4, 2, 0, 7}));
  EXPECT_TRUE(first.is_released);
  EXPECT_TRUE(first.is_deprecated);
  EXPECT_EQ(read->rows[1].number, "Draft");
  EXPECT_FALSE(read->rows[1].is_released);
  EXPECT_FALSE(read->rows[1].is_deprecated);
}

}  // namespace
}  // namespace pushguard::salesforce::test
