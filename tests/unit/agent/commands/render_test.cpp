#include "agent/commands/render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace pushguard::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

boost::json::object org(std::string_view name) {
  return {{"org_key", "00D000000000001AAA"},
          {"org_name", name},
          {"status", "failed"},
          {"error_type", "DeployError"}};
}

TEST(RenderOrgs, GivesIdsOfFifteenCharacters) {
  EXPECT_EQ(render_org_id(org("Acme")), "00D000000000001");
}

TEST(RenderOrgs, QuotesCsvCellsAndDefusesFormulas) {
  EXPECT_THAT(render_org_csv(org("a,b")), HasSubstr("\"a,b\""));
  EXPECT_THAT(render_org_csv(org("say \"hi\"")), HasSubstr("\"say \"\"hi\"\"\""));
  EXPECT_THAT(render_org_csv(org("=HYPERLINK(1)")), HasSubstr(",'=HYPERLINK(1),"));
  EXPECT_THAT(render_org_csv(org("two\nlines")), HasSubstr("two lines"));
}

TEST(RenderOrgs, KeepsControlCharactersOutOfTheTerminal) {
  EXPECT_THAT(render_org_row(org("\x1b[31mred\x07")), AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07"))));
}

TEST(RenderRollouts, SaysWhenThereAreNone) {
  EXPECT_EQ(render_rollouts(boost::json::parse(R"({"rollouts": []})"), show_decisions::yes),
            "no rollouts are known\n");
}

TEST(RenderRollouts, SurvivesAnAnswerOfAnotherShape) {
  for (const char* answer :
       {"[]", "null", "{}", R"({"rollouts": [1, {"waves": 3, "rules": [[]], "decisions": [null]}]})"}) {
    EXPECT_FALSE(render_rollouts(boost::json::parse(answer), show_decisions::yes).empty()) << answer;
  }
}

TEST(RenderRollouts, TellsWavesRulesAndDecisions) {
  const auto answer = boost::json::parse(R"({"rollouts": [{"hub": "devhub", "id": "04t000000000001/1",
    "package_name": "Acme", "package_version": "4.2.0", "aborted_at": "2026-01-01T00:00:00.000Z", "spared_orgs": 540,
    "jobs": {"succeeded": 40, "failed": 16, "canceled": 540},
    "waves": [{"id": "0DV000000000001", "status": "failed", "jobs": {"succeeded": 40, "failed": 16}}],
    "rules": [{"policy": "production", "rule": "rate", "segment": "", "verdict": "breached", "reason": "too many"}],
    "decisions": [{"decided_at": "2026-01-01T00:00:00.000Z", "policy": "production", "rule": "rate", "mode": "enforce",
      "actor": "pushguard", "outcome": "confirmed", "reason": "too many", "in_flight": 24, "spared_orgs": 540,
      "plan": [{"request_id": "0DV000000000002", "status_at_decision": "pending", "step": "cancel", "outcome": "canceled",
                "salesforce_message": ""}],
      "calls": [{"at": "2026-01-01T00:00:01.000Z", "request_id": "0DV000000000002", "call": "PATCH", "http_status": 400,
                 "salesforce_code": "INVALID_STATUS", "salesforce_message": "Too late"},
                {"at": "2026-01-01T00:00:02.000Z", "request_id": "0DV000000000003", "call": "PATCH", "http_status": null,
                 "failure": "no answer within 30s"},
                {"at": "2026-01-01T00:00:03.000Z", "request_id": "0DV000000000003", "call": "PATCH",
                 "http_status": 204, "salesforce_code": "", "salesforce_message": ""}, 5]}]}]})");
  const std::string all = render_rollouts(answer, show_decisions::yes);
  EXPECT_THAT(
      all,
      AllOf(HasSubstr("40 succeeded, 16 failed, 540 canceled; spared: 540"), HasSubstr("breached  too many"),
            HasSubstr("0DV000000000002  pending -> canceled"), HasSubstr("confirmed (enforce, by pushguard)"),
            HasSubstr("00:00:01.000Z  0DV000000000002  PATCH answered 400  (INVALID_STATUS: Too late)\n"),
            HasSubstr("00:00:02.000Z  0DV000000000003  PATCH failed: no answer within 30s\n"),
            HasSubstr("00:00:03.000Z  0DV000000000003  PATCH answered 204\n")));
  EXPECT_THAT(render_rollouts(answer, show_decisions::no), Not(HasSubstr("pending -> canceled")));
}

}  // namespace
}  // namespace pushguard::agent
