#include "agent/hold_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/view_making.hpp"
#include "agent/watch_alert_texts.hpp"

namespace pushguard::agent {
namespace {

std::string_view label_of(const alerts::alert& of, std::string_view name) {
  const auto found = of.labels.find(name);
  return found == of.labels.end() ? std::string_view() : std::string_view(found->second);
}

bool is_covered(const hold_view& hold, const alerts::alert& breach) {
  const auto fits = [&](std::string_view name, std::string_view wanted) {
    return wanted.empty() || label_of(breach, name) == wanted;
  };
  return fits("hub", hold.hub) && fits("rollout", hold.rollout) && fits("policy", hold.policy) &&
         fits("rule", hold.rule);
}

}  // namespace

wall_time notice_due(const store::hold_record& hold) noexcept {
  return hold.until - std::min(hold_notice, (hold.until - hold.since) / 2);
}

/// The alerts about held breaches know what is breached in every hub.
std::vector<std::string> hold_watch::breached_under(const store::hold_record& hold) const {
  const hold_view view = make_hold_view(hold);
  std::set<std::string> made;  // the segments of a rule have alerts of their own
  for (const alerts::alert_record& record : center_.snapshot()) {
    const alerts::alert& breach = record.content;
    if (breach.state == alerts::alert_state::firing && breach.name == held_breach_alert_name &&
        is_covered(view, breach))
      made.insert(fmt::format("{}/{} for {} ({})", label_of(breach, "policy"), label_of(breach, "rule"),
                              label_of(breach, "rollout"), label_of(breach, "hub")));
  }
  return {made.begin(), made.end()};
}

std::optional<wall_time> hold_watch::look(std::span<const store::hold_record> held, wall_time now) {
  if (!std::exchange(has_adopted_, true))
    told_.adopt([](const alerts::alert& each) { return each.name == hold_alert_name; });
  std::optional<wall_time> next;
  std::set<std::string> due;
  for (const store::hold_record& hold : held) {
    const wall_time from = notice_due(hold);
    if (from > now) {
      next = std::min(from, next.value_or(from));
    } else if (hold.until > now) {
      alerts::alert made = make_hold_alert(make_hold_view(hold), breached_under(hold));
      due.insert(made.id);
      told_.raise(std::move(made));
    }
  }
  told_.keep_only(due);
  return next;
}

}  // namespace pushguard::agent
