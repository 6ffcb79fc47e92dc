#include "agent/audit_trail.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "tests/unit/agent/store/sample_records.hpp"

namespace pushguard::agent {
namespace {

namespace json = boost::json;
using store::audit_entry;
using store::audit_kind;
using store::test::at_second;
using store::test::sample_decision;

/// What every entry about the sample decision has.
void expect_about_decision(const audit_entry& entry, audit_kind kind, wall_time at) {
  EXPECT_EQ(entry.kind, kind);
  EXPECT_EQ(entry.at, at);
  EXPECT_EQ(entry.hub, "devhub");
  EXPECT_EQ(entry.rollout, "04t000000000001/1");
  EXPECT_EQ(entry.decision, 3);
  EXPECT_EQ(entry.actor, "pushguard");
  EXPECT_EQ(entry.details.find('\n'), std::string::npos);
}

TEST(AuditTrail, TellsADecisionAsItWasMade) {
  store::decision_record decision = sample_decision(3);
  const audit_entry entry = audit_decided(decision);
  expect_about_decision(entry, audit_kind::decided, decision.decided_at);
  EXPECT_EQ(json::parse(entry.details),
            json::parse(R"json({"mode": "enforce", "epoch": 2, "policy": "production",
    "rule": "failure-rate",
    "reason": "failed 17 of 100 started = 17.0%; lower bound 6.6% > limit 5.0% (99% confidence)",
    "failed": 17, "started": 100, "excluded": 2, "in_flight": 5, "still_to_start": 3, "observed_ratio": 0.17,
    "lower_bound_ratio": 0.066, "threshold_ratio": 0.05,
    "error_signatures": [
      {"signature": "DeployError: 'O\"Neil\nä", "orgs": 12, "sample_org_keys": ["00D000000000001", "00D000000000002"]},
      {"signature": "Unknown", "orgs": 5, "sample_org_keys": []}],
    "plan": [{"request_id": "0DV000000000001", "status_at_decision": "in_progress", "action": "attempt"},
             {"request_id": "0DV000000000002", "status_at_decision": "pending", "action": "cancel"}],
    "configuration_hash": "c0ffee", "version": "0.1.0"})json"));
}

TEST(AuditTrail, TellsRatiosThatARuleDoesNotHaveAsNullAndReplacesWhatIsNoText) {
  store::decision_record decision = sample_decision(3);
  decision.lower_bound_ratio.reset();
  decision.reason = "a\xFF";
  const json::value details = json::parse(audit_decided(decision).details);
  EXPECT_TRUE(details.at("lower_bound_ratio").is_null());
  EXPECT_EQ(details.at("reason"), "a\xEF\xBF\xBD");
}

TEST(AuditTrail, TellsWhichRequestsJoined) {
  const store::decision_record decision = sample_decision(3);
  const audit_entry entry = audit_extended(decision, std::span(decision.plan).subspan(1), at_second(9));
  expect_about_decision(entry, audit_kind::extended, at_second(9));
  EXPECT_EQ(
      json::parse(entry.details),
      json::parse(
          R"({"plan": [{"request_id": "0DV000000000002", "status_at_decision": "pending", "action": "cancel"}]})"));
}

TEST(AuditTrail, TellsEachCallWithItsAnswerOrWhyNoneCame) {
  struct row {
    salesforce::api_result<salesforce::cancel_answer> answer;
    const char* details;
  };
  const std::vector<row> table{
      {salesforce::cancel_answer{204, "", ""},
       R"({"request_id": "0DV000000000001", "call": "PATCH", "http_status": 204, "accepted": true,
           "salesforce_code": "", "salesforce_message": ""})"},
      {salesforce::cancel_answer{400, "INVALID_STATUS", "Can't abort"},
       R"({"request_id": "0DV000000000001", "call": "PATCH", "http_status": 400, "accepted": false,
           "salesforce_code": "INVALID_STATUS", "salesforce_message": "Can't abort"})"},
      {std::unexpected(
           salesforce::api_failure{.cause = failure{errc::unavailable, "cancelling: refused for now"},
                                   .kind = salesforce::api_error_kind::unavailable,
                                   .http_status = 503,
                                   .error_code = "SERVER_UNAVAILABLE",
                                   .message = "later"}),
       R"({"request_id": "0DV000000000001", "call": "PATCH", "http_status": 503, "accepted": false,
           "salesforce_code": "SERVER_UNAVAILABLE", "salesforce_message": "later"})"},
      {std::unexpected(salesforce::transport_failure("cancelling", failure{errc::timed_out, "no answer"})),
       R"({"request_id": "0DV000000000001", "call": "PATCH", "http_status": null, "accepted": false,
           "salesforce_code": "", "salesforce_message": ""})"},
  };
  const store::decision_record decision = sample_decision(3);
  for (const row& one : table) {
    const audit_entry entry = audit_called(decision, decision.plan.front().request, one.answer, at_second(4));
    expect_about_decision(entry, audit_kind::called, at_second(4));
    json::object told = json::parse(entry.details).as_object();
    const bool has_failed = told.erase("failure") > 0;
    EXPECT_EQ(told, json::parse(one.details).as_object()) << entry.details;
    EXPECT_EQ(has_failed, !one.answer.has_value()) << entry.details;
  }
}

