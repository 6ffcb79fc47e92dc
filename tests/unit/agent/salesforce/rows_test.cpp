#include "agent/salesforce/rows.hpp"

#include <gtest/gtest.h>

#include "agent/salesforce/json.hpp"

namespace pushguard::salesforce {
namespace {

boost::json::value json(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : boost::json::value();
}

constexpr std::string_view hostile_records[] = {
    "null", "7", "[]", "\"text\"", "{}", R"({"Id":7})", R"({"Id":""})", R"({"Id":"0DX00000000000!"})"};

TEST(Rows, RefuseRecordsThatAreNone) {
  for (const auto text : hostile_records) {
    const auto record = json(text);
    EXPECT_FALSE(decode_package(record)) << text;
    EXPECT_FALSE(decode_request(record)) << text;
    EXPECT_FALSE(decode_job(record)) << text;
    EXPECT_FALSE(decode_error(record)) << text;
    EXPECT_FALSE(decode_subscriber(record)) << text;
    EXPECT_FALSE(decode_job_count(record)) << text;
    EXPECT_FALSE(decode_package_version(record)) << text;
  }
}

TEST(JobRow, NeedsItsIdsAndStatus) {
  const auto refusal = [](std::string_view text) {
    const auto row = decode_job(json(text));
    return row ? "accepted" : row.error().text();
  };
  EXPECT_EQ(refusal(R"({"PackagePushRequestId":"0DV000000000001"})"), "Id is missing");
  EXPECT_EQ(refusal(R"({"Id":"0DX000000000001"})"), "PackagePushRequestId is missing");
  EXPECT_EQ(refusal(R"({"Id":"0DX000000000001","PackagePushRequestId":"0DV000000000001"})"),
            "SubscriberOrganizationKey is missing");
  EXPECT_EQ(refusal(R"({"Id":"0DX000000000001","PackagePushRequestId":"0DV000000000001",
                        "SubscriberOrganizationKey":"00D000000000001","Status":3})"),
            "Status is missing");
  EXPECT_EQ(refusal(R"({"Id":"0DX000000000001","PackagePushRequestId":"0DV000000000001",
                        "SubscriberOrganizationKey":"00D000000000001","Status":"Failed"})"),
            "accepted");
}

TEST(JobRow, LeavesOutTimesThatCannotBeRead) {
  const auto row = decode_job(json(R"({"Id":"0DX000000000001","PackagePushRequestId":"0DV000000000001",
      "SubscriberOrganizationKey":"00D000000000001","Status":"Failed","StartTime":"yesterday","EndTime":7})"));
  ASSERT_TRUE(row);
  EXPECT_FALSE(row->start);
  EXPECT_FALSE(row->end);
}

TEST(RequestRow, SurvivesRelationshipsOfAnyShape) {
  for (const char* version : {"null", "7", "[]", R"({"MetadataPackageId":7,"MetadataPackage":[]})",
                              R"({"MetadataPackageId":"bad","MajorVersion":-1,"MinorVersion":"x"})"}) {
    const auto row = decode_request(json(fmt::format(
        R"({{"Id":"0DV000000000001","PackageVersionId":"04t000000000001","Status":"Created","PackageVersion":{}}})",
        version)));
    ASSERT_TRUE(row) << version;
    EXPECT_TRUE(row->package.empty());
    EXPECT_EQ(row->version_number, "");
    EXPECT_EQ(row->generation, domain::package_generation::unknown);
  }
}

TEST(RequestRow, WritesTheVersionAsFarAsItIsKnown) {
  const auto number = [](std::string_view version) {
    const auto row = decode_request(json(fmt::format(
        R"({{"Id":"0DV000000000001","PackageVersionId":"04t000000000001","Status":"Created","PackageVersion":{}}})",
        version)));
    return row ? row->version_number : row.error().text();
  };
  EXPECT_EQ(number(R"({"MajorVersion":4,"MinorVersion":2,"PatchVersion":1,"BuildNumber":7})"), "4.2.1.7");
  EXPECT_EQ(number(R"({"MajorVersion":4,"MinorVersion":2,"PatchVersion":null,"BuildNumber":7})"), "4.2.0.7");
  EXPECT_EQ(number(R"({"MajorVersion":4,"MinorVersion":2,"PatchVersion":1})"), "4.2.1");
  EXPECT_EQ(number(R"({"MajorVersion":4,"MinorVersion":2})"), "4.2");
  EXPECT_EQ(number(R"({"MajorVersion":4,"Name":"Spring"})"), "Spring");
}

TEST(ErrorRow, IsCutAndMended) {
  const auto row = decode_error(json(fmt::format(
      R"({{"PackagePushJobId":"0DX000000000001","ErrorTitle":"bad {} byte","ErrorMessage":"{}{}"}})", "\xFF",
      std::string(4095, 'm'), "\xC3\xA4")));
  ASSERT_TRUE(row) << row.error().text();
  EXPECT_EQ(row->title, "bad \xEF\xBF\xBD byte");
  EXPECT_EQ(row->message, std::string(4095, 'm')) << "no half character";
  EXPECT_EQ(row->severity, domain::error_severity::error);
  EXPECT_EQ(row->type, domain::error_type::unrecognized);
}

TEST(JobCount, NeedsACount) {
  for (const char* count : {"null", "\"12\"", "-1", "1.5", "{}"})
    EXPECT_FALSE(decode_job_count(json(
        fmt::format(R"({{"PackagePushRequestId":"0DV000000000001","Status":"Failed","expr0":{}}})", count))))
        << count;
}

}  // namespace
}  // namespace pushguard::salesforce
