#include "agent/alert_texts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace pushguard::agent {
namespace {

using alerts::alert_severity;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

domain::request_id request(char last) {
  return domain::request_id::parse(std::string("0DV00000000000") + last).value();
}

alert_context context() {
  alert_context made;
  made.hub = "devhub";
  made.rollout = "04t000000000001/1";
  made.package_name = "Acme & Co";
  made.version_number = "4.2.0";
  made.package = domain::package_id::parse("033000000000001").value();
  made.generation = domain::package_generation::first;
  made.instance_url = "https://example.my.salesforce.com";
  made.site = {.agent_url = "http://agent.example.com",
               .runbook_url = "https://wiki.example.com/push/{{ rule }}",
               .dashboard_url = "https://graphs.example.com/{{ hub }}?rollout={{ rollout }}"};
  return made;
}

decision_view decision() {
  decision_view made;
  made.hub = "devhub";
  made.rollout = "04t000000000001/1";
  made.mode = "enforce";
  made.policy = "production";
  made.rule = "failure-rate";
  made.reason = "failed 17 of 100 started = 17.0%; lower bound 6.6% > limit 5.0% (99% confidence)";
  made.in_flight = 12;
  made.plan = {{request('1'), "in_progress", "attempt", "", "", ""},
               {request('2'), "pending", "cancel", "", "", ""}};
  made.signatures = {{"DeployError: Deployment Failure", 17, {"00D000000000001"}}};
  return made;
}

TEST(ContainmentAlert, CarriesTheReasonUnchanged) {
  const auto alert = make_containment_alert(context(), decision(), alert_severity::critical);
  EXPECT_EQ(alert.name, "PushguardContainment");
  EXPECT_THAT(alert.summary,
              AllOf(HasSubstr("aborting: cancelling 1 push request."), HasSubstr(decision().reason)));
  EXPECT_EQ(alert.annotations.at("reason"), decision().reason);
  EXPECT_THAT(alert.description,
              AllOf(HasSubstr("12 orgs were in flight"), HasSubstr("17 orgs: DeployError")));
}

TEST(ContainmentAlert, SaysHowManyMoreCanFail) {
  auto made = decision();
  made.still_to_start = 30;
  const auto alert = make_containment_alert(context(), made, alert_severity::critical);
  EXPECT_THAT(alert.description,
              HasSubstr("12 orgs were in flight at the decision and 30 are still to start in requests that "
                        "run: at most 42 more can fail."));
  EXPECT_EQ(alert.annotations.at("still_to_start_orgs"), "30");
}

TEST(ContainmentAlert, SaysWhatSalesforceSaidAndTheWayOutWhereARequestStartedFirst) {
  decision_view ended = decision();
  ended.outcome = "refused";
  ended.plan[1].outcome = "refused";
  ended.plan[1].salesforce_code = "INVALID_STATUS";
  ended.plan[1].salesforce_message = "it has started";
  const auto alert = make_containment_alert(context(), ended, alert_severity::critical);
  EXPECT_THAT(alert.description,
              HasSubstr(std::string(ended.plan[1].request.text()) +
                        " was to be cancelled and started first; the API cannot stop it (Salesforce said: "
                        "INVALID_STATUS: it has started). Press Abort in Setup: "));
  EXPECT_TRUE(std::ranges::any_of(alert.links, [&](const auto& link) {
    return link.name == "setup_page_" + std::string(ended.plan[1].request.text());
  }));
}

TEST(ContainmentAlert, SaysWhatWasStoppedAndWhatAHumanMustStillDo) {
  decision_view ended = decision();
  ended.outcome = "confirmed";
  ended.spared_orgs = 540;
  ended.plan[0].outcome = "refused";
  ended.plan[0].salesforce_code = "INVALID_STATUS";
  ended.plan[0].salesforce_message = "it is running";
  ended.plan[1].outcome = "canceled";
  const auto alert = make_containment_alert(context(), ended, alert_severity::critical);
  EXPECT_THAT(alert.summary, HasSubstr("abort confirmed: 1 of 1 push request cancelled, 540 orgs spared"));
  EXPECT_THAT(
      alert.description,
      AllOf(HasSubstr("INVALID_STATUS: it is running"), HasSubstr("Press Abort in Setup"),
            HasSubstr("pushUpgradeJobDetails.apexp?apId=033000000000001&packageName=Acme%20%26%20Co")));
}

TEST(ContainmentAlert, SaysThatNoAbortButtonExistsForOtherGenerations) {
  for (const auto generation : {domain::package_generation::second, domain::package_generation::unknown}) {
    alert_context other = context();
    other.generation = generation;
    const auto alert = make_containment_alert(other, decision(), alert_severity::critical);
    EXPECT_THAT(alert.description, AllOf(HasSubstr("open a case"), Not(HasSubstr("Press Abort"))));
    EXPECT_THAT(setup_page_url(other, request('1')), IsEmpty());
  }
}

TEST(ContainmentAlert, KeepsItsIdFromTheDecisionToItsEnd) {
  decision_view ended = decision();
  ended.outcome = "partial";
  EXPECT_EQ(make_containment_alert(context(), decision(), alert_severity::critical).id,
            make_containment_alert(context(), ended, alert_severity::critical).id);
}

TEST(ContainmentAlert, InDryRunIsAWarningThatSaysSoFirst) {
  decision_view dry = decision();
  dry.mode = "dry_run";
  dry.outcome = "confirmed";
  const auto alert = make_containment_alert(context(), dry, alert_severity::critical);
  EXPECT_EQ(alert.severity, alert_severity::warning);
  EXPECT_THAT(alert.summary, StartsWith("[dry run] would have aborted"));
  EXPECT_NE(alert.id, make_containment_alert(context(), decision(), alert_severity::critical).id);
}

TEST(RuleAlerts, NameTheRuleAndLinkItsRunbook) {
  rule_view rule;
  rule.key = {"devhub", "04t000000000001/1", "", "production", "failure rate", "USA442"};
  rule.reason = "failed 4 of 20";
  const auto warning = make_warning_alert(context(), rule);
  EXPECT_EQ(warning.severity, alert_severity::warning);
  EXPECT_THAT(warning.summary, HasSubstr("production/failure rate [USA442] is near its limit"));
  EXPECT_THAT(warning.links,
              ElementsAre(alerts::alert_link{"runbook", "https://wiki.example.com/push/failure%20rate"},
                          alerts::alert_link{"dashboard",
                                             "https://graphs.example.com/devhub?rollout=04t000000000001%2F1"},
                          alerts::alert_link{"live_page", "http://agent.example.com/"}));
  EXPECT_EQ(warning.generator_url, "http://agent.example.com");
  const auto breach = make_breach_alert(context(), rule, alert_severity::error);
  EXPECT_EQ(breach.severity, alert_severity::error);
  EXPECT_NE(breach.id, warning.id) << "a warning ends when the breach begins";
  EXPECT_NE(make_unarmed_breach_alert(context(), rule, alert_severity::error).id, breach.id);
}

TEST(HubAlerts, SayWhatIsWrongAndWhatFollows) {
  const auto login =
      make_login_alert("devhub", "logging in: Salesforce answered 400 inactive_user", context().site);
  EXPECT_EQ(login.severity, alert_severity::critical);
  EXPECT_THAT(login.summary, HasSubstr("login to hub devhub"));
  EXPECT_THAT(login.description, HasSubstr("inactive_user. The login is tried again"));
  const auto blind = make_blind_alert("devhub", "no route", context().site);
  const auto budget = make_budget_alert("devhub",
                                        {.spent = 2400,
                                         .allowed = 3000,
                                         .org_used = 9000,
                                         .org_limit = 15'000,
                                         .interval = std::chrono::milliseconds(287'100),
                                         .wanted = std::chrono::seconds(15)},
                                        context().site);
  EXPECT_EQ(budget.severity, alert_severity::warning);
  EXPECT_EQ(budget.summary,
            "Pushguard reads hub devhub every 4m48s instead of every 15s, to spare API calls");
  EXPECT_EQ(
      budget.description,
      "In the last 24 hours Pushguard made 2400 of the 3000 calls of its budget, and all users of the org "
      "9000 of 15000.");
  EXPECT_EQ(std::set({login.id, blind.id, budget.id}).size(), 3U);
}

TEST(HubAlerts, LeadToTheirOwnRunbookAndTheLivePage) {
  const alert_site site = context().site;
  for (const alerts::alert& each :
       {make_login_alert("devhub", "x", site), make_blind_alert("devhub", "x", site),
        make_budget_alert("devhub", {}, site), make_audit_alert("x", site)}) {
    EXPECT_EQ(each.generator_url, "http://agent.example.com");
    EXPECT_THAT(each.links,
                ElementsAre(alerts::alert_link{"runbook", "https://wiki.example.com/push/" + each.name},
                            alerts::alert_link{"live_page", "http://agent.example.com/"}));
  }
}

TEST(ContainmentAlert, NamesWhoseOrgsFailedWhereThatIsKnown) {
  auto orgs = configuration::org_directory::parse(
      "org_key,customer,tier,contact\n"
      "00D000000000001,Acme Ltd,gold,ann\n"
      "00D000000000002,Beta,,\n"
      "00D000000000003,,silver,\n"
      "00D000000000004,,,dan\n"
      "00D000000000005,\"E\nvil\",gold,\n",
      "orgs.csv");
  ASSERT_TRUE(orgs);
  alert_context knowing = context();
  knowing.orgs = std::make_shared<const configuration::org_directory>(std::move(*orgs));
  decision_view made = decision();
  made.signatures = {
      {"DeployError: Deployment Failure", 17, {"00D000000000001EAA", "00D000000000002", "00D000000000003"}},
      {"PACError", 3, {"00D000000000004", "00D000000000005", "00D000000000006"}}};
  EXPECT_THAT(
      make_containment_alert(knowing, made, alert_severity::critical).description,
      EndsWith(
          "\nMost frequent errors:"
          "\n- 17 orgs: DeployError: Deployment Failure (for example 00D000000000001EAA (Acme Ltd, gold), "
          "00D000000000002 (Beta), 00D000000000003 (silver))"
          "\n- 3 orgs: PACError (for example 00D000000000004, 00D000000000005 (E vil, gold), "
          "00D000000000006)"));
  EXPECT_THAT(make_containment_alert(context(), made, alert_severity::critical).description,
              HasSubstr("(for example 00D000000000001EAA, 00D000000000002, 00D000000000003)"));
}

}  // namespace
}  // namespace pushguard::agent
