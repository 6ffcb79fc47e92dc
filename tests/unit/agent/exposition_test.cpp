#include "agent/exposition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>

#include "metrics/text_format.hpp"
#include "tests/support/exposition_reader.hpp"

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;

constexpr wall_time noon{std::chrono::hours(12)};
constexpr double noon_seconds = 12 * 3600;

class Exposition : public testing::Test {
 protected:
  using labels = std::map<std::string, std::string>;

  /// The values of a family's series that have these labels.
  std::vector<double> values(std::string_view name, const labels& wanted = {}) {
    const auto families = test::read_exposition(
        metrics::to_text(make_model_families(model_, {.after_end = 24h, .after_abort = 7 * 24h}, now_)),
        false);
    EXPECT_TRUE(families) << families.error().text();
    const auto family = std::ranges::find(*families, name, &test::read_family::name);
    EXPECT_NE(family, families->end()) << name;
    std::vector<double> found;
    for (const test::read_sample& sample : family->samples) {
      const bool has_them = std::ranges::all_of(wanted, [&](const auto& label) {
        const auto its = sample.labels.find(label.first);
        return its != sample.labels.end() && its->second == label.second;
      });
      if (has_them)
        found.push_back(sample.value);
    }
    return found;
  }
  static hub_view hub() {
    hub_view view;
    view.name = "devhub";
    return view;
  }
  static rollout_view rollout() {
    rollout_view view;
    view.hub = "devhub";
    view.id = "04t000000000001/1";
    view.package_name = "Acme \"Core\"\n";
    return view;
  }
  static rule_view rule(wall_time evaluated) {
    rule_view view;
    view.key = {"devhub", "04t000000000001/1", "", "production", "failure-rate", ""};
    view.verdict = "ok";
    view.evaluated = evaluated;
    return view;
  }

  read_model model_;
  wall_time now_ = noon;
};

TEST_F(Exposition, HasEveryFamilyBeforeAnythingHappened) {
  for (const prometheus::MetricFamily& family :
       make_model_families(model_, {.after_end = 24h, .after_abort = 7 * 24h}, now_)) {
    EXPECT_FALSE(family.help.empty()) << family.name;
    const bool is_known_beforehand = family.name == "pushguard_alerts_firing";
    EXPECT_EQ(family.metric.empty(), !is_known_beforehand) << family.name;
  }
  EXPECT_EQ(values("pushguard_alerts_firing", {{"severity", "critical"}}), std::vector{0.0});
}

TEST_F(Exposition, TellsTheBudgetOfAHubOnceItIsKnown) {
  view_update update;
  update.hubs.push_back(hub());
  model_.apply(update);
  EXPECT_EQ(values("pushguard_hub_up"), std::vector{0.0});
  EXPECT_EQ(values("pushguard_salesforce_api_budget_calls"), std::vector<double>{});
  EXPECT_EQ(values("pushguard_salesforce_api_budget_calls_used"), std::vector{0.0});
  update.hubs.front().calls_allowed = 3000;
  update.hubs.front().calls_made = 12;
  model_.apply(update);
  EXPECT_EQ(values("pushguard_salesforce_api_budget_calls"), std::vector{3000.0});
  EXPECT_EQ(values("pushguard_salesforce_api_budget_calls_used"), std::vector{12.0});
}

TEST_F(Exposition, SaysWhenTheRulesOfAnOpenRolloutWereLookedAt) {
  view_update update;
  update.hubs.push_back(hub());
  update.rollouts.push_back(rollout());
  update.rules.push_back(rule(noon));
  model_.apply(update);
  const auto looked = [&] { return values("pushguard_rule_last_evaluation_timestamp_seconds"); };
  EXPECT_EQ(looked(), std::vector{noon_seconds});
  update = {};
  update.hubs.push_back(hub());
  update.hubs.front().last_evaluation = noon + 1min;
  model_.apply(update);
  EXPECT_EQ(looked(), std::vector{noon_seconds + 60}) << "nothing it says has changed, and yet";
  update = {};
  update.rollouts.push_back(rollout());
  update.rollouts.front().is_open = false;
  model_.apply(update);
  EXPECT_EQ(looked(), std::vector{noon_seconds}) << "nobody looks at what is over";
}

