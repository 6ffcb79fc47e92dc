#include "agent/commands/render.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace pushguard::agent {
namespace {

using testing::AllOf;
using testing::EndsWith;
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

TEST(RenderOrgs, TellsWhoseOrgItIsAtTheEndOfTheCsv) {
  boost::json::object whose = org("Acme");
  whose.emplace("customer", "Acme, Ltd");
  whose.emplace("tier", "=gold");
  whose.emplace("contact", nullptr);
  EXPECT_THAT(orgs_csv_header(), EndsWith(",start,end,customer,tier\r\n"));
  EXPECT_THAT(render_org_csv(whose), EndsWith(",,,\"Acme, Ltd\",'=gold\r\n"));
  EXPECT_THAT(render_org_csv(org("Acme")), EndsWith(",,,,\r\n"));
}

TEST(RenderOrgs, KeepsControlCharactersOutOfTheTerminal) {
  EXPECT_THAT(render_org_row(org("\x1b[31mred\x07")), AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07"))));
}

TEST(Printable, KeepsLettersAndNothingThatSteersATerminal) {
  EXPECT_EQ(printable("plain, \u00FC, \u65E5, \U0001F680, \u00A0"),
            "plain, \u00FC, \u65E5, \U0001F680, \u00A0");
  EXPECT_EQ(printable("a\x1b[2Jb\tc\nd\x7f"), "a [2Jb c d ");
  EXPECT_EQ(printable("a\u009B2Jb\u0085c"), "a 2Jb c") << "U+009B begins a sequence as ESC [ does";
  EXPECT_EQ(printable("a\u202Eb\u2066c\u2069d\u2028e\u200Ff"), "a b c d e f");
  EXPECT_EQ(printable("a\x9b"), "a\uFFFD");
}

TEST(RenderAction, TellsWhatCanBeStoppedAndWhatCannot) {
  const auto answer = boost::json::parse(R"({"message": "aborting", "plan": [
    {"request_id": "0DV000000000001", "status": "pending", "step": "cancel", "setup_page": "https://x/never"},
    {"request_id": "0DV000000000002", "status": "in_progress", "step": "attempt", "setup_page": "https://x/setup"},
    {"request_id": "0DV000000000003", "status": "in_progress", "step": "attempt", "setup_page": null}],
    "orgs": {"spared": 540, "in_flight": 24, "still_to_start": 36}})");
  EXPECT_EQ(render_action(answer),
            "aborting\n"
            "  0DV000000000001  pending      is cancelled\n"
            "  0DV000000000002  in_progress  is running: the API cannot stop it, as far as is known\n"
            "      press Abort in Setup: https://x/setup\n"
            "  0DV000000000003  in_progress  is running: the API cannot stop it, as far as is known\n"
            "      no Abort button in Setup is known for it: open a case with Salesforce\n"
            "  540 orgs are spared if all goes well, 24 are being upgraded, 36 more cannot be stopped\n");
  EXPECT_EQ(render_action(boost::json::parse(R"({"message": "held\u001b[2J"})")), "held [2J\n");
  for (const char* other : {"[]", "null", "{}", R"({"plan": [1, {}], "orgs": 3})"})
    EXPECT_NO_THROW((void)render_action(boost::json::parse(other))) << other;
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

TEST(RenderRollouts, TellsWhatADryRunHasLetHappen) {
  const auto render = [](const char* since) {
    return render_rollouts(boost::json::parse(fmt::format(
                               R"({{"rollouts": [{{"decisions": [{{"mode": "dry_run", {}}}]}}]}})", since)),
                           show_decisions::yes);
  };
  const std::string counts =
      R"("since": {"would_have_spared": 540, "started": 120, "succeeded": 80, "failed": 15, "final": )";
  EXPECT_THAT(
      render((counts + "true}").c_str()),
      HasSubstr("would have been spared: 540 orgs, of which 120 started, 80 succeeded, 15 failed since\n"));
  EXPECT_THAT(render((counts + "false}").c_str()), HasSubstr("15 failed since, so far\n"));
  EXPECT_THAT(render(R"("since": null)"), Not(HasSubstr("would have been")));
}

TEST(RenderRollouts, TellsWavesRulesAndDecisions) {
  const auto answer = boost::json::parse(R"({"rollouts": [{"hub": "devhub", "id": "04t000000000001/1",
    "package_name": "Acme", "package_version": "4.2.0", "aborted_at": "2026-01-01T00:00:00.000Z", "spared_orgs": 540,
    "jobs": {"succeeded": 40, "failed": 16, "canceled": 540},
    "waves": [{"id": "0DV000000000001", "status": "failed", "jobs": {"succeeded": 40, "failed": 16}}],
    "epoch": 2, "resumed_at": "2026-01-02T00:00:00.000Z",
    "rules": [{"policy": "production", "rule": "rate", "segment": "", "verdict": "breached", "reason": "too many",
               "follows": "held", "armed": true},
              {"policy": "production", "rule": "pod", "segment": "", "verdict": "ok", "reason": "fine", "armed": false}],
    "holds": [{"hub": "", "rollout": "", "policy": "production", "rule": "rate", "actor": "alice", "reason": "known",
               "until": "2026-01-03T00:00:00.000Z"}],
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
      AllOf(HasSubstr("40 succeeded, 16 failed, 540 canceled; spared: 540"),
            HasSubstr("breached (held)  too many"), HasSubstr("ok (not armed)  fine"),
            HasSubstr("hold of production/rate until 2026-01-03T00:00:00.000Z by alice: known"),
            HasSubstr("epoch 2 since 2026-01-02T00:00:00.000Z"),
            HasSubstr("0DV000000000002  pending -> canceled"), HasSubstr("confirmed (enforce, by pushguard)"),
            HasSubstr("00:00:01.000Z  0DV000000000002  PATCH answered 400  (INVALID_STATUS: Too late)\n"),
            HasSubstr("00:00:02.000Z  0DV000000000003  PATCH failed: no answer within 30s\n"),
            HasSubstr("00:00:03.000Z  0DV000000000003  PATCH answered 204\n")));
  EXPECT_THAT(render_rollouts(answer, show_decisions::no), Not(HasSubstr("pending -> canceled")));
}

}  // namespace
}  // namespace pushguard::agent
