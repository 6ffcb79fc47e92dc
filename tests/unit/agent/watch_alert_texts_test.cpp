#include "agent/watch_alert_texts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/tracker/row_maker.hpp"

namespace pushguard::agent {
namespace {

using namespace pushguard::test;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

alert_context context() {
  alert_context made;
  made.hub = "devhub";
  made.rollout = "04t000000000001/1";
  made.package_name = "Acme";
  made.version_number = "4.2.0";
  return made;
}

const wall_time noon{12h};

TEST(StreamAlert, SaysSinceWhenWhyAndHowItGoesOn) {
  channel_outage outage{.hub = "devhub",
                        .channel = "/event/A__e",
                        .since = noon,
                        .reason = "403::denied",
                        .active_interval = 15s,
                        .idle_interval = 5min};
  const auto made = make_stream_alert(outage);
  EXPECT_EQ(made.name, "PushguardStreamDown");
  EXPECT_EQ(made.severity, alerts::alert_severity::warning);
  EXPECT_EQ(
      made.summary,
      "Channel /event/A__e of hub devhub has not been live since 1970-01-01T12:00:00.000Z: 403::denied");
  EXPECT_THAT(made.description, AllOf(HasSubstr("every 15s"), HasSubstr("every 5m else")));
  EXPECT_THAT(made.labels, ElementsAre(Pair("channel", "/event/A__e"), Pair("hub", "devhub")));
  outage.reason.clear();
  EXPECT_THAT(make_stream_alert(outage).summary, HasSubstr(": no reason is known"));
}

TEST(HoldAlert, SaysWhoHoldsWhatAndWhatWillAct) {
  hold_view hold{.hub = {},
                 .rollout = {},
                 .policy = "production",
                 .rule = "rate",
                 .actor = "alice",
                 .reason = "we know",
                 .since = noon,
                 .until = noon + 2h};
  const auto quiet = make_hold_alert(hold, {});
  EXPECT_EQ(
      quiet.summary,
      "The hold of production/rate ends at 1970-01-01T14:00:00.000Z: what is breached under it acts then");
  EXPECT_THAT(quiet.description, AllOf(HasSubstr("alice holds production/rate since"), HasSubstr("we know"),
                                       HasSubstr("pushguard release production/rate.")));
  EXPECT_THAT(quiet.labels, ElementsAre(Pair("policy", "production"), Pair("rule", "rate")));
  EXPECT_THAT(make_hold_alert(hold, {"production/rate for 04t1/1 (devhub)"}).summary,
              HasSubstr("Breached now: production/rate for 04t1/1 (devhub)"));
  hold = {.hub = "devhub",
          .rollout = "04t1/1",
          .policy = {},
          .rule = {},
          .actor = "alice",
          .reason = "we know",
          .since = noon,
          .until = noon + 2h};
  const auto of_rollout = make_hold_alert(hold, {});
  EXPECT_THAT(of_rollout.description, HasSubstr("pushguard hold 04t1/1 --hub devhub --for 2h"));
  EXPECT_THAT(of_rollout.labels, ElementsAre(Pair("hub", "devhub"), Pair("rollout", "04t1/1")));
  EXPECT_NE(of_rollout.id, quiet.id);
}

TEST(ExclusionAlert, TellsBothNumbersAndTheErrors) {
  const exclusion_excess excess{
      .scope = {.rollout = {.version = version_id(1), .number = 1}, .request = {}, .policy = "production"},
      .counts = {.excluded = 20, .started = 80},
      .lower_bound = 0.09,
      .usual = 0.05,
      .titles = {{"IneligibleUpgrade: Ineligible", 19}, {"UnclassifiedError: Gone", 1}}};
  const auto made = make_exclusion_alert(context(), excess);
  EXPECT_EQ(
      made.summary,
      "production leaves 20 of 100 orgs of Acme 4.2.0 (04t000000000001/1, devhub) out of account = 20.0%; "
      "lower bound 9.0% > usual 5.0% (99% confidence)");
  EXPECT_THAT(made.description, AllOf(HasSubstr("\n- 19 orgs: IneligibleUpgrade: Ineligible"),
                                      HasSubstr("\n- 1 org: UnclassifiedError: Gone")));
  EXPECT_EQ(made.labels.at("policy"), "production");
  EXPECT_FALSE(made.labels.contains("request_id"));
  exclusion_excess of_request = excess;
  of_request.scope.request = request_id(3);
  EXPECT_EQ(make_exclusion_alert(context(), of_request).labels.at("request_id"), request_id(3).text());
  EXPECT_NE(make_exclusion_alert(context(), of_request).id, made.id);
}

TEST(WaveAlert, SaysWhatIsUnresolvedAndHowToCancel) {
  const auto made = make_wave_alert(
      context(), {.request = request_id(2), .start = noon, .orgs = 40, .unresolved = {{request_id(1), 3}}});
  EXPECT_EQ(
      made.summary,
      fmt::format("Wave {} of Acme 4.2.0 (04t000000000001/1, devhub) starts at 1970-01-01T12:00:00.000Z "
                  "before the earlier ones are done: 3 jobs of {} unresolved",
                  request_id(2).text(), request_id(1).text()));
  EXPECT_THAT(made.description,
              AllOf(HasSubstr("40 orgs"),
                    HasSubstr(fmt::format("pushguard abort {} --reason TEXT", request_id(2).text()))));
  EXPECT_EQ(made.labels.at("request_id"), request_id(2).text());
}

}  // namespace
}  // namespace pushguard::agent