TEST_F(Exposition, HasOneStateOfARollout) {
  view_update update;
  update.rollouts.push_back(rollout());
  update.rollouts.front().aborted_at = noon;
  model_.apply(update);
  EXPECT_EQ(values("pushguard_rollout_state", {{"state", "aborted"}}), std::vector{1.0});
  for (const char* other : {"waiting", "running", "ended"})
    EXPECT_EQ(values("pushguard_rollout_state", {{"state", other}}), std::vector{0.0}) << other;
  EXPECT_EQ(values("pushguard_rollout_info", {{"package_name", "Acme \"Core\"\n"}}), std::vector{1.0});
}

TEST_F(Exposition, ForgetsARolloutSomeTimeAfterItsLastRequestEnded) {
  view_update update;
  update.rollouts.push_back(rollout());
  update.rules.push_back(rule(noon));
  for (unsigned n = 1; n <= 3; ++n) {
    request_view& wave = update.requests.emplace_back();
    wave.hub = "devhub";
    wave.row.id = domain::request_id::parse("0DV00000000000" + std::to_string(n)).value();
    wave.rollout = rollout().id;
    wave.ended = noon + n * 1h;
    update.rollouts.front().requests.push_back(wave.row.id);
  }
  update.requests.back().ended.reset();
  update.requests.back().is_stale = true;  // nobody waits for its end
  model_.apply(update);
  const auto shows = [&](wall_time now) {
    now_ = now;
    const std::size_t requests = values("pushguard_request_info").size();
    EXPECT_EQ(requests == 3, !values("pushguard_rollout_info").empty());
    EXPECT_EQ(requests == 3, !values("pushguard_rule_armed").empty());
    return requests != 0;
  };
  EXPECT_TRUE(shows(noon + 26h - 1ms));
  EXPECT_FALSE(shows(noon + 26h)) << "a day after the second";
  update.rollouts.front().aborted_at = noon;
  model_.apply(update);
  EXPECT_TRUE(shows(noon + 26h)) << "an abort in force is shown as long as a wave may join it";
  EXPECT_FALSE(shows(noon + 2h + 7 * 24h));
  update.requests.front().ended.reset();
  model_.apply(update);
  EXPECT_TRUE(shows(noon + 2h + 7 * 24h)) << "it has not ended";
}

TEST_F(Exposition, CountsTheTroublesThatFire) {
  auto view = std::make_shared<alerting_view>();
  const auto add = [&](alerts::alert_severity severity, alerts::alert_state state, alerts::alert_kind kind) {
    alert_view& each = view->alerts.emplace_back();
    each.record.content.severity = severity;
    each.record.content.state = state;
    each.record.content.kind = kind;
  };
  using enum alerts::alert_severity;
  add(critical, alerts::alert_state::firing, alerts::alert_kind::trouble);
  add(critical, alerts::alert_state::firing, alerts::alert_kind::trouble);
  add(warning, alerts::alert_state::resolved, alerts::alert_kind::trouble);
  add(info, alerts::alert_state::firing, alerts::alert_kind::change);
  view_update update;
  update.alerting = view;
  model_.apply(update);
  const auto firing = [&](const char* severity) {
    return values("pushguard_alerts_firing", {{"severity", severity}});
  };
  EXPECT_EQ(firing("critical"), std::vector{2.0});
  EXPECT_EQ(firing("error"), std::vector{0.0});
  EXPECT_EQ(firing("warning"), std::vector{0.0});
  EXPECT_EQ(firing("info"), std::vector{0.0}) << "a change is no trouble";
}

}  // namespace
}  // namespace pushguard::agent
