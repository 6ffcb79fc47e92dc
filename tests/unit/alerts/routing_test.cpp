#include "alerts/routing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::alerts {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

alert with_severity(alert_severity severity) {
  alert out;
  out.id = "id";
  out.severity = severity;
  return out;
}

const std::vector<route> documented = {
    {.severities = {alert_severity::critical, alert_severity::error}, .receivers = {"oncall", "chat"}},
    {.severities = {}, .receivers = {"prometheus", "bus"}},
};

TEST(Routing, SendsToEveryRouteThatMatches) {
  EXPECT_THAT(receivers_for(documented, {}, with_severity(alert_severity::critical)),
              ElementsAre("bus", "chat", "oncall", "prometheus"));
  EXPECT_THAT(receivers_for(documented, {}, with_severity(alert_severity::error)),
              ElementsAre("bus", "chat", "oncall", "prometheus"));
}

TEST(Routing, SendsToRoutesWithoutSeverityAlways) {
  EXPECT_THAT(receivers_for(documented, {}, with_severity(alert_severity::warning)),
              ElementsAre("bus", "prometheus"));
  EXPECT_THAT(receivers_for(documented, {}, with_severity(alert_severity::info)),
              ElementsAre("bus", "prometheus"));
}

TEST(Routing, NamesAReceiverOfSeveralRoutesOnce) {
  const std::vector<route> twice = {{.severities = {}, .receivers = {"chat", "chat"}},
                                    {.severities = {}, .receivers = {"chat"}}};
  EXPECT_THAT(receivers_for(twice, {}, with_severity(alert_severity::info)), ElementsAre("chat"));
}

TEST(Routing, TellsNobodyWhereNothingMatches) {
  EXPECT_THAT(receivers_for({}, {}, with_severity(alert_severity::critical)), IsEmpty());
  const std::vector<route> critical_only = {
      {.severities = {alert_severity::critical}, .receivers = {"oncall"}}};
  EXPECT_THAT(receivers_for(critical_only, {}, with_severity(alert_severity::error)), IsEmpty());
}

alert with_labels(text_map labels) {
  alert out = with_severity(alert_severity::error);
  out.labels = std::move(labels);
  return out;
}

TEST(Routing, MatchesAnyOfTheLabelsWithAnyOfTheValuesAndAllMatchers) {
  const std::vector<route> by_label = {
      {.severities = {},
       .matchers = {{.labels = {"package_id", "package_name"}, .values = {"033A", "Billing"}},
                    {.labels = {"policy"}, .values = {"production"}}},
       .receivers = {"billing"}}};
  const auto told = [&](text_map labels) {
    return receivers_for(by_label, {}, with_labels(std::move(labels)));
  };
  EXPECT_THAT(told({{"package_id", "033A"}, {"policy", "production"}}), ElementsAre("billing"));
  EXPECT_THAT(told({{"package_name", "Billing"}, {"policy", "production"}}), ElementsAre("billing"));
  EXPECT_THAT(told({{"package_name", "Billing"}, {"policy", "other"}}), IsEmpty());
  EXPECT_THAT(told({{"package_id", "033B"}, {"policy", "production"}}), IsEmpty());
  EXPECT_THAT(told({{"policy", "production"}}), IsEmpty()) << "what is about no package";
}

}  // namespace
}  // namespace pushguard::alerts