TEST(AuditTrail, TellsWhatBecameOfARequest) {
  const store::decision_record decision = sample_decision(3);
  const audit_entry entry = audit_settled(decision, decision.plan.front());
  expect_about_decision(entry, audit_kind::settled, decision.plan.front().updated_at);
  EXPECT_EQ(json::parse(entry.details), json::parse(R"({"request_id": "0DV000000000001", "outcome": "refused",
              "salesforce_code": "INVALID_STATUS", "salesforce_message": "Can't abort; it's running"})"));
}

TEST(AuditTrail, TellsHowADecisionEnded) {
  store::decision_record decision = sample_decision(3);
  decision.outcome = store::containment_outcome::partial;
  decision.ended_at = at_second(77);
  decision.spared_orgs = 40;
  const audit_entry entry = audit_ended(decision);
  expect_about_decision(entry, audit_kind::ended, at_second(77));
  EXPECT_EQ(json::parse(entry.details), json::parse(R"({"outcome": "partial", "spared_orgs": 40})"));
}

TEST(AuditTrail, TellsADecisionThatCouldNotBeRecorded) {
  using configuration::store_failure_handling;
  const store::decision_record decision = sample_decision(3);
  const failure why{errc::storage, "the disk is full"};
  const audit_entry refused = audit_not_recorded(decision, why, store_failure_handling::refuse, at_second(5));
  EXPECT_EQ(refused.decision, std::nullopt) << "no decision of that number will be stored";
  EXPECT_EQ(refused.rollout, "04t000000000001/1");
  const json::value details = json::parse(refused.details);
  EXPECT_EQ(details.at("acted"), false);
  EXPECT_EQ(details.at("failure").as_string(), why.text());
  EXPECT_EQ(details.at("failed"), 17);
  const audit_entry acted = audit_not_recorded(decision, why, store_failure_handling::act, at_second(5));
  expect_about_decision(acted, audit_kind::not_recorded, at_second(5));
  EXPECT_EQ(json::parse(acted.details).at("acted"), true);
}

TEST(AuditTrail, TellsTheStartAndTheConfiguration) {
  const audit_entry started =
      audit_agent_started("1.2.3", "abc", {.problem = "entry 2 is missing"}, at_second(1));
  EXPECT_EQ(started.kind, audit_kind::agent_started);
  EXPECT_EQ(started.actor, "pushguard");
  EXPECT_EQ(started.decision, std::nullopt);
  EXPECT_EQ(json::parse(started.details),
            json::parse(R"({"version": "1.2.3", "commit": "abc", "trail_problem": "entry 2 is missing"})"));

  configuration::configuration loaded;
  loaded.hash = "c0ffee";
  loaded.policies.resize(1);
  loaded.policies[0].name = "production";
  loaded.policies[0].mode = policy::policy_mode::enforce;
  const audit_entry configured = audit_configuration_loaded(loaded, "alice", at_second(2));
  EXPECT_EQ(configured.kind, audit_kind::configuration_loaded);
  EXPECT_EQ(configured.actor, "alice");
  EXPECT_EQ(
      json::parse(configured.details),
      json::parse(
          R"({"configuration_hash": "c0ffee", "policies": [{"policy": "production", "mode": "enforce"}]})"));
}

}  // namespace
}  // namespace pushguard::agent
