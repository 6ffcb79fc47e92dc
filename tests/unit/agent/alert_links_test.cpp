#include "agent/alert_links.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const alert_site site{
    .agent_url = "https://push.example.com/guard",
    .runbook_url = "https://wiki.example.com/{{ rule }}",
    .dashboard_url = "https://graphs.example.com/d?h={{ hub }}&r={{ rollout }}&p={{ policy }}&n={{rule}}"};
const alert_subject about_a_rule{
    .hub = "devhub", .rollout = "04t000000000001/1", .policy = "production", .rule = "failure-rate"};

alerts::alert linked(const alert_site& with, const alert_subject& about) {
  alerts::alert made;
  add_links(made, with, about);
  return made;
}

TEST(AlertLinks, LeadToRunbookDashboardAndLivePage) {
  const auto made = linked(site, about_a_rule);
  EXPECT_EQ(made.generator_url, "https://push.example.com/guard");
  EXPECT_THAT(
      made.links,
      ElementsAre(
          alerts::alert_link{"runbook", "https://wiki.example.com/failure-rate"},
          alerts::alert_link{
              "dashboard",
              "https://graphs.example.com/d?h=devhub&r=04t000000000001%2F1&p=production&n=failure-rate"},
          alerts::alert_link{"live_page", "https://push.example.com/guard/"}));
}

TEST(AlertLinks, LeadToNoDashboardWhereNoRolloutIsMeant) {
  EXPECT_THAT(linked(site, {.hub = "devhub", .rule = "PushguardHubBlind"}).links,
              ElementsAre(alerts::alert_link{"runbook", "https://wiki.example.com/PushguardHubBlind"},
                          alerts::alert_link{"live_page", "https://push.example.com/guard/"}));
}

TEST(AlertLinks, AreNotThereWhereTheSiteHasNone) {
  EXPECT_THAT(linked({}, about_a_rule).links, IsEmpty());
  EXPECT_EQ(linked({}, about_a_rule).generator_url, "");
  EXPECT_THAT(
      linked({.agent_url = "http://127.0.0.1:9595", .runbook_url = "", .dashboard_url = ""}, about_a_rule)
          .links,
      ElementsAre(alerts::alert_link{"live_page", "http://127.0.0.1:9595/"}));
}

TEST(AlertLinks, GoToTheExternalUrlIfThereIsOne) {
  configuration::configuration from;
  from.alerts.runbook_url = "https://wiki/{{ rule }}";
  from.alerts.dashboard_url = "https://graphs/{{ hub }}";
  const alert_site inside = site_of(from, "http://127.0.0.1:9595");
  EXPECT_EQ(inside.agent_url, "http://127.0.0.1:9595");
  EXPECT_EQ(inside.runbook_url, from.alerts.runbook_url);
  EXPECT_EQ(inside.dashboard_url, from.alerts.dashboard_url);
  from.external_url = "https://push.example.com";
  EXPECT_EQ(site_of(from, "http://127.0.0.1:9595").agent_url, "https://push.example.com");
}

}  // namespace
}  // namespace pushguard::agent
