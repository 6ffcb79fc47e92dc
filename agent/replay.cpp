#include "agent/replay.hpp"

#include <algorithm>
#include <array>
#include <boost/sort/pdqsort/pdqsort.hpp>
#include <map>

namespace pushguard::agent {
namespace {

using namespace std::chrono_literals;
using domain::push_status;
using history::history_job;
using history::past_push;

/// A rollout is seen so long before it begins, so that the rules are armed.
constexpr duration seen_before = 1min;
constexpr duration usual_step = 1min;
/// Starts and successes are judged together for less than so long: shorter than the agent's own interval.
constexpr duration quiet_max = 10s;

std::optional<wall_time> earlier(std::optional<wall_time> a, std::optional<wall_time> b) {
  if (!a || !b)
    return a ? a : b;
  return std::min(*a, *b);
}

std::optional<wall_time> start_of(const history_job& job) {
  return !job.row.start && job.row.status == push_status::in_progress ? job.row.modified : job.row.start;
}

/// When its jobs left the queue for the first time; nothing where it never started.
std::optional<wall_time> start_of(const past_push& push) {
  std::optional<wall_time> start = push.header.request.start;
  for (const history_job& job : push.jobs)
    start = earlier(start, start_of(job));
  return start;
}

/// When the request starts or would have, as a tracker orders requests.
wall_time begin_of(const past_push& push) {
  const auto& row = push.header.request;
  if (row.scheduled_start)
    return *row.scheduled_start;
  return start_of(push).value_or(row.end.value_or(row.modified.value_or(push.header.written_at)));
}

bool can_end(push_status status) {
  return is_terminal(status) || status == push_status::unrecognized;
}

/// When the job took its recorded status; nothing where it waits or runs still.
std::optional<wall_time> end_of(const history_job& job, const past_push& push) {
  if (!can_end(job.row.status))
    return std::nullopt;
  for (const auto& time : {job.row.end, job.row.modified, push.header.request.end, job.row.start})
    if (time)
      return std::max(*time, job.row.start.value_or(*time));
  return begin_of(push);
}

std::optional<wall_time> last_end(const past_push& push) {
  std::optional<wall_time> last;
  for (const history_job& job : push.jobs) {
    for (const auto& time : {start_of(job), end_of(job, push)})
      last = last && time ? std::max(*last, *time) : (last ? last : time);
  }
  return last;
}

std::optional<wall_time> end_of(const past_push& push) {
  const auto& row = push.header.request;
  if (!can_end(row.status))
    return std::nullopt;
  if (row.end)
    return row.end;
  const auto last = last_end(push);
  return last ? last : std::optional(row.modified.value_or(begin_of(push)));
}

/// The last instant at which something is known of it.
wall_time last_activity(const past_push& push) {
  auto last = std::max(begin_of(push), last_end(push).value_or(wall_time::min()));
  return std::max(last, end_of(push).value_or(wall_time::min()));
}

/// In the order in which they are told of at one instant. Salesforce's instants are whole seconds: what was
/// cancelled in the second of a failure may have been cancelled for it, so the failure is judged before.
enum class happening : unsigned char {
  shown,
  request_started,
  job_started,
  job_ended,
  request_ended,
  job_canceled,
  request_canceled
};

struct event {
  wall_time at;
  happening what = happening::shown;
  std::uint32_t push = 0;
  std::uint32_t job = 0;
  /// It may change a verdict by itself; a job that starts or succeeds only makes the share smaller.
  bool is_judged_at_once = true;

  friend auto operator<=>(const event&, const event&) = default;
};

/// What is told of a job again and again, apart from its record, which has far more.
struct replayed_job {
  tracker::job_index index = tracker::no_job;  // until it is shown, before anything is told of it
  push_status status = push_status::unrecognized;
  tracker::maybe_time start{};
};

/// Jobs are shown so many at a time: what is made of them stays in the processor's cache.
constexpr std::size_t shown_together = 256;

class replayer {
 public:
  replayer(std::span<const past_push> pushes, std::span<const recorded_rollout> rollouts,
           tracker::tracker& into, const replay_steps& steps)
      : pushes_(pushes), rollouts_(rollouts), into_(into), steps_(steps) {}

