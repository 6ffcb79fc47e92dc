#include "agent/commands/watch_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/commands/watch_sample.hpp"

namespace pushguard::agent {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(WatchLines, TellEverythingTheFirstTime) {
  const watch_overview now = test::sample_watch().overview.value();
  const auto lines = told_changes({}, now, {});
  EXPECT_THAT(lines, Contains("2026-11-29T07:00:00.000Z  hub devhub  up"));
  EXPECT_THAT(lines,
              Contains("2026-11-29T07:00:00.000Z  devhub 04t5g000000Kz1bAAC/1  wave 2 0DV5g0000000002GAA  "
                       "in_progress  62 of 150 finished, 14 failed, 0 spared"));
  EXPECT_THAT(lines,
              Contains(HasSubstr("decision production/failure-rate  under way by pushguard, 300 spared")));
  EXPECT_THAT(lines, Contains(HasSubstr("04t5g000000Kz0aAAC/1")));
  EXPECT_THAT(told_changes({}, now, rollout_key{"devhub", "04t5g000000Kz1bAAC/1"}),
              Not(Contains(HasSubstr("04t5g000000Kz0aAAC/1"))));
}

TEST(WatchLines, TellNothingWhereNothingChanged) {
  watch_overview now = test::sample_watch().overview.value();
  const watch_overview before = now;
  now.now += std::chrono::seconds(1);
  EXPECT_THAT(told_changes(before, now, {}), IsEmpty());
}

TEST(WatchLines, TellEachChangeOnce) {
  struct change {
    const char* what;
    void (*make)(watch_overview&, watch_rollout&);
    const char* told;
  };
  constexpr std::array changes{
      change{"state", [](watch_overview&, watch_rollout& it) { it.state = "aborted"; },
             "Acme CRM 4.2.0  aborted, verdict breached"},
      change{"hold", [](watch_overview&, watch_rollout& it) { it.is_held = true; }, "verdict breached, held"},
      change{"wave", [](watch_overview&, watch_rollout& it) { it.waves[3].status = "canceled"; },
             "wave 4 0DV5g0000000004GAA  canceled"},
      change{"progress", [](watch_overview&, watch_rollout& it) { it.waves[1].progress.finished = 63; },
             "63 of 150 finished"},
      change{"verdict", [](watch_overview&, watch_rollout& it) { it.rules[0].verdict = "warning"; },
             "rule production/budget  ok -> warning"},
      change{"decision", [](watch_overview&, watch_rollout& it) { it.decisions[0].outcome = "confirmed"; },
             "decision production/failure-rate  confirmed"},
      change{"hub",
             [](watch_overview& all, watch_rollout&) {
               all.hubs[0].is_up = false;
               all.hubs[0].last_failure = "refused";
             },
             "hub devhub  DOWN: refused"}};
  for (const change& each : changes) {
    const watch_overview before = test::sample_watch().overview.value();
    watch_overview now = before;
    each.make(now, now.rollouts.back());
    EXPECT_THAT(told_changes(before, now, {}), ElementsAre(HasSubstr(each.told))) << each.what;
  }
}

TEST(WatchLines, KnowWhenARolloutHasEnded) {
  watch_rollout it = test::sample_watch().overview->rollouts.back();
  EXPECT_FALSE(it.has_ended());
  it.state = "ended";
  EXPECT_TRUE(it.has_ended());
  it.state = "aborted";
  EXPECT_FALSE(it.has_ended()) << "it is open, and a wave runs";
  it.is_open = false;
  EXPECT_FALSE(it.has_ended()) << "a wave runs";
  for (watch_wave& wave : it.waves)
    wave.is_ended = true;
  EXPECT_TRUE(it.has_ended()) << "what is aborted stays so after its end";
}

}  // namespace
}  // namespace pushguard::agent
