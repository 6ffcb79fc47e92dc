#include "agent/rollout_news.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/decision_making.hpp"
#include "agent/view_making.hpp"

namespace pushguard::agent {
namespace {

using domain::push_status;

using tracker::count_of;

struct rollout_story {
  rollout_chapter at = rollout_chapter::unknown;
  std::string abort_cause = {};  ///< `production/failure-rate: failed 17 of …`
  std::uint32_t epoch = 1;
  tracker::status_counts jobs = {};
};

/// `950 succeeded, 17 failed, 540 cancelled`: only what there is.
std::string counts_text(const tracker::status_counts& jobs) {
  constexpr std::array told{std::pair(push_status::succeeded, "succeeded"),
                            std::pair(push_status::failed, "failed"),
                            std::pair(push_status::canceled, "cancelled")};
  std::string out;
  for (const auto& [status, name] : told) {
    if (const auto count = count_of(jobs, status); count > 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, name);
  }
  return out.empty() ? "no org was pushed" : out;
}

std::string chapter_text(const rollout_story& story) {
  switch (story.at) {
    case rollout_chapter::unknown:
      return "";
    case rollout_chapter::running:
      return story.epoch > 1 ? "was resumed" : "has begun";
    case rollout_chapter::aborted:
      return fmt::format("is aborted: {}", story.abort_cause);
    case rollout_chapter::ended:
      return fmt::format("has ended: {}", counts_text(story.jobs));
  }
  return "";
}

std::string_view chapter_name(rollout_chapter at) {
  switch (at) {
    case rollout_chapter::unknown:
      return "unknown";
    case rollout_chapter::running:
      return "running";
    case rollout_chapter::aborted:
      return "aborted";
    case rollout_chapter::ended:
      return "ended";
  }
  return "unknown";
}

std::string rollout_alert_id(std::string_view hub, std::string_view rollout) {
  return alerts::make_alert_id({"rollout", hub, rollout});
}

alerts::alert make_rollout_alert(const alert_context& context, const rollout_story& story) {
  alerts::alert made;
  made.id = rollout_alert_id(context.hub, context.rollout);
  made.name = "PushguardRollout";
  made.kind = alerts::alert_kind::change;
  made.severity = alerts::alert_severity::info;
  made.labels = {{"hub", context.hub},
                 {"rollout", context.rollout},
                 {"package_id", std::string(context.package.text())},
                 {"package_name", context.package_name},
                 {"package_version", context.version_number}};
  made.summary = fmt::format("The rollout of {} {} ({}, {}) {}", context.package_name, context.version_number,
                             context.rollout, context.hub, chapter_text(story));
  made.annotations = {{"chapter", std::string(chapter_name(story.at))}};
  return made;
}

rollout_chapter read_chapter(const tracker::tracker& tracked, tracker::rollout_index rollout,
                             bool is_aborted) {
  const tracker::rollout_record& record = tracked.at(rollout);
  if (record.requests.empty())
    return rollout_chapter::unknown;  // known from the store, and not read yet
  if (!record.is_open())
    return rollout_chapter::ended;
  if (is_aborted)
    return rollout_chapter::aborted;
  const tracker::status_counts jobs = tracked.job_counts(rollout);
  const bool has_started = count_of(jobs, push_status::in_progress) > 0 ||
                           count_of(jobs, push_status::succeeded) > 0 ||
                           count_of(jobs, push_status::failed) > 0;
  return has_started ? rollout_chapter::running : rollout_chapter::unknown;
}

rollout_story read_story(const tracker::tracker& tracked, tracker::rollout_index rollout,
                         const store::decision_record* abort, std::uint32_t epoch) {
  rollout_story story{.at = read_chapter(tracked, rollout, abort != nullptr),
                      .epoch = epoch,
                      .jobs = tracked.job_counts(rollout)};
  if (story.at == rollout_chapter::aborted) {
    story.abort_cause = abort->key.mode == store::decision_mode::manual
                            ? fmt::format("{}: {}", abort->actor, abort->reason)
                            : fmt::format("{}/{}: {}", abort->key.policy, abort->key.rule, abort->reason);
  }
  return story;
}

/// Nothing has happened in the rollout for `gap`: no later wave can join it.
bool is_closed(const tracker::tracker& tracked, tracker::rollout_index rollout, duration gap, wall_time now) {
  const tracker::rollout_record& record = tracked.at(rollout);
  return !record.is_open() && !record.requests.empty() &&
         std::ranges::all_of(record.requests, [&](tracker::request_index index) {
           const tracker::request_record& request = tracked.at(index);
           const wall_time last = std::max({request.begins(), request.last_progress.value_or(wall_time{}),
                                            request.row.modified.value_or(wall_time{})});
           return now - last > gap;
         });
}

}  // namespace

void rollout_news::tell(duration gap, wall_time now) {
  told_.resize(parts_.tracked.rollouts().size());
  for (std::size_t i = 0; i < told_.size(); ++i) {
    const auto index = static_cast<tracker::rollout_index>(i);
    const domain::rollout_id& id = parts_.tracked.at(index).id;
    told& before = told_[i];
    const std::uint32_t epoch = parts_.epoch_of(id);
    if (before.is_closed && epoch == before.epoch && !parts_.tracked.at(index).is_open())
      continue;
    const store::decision_record* abort = parts_.memory.abort_of(id, epoch);
    const rollout_chapter at = read_chapter(parts_.tracked, index, abort != nullptr);
    if (at != rollout_chapter::unknown && (at != before.at || epoch != before.epoch)) {
      before.at = at;
      before.epoch = epoch;
      before.is_closed = false;
      alerts::alert news =
          make_rollout_alert(parts_.context_of(id), read_story(parts_.tracked, index, abort, epoch));
      if (at == rollout_chapter::ended) {
        parts_.alerts.end(std::move(news));
      } else {
        parts_.alerts.raise(std::move(news));
      }
    }
    if (!before.is_closed && is_closed(parts_.tracked, index, gap, now)) {
      before.is_closed = true;
      for (const store::decision_record* decision : parts_.memory.decisions_of(id))
        parts_.alerts.end(containment_alert_id(make_decision_view(*decision)));
    }
  }
}

}  // namespace pushguard::agent