  void run() {
    collect();
    // Runs that are in order are what makes std::sort slow.
    boost::sort::pdqsort(events_.begin(), events_.end());
    for (std::size_t i = 0; i < events_.size();) {
      wait_until(events_[i].at);
      const std::size_t end = end_of_instant(i);
      take(std::span(events_).subspan(i, end - i));
      now_ = events_[end - 1].at;
      i = end;
    }
    wait_until(horizon_);
  }

 private:
  void collect() {
    duration open{};
    horizon_ = wall_time::min();
    std::size_t jobs = 0;
    for (const past_push& push : pushes_)
      jobs += push.jobs.size();
    events_.reserve(2 * jobs + 3 * pushes_.size());
    jobs_.resize(pushes_.size());
    into_.reserve(jobs);
    for (const recorded_rollout& rollout : rollouts_) {
      open += rollout.ended - rollout.shown;
      for (const std::size_t push : rollout.pushes)
        collect(static_cast<std::uint32_t>(push), rollout);
    }
    step_ = std::max(usual_step, open / static_cast<int>(idle_steps_max) + 1ms);
  }

  void collect(std::uint32_t index, const recorded_rollout& rollout) {
    const past_push& push = pushes_[index];
    jobs_[index].reserve(push.jobs.size());
    auto start = push.header.request.start;
    auto first = wall_time::max();
    const auto add = [&](const event& happened) {
      first = std::min(first, happened.at);
      events_.push_back(happened);
    };
    for (std::uint32_t i = 0; i < push.jobs.size(); ++i) {
      const auto& row = push.jobs[i].row;
      jobs_[index].push_back({.status = row.status, .start = row.start});
      const auto job_start = start_of(push.jobs[i]);
      start = earlier(start, job_start);
      if (job_start)
        add({*job_start, happening::job_started, index, i, false});
      if (const auto job_end = end_of(push.jobs[i], push))
        add({*job_end, row.status == push_status::canceled ? happening::job_canceled : happening::job_ended,
             index, i, row.status != push_status::succeeded});
    }
    if (start)
      add({*start, happening::request_started, index});
    if (const auto ended = end_of(push)) {
      const bool is_canceled = push.header.request.status == push_status::canceled;
      add({*ended, is_canceled ? happening::request_canceled : happening::request_ended, index});
    }
    // One that was not scheduled begins when it is made, so that it cannot be seen before. Whatever happens
    // to one, it was seen by then.
    const bool is_scheduled = push.header.request.scheduled_start.has_value();
    const auto begin = begin_of(push);
    const auto seen = is_scheduled || begin == rollout.began ? rollout.shown : begin;
    events_.push_back({std::min(seen, first), happening::shown, index});
    // What still ran when the file was written ran until then.
    if (!push.header.is_complete) {
      const auto bound = rollout.ended + tracker::abandoned_after + 1h;
      horizon_ = std::max(horizon_, std::min(push.header.written_at, bound));
    }
  }

  /// The end of the next instant at which something is judged: starts and successes before it come along.
  [[nodiscard]] std::size_t end_of_instant(std::size_t begin) const {
    std::size_t end = begin;
    for (bool is_due = false; end < events_.size(); ++end) {
      const bool is_later = end > begin && events_[end].at != events_[end - 1].at;
      if (is_later && (is_due || events_[end].at - events_[begin].at >= quiet_max))
        break;
      is_due = is_due || events_[end].is_judged_at_once;
      // What is shown comes first at its instant.
      if (is_later && events_[end].what == happening::shown)
        break;
    }
    return end;
  }

  [[nodiscard]] bool is_open() const {
    return std::ranges::any_of(into_.rollouts(), &tracker::rollout_record::is_open);
  }

