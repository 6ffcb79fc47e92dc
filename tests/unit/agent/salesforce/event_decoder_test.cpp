#include "agent/salesforce/event_decoder.hpp"

#include <gtest/gtest.h>

namespace pushguard::salesforce {
namespace {

event_decoder make_decoder() {
  return event_decoder({.request_id = "payload.Request_Id__c",
                        .job_id = "payload.Job_Id__c",
                        .org_key = "payload.Org_Key__c",
                        .status = "payload.Status__c",
                        .error_type = "payload.Error_Type__c"});
}

TEST(EventDecoder, ReadsEveryMappedField) {
  const auto event = make_decoder().decode(R"({
    "schema": "x", "event": {"replayId": 18446744073709551616},
    "payload": {"Request_Id__c": "0DV000000000001", "Job_Id__c": "0DX000000000001", "Org_Key__c": "00D000000000002EAA",
                "Status__c": "In Progress", "Error_Type__c": "DeployError"}})");
  ASSERT_TRUE(event) << event.error().text();
  EXPECT_EQ(event->request->text(), "0DV000000000001");
  EXPECT_EQ(event->job->text(), "0DX000000000001");
  EXPECT_EQ(event->org->key(), "00D000000000002");
  EXPECT_EQ(event->status, domain::push_status::in_progress);
  EXPECT_EQ(event->error, domain::error_type::deploy_error);
}

TEST(EventDecoder, LeavesOutWhatIsMissingNullOrEmpty) {
  for (const char* data :
       {R"({"payload":{}})", R"({"payload":null})", R"({})", R"([])", R"("plain text")", "7",
        R"({"payload":{"Job_Id__c":null,"Status__c":""}})", R"({"payload":"text"})"}) {
    const auto event = make_decoder().decode(data);
    ASSERT_TRUE(event) << data << ": " << event.error().text();
    EXPECT_FALSE(event->request || event->job || event->org || event->status || event->error) << data;
  }
}

TEST(EventDecoder, UsesNothingThatIsNotMapped) {
  const event_decoder decoder(
      {.request_id = {}, .job_id = "sobject.Id", .org_key = {}, .status = {}, .error_type = {}});
  const auto event =
      decoder.decode(R"({"sobject":{"Id":"0DX000000000001","Status":"Failed"},"status":"Failed"})");
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->job);
  EXPECT_FALSE(event->status);
}

TEST(EventDecoder, TakesAnUnknownStatusForAHint) {
  const auto event =
      make_decoder().decode(R"({"payload":{"Job_Id__c":"0DX000000000001","Status__c":"Paused by Magic"}})");
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->job);
  EXPECT_FALSE(event->status);
}

TEST(EventDecoder, KeepsAnUnknownErrorTypeApart) {
  const auto event = make_decoder().decode(R"({"payload":{"Error_Type__c":"BrandNewError"}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->error, domain::error_type::unrecognized);
}

TEST(EventDecoder, RefusesWhatIsNotWhatItsFieldPromises) {
  for (const char* data :
       {"", "{", "not json", R"({"payload":{"Job_Id__c":7}})",
        R"({"payload":{"Job_Id__c":["0DX000000000001"]}})", R"({"payload":{"Job_Id__c":"0DX"}})",
        R"({"payload":{"Job_Id__c":"0DV000000000001"}})",
        R"({"payload":{"Org_Key__c":"00D000000000002ZZZ"}})", R"({"payload":{"Status__c":true}})",
        R"({"payload":{"Error_Type__c":{}}})", R"({"payload":{"Request_Id__c":"0DV00000000000'"}})"}) {
    const auto event = make_decoder().decode(data);
    ASSERT_FALSE(event) << data;
    EXPECT_TRUE(event.error().is(errc::malformed)) << data;
  }
}

}  // namespace
}  // namespace pushguard::salesforce
