#include "tests/unit/agent/commands/watch_sample.hpp"

#include "base/time.hpp"

namespace pushguard::test {
namespace {

using namespace std::chrono_literals;

wall_time at(const char* time) {
  return parse_time(std::string("2026-11-29T") + time + "Z").value();
}

agent::watch_wave wave(std::string id, std::string status, bool is_ended, agent::watch_progress progress) {
  return {.id = std::move(id), .status = std::move(status), .is_ended = is_ended, .progress = progress};
}

}  // namespace

agent::watch_state sample_watch() {
  agent::watch_rollout rollout{.key = {"devhub", "04t5g000000Kz1bAAC/1"},
                               .package_name = "Acme CRM",
                               .package_version = "4.2.0",
                               .state = "running",
                               .verdict = "breached",
                               .is_open = true,
                               .progress = {.orgs = 1000,
                                            .started = 150,
                                            .finished = 412,
                                            .failed = 17,
                                            .spared = 300,
                                            .succeeded = 95,
                                            .running = 38,
                                            .rate_per_minute = 41.25,
                                            .estimated_end = at("07:21:32")},
                               .latest_start = at("10:00:00")};
  rollout.waves = {
      wave("0DV5g0000000001GAA", "succeeded", true,
           {.orgs = 50, .started = 50, .finished = 50, .failed = 3, .succeeded = 47}),
      wave("0DV5g0000000002GAA", "in_progress", false,
           {.orgs = 150, .started = 100, .finished = 62, .failed = 14, .succeeded = 48, .running = 38}),
      wave("0DV5g0000000003GAA", "canceled", true, {.orgs = 300, .finished = 300, .spared = 300}),
      wave("0DV5g0000000004GAA", "pending", false, {.orgs = 500})};
  rollout.rules = {
      {.policy = "production",
       .rule = "budget",
       .verdict = "ok",
       .reason = "failed 17 of 1000 orgs = 1.7%; limit 10.0%",
       .follows = "nothing",
       .failed = 17,
       .started = 1000,
       .observed_ratio = 0.017,
       .threshold_ratio = 0.1},
      {.policy = "production",
       .rule = "failure-rate",
       .verdict = "breached",
       .reason = "failed 17 of 150 started = 11.3%; lower bound 5.2% > limit 5.0% (99% confidence)",
       .follows = "abort",
       .failed = 17,
       .started = 150,
       .observed_ratio = 0.11333,
       .lower_bound_ratio = 0.052,
       .threshold_ratio = 0.05},
      {.policy = "production",
       .rule = "pod",
       .segment = "NA139",
       .verdict = "insufficient_data",
       .reason = "4 started, 10 needed",
       .follows = "nothing",
       .is_armed = false,
       .failed = 1,
       .started = 4}};
  rollout.decisions = {
      {.id = 1,
       .decided_at = at("06:59:58"),
       .policy = "production",
       .rule = "failure-rate",
       .mode = "enforce",
       .outcome = "",
       .actor = "pushguard",
       .reason = "failed 17 of 150 started = 11.3%; lower bound 5.2% > limit 5.0% (99% confidence)",
       .spared = 300}};
  const agent::watch_rollout older{
      .key = {"devhub", "04t5g000000Kz0aAAC/1"},
      .package_name = "Acme CRM",
      .package_version = "4.1.3",
      .state = "ended",
      .verdict = "ok",
      .progress = {.orgs = 990, .started = 990, .finished = 990, .failed = 4, .succeeded = 986}};
  agent::watch_overview overview{.now = at("07:00:00"), .version = "1.4.0", .alerts_firing = 2};
  overview.hubs = {{.name = "devhub",
                    .was_tried = true,
                    .is_up = true,
                    .last_reconcile = at("06:59:57"),
                    .calls_allowed = 3000,
                    .calls_made = 120,
                    .channels = {{.channel = "/event/Push_Upgrade__e", .is_live = true, .reason = ""}}}};
  overview.rollouts = {older, rollout};
  agent::watch_state state{
      .agent = "http://127.0.0.1:9595", .now = at("07:00:01"), .answered = at("07:00:01")};
  state.overview = overview;
  state.focus = rollout.key;
  state.failures = agent::watch_failures{
      .failed = 17,
      .others = 1,
      .groups = {{.text = "ApexTestFailure: System.AssertException: Assertion Failed: Expected: #, Actual: #",
                  .failed = 12},
                 {.text = "日本の組織 (株式会社) のエラー", .failed = 3},
                 {.text = "", .failed = 1}}};
  return state;
}

}  // namespace pushguard::test