  /// The time until then passes step by step, where something is awaited.
  void wait_until(wall_time then) {
    while (now_ && *now_ + step_ < then && idle_steps_ < idle_steps_max && is_open()) {
      *now_ += step_;
      ++idle_steps_;
      steps_.happened(into_.reconciled(*now_), *now_);
    }
  }

  void take(std::span<const event> events) {
    const auto at = events.back().at;
    tracker::changes changed;
    const bool shows = events.front().what == happening::shown;
    if (shows && steps_.before_rollout)
      steps_.before_rollout();
    std::size_t taken = 0;
    while (taken < events.size() && events[taken].what == happening::shown)
      show(events[taken++], at, changed);
    // Each is judged at once, so what was cancelled ends the span.
    const auto canceled =
        std::ranges::find_if(events, [](const event& each) { return each.what >= happening::job_canceled; });
    const auto before = events.first(static_cast<std::size_t>(canceled - events.begin()));
    tell_requests(before.subspan(taken), happening::request_started, at, changed);
    tell_jobs(before.subspan(taken), at, changed);
    tell_requests(before.subspan(taken), happening::request_ended, at, changed);
    if (shows)
      changed.append(into_.reconciled(at));
    if (!before.empty())
      steps_.happened(changed, at);
    if (before.size() == events.size())
      return;
    tracker::changes afterwards;
    tell_jobs(events.subspan(before.size()), at, afterwards);
    tell_requests(events.subspan(before.size()), happening::request_canceled, at, afterwards);
    steps_.happened(afterwards, at);
  }

  void show(const event& shown, wall_time at, tracker::changes& changed) {
    const past_push& push = pushes_[shown.push];
    auto row = push.header.request;
    row.status = push_status::pending;
    row.status_text.clear();
    row.start.reset();
    row.end.reset();
    row.modified = at;
    changed.append(into_.apply(std::span(&row, 1), at));
    for (std::size_t i = 0; i < push.jobs.size(); i += shown_together) {
      const auto count = std::min(shown_together, push.jobs.size() - i);
      show_jobs(std::span(push.jobs).subspan(i, count), row.id, at,
                std::span(jobs_[shown.push]).subspan(i, count), changed);
    }
    // An org that has one job alone is counted with it.
    std::erase_if(changed.subscribers, [&](tracker::org_index org) {
      return into_.at(into_.at(org).newest_job).next_of_org == tracker::no_job;
    });
  }

  void show_jobs(std::span<const history_job> jobs, const domain::request_id& request, wall_time at,
                 std::span<replayed_job> replayed, tracker::changes& changed) {
    rows_.clear();
    subscribers_.clear();
    for (const history_job& job : jobs) {
      auto& row = rows_.emplace_back();
      row.id = job.row.id;
      row.request = request;
      row.org = job.row.org;
      row.status = push_status::pending;
      row.modified = at;
      if (!job.subscriber)
        continue;
      // No rule looks at an org's name or status.
      auto& subscriber = subscribers_.emplace_back();
      subscriber.org = job.row.org;
      subscriber.package = job.subscriber->package;
      subscriber.type = job.subscriber->type;
      subscriber.sf_instance = job.subscriber->sf_instance;
      subscriber.version = job.subscriber->version;
    }
    auto told = into_.apply(rows_, at);
    // Each row of a new job is one change. Of a job in two files some may be no news.
    const bool are_new = told.jobs.size() == jobs.size();
    for (std::size_t i = 0; i < jobs.size(); ++i)
      replayed[i].index = are_new ? told.jobs[i].job : into_.find(jobs[i].row.id).value();
    changed.append(std::move(told));
    changed.append(into_.apply(subscribers_));
  }

  void tell_requests(std::span<const event> events, happening what, wall_time at, tracker::changes& changed) {
    for (const event& each : events) {
      if (each.what != what)
        continue;
      auto row = pushes_[each.push].header.request;
      row.modified = each.at;
      if (what == happening::request_started) {
        row.status = push_status::in_progress;
        row.status_text.clear();
        row.start = each.at;
        row.end.reset();
      } else if (is_terminal(row.status)) {
        row.end = each.at;
      }
      changed.append(into_.apply(std::span(&row, 1), at));
    }
  }

