#include "agent/commands/watch_frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <regex>

#include "base/display_width.hpp"
#include "base/text.hpp"
#include "tests/unit/agent/commands/watch_sample.hpp"

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines)
    out += line + '\n';
  return out;
}

std::string frame(const watch_state& state, std::size_t columns, std::size_t rows,
                  colour colours = colour::no, glyphs shown = glyphs::utf8) {
  return joined(render_frame(state, {columns, rows}, colours, shown));
}

std::string golden(const std::string& name) {
  std::ifstream file(std::string(PUSHGUARD_SOURCE_DIR "/tests/data/watch/") + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string without_sgr(const std::string& text) {
  static const std::regex sequence("\x1b\\[[0-9;]*m");
  return std::regex_replace(text, sequence, "");
}

watch_state silent(watch_state state) {
  state.now += 12s;
  state.silent_since = state.now - 7s;
  state.trouble = "connecting to 127.0.0.1:9595: connection refused";
  return state;
}

TEST(WatchFrame, ShowsOneRolloutCompletelyAt80By24) {
  EXPECT_EQ(frame(test::sample_watch(), 80, 24), golden("80x24.txt"));
}

TEST(WatchFrame, ShowsMoreAt200By60) {
  EXPECT_EQ(frame(test::sample_watch(), 200, 60), golden("200x60.txt"));
}

TEST(WatchFrame, KeepsWhatMattersMostWhereThereIsLittleRoom) {
  EXPECT_EQ(frame(test::sample_watch(), 60, 12), golden("60x12.txt"));
  EXPECT_EQ(frame(test::sample_watch(), 40, 1), "RUNNING  ! BREACHED  Acme CRM 4.2.0  04…\n");
  EXPECT_EQ(frame(silent(test::sample_watch()), 30, 1), "!! NO ANSWER from http://127.…\n");
  EXPECT_EQ(frame(test::sample_watch(), 0, 24), "");
  EXPECT_EQ(frame(test::sample_watch(), 80, 0), "");
}

TEST(WatchFrame, MarksWhatIsOldWhenTheAgentDoesNotAnswer) {
  EXPECT_EQ(frame(silent(test::sample_watch()), 80, 24), golden("silent.txt"));
  watch_state never{.agent = "http://127.0.0.1:9595", .now = parse_time("2026-11-29T07:00:00Z").value()};
  EXPECT_THAT(frame(never, 80, 24), HasSubstr("asking http://127.0.0.1:9595"));
  never = silent(never);
  EXPECT_THAT(frame(never, 80, 24),
              AllOf(HasSubstr("!! NO ANSWER from http://127.0.0.1:9595 since 07:00:05 (7s)"),
                    HasSubstr("connection refused"), Not(HasSubstr("old"))));
}

TEST(WatchFrame, TellsHowOldTheDataOfAHubIs) {
  watch_state state = test::sample_watch();
  watch_hub blind = state.overview->hubs.front();
  blind.name = "second";
  blind.is_blind = true;
  blind.last_reconcile = state.overview->now - 5min;
  state.overview->hubs.push_back(blind);
  watch_hub down = state.overview->hubs.front();
  down.name = "third";
  down.is_up = false;
  down.last_failure = "logging in: invalid_grant";
  down.last_reconcile.reset();
  state.overview->hubs.push_back(down);
  const std::string shown = frame(state, 120, 40);
  EXPECT_THAT(shown, HasSubstr("hub second  ? BLIND  DATA IS OLD: read 5m ago"));
  EXPECT_THAT(shown, HasSubstr("hub third  ! DOWN  never read"));
  EXPECT_THAT(shown, HasSubstr("logging in: invalid_grant"));
  EXPECT_LT(shown.find("hub second"), shown.find("hub devhub")) << "trouble first";
  EXPECT_THAT(frame(state, 120, 8), HasSubstr("hub second")) << "trouble has its row where rows are few";
}

TEST(WatchFrame, SaysNothingByColourAlone) {
  for (const watch_state& state : {test::sample_watch(), silent(test::sample_watch())}) {
    for (const frame_size size : {frame_size{80, 24}, frame_size{200, 60}, frame_size{33, 9}}) {
      const auto coloured = render_frame(state, size, colour::yes);
      EXPECT_EQ(without_sgr(joined(coloured)), joined(render_frame(state, size, colour::no)));
      for (const std::string& line : coloured) {
        const auto last = line.rfind("\x1b[");
        EXPECT_TRUE(last == std::string::npos || line.substr(last, 4) == "\x1b[0m") << line;
      }
    }
  }
  EXPECT_THAT(frame(test::sample_watch(), 80, 24, colour::yes), HasSubstr("\x1b[1;31m! BREACHED\x1b[0m"));
}

TEST(WatchFrame, IsPlainAsciiWhereTheTerminalKnowsNothingElse) {
  const std::string shown = frame(silent(test::sample_watch()), 80, 24, colour::no, glyphs::ascii);
  for (const char c : shown)
    ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << shown;
  EXPECT_THAT(shown, HasSubstr(std::string(10, static_cast<char>(63))));
}

TEST(WatchFrame, ShowsTheWavesThatRun) {
  watch_state state = test::sample_watch();
  auto& waves = state.overview->rollouts.back().waves;
  waves.clear();
  for (int i = 0; i < 40; ++i)
    waves.push_back(
        {.id = "0DV" + std::to_string(i), .status = i < 30 ? "succeeded" : "pending", .is_ended = i < 30});
  const std::string shown = frame(state, 80, 24);
  EXPECT_THAT(shown, AllOf(HasSubstr(" 31 0DV30 "), HasSubstr(" 30 0DV29 "), Not(HasSubstr("  1 0DV0 "))));
  EXPECT_THAT(shown, HasSubstr("WAVES  (6 of 40)"));
  EXPECT_THAT(shown, HasSubstr("lines left out"));
}

TEST(WatchFrame, ChoosesTheOpenRolloutThatWasStartedLast) {
  watch_overview overview = test::sample_watch().overview.value();
  EXPECT_EQ(choose_focus(overview, {})->second, "04t5g000000Kz1bAAC/1");
  EXPECT_EQ(choose_focus(overview, rollout_key{"devhub", "04t5g000000Kz0aAAC/1"})->second,
            "04t5g000000Kz0aAAC/1");
  EXPECT_EQ(choose_focus(overview, rollout_key{"devhub", "gone"})->second, "04t5g000000Kz1bAAC/1");
  EXPECT_EQ(choose_focus({}, {}), std::nullopt);
}

TEST(WatchFrame, TellsAgesInTwoUnits) {
  EXPECT_EQ(age_text(-1s), "0s");
  EXPECT_EQ(age_text(999ms), "0s");
  EXPECT_EQ(age_text(59s), "59s");
  EXPECT_EQ(age_text(60s), "1m");
  EXPECT_EQ(age_text(3661s), "1h 1m");
  EXPECT_EQ(age_text(24h), "1d");
  EXPECT_EQ(age_text(24h + 1s), "1d");
}

/// Rollouts, rules and errors with any names and numbers, also those that make no sense.
class random_watch {
 public:
  explicit random_watch(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }

  watch_state make() {
    watch_state state = below(4) == 0 ? watch_state{.agent = text()} : test::sample_watch();
    if (below(3) == 0)
      state = silent(state);
    if (!state.overview)
      return state;
    for (std::size_t i = below(4); i > 0; --i)
      state.overview->hubs.push_back({.name = text(),
                                      .was_tried = below(2) == 0,
                                      .is_up = below(2) == 0,
                                      .is_blind = below(2) == 0,
                                      .last_failure = text(),
                                      .calls_allowed = number(),
                                      .channels = {{.channel = text(), .reason = text()}}});
    for (std::size_t i = below(4); i > 0; --i)
      state.overview->rollouts.push_back(rollout());
    state.focus = choose_focus(*state.overview, below(2) == 0 ? std::nullopt : state.focus);
    if (below(3) == 0)
      state.failures = watch_failures{.failed = number(), .others = number(), .groups = {{text(), number()}}};
    return state;
  }

 private:
  std::string text() {
    constexpr std::array parts{"a",          "Acme", " ",   "日本",   "e\u0301",
                               "\U0001F680", "\xFF", "x y", "\u200B", "0DV"};
    std::string out;
    for (std::size_t i = below(12); i > 0; --i)
      out += parts[below(parts.size())];
    return out;
  }

  std::int64_t number() {
    constexpr std::array<std::int64_t, 6> interesting{0, 1, -5, 99, 1'000'000'000'000, 7};
    return interesting[below(interesting.size())];
  }

  watch_progress progress() {
    return {.orgs = number(),
            .started = number(),
            .finished = number(),
            .failed = number(),
            .spared = number(),
            .succeeded = number(),
            .running = number()};
  }

  watch_rollout rollout() {
    watch_rollout made{.key = {text(), text()},
                       .package_name = text(),
                       .state = text(),
                       .verdict = text(),
                       .is_held = below(2) == 0,
                       .is_open = below(2) == 0,
                       .progress = progress()};
    for (std::size_t i = below(30); i > 0; --i)
      made.waves.push_back(
          {.id = text(), .status = text(), .is_ended = below(2) == 0, .progress = progress()});
    for (std::size_t i = below(10); i > 0; --i)
      made.rules.push_back(
          {.policy = text(), .rule = text(), .verdict = text(), .reason = text(), .failed = number()});
    for (std::size_t i = below(5); i > 0; --i)
      made.decisions.push_back({.policy = text(), .outcome = text(), .reason = text()});
    return made;
  }

  std::mt19937 random_;
};

TEST(WatchFrame, NeverLeavesTheWindow) {
  random_watch random(11);
  for (int round = 0; round < 3000; ++round) {
    const watch_state state = random.make();
    const frame_size size{random.below(140), random.below(40)};
    const auto look = random.below(2) == 0 ? glyphs::utf8 : glyphs::ascii;
    const auto lines = render_frame(state, size, round % 2 == 0 ? colour::yes : colour::no, look);
    ASSERT_LE(lines.size(), size.rows);
    for (const std::string& line : lines) {
      const std::string plain = without_sgr(line);
      ASSERT_LE(display_width(plain), size.columns) << plain;
      ASSERT_EQ(plain.find_first_of("\x1b\n\r\t"), std::string::npos) << plain;
    }
  }
}

}  // namespace
}  // namespace pushguard::agent
