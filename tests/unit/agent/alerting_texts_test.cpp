#include "agent/alerting_texts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using alerts::alert_severity;
using testing::AllOf;
using testing::HasSubstr;

alerts::dead_letter make_letter() {
  alerts::dead_letter letter;
  letter.row.receiver = "oncall";
  letter.row.kind = alerts::notification_kind::fired;
  letter.row.content.id = "containment:devhub";
  letter.row.content.summary = "abort confirmed";
  letter.reason = "client_error";
  letter.detail = "https://events.pagerduty.com answered 400";
  return letter;
}

TEST(AlertingTexts, TellTheOthersOfAReceiverThatFailsAndWhatToDo) {
  alerts::receiver_status status;
  status.receiver = "oncall";
  status.failures = 3;
  status.last_reason = alerts::delivery_reason::network;
  status.last_failure = "connection refused";
  const auto passing = make_receiver_failing_alert(status);
  EXPECT_EQ(passing.about_receiver, "oncall");
  EXPECT_EQ(passing.severity, alert_severity::error);
  EXPECT_THAT(passing.description, AllOf(HasSubstr("connection refused"), HasSubstr("wait in the store")));
  status.last_reason = alerts::delivery_reason::auth_error;
  const auto lasting = make_receiver_failing_alert(status);
  EXPECT_THAT(lasting.description, HasSubstr("Only a human"));
  EXPECT_EQ(lasting.labels, passing.labels) << "it is one alert, whatever the reason";
}

TEST(AlertingTexts, KeepWhatWasRefusedUntilSomebodyHasSeenIt) {
  const auto one = make_dropped_alert(make_letter(), 1);
  EXPECT_TRUE(one.ends_when_acknowledged);
  EXPECT_EQ(one.about_receiver, "oncall");
  EXPECT_THAT(one.summary, HasSubstr("a notification"));
  EXPECT_THAT(one.description, AllOf(HasSubstr("fired of containment:devhub"), HasSubstr("answered 400")));
  EXPECT_THAT(make_dropped_alert(make_letter(), 12).summary, HasSubstr("12 notifications"));
}

TEST(AlertingTexts, SayWhatAFailingStoreMeansForAborts) {
  const failure why{make_error_code(errc::storage), "the disk is full"};
  const auto refusing = make_store_failing_alert(why, true);
  EXPECT_THAT(refusing.summary, HasSubstr("aborts nothing"));
  EXPECT_THAT(refusing.description, HasSubstr("the disk is full"));
  EXPECT_THAT(make_store_failing_alert(why, false).summary, HasSubstr("aborts unrecorded"));
  EXPECT_EQ(refusing.keep_firing_for, 5min);
}

TEST(AlertingTexts, AnAbortInhibitsTheWarningsOfItsRolloutAndNothingGraver) {
  const auto inhibits = [](const alerts::alert& target) {
    alerts::alert abort;
    abort.id = "abort";
    abort.name = "PushguardContainment";
    abort.labels = {{"hub", "devhub"}, {"rollout", "04t/1"}, {"policy", "production"}};
    for (const alerts::inhibition& rule : alert_inhibitions()) {
      if (alerts::inhibits(rule, abort, target))
        return true;
    }
    return false;
  };
  alerts::alert warning;
  warning.id = "warning";
  warning.name = "PushguardRuleWarning";
  warning.severity = alert_severity::warning;
  warning.labels = {{"hub", "devhub"}, {"rollout", "04t/1"}, {"policy", "another"}};
  EXPECT_TRUE(inhibits(warning));
  warning.severity = alert_severity::critical;
  EXPECT_FALSE(inhibits(warning));
  warning.severity = alert_severity::warning;
  warning.labels["rollout"] = "04t/2";
  EXPECT_FALSE(inhibits(warning));
  warning.labels["rollout"] = "04t/1";
  warning.name = "PushguardHubBlind";
  EXPECT_FALSE(inhibits(warning));
}

}  // namespace
}  // namespace pushguard::agent