  void tell_jobs(std::span<const event> events, wall_time at, tracker::changes& changed) {
    states_.clear();
    read_.clear();
    errors_.clear();
    for (const event& each : events) {
      if (each.what != happening::job_started && each.what != happening::job_ended &&
          each.what != happening::job_canceled)
        continue;
      const replayed_job& job = jobs_[each.push][each.job];
      auto& state = states_.emplace_back();
      state.job = job.index;
      state.start = job.start;
      state.modified = each.at;
      if (each.what == happening::job_started) {
        state.status = push_status::in_progress;
        continue;
      }
      state.status = job.status;
      if (is_terminal(job.status))
        state.end = each.at;
      if (job.status != push_status::failed)
        continue;
      const history_job& recorded = pushes_[each.push].jobs[each.job];
      read_.push_back(recorded.row.id);
      std::ranges::move(history::errors_to_replay(recorded), std::back_inserter(errors_));
    }
    if (!states_.empty())
      changed.append(into_.apply(states_, at));
    if (!read_.empty())
      changed.append(into_.apply_errors(read_, errors_));
  }

  std::span<const past_push> pushes_;
  std::span<const recorded_rollout> rollouts_;
  tracker::tracker& into_;
  const replay_steps& steps_;
  std::vector<event> events_;
  std::vector<std::vector<replayed_job>> jobs_;  // by push
  std::vector<domain::job_row> rows_;            // this and the next ones are kept for their room
  std::vector<domain::subscriber_row> subscribers_;
  std::vector<tracker::job_state> states_;
  std::vector<domain::job_id> read_;
  std::vector<domain::error_row> errors_;
  std::optional<wall_time> now_;
  wall_time horizon_{};
  duration step_{};
  std::size_t idle_steps_ = 0;
};

}  // namespace

std::vector<recorded_rollout> find_rollouts(std::span<const past_push> pushes, duration rollout_gap) {
  std::map<domain::version_id, std::vector<std::pair<wall_time, std::size_t>>> by_version;
  for (std::size_t i = 0; i < pushes.size(); ++i)
    by_version[pushes[i].header.request.version].emplace_back(begin_of(pushes[i]), i);
  std::vector<recorded_rollout> made;
  for (auto& [version, begins] : by_version) {
    std::ranges::sort(begins, [&](const auto& a, const auto& b) {
      return std::pair(a.first, pushes[a.second].header.request.id) <
             std::pair(b.first, pushes[b.second].header.request.id);
    });
    std::uint32_t number = 0;
    for (const auto& [begin, push] : begins) {
      const auto first = std::min(begin, start_of(pushes[push]).value_or(begin));
      if (number == 0 || begin - made.back().ended > rollout_gap)
        made.push_back({.id = {version, ++number}, .began = first, .ended = first});
      auto& rollout = made.back();
      rollout.pushes.push_back(push);
      rollout.began = std::min(rollout.began, first);
      rollout.shown = rollout.began - seen_before;
      rollout.ended = std::max(rollout.ended, last_activity(pushes[push]));
    }
  }
  std::ranges::sort(made, [](const auto& a, const auto& b) {
    return std::tuple(a.began, a.id) < std::tuple(b.began, b.id);
  });
  return made;
}

std::vector<tracker::known_rollout> known_rollouts(std::span<const past_push> pushes,
                                                   std::span<const recorded_rollout> rollouts) {
  std::vector<tracker::known_rollout> made;
  for (const recorded_rollout& rollout : rollouts) {
    auto& known =
        made.emplace_back(tracker::known_rollout{.id = rollout.id, .requests = {}, .last_activity = {}});
    for (const std::size_t push : rollout.pushes)
      known.requests.push_back(pushes[push].header.request.id);
  }
  return made;
}

void replay(std::span<const past_push> pushes, std::span<const recorded_rollout> rollouts,
            tracker::tracker& into, const replay_steps& steps) {
  replayer(pushes, rollouts, into, steps).run();
}

}  // namespace pushguard::agent
