#include "agent/commands/watch_frame.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "agent/commands/frame_line.hpp"
#include "base/display_width.hpp"

namespace pushguard::agent {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr std::size_t rollout_bar_max = 60;  // a longer bar says no more
constexpr std::size_t bar_min = 6;
constexpr std::size_t id_cells = 18;
constexpr duration fresh_max = std::chrono::minutes(1);  // older data of a hub is told with its age

std::string clock_text(wall_time time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::floor<seconds>(time));
}

/// The time of day, with the date where it is another day.
std::string moment_text(wall_time time, wall_time now) {
  const auto second = std::chrono::floor<seconds>(time);
  return std::chrono::floor<days>(time) == std::chrono::floor<days>(now)
             ? fmt::format("{:%H:%M:%S}", second)
             : fmt::format("{:%Y-%m-%d %H:%M:%S}", second);
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

std::string percent_text(const std::optional<double>& ratio) {
  return ratio ? fmt::format("{:.1f}%", *ratio * 100) : "-";
}

std::size_t verdict_rank(const std::string& verdict) {
  constexpr std::array order{"breached", "blind", "warning", "ok", "insufficient_data"};
  return static_cast<std::size_t>(std::ranges::find(order, verdict) - order.begin());
}

style verdict_style(const std::string& verdict) {
  if (verdict == "breached")
    return style::bad;
  if (verdict == "warning" || verdict == "blind")
    return style::caution;
  return verdict == "ok" ? style::good : style::faint;
}

std::string_view verdict_mark(const std::string& verdict) {
  if (verdict == "breached")
    return "!";
  if (verdict == "warning")
    return "~";
  return verdict == "blind" ? "?" : " ";
}

style state_style(const std::string& state) {
  if (state == "aborted" || state == "failed")
    return style::bad;
  return state == "running" || state == "in_progress" ? style::strong : style::plain;
}

constexpr bar_part done_part{0, "█", "#", style::good};
constexpr bar_part failed_part{0, "x", "x", style::bad};
constexpr bar_part running_part{0, "▒", ">", style::caution};
constexpr bar_part waiting_part{0, "░", ".", style::faint};
constexpr bar_part spared_part{0, "-", "-", style::faint};

std::vector<bar_part> parts_of(const watch_progress& progress) {
  const auto counted = [](bar_part part, std::int64_t count) {
    part.count = count;
    return part;
  };
  const std::int64_t waiting =
      progress.orgs - progress.succeeded - progress.failed - progress.running - progress.spared;
  return {counted(done_part, progress.succeeded), counted(failed_part, progress.failed),
          counted(running_part, progress.running), counted(waiting_part, waiting),
          counted(spared_part, progress.spared)};
}

/// A part of the frame. With a title it takes a row more than it shows lines, and none where it shows none.
struct block {
  std::vector<frame_line> lines = {};
  std::optional<frame_line> title = {};
  std::string heads = {};  ///< of the columns, beside the title
  std::size_t heads_at = 0;
  std::size_t shown = 0;
  std::size_t first = 0;  ///< the line that is shown first

  [[nodiscard]] std::size_t cost_of_next() const { return title && shown == 0 ? 2 : 1; }
  [[nodiscard]] std::size_t size() const { return lines.size() + (title && !lines.empty() ? 1 : 0); }
  [[nodiscard]] std::size_t rows() const { return shown + (title && shown > 0 ? 1 : 0); }
};

class frame_maker {
 public:
  frame_maker(const watch_state& state, frame_size size, glyphs shown)
      : state_(state), size_(size), shown_(shown), rollout_(state.focused()) {}

  std::vector<frame_line> make() {
    make_header();
    make_alarm();
    if (state_.overview) {
      make_hubs();
      make_focus();
      if (rollout_ != nullptr) {
        make_rules();
        make_waves();
        make_errors();
        make_decisions();
      }
      make_others();
    }
    share_out();
    choose_waves();
    return put_together();
  }

 private:
  [[nodiscard]] bool is_old() const { return state_.silent_since.has_value(); }

  block titled(std::string_view title) const {
    frame_line line(title, style::strong);
    if (is_old() && state_.answered)
      line.add(fmt::format("  (old: as of {})", moment_text(*state_.answered, state_.now)), style::bad);
    return {.title = std::move(line)};
  }

  void make_header() {
    frame_line line("Pushguard", style::strong);
    if (state_.overview)
      line.add(" ").add(state_.overview->version);
    line.add("  ").add(state_.agent);
    if (state_.overview && !state_.overview->is_leader)
      line.add("  standby: another agent leads", style::caution);
    if (state_.overview && state_.overview->alerts_firing > 0) {
      const auto firing = state_.overview->alerts_firing;
      line.add(fmt::format("  {} alert{} firing", firing, firing == 1 ? "" : "s"), style::caution);
    }
    const std::string clock = clock_text(state_.now);
    if (line.width() + 2 + clock.size() <= size_.columns)
      line.fill_to(size_.columns - clock.size()).add(clock, style::faint);
    header_.lines.push_back(std::move(line));
  }

  void make_alarm() {
    if (state_.silent_since) {
      alarm_.lines.push_back(frame_line(fmt::format("!! NO ANSWER from {} since {} ({})", state_.agent,
                                                    moment_text(*state_.silent_since, state_.now),
                                                    age_text(state_.now - *state_.silent_since)),
                                        style::alarm));
      alarm_.lines.push_back(frame_line(
          fmt::format("   {}{}", state_.overview ? "the numbers below are old; " : "", state_.trouble),
          style::bad));
    } else if (!state_.overview) {
      alarm_.lines.push_back(frame_line(fmt::format("asking {} …", state_.agent)));
    }
  }

  void make_hubs() {
    std::vector<const watch_hub*> order;
    for (const watch_hub& each : state_.overview->hubs)
      order.push_back(&each);
    // The pointers are into one vector: where nothing else differs, its order stays.
    std::ranges::sort(order, {},
                      [](const watch_hub* hub) { return std::pair(hub->is_up && !hub->is_blind, hub); });
    for (const watch_hub* each : order) {
      hubs_.lines.push_back(hub_line(*each));
      troubled_hubs_ += each->was_tried && (!each->is_up || each->is_blind) ? 1 : 0;
    }
  }

  [[nodiscard]] frame_line hub_line(const watch_hub& hub) const {
    frame_line line("hub ");
    line.add(hub.name, style::strong).add("  ");
    const bool is_bad = hub.was_tried && (!hub.is_up || hub.is_blind);
    if (!hub.was_tried)
      line.add("not tried yet", style::faint);
    else if (!hub.is_up)
      line.add("! DOWN", style::bad);
    else
      line.add(hub.is_blind ? "" : "up", style::good);
    if (hub.is_blind)
      line.add(hub.is_up ? "? BLIND" : " ? BLIND", style::bad);
    if (hub.last_reconcile) {
      const duration age = state_.agent_now() - *hub.last_reconcile;
      const bool is_aged = is_bad || is_old() || age > fresh_max;
      line.add(fmt::format("  {}{}", is_aged ? "DATA IS OLD: read " : "read ", age_text(age) + " ago"),
               is_aged ? style::caution : style::plain);
    } else if (hub.was_tried) {
      line.add("  never read", style::caution);
    }
    if (hub.calls_allowed > 0)
      line.add(fmt::format("  {} of {} API calls", hub.calls_made, hub.calls_allowed));
    if (is_bad && !hub.last_failure.empty())
      line.add("  ").add(hub.last_failure, style::bad);
    add_channels(line, hub);
    return line;
  }

  static void add_channels(frame_line& line, const watch_hub& hub) {
    if (hub.channels.empty()) {
      line.add("  polling only", style::faint);
      return;
    }
    const auto live = std::ranges::count_if(hub.channels, &watch_channel::is_live);
    line.add(fmt::format("  {} of {} channels live", live, hub.channels.size()),
             static_cast<std::size_t>(live) == hub.channels.size() ? style::plain : style::caution);
    const auto dead = std::ranges::find(hub.channels, false, &watch_channel::is_live);
    if (dead != hub.channels.end())
      line.add(fmt::format(" ({}: {})", dead->channel, dead->reason.empty() ? "not live" : dead->reason),
               style::caution);
  }

  static void add_standing(frame_line& line, const watch_rollout& rollout) {
    line.add(upper(rollout.state), state_style(rollout.state)).add("  ");
    if (rollout.verdict.empty())
      line.add("no rules", style::faint);
    else
      line.add(rollout.verdict == "breached" ? "! BREACHED" : rollout.verdict,
               verdict_style(rollout.verdict));
    if (rollout.is_held)
      line.add("  HELD", style::caution);
  }

  void make_focus() {
    if (rollout_ == nullptr) {
      focus_.lines.push_back(
          frame_line(state_.overview->rollouts.empty() ? "no rollouts are known" : "no rollout is chosen"));
      return;
    }
    frame_line line;
    if (is_old())
      line.add("OLD  ", style::bad);
    add_standing(line, *rollout_);
    line.add("  ")
        .add(rollout_->package_name, style::strong)
        .add(" ")
        .add(rollout_->package_version, style::strong);
    line.add("  ").add(rollout_->key.second).add("  ").add(rollout_->key.first);
    focus_.lines.push_back(std::move(line));
    focus_.lines.push_back(progress_line(rollout_->progress));
    focus_.lines.push_back(pace_line(rollout_->progress));
  }

  [[nodiscard]] frame_line progress_line(const watch_progress& progress) const {
    const std::string numbers =
        fmt::format("{} of {} finished, {} failed, {} spared, {} running", progress.finished, progress.orgs,
                    progress.failed, progress.spared, progress.running);
    frame_line line;
    const std::size_t room = size_.columns > numbers.size() + 2 ? size_.columns - numbers.size() - 2 : 0;
    if (room >= bar_min) {
      add_bar(line, std::min(room, rollout_bar_max), parts_of(progress), shown_);
      line.add("  ");
    }
    return line.add(numbers);
  }

  [[nodiscard]] frame_line pace_line(const watch_progress& progress) const {
    frame_line line;
    line.add(fmt::format("{} started; ", progress.started));
    line.add(progress.rate_per_minute ? fmt::format("{:.1f} orgs a minute", *progress.rate_per_minute)
                                      : "no rate known yet");
    if (progress.estimated_end) {
      const duration left = *progress.estimated_end - state_.agent_now();
      line.add(fmt::format("; ends about {}{}", moment_text(*progress.estimated_end, state_.agent_now()),
                           left > duration{} ? fmt::format(" (in {})", age_text(left)) : ""));
    }
    return line;
  }

  // mark 1, verdict 8, name, failed/started 11, observed 6, bound 6, limit 6, standing 9, and blanks between.
  static constexpr std::size_t rule_cells = 1 + 1 + 8 + 1 + 1 + 11 + 1 + 6 + 1 + 6 + 1 + 6 + 1 + 9;

  void make_rules() {
    rules_ = titled("RULES");
    std::vector<const watch_rule*> order;
    std::size_t longest = 8;
    for (const watch_rule& each : rollout_->rules) {
      order.push_back(&each);
      longest = std::max(longest, display_width(each.name()));
    }
    std::ranges::sort(order, {},
                      [](const watch_rule* rule) { return std::pair(verdict_rank(rule->verdict), rule); });
    const std::size_t room = size_.columns > rule_cells ? size_.columns - rule_cells : 0;
    const std::size_t name_cells = std::clamp<std::size_t>(room, 8, longest);
    rules_.heads_at = 2 + 8 + 1 + name_cells + 1;
    rules_.heads = "  failed/of  rate%  bound  limit";
    for (const watch_rule* each : order)
      rules_.lines.push_back(rule_line(*each, name_cells));
  }

  [[nodiscard]] frame_line rule_line(const watch_rule& rule, std::size_t name_cells) const {
    frame_line line;
    const style how = verdict_style(rule.verdict);
    line.add(verdict_mark(rule.verdict), how).add(" ");
    line.add_left(rule.verdict == "insufficient_data" ? "too few" : rule.verdict, 8, how).add(" ");
    line.add_left(rule.name(), name_cells).add(" ");
    line.add_right(fmt::format("{}/{}", rule.failed, rule.started), 11).add(" ");
    line.add_right(percent_text(rule.observed_ratio), 6).add(" ");
    line.add_right(percent_text(rule.lower_bound_ratio), 6).add(" ");
    line.add_right(percent_text(rule.threshold_ratio), 6).add(" ");
    const bool is_held = rule.follows == "held";
    line.add_left(is_held         ? "held"
                  : rule.is_armed ? "armed"
                                  : "not armed",
                  9, is_held || !rule.is_armed ? style::caution : style::plain);
    if (line.width() + 20 < size_.columns)
      line.add("  ").add(rule.reason, style::faint);
    return line;
  }

  void make_waves() {
    waves_ = titled("WAVES");
    int number = 0;
    // number 3, id, status 11, and four numbers of 7.
    const std::size_t fixed = 4 + 12 + 1 + (4 * 8);
    const bool has_ids = size_.columns >= fixed + id_cells + 1 + bar_min;
    const std::size_t taken = fixed + (has_ids ? id_cells + 1 : 0);
    const std::size_t bar_cells =
        size_.columns >= taken + bar_min ? std::min(size_.columns - taken, rollout_bar_max) : 0;
    waves_.heads_at = taken - 32 + bar_cells;
    waves_.heads = " started    done  failed  spared";
    for (const watch_wave& each : rollout_->waves) {
      frame_line line;
      line.add_right(std::to_string(++number), 3).add(" ");
      if (has_ids)
        line.add_left(each.id, id_cells).add(" ");
      line.add_left(each.status, 11, state_style(each.status)).add(" ");
      add_bar(line, bar_cells, parts_of(each.progress), shown_);
      line.add(" ");
      const watch_progress& it = each.progress;
      line.add_right(fmt::format("{}/{}", it.started, it.orgs), 8);
      line.add_right(std::to_string(it.finished), 8);
      line.add_right(std::to_string(it.failed), 8, it.failed > 0 ? style::bad : style::plain);
      line.add_right(std::to_string(it.spared), 8);
      waves_.lines.push_back(std::move(line));
    }
  }

  void make_errors() {
    if (!state_.failures || state_.failures->groups.empty())
      return;
    const auto failed = state_.failures->failed;
    errors_ = titled("TOP ERRORS");
    errors_.title->add(fmt::format("  {} org{} failed", failed, failed == 1 ? "" : "s"), style::faint);
    for (const watch_error& each : state_.failures->groups) {
      frame_line line;
      line.add_right(std::to_string(each.failed), 7, style::bad).add(" ");
      line.add_right(failed > 0 ? fmt::format("{:.0f}%", 100.0 * static_cast<double>(each.failed) /
                                                             static_cast<double>(failed))
                                : "-",
                     4);
      line.add("  ").add(each.text.empty() ? "(the reason is not known)" : each.text);
      errors_.lines.push_back(std::move(line));
    }
    if (state_.failures->others > 0)
      errors_.lines.push_back(
          frame_line().add_right(std::to_string(state_.failures->others), 7).add("       of other kinds"));
  }

  void make_decisions() {
    decisions_ = titled("DECISIONS");
    for (const watch_decision& each : rollout_->decisions) {
      frame_line line;
      line.add(each.decided_at ? moment_text(*each.decided_at, state_.agent_now()) : "-").add("  ");
      const bool is_good = each.outcome == "confirmed" || each.outcome == "nothing_to_cancel";
      line.add(each.outcome.empty() ? "UNDER WAY" : upper(each.outcome),
               is_good ? style::strong : style::caution);
      line.add("  ").add(each.policy).add(each.rule.empty() ? "" : "/").add(each.rule);
      line.add(each.mode == "dry_run" ? "  (dry run)" : "", style::caution);
      line.add(fmt::format("  {} spared", each.spared));
      if (!each.actor.empty())
        line.add("  by ").add(each.actor);
      decisions_.lines.push_back(std::move(line));
      decisions_.lines.push_back(frame_line("          ").add(each.reason));
    }
  }

  void make_others() {
    others_ = titled("OTHER ROLLOUTS");
    std::vector<const watch_rollout*> order;
    for (const watch_rollout& each : state_.overview->rollouts) {
      if (&each != rollout_)
        order.push_back(&each);
    }
    std::ranges::sort(order, std::ranges::greater(),
                      [](const watch_rollout* it) { return std::tuple(it->is_open, it->latest_start, it); });
    for (const watch_rollout* each : order) {
      frame_line line;
      add_standing(line, *each);
      line.add(fmt::format("  {}/{} finished, {} failed, {} spared  ", each->progress.finished,
                           each->progress.orgs, each->progress.failed, each->progress.spared));
      line.add(each->package_name).add(" ").add(each->package_version).add("  ");
      line.add(each->key.second).add("  ").add(each->key.first);
      if (size_.columns >= line.width() + 2 + bar_min) {
        line.add("  ");
        add_bar(line, std::min(size_.columns - line.width(), rollout_bar_max / 3), parts_of(each->progress),
                shown_);
      }
      others_.lines.push_back(std::move(line));
    }
  }

  [[nodiscard]] std::array<block*, 9> in_order() {
    return {&header_, &alarm_, &hubs_, &focus_, &rules_, &waves_, &errors_, &decisions_, &others_};
  }

  /// What matters most gets its rows first.
  void share_out() {
    constexpr std::size_t all = 1'000'000;
    struct step {
      block* to;
      std::size_t lines;
    };
    const std::array steps{
        step{&alarm_, 1},      step{&focus_, 1},   step{&header_, 1},
        step{&focus_, 2},      step{&footer_, 1},  step{&hubs_, std::min<std::size_t>(troubled_hubs_, 2)},
        step{&alarm_, 2},      step{&rules_, 1},   step{&decisions_, 1},
        step{&hubs_, 2},       step{&focus_, 3},   step{&waves_, 2},
        step{&rules_, 3},      step{&errors_, 1},  step{&decisions_, 2},
        step{&waves_, 4},      step{&errors_, 3},  step{&rules_, 6},
        step{&waves_, 8},      step{&others_, 2},  step{&decisions_, 4},
        step{&errors_, 6},     step{&hubs_, all},  step{&others_, all},
        step{&waves_, all},    step{&rules_, all}, step{&errors_, all},
        step{&decisions_, all}};
    footer_.lines.emplace_back();
    left_ = size_.rows;
    for (const step& each : steps) {
      while (each.to->shown < std::min(each.lines, each.to->lines.size()) &&
             each.to->cost_of_next() <= left_) {
        left_ -= each.to->cost_of_next();
        ++each.to->shown;
      }
    }
  }

  /// Those around the first that has not ended.
  void choose_waves() {
    if (waves_.shown == 0 || waves_.shown == waves_.lines.size())
      return;
    const auto current = std::ranges::find(rollout_->waves, false, &watch_wave::is_ended);
    const auto index = static_cast<std::size_t>(current - rollout_->waves.begin());
    const bool has_room = waves_.shown > 2;
    waves_.first = std::min(has_room && index > 0 ? index - 1 : index, waves_.lines.size() - waves_.shown);
  }

  frame_line footer_line() {
    std::size_t left_out = 0;
    for (const block* each : in_order())
      left_out += each->size() - each->rows();
    frame_line line("q quits", style::faint);
    if (left_out > 0)
      line.add("  ").add(
          fmt::format("{} line{} left out: make the window larger", left_out, left_out == 1 ? "" : "s"),
          style::caution);
    if (rollout_ == nullptr)
      return line;
    line.add("  ");
    constexpr std::array legend{std::pair(done_part, " done"), std::pair(failed_part, " failed"),
                                std::pair(running_part, " running"), std::pair(waiting_part, " waiting"),
                                std::pair(spared_part, " spared")};
    for (const auto& [part, meaning] : legend)
      line.add(" ").add(shown_ == glyphs::utf8 ? part.utf8 : part.ascii, part.how).add(meaning, style::faint);
    return line;
  }

  std::vector<frame_line> put_together() {
    if (footer_.shown > 0)
      footer_.lines.front() = footer_line();
    std::vector<frame_line> out;
    for (const block* each : in_order()) {
      if (each->shown == 0)
        continue;
      if (each->title && left_ > 0) {
        out.emplace_back();
        --left_;
      }
      if (each->title)
        out.push_back(title_of(*each));
      const auto first = each->lines.begin() + static_cast<std::ptrdiff_t>(each->first);
      out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(each->shown));
    }
    if (footer_.shown > 0) {
      if (left_ > 0)
        out.resize(out.size() + left_);
      out.push_back(footer_.lines.front());
    }
    return out;
  }

  [[nodiscard]] frame_line title_of(const block& each) const {
    frame_line line = *each.title;
    if (each.shown < each.lines.size() && &each != &decisions_)
      line.add(fmt::format("  ({} of {})", each.shown, each.lines.size()), style::caution);
    if (!each.heads.empty() && line.width() < each.heads_at)
      line.fill_to(each.heads_at).add(each.heads, style::faint);
    return line;
  }

  const watch_state& state_;
  frame_size size_;
  glyphs shown_;
  const watch_rollout* rollout_;
  block header_;
  block alarm_;
  block hubs_;
  block focus_;
  block rules_;
  block waves_;
  block errors_;
  block decisions_;
  block others_;
  block footer_;
  std::size_t troubled_hubs_ = 0;
  std::size_t left_ = 0;
};

}  // namespace

std::vector<std::string> render_frame(const watch_state& state, frame_size size, colour colours,
                                      glyphs shown) {
  std::vector<std::string> out;
  if (size.columns == 0 || size.rows == 0)
    return out;
  for (const frame_line& line : frame_maker(state, size, shown).make())
    out.push_back(line.render(size.columns, colours, shown));
  return out;
}

std::string age_text(duration age) {
  constexpr std::array units{std::pair(86'400LL, 'd'), std::pair(3'600LL, 'h'), std::pair(60LL, 'm'),
                             std::pair(1LL, 's')};
  long long left = std::max<long long>(std::chrono::floor<seconds>(age).count(), 0);
  std::string out;
  int told = 0;
  for (const auto& [length, letter] : units) {
    if (left >= length && told < 2) {
      out += fmt::format("{}{}{}", told > 0 ? " " : "", left / length, letter);
      left %= length;
    }
    told += out.empty() ? 0 : 1;
  }
  return out.empty() ? "0s" : out;
}

}  // namespace pushguard::agent
