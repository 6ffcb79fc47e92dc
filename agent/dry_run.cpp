#include "agent/dry_run.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>

#include "agent/audit_trail.hpp"

namespace pushguard::agent {
namespace {

// A count costs a pass over the jobs that would have been cancelled, and a commit where it differs.
constexpr duration count_interval = std::chrono::seconds(15);

/// The orgs of one decision and their newest job in the requests that would have been cancelled.
class spared_by_plan {
 public:
  spared_by_plan(const tracker::tracker& tracked, const store::decision_record& decision)
      : tracked_(tracked), decision_(decision) {}

  /// False where a request is not known to the tracker.
  bool find_requests() {
    for (const store::plan_entry& entry : decision_.plan) {
      const auto request = tracked_.find(entry.request);
      if (!request)
        return false;
      (entry.action == store::plan_action::cancel ? canceled_ : others_).insert(*request);
    }
    return true;
  }
  [[nodiscard]] const std::set<tracker::request_index>& requests() const noexcept { return canceled_; }

  [[nodiscard]] boost::unordered_flat_map<tracker::org_index, tracker::job_index> newest_jobs() const {
    boost::unordered_flat_map<tracker::org_index, tracker::job_index> newest;
    for (const tracker::request_index request : canceled_) {
      for (const tracker::job_index job : tracked_.at(request).jobs) {
        const tracker::org_index org = tracked_.at(job).org;
        if (is_reached_otherwise(org, tracked_.at(request).rollout))
          continue;
        const auto [place, is_first] = newest.try_emplace(org, job);
        if (!is_first)
          place->second = std::max(place->second, job);
      }
    }
    return newest;
  }

 private:
  /// A request that joined after the decision is no reason: the abort would have been in force for it, too.
  [[nodiscard]] bool is_reached_otherwise(tracker::org_index org, tracker::rollout_index rollout) const {
    for (tracker::job_index job = tracked_.at(org).newest_job; job != tracker::no_job;
         job = tracked_.at(job).next_of_org) {
      const tracker::job_record& record = tracked_.at(job);
      const tracker::request_record& request = tracked_.at(record.request);
      if (request.rollout != rollout || record.status == domain::push_status::canceled ||
          canceled_.contains(record.request))
        continue;
      if (others_.contains(record.request) || request.begins() <= decision_.decided_at)
        return true;
    }
    return false;
  }

  const tracker::tracker& tracked_;
  const store::decision_record& decision_;
  std::set<tracker::request_index> canceled_;
  std::set<tracker::request_index> others_;
};

}  // namespace

std::optional<store::decision_aftermath> count_aftermath(const tracker::tracker& tracked,
                                                         const store::decision_record& decision,
                                                         wall_time now) {
  spared_by_plan orgs(tracked, decision);
  if (!orgs.find_requests())
    return std::nullopt;
  store::decision_aftermath since{.counted_at = now};
  for (const auto& [org, job] : orgs.newest_jobs()) {
    const domain::push_status status = tracked.at(job).status;
    ++since.orgs;
    since.started += domain::is_started(status) ? 1 : 0;
    since.succeeded += status == domain::push_status::succeeded ? 1 : 0;
    since.failed += status == domain::push_status::failed ? 1 : 0;
  }
  since.is_final = std::ranges::none_of(
      orgs.requests(), [&](tracker::request_index request) { return tracked.is_active(request, now); });
  return since;
}

void dry_run_follower::note(const tracker::changes& changes) {
  for (const tracker::job_change& change : changes.jobs)
    changed_.insert(parts_.tracked.at(change.job).request);
  for (const tracker::request_change& change : changes.requests)
    changed_.insert(change.request);
}

bool dry_run_follower::is_due(const store::decision_record& decision) const {
  if (decision.key.mode != store::decision_mode::dry_run)
    return false;
  if (!decision.since || !decision.since->is_final)
    return true;  // requests end by the passing of time, too
  return std::ranges::any_of(decision.plan, [&](const store::plan_entry& entry) {
    const auto request = parts_.tracked.find(entry.request);
    return request && changed_.contains(*request);
  });
}

boost::asio::awaitable<void> dry_run_follower::follow() {
  // Before the first complete read after a start, less is known than was counted before it.
  const steady_time now = parts_.time.steady_now();
  if (now < next_ || !parts_.tracked.last_reconciled())
    co_return;
  next_ = now + count_interval;
  std::vector<store::decision_record> due;  // copies: what is recorded of one is noted in between
  for (const store::decision_record* decision : parts_.memory.decisions()) {
    if (is_due(*decision))
      due.push_back(*decision);
  }
  changed_.clear();
  for (store::decision_record& decision : due) {
    auto since = count_aftermath(parts_.tracked, decision, parts_.hub_clock.wall_now());
    if (!since || (decision.since && decision.since->has_same_counts(*since)))
      continue;
    since->counted_at = parts_.time.wall_now();
    decision.since = *since;
    co_await record(std::move(decision));
  }
}

boost::asio::awaitable<void> dry_run_follower::record(store::decision_record decision) {
  parts_.views.note(decision);
  store::batch batch;
  batch.decision_updates.push_back(
      {.id = decision.id, .plan = {}, .outcome = {}, .ended_at = {}, .since = decision.since});
  audit_backlog::luggage audited = parts_.audit.take();
  batch.audit = audited.entries();
  if (decision.since->is_final)
    batch.audit.push_back(audit_followed(decision));
  const auto committed = co_await parts_.store.commit(std::move(batch));
  if (!committed) {
    if (committed.error().text() != last_failure_) {
      last_failure_ = committed.error().text();
      parts_.log.error("aftermath_not_stored",
                       {{"hub", parts_.hub}, {"decision", decision.id}, {"error", last_failure_}});
    }
    co_return;
  }
  audited.stored();
  last_failure_.clear();
  parts_.memory.note(decision);
}

}  // namespace pushguard::agent
